//! The project as tidy sees it: the texts of its files and the packages of its workspace, read
//! once. Rules are pure functions over it.

use crate::{shell, source};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Files by path from the root, with `/`, and packages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    /// The text of a file; `None` for one that is not text.
    pub files: BTreeMap<String, Option<String>>,
    /// The workspace's packages.
    pub packages: Vec<Package>,
}

/// A package of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name: `carnet-kernel`.
    pub name: String,
    /// Its folder from the root: `crates/kernel`.
    pub folder: String,
    /// What its manifest lists.
    pub dependencies: Vec<Dependency>,
}

/// A dependency of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// The name of the package depended on.
    pub name: String,
    /// Whether it is for tests only.
    pub is_dev: bool,
}

impl Tree {
    /// Reads the project: what git tracks or would, and `cargo metadata`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut git = std::process::Command::new("git");
        git.current_dir(root).args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ]);
        let mut files = BTreeMap::new();
        for path in shell::output(&mut git)?.split_terminator('\0') {
            // A file that is deleted but still listed is not there.
            if let Ok(bytes) = std::fs::read(root.join(path)) {
                files.insert(path.to_owned(), String::from_utf8(bytes).ok());
            }
        }
        let metadata = shell::output(&mut shell::cargo([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
        ]))?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let packages = packages(&metadata, root).context("`cargo metadata` has another shape")?;
        Ok(Self { files, packages })
    }

    /// The Rust files that are more than tests, with their texts.
    pub(crate) fn product_files(&self) -> impl Iterator<Item = (&str, &str)> {
        let tests = self.test_modules();
        self.rust_files().filter(move |(path, _)| {
            let is_test = path.contains("/tests/")
                || path.ends_with("/tests.rs")
                || tests
                    .iter()
                    .any(|module| path.trim_end_matches(".rs") == module || within(path, module));
            !is_test
        })
    }

    /// The modules declared as `#[cfg(test)] mod name;`, as paths without `.rs`.
    fn test_modules(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (path, text) in self.rust_files() {
            let stem = path.trim_end_matches(".rs");
            let folder = match stem.rsplit_once('/') {
                Some((folder, "lib" | "main" | "mod")) => folder,
                _ => stem,
            };
            let code = source::code(text);
            for declared in code.split("#[cfg(test)]").skip(1) {
                let item = declared.split([';', '{']).next().unwrap_or_default();
                let is_elsewhere = declared
                    .get(item.len()..)
                    .is_some_and(|rest| rest.starts_with(';'));
                let name = item
                    .split_whitespace()
                    .skip_while(|word| *word != "mod")
                    .nth(1);
                if let (true, Some(name)) = (is_elsewhere, name) {
                    found.insert(format!("{folder}/{name}"));
                }
            }
        }
        found
    }

    /// The Rust files with their texts.
    pub(crate) fn rust_files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// The files that are text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Whether there is a file or folder of that path.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self
                .files
                .range(folder.clone()..)
                .next()
                .is_some_and(|(file, _)| file.starts_with(&folder))
    }
}

/// Whether a file lies in the folder of a module.
fn within(path: &str, module: &str) -> bool {
    path.strip_prefix(module)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn packages(metadata: &Value, root: &Path) -> Option<Vec<Package>> {
    let root = root.to_str()?;
    let mut found = Vec::new();
    for package in metadata.get("packages")?.as_array()? {
        let folder = Path::new(package.get("manifest_path")?.as_str()?).parent()?;
        let mut dependencies = Vec::new();
        for dependency in package.get("dependencies")?.as_array()? {
            dependencies.push(Dependency {
                name: dependency.get("name")?.as_str()?.to_owned(),
                is_dev: dependency.get("kind")?.as_str() == Some("dev"),
            });
        }
        found.push(Package {
            name: package.get("name")?.as_str()?.to_owned(),
            folder: folder.strip_prefix(root).ok()?.to_str()?.to_owned(),
            dependencies,
        });
    }
    found.sort_by(|one, other| one.folder.cmp(&other.folder));
    Some(found)
}

#[cfg(test)]
impl Tree {
    /// A made-up tree of texts.
    pub(crate) fn of<const N: usize>(files: [(&str, &str); N]) -> Self {
        Self {
            files: files
                .into_iter()
                .map(|(path, text)| (path.to_owned(), Some(text.to_owned())))
                .collect(),
            packages: Vec::new(),
        }
    }

    /// Adds a package: `with("crates/web", "carnet-web", ["axum"], ["insta"])`.
    pub(crate) fn with<const N: usize, const D: usize>(
        mut self,
        folder: &str,
        name: &str,
        dependencies: [&str; N],
        for_tests: [&str; D],
    ) -> Self {
        let listed = |names: &[&str], is_dev| -> Vec<Dependency> {
            names
                .iter()
                .map(|name| Dependency {
                    name: (*name).to_owned(),
                    is_dev,
                })
                .collect()
        };
        let mut all = listed(&dependencies, false);
        all.extend(listed(&for_tests, true));
        self.packages.push(Package {
            name: name.to_owned(),
            folder: folder.to_owned(),
            dependencies: all,
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_files_are_left_out() {
        let tree = Tree::of([
            (
                "a/src/lib.rs",
                "mod one;\n#[cfg(test)]\nmod probe;\n#[cfg(test)]\nmod tests { mod two; }",
            ),
            ("a/src/one.rs", "#[cfg(test)]\npub(crate) mod fixture;"),
            ("a/src/one/fixture.rs", ""),
            ("a/src/one/tests.rs", ""),
            ("a/src/probe.rs", ""),
            ("a/src/probe/deep.rs", ""),
            ("a/src/two.rs", ""),
            ("a/tests/it/main.rs", ""),
        ]);
        let paths: Vec<&str> = tree.product_files().map(|(path, _)| path).collect();
        assert_eq!(paths, ["a/src/lib.rs", "a/src/one.rs", "a/src/two.rs"]);
    }
}
