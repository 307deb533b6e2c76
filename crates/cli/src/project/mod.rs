//! A project on disk: the folder of an application that is written in Rust. Found, read, added to;
//! a file that is there is never written over, but for the lists of `src/logic/mod.rs`. What the
//! files say is in `layout` and `parts`.

pub(crate) mod layout;
pub(crate) mod names;
pub(crate) mod parts;
pub(crate) mod register;

use crate::error::Error;
use register::Registration;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where the code of a project is listed.
const LISTS: &str = "src/logic/mod.rs";

/// A file to be made: its path from the project's folder, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The project that a command was started in.
#[derive(Debug)]
pub(crate) struct Project {
    folder: PathBuf,
    /// Its library as Rust names it.
    pub(crate) library: String,
}

impl Project {
    /// The project whose folder `start` is in; `program` is named where there is none.
    pub(crate) fn find(start: &Path, program: &str) -> Result<Self, Error> {
        for folder in start.ancestors() {
            let manifest = folder.join("Cargo.toml");
            if !manifest.is_file() {
                continue;
            }
            let place = manifest.display();
            let text = std::fs::read_to_string(&manifest).map_err(failed(&manifest))?;
            let table: toml::Table = text
                .parse()
                .map_err(|error| Error::Usage(format!("{place}: {error}")))?;
            let name = |part: &str| {
                let name = table.get(part)?.get("name")?.as_str()?;
                Some(names::library(name))
            };
            let library = name("lib").or_else(|| name("package"));
            let Some(library) = library else {
                // The workspace that a project may be a member of.
                continue;
            };
            let uses_carnet = table
                .get("dependencies")
                .and_then(|all| all.get("carnet"))
                .is_some();
            if !uses_carnet {
                return Err(Error::Usage(format!(
                    "{place} does not depend on `carnet`; `{program} new NAME` makes a project"
                )));
            }
            // As short as it is from where the command was started.
            let folder = folder.strip_prefix(start).unwrap_or(folder).to_owned();
            return Ok(Self { folder, library });
        }
        Err(Error::Usage(format!(
            "this folder is in no project; `{program} new NAME` makes one"
        )))
    }

    /// A path inside it.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.join(inside)
    }

    /// Refuses where one of these files is there already.
    pub(crate) fn require_absent(&self, files: &[File]) -> Result<(), Error> {
        require_absent(&self.folder, files)
    }

    /// Makes files; all of them, or none when one is there already.
    pub(crate) fn make(&self, files: &[File]) -> Result<(), Error> {
        make(&self.folder, files)
    }

    /// Makes a file of code and lists it. Answers whether it could be listed: where the marks are
    /// gone, people have to.
    pub(crate) fn make_listed(&self, file: &File, listed: &Registration) -> Result<bool, Error> {
        let path = self.path(LISTS);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(&path)(error)),
        };
        let changed = register::add(&text, listed);
        self.make(std::slice::from_ref(file))?;
        if let Some(changed) = &changed
            && *changed != text
        {
            std::fs::write(&path, changed).map_err(failed(&path))?;
        }
        Ok(changed.is_some())
    }
}

/// Makes the folder of a new project with its files. A folder that has something in it already is
/// left alone.
pub(crate) fn begin(folder: &Path, files: &[File]) -> Result<(), Error> {
    let place = folder.display();
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            if entries.count() > 0 {
                let message = format!("the folder `{place}` is there already and not empty");
                return Err(Error::Usage(message));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            return Err(Error::Usage(format!("`{place}` is there already")));
        }
        Err(error) => return Err(failed(folder)(error)),
    }
    make(folder, files)
}

fn require_absent(folder: &Path, files: &[File]) -> Result<(), Error> {
    let is_there = |file: &&File| folder.join(&file.path).symlink_metadata().is_ok();
    match files.iter().find(is_there) {
        None => Ok(()),
        Some(file) => Err(Error::Usage(format!(
            "{} is there already and is not written over",
            file.path
        ))),
    }
}

fn make(folder: &Path, files: &[File]) -> Result<(), Error> {
    require_absent(folder, files)?;
    for file in files {
        let path = &folder.join(&file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        std::fs::File::create_new(path)
            .and_then(|mut out| out.write_all(file.text.as_bytes()))
            .map_err(failed(path))?;
    }
    Ok(())
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.display().to_string();
    move |error| Error::File {
        path: path.clone(),
        error,
    }
}

/// A template with its gaps filled: `{{name}}`.
fn fill(template: &str, gaps: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let known = after
            .split_once("}}")
            .and_then(|(name, rest)| Some((gaps.iter().find(|(gap, _)| *gap == name)?.1, rest)));
        rest = match known {
            Some((value, rest)) => {
                text.push_str(value);
                rest
            }
            None => {
                text.push_str("{{");
                after
            }
        };
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_once() {
        let text = fill("{{a}} {{b}} {{c}} {{", &[("a", "{{b}}"), ("b", "2")]);
        assert_eq!(text, "{{b}} 2 {{c}} {{");
    }
}
