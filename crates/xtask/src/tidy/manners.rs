//! What source does not do here: ignore tests, silence lints without a reason, leave work for
//! later inside product code.

use super::Problem;
use crate::source;
use crate::tree::Tree;

/// Every such place.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.rust_files() {
        let code = source::code(text);
        let mut say = |needle: &str, message: &str| {
            for line in source::lines_with(&code, needle) {
                problems.push(Problem::at(path, line, message));
            }
        };
        say(
            "#[ignore",
            "a test runs or is deleted; `testkit::skip` reports what is missing",
        );
        say("todo!(", "no unfinished work in the tree");
        say("unimplemented!(", "no unfinished work in the tree");
        for line in silenced_without_reason(&code) {
            problems.push(Problem::at(
                path,
                line,
                "a silenced lint states its `reason`",
            ));
        }
    }
    problems
}

/// The lines of `allow` and `expect` attributes that have no `reason`.
fn silenced_without_reason(code: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let code = code.replace("#![", "#[");
    let mut rest = code.as_str();
    let mut line = 1;
    while let Some((before, after)) = rest.split_once("#[") {
        line += before.matches('\n').count();
        let (attribute, following) = after.split_once(']').unwrap_or((after, ""));
        let silences = ["allow(", "expect("]
            .iter()
            .any(|word| attribute.trim_start().starts_with(word));
        if silences && !attribute.contains("reason") {
            found.push(line);
        }
        line += attribute.matches('\n').count();
        rest = following;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::told;

    #[test]
    fn bad_manners_are_told() {
        let tree = Tree::of([(
            "crates/a/src/lib.rs",
            "#![allow(dead_code)]\n#[expect(\n    unused,\n    reason = \"why\"\n)]\nfn a() { todo!() }\n#[ignore = \"slow\"]\n#[allow(unused)]\nfn b() {}\n// #[ignore] todo!()\n",
        )]);
        assert_eq!(
            told(&check(&tree)),
            [
                "crates/a/src/lib.rs:7: a test runs or is deleted; `testkit::skip` reports what is missing",
                "crates/a/src/lib.rs:6: no unfinished work in the tree",
                "crates/a/src/lib.rs:1: a silenced lint states its `reason`",
                "crates/a/src/lib.rs:8: a silenced lint states its `reason`",
            ]
        );
    }
}
