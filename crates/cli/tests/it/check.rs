//! `check`: what it finds and how it shows it.

use super::{TITLE, carnet, notes, run, write};
use serde_json::Value;

const BAD: &str = "carnet: 1
resources:
  products:
    fields:
      name: { type: txet }
      price: { type: decimal, precision: 12, scale: 2, mni: 0 }
      category: { type: ref, to: categoreis }
  categories:
    fields:
      name: { type: text }
";

#[test]
fn a_good_definition_has_no_problems() {
    let launch = carnet();
    write(&launch, "d/app.yaml", &notes(&[TITLE]));
    write(&launch, "s/01-notes.yaml", "- { $label: a, title: A }\n");
    let out = run(&launch, ["check", "--definitions", "d", "--seeds", "s"]).good();
    insta::assert_snapshot!(out, @"no problems: 1 definition checked with 2 resources and 1 seed record");
}

#[test]
fn every_problem_is_shown_with_its_place() {
    let launch = carnet();
    write(&launch, "d/app.yaml", BAD);
    let told = run(&launch, ["check", "d"]);
    assert_eq!(told.err, "");
    insta::assert_snapshot!(told.out, @r"
    error: unknown type `txet`
     --> d/app.yaml:5:21
      |
    5 |       name: { type: txet }
      |                     ^^^^
      = hint: did you mean `text`?

    error: unknown key `mni` in the field `price`
     --> d/app.yaml:6:56
      |
    6 |       price: { type: decimal, precision: 12, scale: 2, mni: 0 }
      |                                                        ^^^
      = hint: did you mean `min`?

    error: the reference leads to `categoreis`, which does not exist
     --> d/app.yaml:7:34
      |
    7 |       category: { type: ref, to: categoreis }
      |                                  ^^^^^^^^^^
      = hint: did you mean `categories`?

    3 errors, 0 warnings
    ");
    assert_eq!(told.code, 1);
}

#[test]
fn programs_read_it_as_json() {
    let launch = carnet();
    write(&launch, "d/app.yaml", BAD);
    let told = run(&launch, ["check", "d", "--format", "json"]);
    assert_eq!(told.code, 1);
    let report: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["errors"], 3);
    let problems = report["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 3);
    assert_eq!(problems[0]["path"], "d/app.yaml");
    assert_eq!(problems[0]["line"], 5);
}

#[test]
fn configuration_definition_and_seeds_are_checked_at_once() {
    let launch = carnet();
    write(&launch, "carnet.toml", "[server]\nprot = 1\n");
    write(&launch, "d/app.yaml", &notes(&[TITLE]));
    let seeds = "- { $label: a, titel: A }\n- { $label: b, title: '' }\n";
    write(&launch, "s/01-notes.yaml", seeds);
    let told = run(&launch, ["check", "--definitions", "d", "--seeds", "s"]);
    assert_eq!(told.code, 1);
    insta::assert_snapshot!(told.out, @r"
    error: configuration: carnet.toml: there is no setting `server.prot` (did you mean `server.port`?)
    error: seeds: 01-notes.yaml, line 1: `titel`: there is no field `titel` (did you mean `title`?)
    error: seeds: 01-notes.yaml, line 1: `title`: it is required
    error: seeds: 01-notes.yaml, line 2: `title`: it must have at least 1 character, not 0

    4 errors, 0 warnings
    ");
}

#[test]
fn several_definitions_are_checked_each_by_itself() {
    let launch = carnet();
    write(&launch, "one/app.yaml", &notes(&[TITLE]));
    write(&launch, "two.yaml", &notes(&[TITLE]));
    let out = run(&launch, ["check", "one", "two.yaml"]).good();
    assert!(out.starts_with("no problems: 2 definitions"), "{out}");
}

#[test]
fn a_path_that_is_not_there_is_a_problem() {
    let told = run(&carnet(), ["check", "nowhere"]);
    assert_eq!(told.code, 1);
    assert!(told.out.contains("nowhere: No such file"), "{}", told.out);
}
