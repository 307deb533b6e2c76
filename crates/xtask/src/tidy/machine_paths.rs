//! Nothing in the project refers to a path of the machine it was written on.

use super::Problem;
use crate::tree::Tree;

/// Written in two halves, so that the rule does not find itself.
const PATHS: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp/", "brief"),
    concat!("../sha", "red/"),
];

/// Every line with such a path.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts() {
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
}
