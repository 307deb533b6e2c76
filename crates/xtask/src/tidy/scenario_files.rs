//! Every scenario can be read: a misspelt key is found here, before anything is built.

use super::Problem;
use crate::tree::Tree;
use carnet_testkit::scenario::Scenario;

/// Every scenario file that cannot be read.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts() {
        if !is_scenario(path) {
            continue;
        }
        if let Err(error) = Scenario::parse(path, text) {
            problems.push(Problem::new(path, format!("{error:#}")));
        }
    }
    problems
}

fn is_scenario(path: &str) -> bool {
    let is_suite = ["apps/", "examples/", "scenarios/"]
        .iter()
        .any(|parent| path.starts_with(parent));
    let is_data = [".yaml", ".yml", ".json"]
        .iter()
        .any(|ending| path.ends_with(ending));
    is_suite && is_data && path.contains("/scenarios/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::told;

    #[test]
    fn broken_scenarios_are_told() {
        let tree = Tree::of([
            (
                "examples/a/scenarios/b.yaml",
                "- {name: c, request: {path: /}}",
            ),
            (
                "examples/a/scenarios/d.yaml",
                "- {name: e, request: {paht: /}}",
            ),
            ("examples/a/definitions/f.yaml", "carnet: 1"),
        ]);
        assert_eq!(
            told(&check(&tree)),
            ["examples/a/scenarios/d.yaml: step 1: `e`: `request.path` is missing"]
        );
    }
}
