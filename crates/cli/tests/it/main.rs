//! The commands as people and scripts meet them: the built binary, its results, messages and exit
//! codes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod check;
mod config;
mod database;
mod documents;
mod help;
mod migrations;
mod projects;
mod serve;

use carnet_testkit::binary::{self, Launch};
use std::ffi::OsStr;
use std::path::PathBuf;

/// What a run of the binary left.
struct Told {
    code: i32,
    out: String,
    err: String,
}

impl Told {
    /// Its results, provided that it succeeded.
    #[track_caller]
    fn good(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// Its messages, provided that it failed.
    #[track_caller]
    fn failed(self) -> String {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        self.err
    }

    /// Its messages, provided that it refused its arguments.
    #[track_caller]
    fn misused(self) -> String {
        assert_eq!(self.code, 2, "{}{}", self.out, self.err);
        self.err
    }
}

/// The generic binary in a folder of its own.
fn carnet() -> Launch {
    let path = binary::path("carnet").unwrap();
    Launch::new(&path).unwrap()
}

fn run<A: AsRef<OsStr>>(launch: &Launch, arguments: impl IntoIterator<Item = A>) -> Told {
    let output = launch.run(arguments).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Told {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Writes a file into the launch's folder.
fn write(launch: &Launch, name: &str, text: &str) -> PathBuf {
    let path = launch.folder().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

/// A definition of the resource `notes` with these fields.
fn notes(fields: &[&str]) -> String {
    let mut text = "carnet: 1\nservice: desk\nresources:\n  notes:\n    fields:\n".to_owned();
    for field in fields {
        text.push_str(&format!("      {field}\n"));
    }
    text
}

const TITLE: &str = "title: { type: text, min: 1, max: 100 }";
const TAG: &str = "tag: { type: text, max: 40, optional: true }";
