//! Module names that say nothing are refused: a helper belongs to the concept it helps.

use super::Problem;
use crate::source;
use crate::tree::Tree;

const EMPTY: [&str; 9] = [
    "common",
    "helper",
    "helpers",
    "misc",
    "shared_types",
    "stuff",
    "types",
    "util",
    "utils",
];

/// Every file, folder or inline module with such a name.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.rust_files() {
        let parts = path.trim_end_matches(".rs").split('/');
        for name in parts.filter(|part| EMPTY.contains(part)) {
            problems.push(Problem::new(path, message(name)));
        }
        let code = source::code(text);
        let mut before = "";
        for (line, word) in source::words(&code) {
            if before == "mod" && EMPTY.contains(&word) {
                problems.push(Problem::at(path, line, message(word)));
            }
            before = word;
        }
    }
    problems
}

fn message(name: &str) -> String {
    format!("`{name}` says nothing; name the module after the concept it serves")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::told;

    #[test]
    fn empty_names_are_found() {
        let tree = Tree::of([
            ("crates/a/src/utils.rs", ""),
            ("crates/a/src/lib.rs", "mod kinds;\nmod types {}"),
        ]);
        let told = told(&check(&tree));
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told.iter()
                .any(|line| line.starts_with("crates/a/src/utils.rs: `utils`"))
        );
        assert!(
            told.iter()
                .any(|line| line.starts_with("crates/a/src/lib.rs:2: `types`"))
        );
    }
}
