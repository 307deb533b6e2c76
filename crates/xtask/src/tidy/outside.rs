//! Nothing in the project refers to a path of the machine it was written on, nor to papers that are
//! not part of it.

use super::Problem;
use crate::source;
use crate::tree::Tree;

/// Written in two halves, so that the rule does not find itself.
const PATHS: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp/", "brief"),
    concat!("../sha", "red/"),
];

/// Names of plans that stayed outside; what they settle is said where it is needed.
const PAPERS: [&str; 3] = [
    concat!("SPI", "NE"),
    concat!("CONT", "RACT"),
    concat!("DES", "IGN"),
];

/// Every line with such a path or name.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts() {
        if path.ends_with(".rs") || path.ends_with(".md") {
            for (line, word) in source::words(text).filter(|(_, word)| PAPERS.contains(word)) {
                let message = format!("`{word}` is no part of the project; say it here");
                problems.push(Problem::at(path, line, message));
            }
        }
        for (index, line) in text.lines().enumerate() {
            for machine in PATHS.iter().filter(|machine| line.contains(**machine)) {
                problems.push(Problem::at(
                    path,
                    index + 1,
                    format!("`{machine}` is a path of one machine"),
                ));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_one_machine_are_found() {
        let line = format!("see {}notes", PATHS[0]);
        let tree = Tree::of([("a.md", line.as_str()), ("b.md", "see docs/work.md")]);
        let problems = check(&tree);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].place, "a.md:1");
    }

    #[test]
    fn papers_from_outside_are_found() {
        let line = format!("//! See {}, section 5.", PAPERS[0]);
        let problems = check(&Tree::of([
            ("a.rs", line.as_str()),
            ("b.csv", line.as_str()),
        ]));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].place, "a.rs:1");
    }
}
