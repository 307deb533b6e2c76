//! Every code has its page in `docs/errors`, in the one form that `carnet explain` prints.

use carnet_kernel::Code;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors")
}

#[test]
fn a_page_per_code_and_no_other() {
    let found: BTreeSet<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut expected: BTreeSet<_> = Code::ALL.iter().map(|code| format!("{code}.md")).collect();
    expected.insert("README.md".to_owned());
    assert_eq!(found, expected);
}

#[test]
fn pages_agree_with_the_table_of_codes() {
    for code in Code::ALL {
        let page = std::fs::read_to_string(folder().join(format!("{code}.md"))).unwrap();
        let stage = format!("{:?}", code.stage()).to_lowercase();
        let head = format!(
            "# {code} — {}\n\n- Status: {}\n- Stage: {stage}\n\n",
            code.title(),
            code.status()
        );
        assert!(page.starts_with(&head), "{code}");
        let headings: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        assert_eq!(
            headings,
            ["## Example", "## Usual causes", "## What to do"],
            "{code}"
        );
        assert!(
            page.lines().all(|line| line.chars().count() <= 140),
            "{code}"
        );
        check_example(*code, &page);
    }
}

#[track_caller]
fn check_example(code: Code, page: &str) {
    let Some((_, rest)) = page.split_once("```json\n") else {
        assert!(page.contains(&format!("```text\n{code}: ")), "{code}");
        return;
    };
    let (example, _) = rest.split_once("\n```").unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    assert_eq!(example["success"], false, "{code}");
    let error = &example["error"];
    assert_eq!(error["code"], code.as_str());
    assert_eq!(error["statusCode"], code.status());
    assert!(error["details"].is_array() && error["message"].is_string());
}

#[test]
fn the_index_lists_every_code() {
    let index = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for code in Code::ALL {
        let row = format!(
            "| [{code}]({code}.md) | {} | {} | {} |",
            code.status(),
            format!("{:?}", code.stage()).to_lowercase(),
            code.title()
        );
        assert!(index.contains(&row), "{row}");
    }
}
