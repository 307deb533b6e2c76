//! `docs/status.md` names, for each capability, the test or command that shows it. A test must be
//! there under that name, a file under that path; whether it shows the capability is for people.

use super::Problem;
use crate::source;
use crate::tree::Tree;
use std::collections::BTreeSet;

const PAGE: &str = "docs/status.md";

/// What the first word of a command may be.
const PROGRAMS: [&str; 5] = [".ci/run", "cargo", "carnet", "curl", "passport"];

/// Every row that shows nothing, or something that is not there.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let Some(text) = tree.text(PAGE) else {
        return vec![Problem::new(PAGE, "the page is not there")];
    };
    let functions = functions(tree);
    let mut problems = Vec::new();
    let mut rows = 0;
    for (index, line) in text.lines().enumerate() {
        let Some(cells) = row(line) else {
            continue;
        };
        rows += 1;
        let mut say = |message: String| problems.push(Problem::at(PAGE, index + 1, message));
        let [_, shown_by] = cells.as_slice() else {
            say("a row has two cells: capability, shown by".to_owned());
            continue;
        };
        let spans: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        if spans.is_empty() {
            say("open: no test or command in backticks shows it".to_owned());
        }
        for span in spans {
            if !shows(span, tree, &functions) {
                say(format!("`{span}` is no command, no test and no file"));
            }
        }
    }
    if rows == 0 {
        problems.push(Problem::new(PAGE, "no table `| capability | shown by |`"));
    }
    problems
}

/// Whether a span in backticks is a command, a file, or a test such as `crate::module::name`.
fn shows(span: &str, tree: &Tree, functions: &BTreeSet<&str>) -> bool {
    let first = span.split_whitespace().next().unwrap_or_default();
    let name = span.rsplit("::").next().unwrap_or_default();
    PROGRAMS.contains(&first) || functions.contains(name) || (span.contains('/') && tree.has(span))
}

/// The names of all functions in the project.
fn functions(tree: &Tree) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for (_, text) in tree.rust_files() {
        let mut before = "";
        for (_, word) in source::words(text) {
            if before == "fn" {
                found.insert(word);
            }
            before = word;
        }
    }
    found
}

/// The cells of a table's row; `None` for other lines, headings and separators.
fn row(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    let is_separator = cells
        .iter()
        .all(|cell| !cell.is_empty() && cell.chars().all(|letter| "-: ".contains(letter)));
    let is_heading = cells
        .first()
        .is_some_and(|cell| cell.eq_ignore_ascii_case("capability"));
    (!is_separator && !is_heading).then_some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::told;

    #[track_caller]
    fn check_page(text: &str, expected: &[&str]) {
        let tree = Tree::of([
            (PAGE, text),
            ("examples/shop/scenarios/orders.yaml", ""),
            ("crates/a/tests/it/main.rs", "#[test]\nfn it_serves() {}"),
        ]);
        assert_eq!(told(&check(&tree)), expected);
    }

    #[test]
    fn rows_show_something_that_is_there() {
        check_page(
            "| capability | shown by |\n|---|---|\n\
             | Tests | `cargo xtask test` |\n\
             | Serves | `a::it_serves`, `it_serves` |\n\
             | Sells | all of `examples/shop/scenarios` |\n",
            &[],
        );
        check_page(
            "| Capability | Shown by |\n|:--|---|\n\
             | Serves |  |\n| Runs | a test |\n| Odd |\n\
             | Walks | `a::it_walks` |\n| Reads | `docs/none.md` |\n",
            &[
                "docs/status.md:3: open: no test or command in backticks shows it",
                "docs/status.md:4: open: no test or command in backticks shows it",
                "docs/status.md:5: a row has two cells: capability, shown by",
                "docs/status.md:6: `a::it_walks` is no command, no test and no file",
                "docs/status.md:7: `docs/none.md` is no command, no test and no file",
            ],
        );
        check_page(
            "Nothing yet.\n",
            &["docs/status.md: no table `| capability | shown by |`"],
        );
        assert_eq!(check(&Tree::default()).len(), 1);
    }
}
