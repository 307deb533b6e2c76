//! `new` and `generate`: what they write, and what they refuse to write. Whether what they write
//! compiles and runs is asked by `cargo xtask newproject`.

use super::{Told, carnet, run, write};
use carnet_testkit::binary::{self, Launch};
use std::path::Path;
use std::process::Command;

/// A folder with a stand-in for Carnet's repository and the project `shop`.
fn project() -> Launch {
    let launch = carnet();
    write(
        &launch,
        "carnet/crates/carnet/Cargo.toml",
        "[package]\nname = \"carnet\"\n",
    );
    run(&launch, ["new", "shop", "--carnet-path", "carnet"]).good();
    launch
}

/// Runs a command in the project.
fn generate(launch: &Launch, arguments: &[&str]) -> Told {
    inside(&launch.folder().join("shop"), arguments)
}

fn inside(folder: &Path, arguments: &[&str]) -> Told {
    let output = Command::new(binary::path("carnet").unwrap())
        .arg("generate")
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    Told {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn read(launch: &Launch, path: &str) -> String {
    std::fs::read_to_string(launch.folder().join("shop").join(path)).unwrap()
}

#[test]
fn a_project_is_made_with_what_comes_next() {
    let launch = carnet();
    write(
        &launch,
        "carnet/crates/carnet/Cargo.toml",
        "[package]\nname = \"carnet\"\n",
    );
    let told = run(&launch, ["new", "my-shop", "--carnet-path", "carnet"]);
    assert!(
        told.err.contains("cd my-shop\n  cargo test"),
        "{}",
        told.err
    );
    let made = told.good();
    for path in made.lines() {
        assert!(launch.folder().join(path).is_file(), "{path}");
    }
    assert!(made.contains("my-shop/tests/notes.rs\n"), "{made}");
    let checked = run(&launch, ["check", "my-shop/definitions"]).good();
    assert!(checked.starts_with("no problems"), "{checked}");
    let manifest = launch.folder().join("my-shop/Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    assert!(manifest.contains("crates/carnet\" }"), "{manifest}");
}

#[test]
fn nothing_is_written_over() {
    let launch = project();
    let before = read(&launch, "src/lib.rs");
    let arguments = ["new", "shop", "--carnet-path", "carnet"];
    let err = run(&launch, arguments).misused();
    assert!(
        err.contains("`shop` is there already and not empty"),
        "{err}"
    );
    assert_eq!(read(&launch, "src/lib.rs"), before);

    write(&launch, "desk", "a file");
    let err = run(&launch, ["new", "desk", "--carnet-path", "carnet"]).misused();
    assert!(err.contains("`desk` is there already"), "{err}");

    for arguments in [&["logic", "notes", "create"][..], &["test", "notes"]] {
        let err = generate(&launch, arguments).misused();
        assert!(err.contains("is not written over"), "{err}");
    }
    assert!(read(&launch, "src/logic/notes_create.rs").contains("trim()"));
}

#[test]
fn bad_names_and_places_are_told() {
    let launch = carnet();
    for name in ["Shop", "../shop", "type", "carnet", ""] {
        let err = run(&launch, ["new", name, "--carnet-path", "carnet"]).misused();
        assert!(err.starts_with("error: "), "{err}");
    }
    let err = run(&launch, ["new", "shop"]).misused();
    assert!(err.contains("--carnet-path"), "{err}");
    let err = run(&launch, ["new", "shop", "--carnet-path", "nowhere"]).misused();
    assert!(err.contains("there is no Carnet in `nowhere`"), "{err}");
    let err = run(&launch, ["new", "shop", "--carnet-git", "somewhere"]).misused();
    assert!(err.contains("no address that cargo fetches from"), "{err}");
    assert!(!launch.folder().join("shop").exists());
    let arguments = [
        "new",
        "shop",
        "--carnet-git",
        "https://example.com/carnet.git",
    ];
    run(&launch, arguments).good();
    assert!(read(&launch, "Cargo.toml").contains("git = \"https://example.com/carnet.git\""));
}

#[test]
fn code_is_written_and_listed() {
    let launch = project();
    generate(&launch, &["resource", "products"]).good();
    let out = generate(&launch, &["logic", "products", "create"]).good();
    assert_eq!(out, "src/logic/products_create.rs\n");
    generate(&launch, &["hook", "products", "before-validate", "patch"]).good();
    // From a folder inside, too.
    let folder = launch.folder().join("shop/src/logic");
    inside(&folder, &["hook", "notes", "after-commit", "delete"]).good();
    insta::assert_snapshot!(read(&launch, "src/logic/mod.rs"), @r#"
    //! What the application does beyond its definitions: a module for each place, registered here.
    //! `cargo run -- generate logic|action|hook` adds to the two lists at their marks.

    mod notes_after_commit_delete;
    mod notes_create;
    mod products_before_validate_patch;
    mod products_create;
    // carnet: modules

    use carnet::prelude::*;

    /// Registers all of it.
    pub(crate) fn register(builder: Builder) -> Builder {
        builder
            .logic(v1, "notes", Operation::Create, notes_create::run)
            .logic(v1, "products", Operation::Create, products_create::run)
            .hook(
                "products",
                before_validate(Operation::Patch),
                products_before_validate_patch::run,
            )
            .hook(
                "notes",
                after_commit(Operation::Delete),
                notes_after_commit_delete::run,
            )
        // carnet: register
    }
    "#);
}

#[test]
fn an_action_comes_with_its_declaration() {
    let launch = project();
    let told = generate(&launch, &["action", "notes", "archive"]);
    let place = "declare it in definitions/notes.yaml, below `notes`:";
    assert!(told.err.contains(place), "{}", told.err);
    let (path, declaration) = (told.out.split_once('\n')).unwrap();
    assert_eq!(path, "src/logic/notes_archive.rs");
    let definition = read(&launch, "definitions/notes.yaml") + declaration;
    write(&launch, "shop/definitions/notes.yaml", &definition);
    run(&launch, ["check", "shop/definitions"]).good();

    let told = generate(&launch, &["action", "notes", "print"]);
    assert!(
        told.err.contains("below the `actions` of `notes`"),
        "{}",
        told.err
    );
    generate(&launch, &["hook", "notes", "before", "archive"]).good();
    let err = generate(&launch, &["action", "notes", "delete"]).misused();
    assert!(err.contains("generate logic notes delete"), "{err}");
    let err = generate(&launch, &["action", "notes", "restore"]).failed();
    assert!(err.contains("reserved"), "{err}");
}

#[test]
fn names_are_held_against_the_definitions() {
    let launch = project();
    for (arguments, expected) in [
        (&["logic", "nots", "create"][..], "(did you mean `notes`?)"),
        (&["logic", "notes", "creat"], "(did you mean `create`?)"),
        (
            &["logic", "notes", "batch"],
            "create, update, patch and delete",
        ),
        (
            &["hook", "notes", "befor", "create"],
            "(did you mean `before`?)",
        ),
        (
            &["hook", "notes", "after-validate", "read"],
            "no body to validate",
        ),
        (
            &["hook", "notes", "after-commit", "list"],
            "commits nothing",
        ),
        (&["test", "nots"], "(did you mean `notes`?)"),
        (&["logic", "../notes", "create"], "camelCase"),
        (&["resource", "my-products"], "camelCase"),
    ] {
        let err = generate(&launch, arguments).misused();
        assert!(err.contains(expected), "{err}");
    }
    let err = generate(&launch, &["resource", "batch"]).failed();
    assert!(err.contains("error[DEFINITION_INVALID]"), "{err}");
    let err = generate(&launch, &["resource", "notes"]).misused();
    assert!(
        err.contains("definitions/notes.yaml is there already"),
        "{err}"
    );
    let elsewhere =
        "carnet: 1\nresources:\n  desks:\n    fields:\n      isFree: { type: boolean }\n";
    write(&launch, "shop/definitions/more.yaml", elsewhere);
    let err = generate(&launch, &["resource", "desks"]).failed();
    assert!(err.contains("declared twice"), "{err}");
    assert!(!launch.folder().join("shop/definitions/batch.yaml").exists());
}

#[test]
fn broken_definitions_and_lost_marks_stop_nobody() {
    let launch = project();
    write(
        &launch,
        "shop/definitions/other.yaml",
        "carnet: 1\nresources: 7\n",
    );
    let lists = "//! Mine.\n\nuse carnet::prelude::*;\n";
    write(&launch, "shop/src/logic/mod.rs", lists);
    let told = generate(&launch, &["logic", "products", "delete"]);
    assert!(
        told.err.contains("warning: the definitions have errors"),
        "{}",
        told.err
    );
    assert!(told.err.contains("mod products_delete;"), "{}", told.err);
    let call = ".logic(v1, \"products\", Operation::Delete, products_delete::run)";
    assert!(told.err.contains(call), "{}", told.err);
    told.good();
    assert_eq!(read(&launch, "src/logic/mod.rs"), lists);
}

#[test]
fn only_projects_are_added_to() {
    let launch = carnet();
    let err = inside(launch.folder(), &["test", "notes"]).misused();
    assert!(
        err.contains("in no project; `carnet new NAME` makes one"),
        "{err}"
    );
    write(&launch, "Cargo.toml", "[package]\nname = \"other\"\n");
    let err = inside(launch.folder(), &["test", "notes"]).misused();
    assert!(err.contains("does not depend on `carnet`"), "{err}");
}
