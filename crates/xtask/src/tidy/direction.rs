//! The direction of dependencies between the project's own packages: downwards only. What
//! technology a crate may list is another rule's matter (`reach`).

use super::Problem;
use crate::tree::{Package, Tree};

/// The layers from the bottom up. A crate may depend on every crate of a lower layer; inside a
/// layer only on what [`NEIGHBOURS`] names.
const LAYERS: [&[&str]; 10] = [
    &["kernel", "expr", "policy", "model"],
    &["telemetry", "client", "store", "web"],
    &[
        "access",
        "cache",
        "events",
        "files",
        "jobs",
        "notify",
        "pipelines",
        "resilience",
    ],
    &["records"],
    &[
        "analytics",
        "audit",
        "billing",
        "control",
        "gateway",
        "identity",
        "tenancy",
        "tlog",
    ],
    &["server"],
    &["cli"],
    &["macros"],
    &["carnet"],
    &["xtask"],
];

/// Edges inside a layer.
const NEIGHBOURS: [(&str, &[&str]); 7] = [
    ("expr", &["kernel"]),
    ("policy", &["kernel", "expr"]),
    ("model", &["kernel", "expr", "policy"]),
    ("client", &["telemetry"]),
    ("store", &["telemetry"]),
    ("web", &["telemetry"]),
    ("kernel", &[]),
];

/// Edges that point downwards and are forbidden all the same.
const FORBIDDEN: [(&str, &str, &str); 2] = [
    ("web", "model", "web knows no resource"),
    ("web", "policy", "web knows no resource"),
];

/// Every dependency that does not point downwards.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in &tree.packages {
        let place = format!("{}/Cargo.toml", package.folder);
        if !is_application(package) && layer(role(package)).is_none() && role(package) != "testkit"
        {
            problems.push(Problem::new(
                &place,
                format!(
                    "`{}` has no layer; give it one in tidy's table",
                    package.name
                ),
            ));
            continue;
        }
        for dependency in &package.dependencies {
            let Some(below) = tree
                .packages
                .iter()
                .find(|other| other.name == dependency.name)
            else {
                continue;
            };
            if let Some(why) = refusal(package, below, dependency.is_dev) {
                problems.push(Problem::new(
                    &place,
                    format!(
                        "`{}` must not depend on `{}`: {why}",
                        package.name, below.name
                    ),
                ));
            }
        }
    }
    problems
}

/// Whether it stands on the platform instead of being a part of it.
fn is_application(package: &Package) -> bool {
    ["apps/", "examples/"]
        .iter()
        .any(|folder| package.folder.starts_with(folder))
}

fn refusal(package: &Package, below: &Package, is_dev: bool) -> Option<&'static str> {
    let (from, to) = (role(package), role(below));
    if to == "testkit" {
        // The facade offers `testing` with it, behind a feature.
        let is_allowed = is_dev || from == "xtask" || from == "carnet";
        return (!is_allowed).then_some("testkit is a development dependency only");
    }
    if from == "testkit" {
        return (to != "kernel")
            .then_some("testkit stands on kernel alone, everybody tests with it");
    }
    if is_application(below) {
        return Some("an application is above everything");
    }
    if is_application(package) {
        return (to != "carnet").then_some("an application stands on the facade `carnet`");
    }
    if let Some((_, _, why)) = FORBIDDEN.iter().find(|(a, b, _)| *a == from && *b == to) {
        return Some(why);
    }
    let (above, below) = (layer(from)?, layer(to)?);
    let is_neighbour = NEIGHBOURS
        .iter()
        .any(|(name, allowed)| *name == from && allowed.contains(&to));
    match below.cmp(&above) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal if is_neighbour => None,
        std::cmp::Ordering::Equal => Some("crates of one layer do not know each other"),
        std::cmp::Ordering::Greater => Some("dependencies point downwards only"),
    }
}

fn role(package: &Package) -> &str {
    package.folder.rsplit('/').next().unwrap_or_default()
}

fn layer(role: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::told;

    fn house() -> Tree {
        Tree::default()
            .with("crates/kernel", "carnet-kernel", [], [])
            .with("crates/expr", "carnet-expr", ["carnet-kernel"], [])
            .with("crates/model", "carnet-model", ["carnet-expr"], [])
            .with(
                "crates/store",
                "carnet-store",
                ["carnet-model"],
                ["carnet-testkit"],
            )
            .with("crates/testkit", "carnet-testkit", ["carnet-kernel"], [])
            .with("crates/carnet", "carnet", ["carnet-store", "serde"], [])
            .with("crates/xtask", "xtask", ["carnet-testkit"], [])
            .with("apps/passport", "passport", ["carnet"], [])
    }

    #[test]
    fn downwards_is_allowed() {
        assert_eq!(told(&check(&house())), [""; 0]);
    }

    #[test]
    fn everything_else_is_not() {
        let tree = house()
            .with(
                "crates/web",
                "carnet-web",
                ["carnet-store", "carnet-model"],
                ["carnet-records"],
            )
            .with("crates/records", "carnet-records", ["carnet-testkit"], [])
            .with(
                "crates/identity",
                "carnet-identity",
                ["carnet-audit", "passport"],
                [],
            )
            .with("crates/audit", "carnet-audit", [], [])
            .with("apps/shop", "shop", ["carnet-store"], [])
            .with("crates/odds", "carnet-odds", [], []);
        assert_eq!(
            told(&check(&tree)),
            [
                "crates/web/Cargo.toml: `carnet-web` must not depend on `carnet-store`: crates of one layer do not know each other",
                "crates/web/Cargo.toml: `carnet-web` must not depend on `carnet-model`: web knows no resource",
                "crates/web/Cargo.toml: `carnet-web` must not depend on `carnet-records`: dependencies point downwards only",
                "crates/records/Cargo.toml: `carnet-records` must not depend on `carnet-testkit`: testkit is a development dependency only",
                "crates/identity/Cargo.toml: `carnet-identity` must not depend on `carnet-audit`: crates of one layer do not know each other",
                "crates/identity/Cargo.toml: `carnet-identity` must not depend on `passport`: an application is above everything",
                "apps/shop/Cargo.toml: `shop` must not depend on `carnet-store`: an application stands on the facade `carnet`",
                "crates/odds/Cargo.toml: `carnet-odds` has no layer; give it one in tidy's table",
            ]
        );
    }
}
