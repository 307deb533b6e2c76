//! Help, slips and exit codes.

use super::{carnet, run};

#[test]
fn help_is_a_result_with_examples_and_exit_codes() {
    let out = run(&carnet(), ["--help"]).good();
    assert!(out.contains("carnet db push"), "{out}");
    assert!(out.contains("Exit codes: 0 success, 1 failure, 2"), "{out}");
    let out = run(&carnet(), ["db", "push", "--help"]).good();
    assert!(out.contains("carnet db push --dry-run"), "{out}");
    assert!(!out.contains("{name}"), "{out}");
}

#[test]
fn nothing_to_do_is_a_mistake_with_help() {
    let err = run(&carnet(), [""; 0]).misused();
    assert!(err.contains("Commands:"), "{err}");
}

#[test]
fn slips_have_suggestions() {
    let err = run(&carnet(), ["srve"]).misused();
    assert!(
        err.contains("a similar subcommand exists: 'serve'"),
        "{err}"
    );
    let err = run(&carnet(), ["db", "psuh"]).misused();
    assert!(err.contains("'push'"), "{err}");
    let err = run(&carnet(), ["serve", "--prot", "1"]).misused();
    assert!(err.contains("'--port'"), "{err}");
}

#[test]
fn colours_come_only_when_asked_for() {
    let escape = '\u{1b}';
    assert!(!run(&carnet(), ["explain"]).good().contains(escape));
    let out = run(&carnet(), ["explain", "--color", "always"]).good();
    assert!(out.contains(escape));
    let err = run(&carnet(), ["--color=always", "srve"]).misused();
    assert!(err.contains(escape));
}

#[test]
fn versions_are_told() {
    let out = run(&carnet(), ["version"]).good();
    assert_eq!(out, format!("carnet {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(run(&carnet(), ["--version"]).good(), out);
}

#[test]
fn a_shell_can_complete_commands() {
    let out = run(&carnet(), ["completions", "bash"]).good();
    assert!(out.contains("accept-data-loss"));
}
