//! A small disk of a test's own, to be filled to the brim. Not a way to limit a file: for that a
//! database has settings.

use crate::skip;
use std::path::Path;
use std::process::{Command, Stdio};

/// Mounts at its first argument and becomes what the rest names.
const MOUNT: &str = r#"mount -t tmpfs -o "size=$1" carnet-test "$2" && shift 2 && exec "$@""#;

/// A command that runs the program and arguments added to it where `folder` is an empty disk of
/// `bytes`; `None`, and a record of the skipped test, where that may not be made.
///
/// The disk exists in a mount namespace of the command alone: nobody else sees it, and it is gone
/// with the command, however that ends.
#[track_caller]
pub fn small(folder: &Path, bytes: u64) -> Option<Command> {
    // Root needs no user namespace, and others may be allowed to make one.
    let found = [&[][..], &["--map-root-user"]].into_iter().find(|extra| {
        let mut command = mounting(extra, folder, bytes);
        let status = command.arg("true").stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    });
    if found.is_none() {
        skip::record("the right to mount a tmpfs");
    }
    found.map(|extra| mounting(extra, folder, bytes))
}

fn mounting(extra: &[&str], folder: &Path, bytes: u64) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--kill-child"])
        .args(extra)
        .args(["sh", "-c", MOUNT, "sh"])
        .arg(bytes.to_string())
        .arg(folder);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_disk_is_small_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let Some(mut command) = small(folder.path(), 1 << 20) else {
            return;
        };
        let fill = "cd \"$0\" && echo here > a && ! head -c 2000000 /dev/zero > b 2>&1";
        let output = command.args(["sh", "-c", fill]).arg(folder.path()).output();
        assert!(output.unwrap().status.success());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
