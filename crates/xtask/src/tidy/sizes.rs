//! How long a Rust file may be: 800 lines without its tests, and a word of warning from 500.

use super::Problem;
use crate::source;
use crate::tree::Tree;

const LIMIT: usize = 800;
const WARNING: usize = 500;

/// Every file that is too long or on the way there.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.product_files() {
        let lines = lines_without_tests(text);
        if lines > LIMIT {
            let message =
                format!("{lines} lines without tests, at most {LIMIT}; split it by operation");
            problems.push(Problem::new(path, message));
        } else if lines > WARNING {
            let message = format!("{lines} lines without tests, more than {WARNING}");
            problems.push(Problem::warning(path, message));
        }
    }
    problems
}

fn lines_without_tests(text: &str) -> usize {
    let code = source::code(text);
    let kept = source::without_tests(&code);
    let blanked = code
        .lines()
        .zip(kept.lines())
        .filter(|(before, after)| before != after)
        .count();
    text.lines().count() - blanked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::told;

    #[test]
    fn long_files_fail_and_longish_ones_warn() {
        let long = "fn a() {}\n".repeat(801);
        let longish = "fn a() {}\n".repeat(501);
        let tested = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{longish}}}\n");
        let tree = Tree::of([
            ("crates/a/src/long.rs", long.as_str()),
            ("crates/a/src/longish.rs", longish.as_str()),
            ("crates/a/src/tested.rs", tested.as_str()),
            ("crates/a/tests/it/main.rs", long.as_str()),
        ]);
        let problems = check(&tree);
        assert_eq!(
            told(&problems),
            [
                "crates/a/src/long.rs: 801 lines without tests, at most 800; split it by operation",
                "crates/a/src/longish.rs: 501 lines without tests, more than 500",
            ]
        );
        assert!(
            problems
                .iter()
                .map(|problem| problem.is_warning)
                .eq([false, true])
        );
    }
}
