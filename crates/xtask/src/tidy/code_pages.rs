//! Every public code has a page in `docs/errors/`, and no page is without its code.

use super::Problem;
use crate::tree::Tree;

const TABLE: &str = "crates/kernel/src/code.rs";
const PAGES: &str = "docs/errors/";

/// Codes without a page, pages without a code, pages that do not name their code.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let Some(table) = tree.text(TABLE) else {
        return vec![Problem::new(TABLE, "the table of codes is not there")];
    };
    let codes = codes(table);
    if codes.is_empty() {
        return vec![Problem::new(
            TABLE,
            "no code was found; tidy reads `Variant \"NAME\" 400 …` lines",
        )];
    }
    let mut problems = Vec::new();
    for code in &codes {
        let path = format!("{PAGES}{code}.md");
        match tree.text(&path) {
            None => problems.push(Problem::new(&path, format!("`{code}` has no page"))),
            Some(text)
                if !text
                    .lines()
                    .next()
                    .is_some_and(|title| title.contains(code)) =>
            {
                problems.push(Problem::new(
                    &path,
                    format!("the title does not name `{code}`"),
                ));
            }
            Some(_) => {}
        }
    }
    for path in tree.files.keys() {
        let page = path
            .strip_prefix(PAGES)
            .and_then(|name| name.strip_suffix(".md"));
        if let Some(name) = page
            && name != "README"
            && !codes.contains(&name)
        {
            problems.push(Problem::new(path, format!("there is no code `{name}`")));
        }
    }
    problems
}

/// The names in lines such as `NotFound "NOT_FOUND" 404 Data "…";`.
fn codes(table: &str) -> Vec<&str> {
    table
        .lines()
        .filter_map(|line| {
            let (variant, rest) = line.trim().split_once(" \"")?;
            let (name, rest) = rest.split_once("\" ")?;
            let status = rest.split(' ').next()?;
            let is_row = variant.chars().all(char::is_alphanumeric)
                && name
                    .chars()
                    .all(|letter| letter.is_ascii_uppercase() || letter == '_')
                && status.parse::<u16>().is_ok();
            is_row.then_some(name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::told;

    #[test]
    fn codes_and_pages_belong_together() {
        let table = "codes! {\n    NotFound \"NOT_FOUND\" 404 Data \"Nothing\";\n    Gone \"GONE\" 410 Data \"Gone\";\n    Odd \"ODD\" 400 Data \"Odd\";\n}";
        let tree = Tree::of([
            (TABLE, table),
            ("docs/errors/README.md", "# Errors"),
            ("docs/errors/NOT_FOUND.md", "# NOT_FOUND"),
            ("docs/errors/ODD.md", "# Strange"),
            ("docs/errors/OLD.md", "# OLD"),
        ]);
        assert_eq!(
            told(&check(&tree)),
            [
                "docs/errors/GONE.md: `GONE` has no page",
                "docs/errors/ODD.md: the title does not name `ODD`",
                "docs/errors/OLD.md: there is no code `OLD`",
            ]
        );
    }
}
