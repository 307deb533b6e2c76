//! What technology a crate may reach: which manifests list a driver or an HTTP library, which
//! files name axum, install subscribers or read the environment. Tests may name what they test with.

use super::Problem;
use crate::source;
use crate::tree::Tree;

/// Crates that stay free of I/O.
const LANGUAGE: [&str; 4] = ["kernel", "expr", "policy", "model"];

/// What a language crate never lists.
const OUTSIDE_WORLD: [&str; 12] = [
    "axum",
    "hyper",
    "hyper-util",
    "mysql_async",
    "reqwest",
    "rusqlite",
    "rustls",
    "sqlx",
    "tokio",
    "tokio-postgres",
    "tower",
    "tower-http",
];

const DRIVERS: [&str; 4] = ["mysql_async", "rusqlite", "sqlx", "tokio-postgres"];

/// A name in the code, the folders that may use it, and why.
struct Name {
    word: &'static str,
    homes: &'static [&'static str],
    why: &'static str,
}

const NAMES: [Name; 2] = [
    Name {
        word: "axum",
        homes: &["crates/web/", "crates/server/", "bench/"],
        why: "only web, server and `routes` modules name axum",
    },
    Name {
        word: "tracing_subscriber",
        homes: &["crates/telemetry/"],
        why: "only telemetry installs subscribers",
    },
];

const ENVIRONMENT: [&str; 5] = [
    "bench/",
    "crates/server/",
    "crates/cli/",
    "crates/testkit/",
    "crates/xtask/",
];

/// Every reach beyond what the crate is for.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = manifests(tree);
    for (path, text) in tree.product_files() {
        let code = source::without_tests(&source::code(text));
        for name in &NAMES {
            let is_home = name.homes.iter().any(|home| path.starts_with(home));
            let is_route = name.word == "axum" && is_routes_module(path);
            if is_home || is_route {
                continue;
            }
            for (line, _) in source::words(&code).filter(|(_, word)| *word == name.word) {
                problems.push(Problem::at(path, line, name.why));
            }
        }
        if !ENVIRONMENT.iter().any(|home| path.starts_with(home)) {
            for line in source::lines_with(&code, "env::var") {
                problems.push(Problem::at(
                    path,
                    line,
                    "only server, cli and tools read the environment",
                ));
            }
        }
    }
    problems
}

fn manifests(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in &tree.packages {
        let place = format!("{}/Cargo.toml", package.folder);
        let role = package.folder.rsplit('/').next().unwrap_or_default();
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if LANGUAGE.contains(&role) && OUTSIDE_WORLD.contains(&name) {
                problems.push(Problem::new(
                    &place,
                    format!("a language crate is pure and lists no `{name}`"),
                ));
            } else if DRIVERS.contains(&name)
                && role != "store"
                && !(role == "testkit" && name == "tokio-postgres")
            {
                problems.push(Problem::new(
                    &place,
                    format!("only store lists a database driver, not `{name}`"),
                ));
            }
        }
    }
    problems
}

fn is_routes_module(path: &str) -> bool {
    path.contains("/routes/") || path.ends_with("/routes.rs")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::told;

    #[test]
    fn homes_may() {
        let tree = Tree::of([
            ("crates/web/src/lib.rs", "use axum::Router;"),
            ("crates/records/src/routes/list.rs", "use axum::Router;"),
            (
                "crates/records/src/list.rs",
                "// axum is not here\nlet a = \"axum\";",
            ),
            ("crates/cli/src/lib.rs", "std::env::var(\"A\")"),
            ("crates/store/tests/it/main.rs", "std::env::var(\"A\")"),
        ])
        .with("crates/store", "carnet-store", ["rusqlite", "tokio"], [])
        .with("crates/testkit", "carnet-testkit", ["tokio-postgres"], []);
        assert_eq!(told(&check(&tree)), [""; 0]);
    }

    #[test]
    fn others_may_not() {
        let tree = Tree::of([
            ("crates/records/src/list.rs", "\nuse axum::Router;"),
            ("crates/server/src/lib.rs", "use tracing_subscriber::fmt;"),
            (
                "crates/store/src/lib.rs",
                "let a = std::env::var_os(\"A\");",
            ),
        ])
        .with("crates/model", "carnet-model", ["tokio"], [])
        .with("crates/records", "carnet-records", ["tokio"], ["rusqlite"]);
        assert_eq!(
            told(&check(&tree)),
            [
                "crates/model/Cargo.toml: a language crate is pure and lists no `tokio`",
                "crates/records/Cargo.toml: only store lists a database driver, not `rusqlite`",
                "crates/records/src/list.rs:2: only web, server and `routes` modules name axum",
                "crates/server/src/lib.rs:1: only telemetry installs subscribers",
                "crates/store/src/lib.rs:1: only server, cli and tools read the environment",
            ]
        );
    }
}
