//! `plan`, `decide` and `render` modules are pure: they name no scope, runtime, web framework or
//! clock, so that they can be tested with values alone.

use super::Problem;
use crate::source;
use crate::tree::Tree;

const PURE: [&str; 3] = ["plan", "decide", "render"];

const IMPURE: [&str; 7] = [
    "Scope",
    "SystemScope",
    "tokio",
    "axum",
    "Clock",
    "SystemTime",
    "Instant",
];

/// Every impure word in a pure module.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.product_files() {
        let Some(module) = pure_module(path) else {
            continue;
        };
        let code = source::without_tests(&source::code(text));
        for (line, word) in source::words(&code).filter(|(_, word)| IMPURE.contains(word)) {
            problems.push(Problem::at(
                path,
                line,
                format!("`{module}` is pure and does not name `{word}`"),
            ));
        }
    }
    problems
}

/// The pure module that a file is or lies in.
fn pure_module(path: &str) -> Option<&str> {
    let (_, inside) = path.split_once("/src/")?;
    inside
        .trim_end_matches(".rs")
        .split('/')
        .find(|part| PURE.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::told;

    #[test]
    fn impure_words_are_found_in_pure_modules_only() {
        let tree = Tree::of([
            (
                "crates/records/src/decide.rs",
                "//! No tokio here.\nfn f(c: &dyn Clock) {}",
            ),
            (
                "crates/store/src/render/write.rs",
                "use crate::scope::Scope;",
            ),
            ("crates/store/src/planner.rs", "use tokio::sync;"),
            (
                "crates/records/src/plan.rs",
                "fn a() {}\n#[cfg(test)]\nmod tests { use tokio; }",
            ),
            ("crates/records/src/plan/tests.rs", "use tokio;"),
        ]);
        assert_eq!(
            told(&check(&tree)),
            [
                "crates/records/src/decide.rs:2: `decide` is pure and does not name `Clock`",
                "crates/store/src/render/write.rs:1: `render` is pure and does not name `Scope`",
            ]
        );
    }
}
