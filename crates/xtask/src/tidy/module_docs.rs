//! Every Rust file opens by saying what it is for; every package and every crate folder is
//! introduced to people.

use super::Problem;
use crate::tree::Tree;

const MAP: &str = "crates/README.md";

/// Files without an opening, packages without a page, crates missing on the map.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.rust_files() {
        let first = text.trim_start();
        if !first.starts_with("//!") && !first.starts_with("#![doc = include_str!") {
            problems.push(Problem::new(
                path,
                "the file does not open with `//!`: what it is for and what not",
            ));
        } else if first.starts_with("//! Placeholder.") {
            problems.push(Problem::new(path, "a placeholder says nothing"));
        }
    }
    let map = tree.text(MAP).unwrap_or_default();
    for package in &tree.packages {
        if !tree.has(&format!("{}/README.md", package.folder)) {
            problems.push(Problem::new(
                &package.folder,
                "the package has no README.md",
            ));
        }
        if let Some(role) = package.folder.strip_prefix("crates/")
            && !map.contains(&format!("`{role}`"))
        {
            problems.push(Problem::new(MAP, format!("`{role}` is not on the map")));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::told;

    #[test]
    fn openings_and_pages_are_missed() {
        let tree = Tree::of([
            ("crates/README.md", "| `web` |"),
            ("crates/web/README.md", "# web"),
            (
                "crates/web/src/lib.rs",
                "#![doc = include_str!(\"../README.md\")]",
            ),
            ("crates/web/src/a.rs", "//! Says it."),
            ("crates/web/src/b.rs", "use a;"),
        ])
        .with("crates/web", "carnet-web", [], [])
        .with("crates/jobs", "carnet-jobs", [], []);
        assert_eq!(
            told(&check(&tree)),
            [
                "crates/web/src/b.rs: the file does not open with `//!`: what it is for and what not",
                "crates/jobs: the package has no README.md",
                "crates/README.md: `jobs` is not on the map",
            ]
        );
    }
}
