//! `docs/status.md` names, for each capability, the test or command that shows it.

use super::Problem;
use crate::tree::Tree;

const PAGE: &str = "docs/status.md";

/// Every row that shows nothing.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let Some(text) = tree.text(PAGE) else {
        return vec![Problem::new(PAGE, "the page is not there")];
    };
    let mut problems = Vec::new();
    let mut rows = 0;
    for (index, line) in text.lines().enumerate() {
        let Some(cells) = row(line) else {
            continue;
        };
        rows += 1;
        match cells.as_slice() {
            [_, ""] => {
                problems.push(Problem::at(
                    PAGE,
                    index + 1,
                    "the capability is open: no test or command shows it",
                ));
            }
            [_, shown_by] if !shown_by.contains('`') => {
                problems.push(Problem::at(
                    PAGE,
                    index + 1,
                    "name the test or command in backticks",
                ));
            }
            [_, _] => {}
            _ => problems.push(Problem::at(
                PAGE,
                index + 1,
                "a row has two cells: capability, shown by",
            )),
        }
    }
    if rows == 0 {
        problems.push(Problem::new(PAGE, "no table `| capability | shown by |`"));
    }
    problems
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
        assert_eq!(told(&check(&Tree::of([(PAGE, text)]))), expected);
    }

    #[test]
    fn rows_show_something() {
        check_page(
            "| capability | shown by |\n|---|---|\n| Serves | `cargo xtask test` |\n",
            &[],
        );
        check_page(
            "| Capability | Shown by |\n|:--|---|\n| Serves |  |\n| Runs | a test |\n| Odd |\n",
            &[
                "docs/status.md:3: the capability is open: no test or command shows it",
                "docs/status.md:4: name the test or command in backticks",
                "docs/status.md:5: a row has two cells: capability, shown by",
            ],
        );
        check_page(
            "Nothing yet.\n",
            &["docs/status.md: no table `| capability | shown by |`"],
        );
        assert_eq!(check(&Tree::default()).len(), 1);
    }
}
