//! Bad definitions and every problem they are told.

use crate::{compile, shown};

/// Every problem as one line: place, severity, message, hint.
fn problems(files: &[(&str, &str)]) -> String {
    let diagnostics = match compile(files) {
        Ok(compiled) => compiled.warnings,
        Err(diagnostics) => diagnostics,
    };
    let mut out = String::new();
    for one in diagnostics {
        if files.len() > 1 {
            out += &format!("{}:", one.path);
        }
        out += &format!(
            "{}:{}+{} {}: {}",
            one.line,
            one.column,
            one.length,
            one.severity.as_str(),
            one.message
        );
        if let Some(hint) = one.hint {
            out += &format!(" [{hint}]");
        }
        out.push('\n');
    }
    out
}

/// The problems of one YAML file.
pub(crate) fn yaml(text: &str) -> String {
    problems(&[("carnet.yaml", text)])
}

/// The problems of the fields of a resource `things`, which begin in line 5.
fn fields(text: &str) -> String {
    let mut file = "carnet: 1\nresources:\n  things:\n    fields:\n".to_owned();
    for line in text.lines() {
        file += &format!("      {line}\n");
    }
    yaml(&file)
}

/// The problems of keys of a resource `things` with a few fields; the keys begin in line 13.
pub(crate) fn keys(text: &str) -> String {
    let mut file = "\
carnet: 1
resources:
  others: { fields: { thing: { type: ref, to: things }, note: text } }
  things:
    fields:
      name: { type: text, max: 50 }
      body: { type: text }
      data: json
      other: { type: ref, to: others, optional: true }
      wide: { type: text, max: 600 }
      status: { type: enum, values: [a, b] }
      link: url
"
    .to_owned();
    for line in text.lines() {
        file += &format!("    {line}\n");
    }
    yaml(&file)
}

#[test]
fn a_problem_is_shown_with_its_line() {
    let errors = compile(&[(
        "resources/products.yaml",
        "carnet: 1\nresources:\n  products:\n    feilds:\n      name: text\n",
    )]);
    insta::assert_snapshot!(shown(&errors.err().unwrap_or_default()), @r#"
error: unknown key `feilds` in the resource `products`
 --> resources/products.yaml:4:5
  |
4 |     feilds:
  |     ^^^^^^
  = hint: did you mean `fields`?
"#);
}

#[test]
fn files() {
    insta::assert_snapshot!(yaml(""), @r#"1:1+0 error: the file is empty [a definition file begins with `carnet: 1`]"#);
    insta::assert_snapshot!(yaml("# nothing\n"), @r#"1:1+0 error: the file is empty [a definition file begins with `carnet: 1`]"#);
    insta::assert_snapshot!(yaml("- a\n"), @r#"1:1+0 error: a definition file must be a map, not a list"#);
    insta::assert_snapshot!(yaml("resources: {}\n"), @r#"1:1+0 error: the file does not name the language version [begin it with `carnet: 1`]"#);
    insta::assert_snapshot!(yaml("carnet: 2\nresorces: {}\npolicies: {}\n"), @r#"
1:9+1 error: this release does not know version 2 of the definition language [it knows version 1]
2:1+8 error: unknown key `resorces` in a definition file [did you mean `resources`?]
3:1+8 error: `policies` comes with a later release [leave it out until then]
"#);
    insta::assert_snapshot!(yaml("carnet: '1'\nservice: carnetThings\nuse: settings\n"), @r#"
1:9+3 error: `carnet` must be the number 1, not a text
2:10+12 error: the service `carnetThings` belongs to the platform
3:6+8 error: `use` must be a list of names, not a text
"#);
    insta::assert_snapshot!(yaml("carnet: 1\nservice: my_shop\nuse: [setings, files, settings, settings]\n"), @r#"
2:10+7 error: the service `my_shop` must be camelCase: a lower-case letter, then at most 47 letters and digits [write `myShop`]
3:7+7 error: unknown set `setings` [did you mean `settings`?]
3:16+5 error: the set `files` comes with a later release [leave it out until then]
3:33+8 error: `settings` stands twice in `use`
"#);
    insta::assert_snapshot!(yaml("carnet: 1\n"), @"");
}

#[test]
fn broken_yaml() {
    insta::assert_snapshot!(yaml("carnet: 1\nresources:\n\tthings: {}\n"), @r#"3:2+0 error: this is not YAML: tabs disallowed within this context (block indentation) [indent with spaces; YAML allows no tabs there]"#);
    insta::assert_snapshot!(yaml("carnet: 1\nresources: {a: [}\n"), @r#"2:17+0 error: this is not YAML: while parsing a node, did not find expected node content"#);
    insta::assert_snapshot!(yaml("carnet: 1\nresources: {a: \n"), @r#"3:1+0 error: this is not YAML: while parsing a node, did not find expected node content"#);
    insta::assert_snapshot!(yaml("carnet: 1\ncarnet: 1\n"), @r#"2:1+6 error: the key `carnet` stands twice [it stands first in line 1]"#);
    insta::assert_snapshot!(yaml("carnet: 1\n---\ncarnet: 1\n"), @r#"2:1+3 error: a second document begins here; a file holds one [put it into a file of its own]"#);
    insta::assert_snapshot!(yaml("carnet: &one 1\nresources: *one\n"), @r#"
1:9+6 error: anchors are not part of the definition language [write the value out where it is needed]
2:12+4 error: aliases are not part of the definition language [write the value out]
"#);
    insta::assert_snapshot!(yaml("carnet: !!int 1\nresources: !thing {}\n"), @r#"
1:9+7 error: tags are not part of the definition language [quote a scalar to make it a text]
2:12+8 error: tags are not part of the definition language [quote a scalar to make it a text]
"#);
    insta::assert_snapshot!(yaml("carnet: 1\nresources:\n  things:\n    <<: {a: 1}\n    ~: 2\n    [a]: 3\n"), @r#"
4:5+2 error: merge keys are not part of the definition language [write the keys out]
5:5+1 error: a key must be a text, not nothing
6:5+1 error: a key must be a text, not a list or a map
"#);
    insta::assert_snapshot!(yaml("carnet: 1\nservice: \"a\\0b\"\n"), @r#"2:10+6 error: the character U+0000 is not allowed"#);
    insta::assert_snapshot!(yaml(&format!("carnet: 1\nresources: {}\n", "[".repeat(100))), @r#"2:75+1 error: the definition nests deeper than 64 levels"#);
    insta::assert_snapshot!(yaml("\u{feff}carnet: 1\r\nresources:\r\n  things:\r\n    feilds: {}\r\n"), @r#"4:5+6 error: unknown key `feilds` in the resource `things` [did you mean `fields`?]"#);
}

#[test]
fn broken_json() {
    let json = |text: &str| problems(&[("carnet.json", text)]);
    insta::assert_snapshot!(json(""), @r#"1:1+1 error: this is not JSON: a value is expected here, but the file ends"#);
    insta::assert_snapshot!(json("{\"carnet\": 1,}"), @r#"1:14+1 error: this is not JSON: there is no `,` before `}`"#);
    insta::assert_snapshot!(json("{\"carnet\": 1} x"), @r#"1:15+1 error: this is not JSON: the file goes on after its value"#);
    insta::assert_snapshot!(json("{\"carnet\": 1,\n \"carnet\": 1,\n \"service\": 01}"), @r#"
2:2+8 error: the key `carnet` stands twice [it stands first in line 1]
3:14+1 error: this is not JSON: a number has no leading zeros
"#);
    insta::assert_snapshot!(json("{\"carnet\": 1, // yes\n}"), @r#"1:15+1 error: this is not JSON: JSON has no comments"#);
    insta::assert_snapshot!(json("{'carnet': 1}"), @r#"1:2+1 error: this is not JSON: a key in double quotes is expected here"#);
    insta::assert_snapshot!(json("{\"carnet\": \"\\ud800\"}"), @r#"1:19+1 error: this is not JSON: half a surrogate pair is not a character"#);
    insta::assert_snapshot!(json(&"[".repeat(5_000)), @r#"1:65+1 error: the definition nests deeper than 64 levels"#);
    insta::assert_snapshot!(json("{\"carnet\": 1, \"resources\": {\"things\": {\"fields\": {\"a\": {\"type\": \"txt\"}}}}}"), @r#"1:65+5 error: unknown type `txt` [did you mean `text`?]"#);
}

#[test]
fn types() {
    insta::assert_snapshot!(fields("a: txt\nb: string\nc: { type: whatever }\nd: { min: 1 }\ne: { to: x }\nf: 7\ng: file\nh:\ni: { type: 5 }\nj: principal"), @r#"
5:10+3 error: unknown type `txt` [did you mean `text`?]
6:10+6 error: unknown type `string` [did you mean `text`?]
7:18+8 error: unknown type `whatever` [the types are text, integer, decimal, float, boolean, date, dateTime, time, duration, enum, json, ref, email, url, uuid, ulid, i18n, list]
8:7+1 error: the field `d` has no `type` [add for example `type: text`]
9:7+1 error: the field `e` has no `type` [add `type: ref`]
10:10+1 error: the field `f` must be a type or a map with a `type`, not a number
11:10+4 error: the type `file` comes with a later release [leave the field out until then]
12:7+1 error: the field `h` must be a type or a map with a `type`, not nothing
13:18+1 error: `type` must be a text, not a number
14:10+9 error: unknown type `principal` [the types are text, integer, decimal, float, boolean, date, dateTime, time, duration, enum, json, ref, email, url, uuid, ulid, i18n, list]
"#);
    insta::assert_snapshot!(fields("a: { type: text, scale: 2, mx: 3, write: x, precision: 1 }\nb: { type: text, max: -1 }\nc: { type: text, max: many }\nd: { type: text, max: 1.5 }\ne: { type: text, min: 3, max: 2 }\nf: { type: text, max: 0 }\ng: { type: text, pattern: '(' }\nh: { type: text, pattern: '(?=a)' }"), @r#"
5:24+5 error: `scale` does not belong to the type `text` [it belongs to `decimal`]
5:34+2 error: unknown key `mx` in the field `a` [did you mean `max`?]
5:41+5 error: `write` comes with a later release [leave it out until then]
5:51+9 error: `precision` does not belong to the type `text` [it belongs to `decimal`]
6:29+2 error: `max` must be a whole number from 0 to 4294967295
7:29+4 error: `max` must be a whole number, not a text
8:29+3 error: `max` must be a whole number from 0 to 4294967295
9:29+1 error: `min` is larger than `max`: no value fits
10:29+1 error: `max: 0` leaves no room for a value
11:33+4 error: the pattern cannot be used: unclosed group
12:33+8 error: the pattern cannot be used: look-around, including look-ahead and look-behind, is not supported
"#);
    insta::assert_snapshot!(fields("a: { type: decimal }\nb: { type: decimal, precision: 19, scale: 2 }\nc: { type: decimal, precision: 2, scale: 3 }\nd: { type: decimal, precision: 4, scale: 2, min: 0.001, max: 1000 }\ne: { type: decimal, precision: 4, scale: 2, min: 2, max: 1.99 }\nf: { type: integer, min: 9007199254740993, max: 1.0 }\ng: { type: float, max: 1e999 }\nh: { type: float, max: .inf }"), @r#"
5:18+7 error: a decimal needs `precision` [for example `precision: 12, scale: 2`]
5:18+7 error: a decimal needs `scale` [for example `precision: 12, scale: 2`]
6:38+2 error: `precision` is at most 18, not 19
7:48+1 error: `scale` 3 is larger than `precision` 2
8:56+5 error: `min` has more digits after the point than `scale` 2
8:68+4 error: `max` has more digits than `precision` 4 with `scale` 2
9:56+1 error: `min` is larger than `max`: no value fits
10:32+16 error: `min` must be a whole number within ±9007199254740991
10:55+3 error: `max` must be a whole number within ±9007199254740991
11:30+5 error: `max` lies beyond the range of a double
12:30+4 error: a number must be finite
"#);
    insta::assert_snapshot!(fields("a: enum\nb: { type: enum, values: [] }\nc: { type: enum, values: [yes, true, 1, ~] }\nd: { type: enum, values: [x, x, 'a b', _a] }\ne: { type: enum, values: draft }"), @r#"
5:10+4 error: an enum needs `values` [for example `values: [draft, published]`]
6:32+1 error: `values` holds no word
7:38+4 error: a word of `values` must be a text, not true or false [put it in quotes to make it a text]
7:44+1 error: a word of `values` must be a text, not a number [put it in quotes to make it a text]
7:47+1 error: a word of `values` must be a text, not nothing
8:36+1 error: the word `x` stands twice
8:39+5 error: the word `a b` must be a letter or digit, then at most 63 letters, digits, `_`, `.` and `-`
8:46+2 error: the word `_a` must be a letter or digit, then at most 63 letters, digits, `_`, `.` and `-`
9:32+5 error: `values` must be a list of words, not a text
"#);
    insta::assert_snapshot!(fields("a: list\nb: { type: list, of: ref }\nc: { type: list, of: { max: 3 } }\nd: { type: list, of: { type: text, caseless: true, opional: true } }\ne: { type: list, of: txt, min: 2, max: 1 }\nf: { type: list, of: { type: list, of: text } }\ng: { type: json, schema: { type: nothing } }\nh: { type: json, schema: { $ref: 'https://example.com/a' } }\ni: { type: json, schema: 5 }"), @r#"
5:10+4 error: a list needs `of`: the type of its members [for example `of: text`]
6:28+3 error: a list cannot hold the type `ref`
7:28+2 error: the members of a list need a `type`
8:42+8 error: unknown key `caseless` in the type of a list's members
8:58+7 error: unknown key `opional` in the type of a list's members
9:28+3 error: unknown type `txt` [did you mean `text`?]
9:38+1 error: `min` is larger than `max`: no value fits
10:36+4 error: a list cannot hold the type `list`
11:32+2 error: the JSON schema cannot be used: "nothing" is not valid under any of the schemas listed in the 'anyOf' keyword at `/type`
12:32+2 error: the JSON schema cannot be used: Resource 'https://example.com/a' is not present in a registry and retrieving it failed: Retrieval is disabled, cannot fetch https://example.com/a
13:32+1 error: `schema` must be a map, not a number
"#);
}

#[test]
fn defaults_and_examples() {
    insta::assert_snapshot!(fields("a: { type: text, max: 3, default: long }\nb: { type: text, pattern: '[a-z]+', default: B }\nc: { type: text, default: 5 }\nd: { type: text, default: ~ }\ne: { type: text, optional: true, default: ~ }\nf: { type: integer, min: 3, default: 2 }\ng: { type: integer, default: 1.5 }\nh: { type: decimal, precision: 4, scale: 2, default: 1.005 }\ni: { type: decimal, precision: 4, scale: 2, min: 1.5, default: \"1.49\" }\nj: { type: decimal, precision: 4, scale: 2, default: abc }"), @r#"
5:41+4 error: the default of `a` has 4 characters, not at most 3
6:52+1 error: the default of `b` does not match the pattern `[a-z]+`
7:33+1 error: the default of `c` must be a text, not a number [put it in quotes to make it a text]
8:33+1 error: the default of `d` is null, but the field is not optional [add `optional: true`, or give another default]
9:49+1 warning: `default: null` says nothing: an absent optional field is null anyway [leave it out]
10:44+1 error: the default of `f` is smaller than `min` 3
11:36+3 error: the default of `g` must be a whole number within ±9007199254740991
12:60+5 error: the default of `h` has more digits after the point than `scale` 2
13:70+7 error: the default of `i` is smaller than `min` 1.50
14:60+3 error: the default of `j` is not a decimal: `abc`
"#);
    insta::assert_snapshot!(fields("a: { type: date, default: 2026-02-30 }\nb: { type: dateTime, default: 2026-01-01 }\nc: { type: time, default: '25:00:00' }\nd: { type: duration, default: P1M }\ne: { type: enum, values: [draft, done], default: drft }\nf: { type: boolean, default: yes }\ng: { type: email, default: nobody }\nh: { type: url, default: example.com }\ni: { type: uuid, default: x }\nj: { type: float, max: 2, default: 2.5 }"), @r#"
5:33+10 error: the default of `a` cannot be read: it names a moment that does not exist or lies outside the years 0001 to 9999 [for example `2026-11-21`]
6:37+10 error: the default of `b` cannot be read: it has not the expected form [for example `2026-11-21T05:32:00Z`]
7:33+11 error: the default of `c` cannot be read: it names a moment that does not exist or lies outside the years 0001 to 9999 [for example `05:32:00`]
8:37+3 error: the default of `d` cannot be read: months and years have no fixed length; use weeks, days or hours [for example `P1DT2H`]
9:56+4 error: the default of `e` is `drft`, which is not among the `values` [did you mean `draft`?]
10:36+3 error: the default of `f` must be true or false, not a text
11:34+6 error: the default of `g` is not an e-mail address
12:32+11 error: the default of `h` is not an absolute URL [for example `https://example.com/`]
13:33+1 error: the default of `i` is not an id of its type: `x`
14:42+3 error: the default of `j` is larger than `max` 2
"#);
    insta::assert_snapshot!(fields("a: { type: json, schema: { type: object, required: [x] }, default: {} }\nb: { type: json, default: { n: 9007199254740993 } }\nc: { type: i18n, default: { english: x, en: 5, 1: y } }\nd: { type: list, of: integer, max: 2, distinct: true, default: [1, 1] }\ne: { type: list, of: integer, max: 2, default: [1, 2, 3] }\nf: { type: list, of: { type: text, max: 2 }, default: [ab, abc] }\ng: { type: ref, to: things, optional: true, default: x }\nh: { type: text, max: 2, example: abc }\ni: { type: text, example: 5 }"), @r#"
5:74+1 error: the default of `a` does not meet its schema: "x" is a required property
6:38+16 error: an integer lies beyond ±(2^53 − 1)
7:51+1 error: the default of `c` in `en` must be a text, not a number [put it in quotes to make it a text]
7:54+1 error: `1` is not a language tag [for example `en` or `pt-BR`]
8:74+1 error: the default of `d` has the same member twice
9:54+1 error: the default of `e` has 3 members, not at most 2
10:66+3 error: a member of the default of `f` has 3 characters, not at most 2
11:60+1 error: a reference has no default: which records exist is not known here
12:41+3 warning: the example of `h` does not fit its type [give one that a client could send]
13:33+1 warning: the example of `i` does not fit its type [give one that a client could send]
"#);
}

#[test]
fn names() {
    insta::assert_snapshot!(fields("Name: text\nmy_field: text\nid: text\ncreatedAt: dateTime\ntenant: text\nxmin: text\nprodURL: text\nprodUrl: text\nother: { type: ref, to: things, optional: true }\notherId: text\nname: { type: text, max: 9, caseless: true }\nnameKey: text\nnot: text\nlängd: text\ncreatedById: ulid"), @r#"
5:7+4 error: the field name `Name` must be camelCase: a lower-case letter, then at most 47 letters and digits [write `name`]
6:7+8 error: the field name `my_field` must be camelCase: a lower-case letter, then at most 47 letters and digits [write `myField`]
7:7+2 error: the field name `id` is reserved [every record has it; say how it looks with the resource's key `id`]
8:7+9 error: the field name `createdAt` is reserved [every record has it; leave it out or choose another name]
9:7+6 error: the field name `tenant` is reserved [every record has it; leave it out or choose another name]
10:7+4 error: the field `xmin` would have the column `xmin`, which databases keep for themselves [choose another name]
12:7+7 error: the fields `prodURL` and `prodUrl` both have the column `prod_url` [rename one of them]
14:7+7 error: the fields `other` and `otherId` are both `otherId` in the API [a reference `x` is `xId` in the API; rename one of them]
15:7+4 error: the fields `Name` and `name` both have the column `name` [rename one of them]
16:7+7 error: the fields `name` and `nameKey` both have the column `name_key` [`name` is caseless and needs that column to be compared; rename one of them]
17:7+3 error: the field name `not` is reserved: filters join conditions with it [choose another name]
18:7+5 error: the field name `längd` must be camelCase: a lower-case letter, then at most 47 letters and digits
19:7+11 error: the fields `createdBy` and `createdById` both have the column `created_by_id` [rename one of them]
"#);
    insta::assert_snapshot!(yaml("carnet: 1\nresources:\n  Things: { fields: { a: text } }\n  batch: { fields: { a: text } }\n  carnetUsers: { fields: { a: text } }\n  dataURLs: { fields: { a: text } }\n  dataUrLs: { fields: { a: text } }\n  journal: { fields: { a: text } }\n  empty: {}\n  settings: { fields: { a: text } }\n  data_rows: { fields: { a: text } }\n"), @r#"
3:3+6 error: the resource name `Things` must be camelCase: a lower-case letter, then at most 47 letters and digits [write `things`]
4:3+5 error: the resource name `batch` is reserved: addresses of the API use it [choose another name]
5:3+11 error: the resource name `carnetUsers` is reserved for the platform [choose a name that does not begin with `carnet` or `sqlite`]
7:3+8 error: the resources `dataURLs` and `dataUrLs` both have the table `data_ur_ls` [rename one of them]
8:3+7 error: the resource name `journal` is reserved: addresses of the API use it [choose another name]
9:3+5 error: the resource `empty` has no fields [declare at least one under `fields`]
11:3+9 error: the resource name `data_rows` must be camelCase: a lower-case letter, then at most 47 letters and digits [write `dataRows`]
"#);
    insta::assert_snapshot!(keys("was: things\nmany: { name: { of: others, by: thing }, status: { of: others, by: thing } }"), @r#"
13:10+6 warning: `was` is the resource's present name [leave it out]
14:13+4 error: the relation `name` has the name of a field [rename one of them]
14:46+6 error: the relation `status` has the name of a field [rename one of them]
"#);
    insta::assert_snapshot!(fields("a: { type: text, was: b }\nb: text\nc: { type: text, was: x }\nd: { type: text, was: x }\ne: { type: text, was: e }"), @r#"
5:29+1 error: `was` names the field `b`, which still exists [`was` is for a name that is no longer there]
8:29+1 error: the fields `c` and `d` cannot both have been `x`
9:29+1 warning: `was` is the field's present name [leave it out]
"#);
}

#[test]
fn options_of_resources() {
    insta::assert_snapshot!(keys("delete: soft\nchecks: []\npolicies: {}\njournal: summary\nhistory: other\ntenacy: tenant\nconcurrency: optimstic\nstorage: tabel\nshared: true"), @r#"
14:5+6 error: `checks` comes with a later release [leave it out until then]
15:5+8 error: `policies` comes with a later release [leave it out until then]
17:5+7 error: `history` comes with a later release [leave it out until then]
18:5+6 error: unknown key `tenacy` in the resource `things` [did you mean `tenancy`?]
19:18+9 error: `concurrency` is `none` or `optimistic`, not `optimstic` [did you mean `optimistic`?]
20:14+5 error: `storage` is `table` or `none`, not `tabel` [did you mean `table`?]
21:5+6 error: `shared` belongs to platform resources only [add `tenancy: platform`, or leave `shared` out]
"#);
    insta::assert_snapshot!(keys("operations: [list, get, creat, list, 5]\nid: guid\njournal: full\nstorage: platform\ntable: things\nkey: name"), @r#"
13:24+3 error: unknown operation `get` [did you mean `read`?]
13:29+5 error: unknown operation `creat` [did you mean `create`?]
13:36+4 error: `list` stands twice in `operations`
13:42+1 error: an operation must be a text, not a number
14:9+4 error: `id` is `ulid` or `uuid`, not `guid` [did you mean `uuid`?]
16:14+8 error: `storage: platform` is for the platform's own tables
17:5+5 error: unknown key `table` in the resource `things` [did you mean `title`?]
18:5+3 error: unknown key `key` in the resource `things`
"#);
    insta::assert_snapshot!(keys("operations: []\nid: { type: uuid, clinet: true }\ntitle: 5\ndescription: [a]\ntenancy: everyone"), @r#"
13:17+1 warning: the resource offers no operation [list those it offers, or leave `operations` out to offer all]
14:23+6 error: unknown key `clinet` in `id` [did you mean `client`?]
15:12+1 error: `title` must be a text, not a number [put it in quotes to make it a text]
16:18+1 error: `description` must be a text, not a list
17:14+8 error: `tenancy` is `tenant` or `platform`, not `everyone`
"#);
    insta::assert_snapshot!(keys("operations: [list, batch]\nid: []\nconcurrency: true\nfields2: {}"), @r#"
13:17+1 warning: `batch` without `create`, `update`, `patch` or `delete` can do nothing [leave `batch` out]
14:9+1 error: `id` must be `ulid`, `uuid` or a map of `type` and `client`, not a list
15:18+4 error: `concurrency` must be a text, not true or false
16:5+7 error: unknown key `fields2` in the resource `things` [did you mean `fields`?]
"#);
}

#[test]
fn soft_deletions_of_shared_resources() {
    let found = yaml(
        "carnet: 1\nresources:\n  units: { tenancy: platform, shared: true, delete: soft, fields: { a: text } }\n",
    );
    assert!(
        found.contains("`delete: soft` does not go with `shared: true`"),
        "{found}"
    );
}

#[test]
fn constraints() {
    insta::assert_snapshot!(keys("unique: [[other, name], [otherId], nme, [body], [data], [link], [createdAt], [name, name], [], [-name], 5]"), @r#"
13:30+7 error: the definition calls this field by another name than `otherId` [write `other`]
13:40+3 error: `things` has no field `nme` [did you mean `name`?]
13:46+4 error: `body` has no `max` and cannot be unique [give `body` a `max` of at most 600]
13:54+4 error: `data` has the type `json` and cannot be unique
13:62+4 error: `link` has `max` 2048 and cannot be unique [give `link` a `max` of at most 600]
13:70+9 error: the standard field `createdAt` cannot be part of a unique constraint
13:89+4 error: `name` stands twice
13:96+1 error: `unique` names no field
13:101+5 error: a unique constraint has no direction: leave the `-` out
13:109+1 error: `unique` must be a field name or a list of field names, not a number
"#);
    insta::assert_snapshot!(keys("unique: [name, [name, status], [status, name], [name]]"), @r#"
13:20+1 warning: this always holds, because `name` is unique [leave it out]
13:36+1 error: this unique constraint is declared twice [leave one of them out]
13:52+1 error: this unique constraint is declared twice [leave one of them out]
"#);
    insta::assert_snapshot!(keys("indexes: [[wide, status], [wide, name], createdAt, [updatedAt, -createdAt], id, version, { on: [name], using: trigram }, { on: [name], using: rbtree }, { using: btree }, { on: name, were: x }]"), @r#"
13:15+1 error: these fields can have 2401 bytes together; an index holds 2400 [a code point counts four bytes: give the texts a smaller `max`]
13:31+1 error: these fields can have 2600 bytes together; an index holds 2400 [a code point counts four bytes: give the texts a smaller `max`]
13:81+2 error: the standard field `id` cannot be part of an index [of the standard fields, `createdAt` and `updatedAt` can]
13:85+7 error: the standard field `version` cannot be part of an index [of the standard fields, `createdAt` and `updatedAt` can]
13:115+7 error: `using: trigram` comes with a later release [`btree` is the kind that works now]
13:126+2 error: this index is declared twice [leave one of them out]
13:147+6 error: unknown kind of index `rbtree` [did you mean `btree`?]
13:157+2 error: an index needs `on`: its fields in order
13:175+2 error: this index is declared twice [leave one of them out]
13:187+4 error: unknown key `were` in an index
"#);
    insta::assert_snapshot!(keys("indexes: [[status], [status, name], [name], [status, name], [-name, status], [other]]\nunique: [[name, status]]"), @r#"
13:15+1 warning: this index adds nothing: the one of `status`, `name` begins with the same fields [leave it out]
13:41+1 warning: this index adds nothing: the one of `name`, `status` begins with the same fields [leave it out]
13:49+1 error: this index is declared twice [leave one of them out]
13:82+1 warning: the reference `other` has this index anyway [leave it out]
"#);
}

#[test]
fn references() {
    insta::assert_snapshot!(fields("a: { type: ref, to: thngs }\nb: { type: ref, to: things, onDelete: setNull }\nc: { type: ref, to: settings }\nd: { type: ref, to: journal }\ne: { type: ref }\nf: ref\ng: { type: ref, to: things, onDelete: ignore, optional: true }\nh: { type: ref, to: zebra }"), @r#"
5:27+5 error: the reference leads to `thngs`, which does not exist [did you mean `things`?]
6:7+1 error: these required references form a cycle, so that no first record can be made: `things.b → things` [make one of them optional]
6:45+7 error: `onDelete: setNull` needs `b` to be optional [add `optional: true`]
7:27+8 error: the reference leads to `settings`, which is shipped but not taken [add `use: [settings]` to the root file]
8:27+7 error: `journal` is a table of the platform and cannot be referred to
9:7+1 error: the reference `e` does not say what it refers to [write `e: { type: ref, to: … }`]
10:7+1 error: the reference `f` does not say what it refers to [write `f: { type: ref, to: … }`]
11:45+6 error: `onDelete` is `restrict` or `cascade` or `setNull`, not `ignore`
12:27+5 error: the reference leads to `zebra`, which does not exist
"#);
    insta::assert_snapshot!(yaml("carnet: 1\nresources:\n  shares: { tenancy: platform, shared: true, fields: { plain: { type: ref, to: plains, optional: true } } }\n  plains: { tenancy: platform, fields: { own: { type: ref, to: owns, optional: true }, share: { type: ref, to: shares } } }\n  owns: { fields: { plain: { type: ref, to: plains }, share: { type: ref, to: shares, onDelete: cascade } } }\n"), @r#"
3:80+6 error: the shared resource `shares` cannot refer to `plains`, which is not shared [add `shared: true` to `plains`]
4:64+4 error: the platform resource `plains` cannot refer to the tenant resource `owns` [platform resources refer to platform resources only]
5:45+6 error: the tenant resource `owns` cannot refer to the platform resource `plains`, which is not shared [add `shared: true` to `plains`]
5:97+7 error: deleting a record of the platform resource `shares` cannot change the tenants' `owns` [`restrict` is what works across that border]
"#);
    insta::assert_snapshot!(keys("many:\n  a: { of: others, by: thing }\n  b: { of: others, by: thin }\n  c: { of: others, by: note }\n  d: { of: zebras, by: thing }\n  e: { of: things, by: other }\n  f: { of: others, through: links }\n  g: { of: others }\n  h: others\n  I: { of: others, by: thing }"), @r#"
15:28+4 error: `others` has no field `thin` [did you mean `thing`?]
16:28+4 error: `note` of `others` is not a reference
17:16+6 error: the relation leads to `zebras`, which does not exist
18:28+5 error: `other` of `things` refers to `others`, not to `things`
19:33+5 error: the relation goes through `links`, which does not exist
20:7+1 error: the relation `g` needs `by`: the reference field of that resource, or `through` with a link resource
21:10+6 error: the relation `h` must be a map, not a text
22:7+1 error: the relation name `I` must be camelCase: a lower-case letter, then at most 47 letters and digits [write `i`]
"#);
}

#[test]
fn links() {
    insta::assert_snapshot!(yaml("\
carnet: 1
resources:
  as:
    fields: { name: { type: text } }
    many:
      one: { of: bs, through: loose }
      two: { of: as, through: pairs }
      three: { of: as, through: pairs, by: left, to: left }
      four: { of: bs, through: solos }
      five: { of: bs, through: tight, by: b }
      six: { of: bs, by: a, to: b }
      seven: { of: bs, through: tight, to: c }
      eight: { of: bs, through: journal }
  bs: { fields: { a: { type: ref, to: as, optional: true } } }
  loose: { fields: { a: { type: ref, to: as }, b: { type: ref, to: bs } } }
  solos: { fields: { a: { type: ref, to: as } } }
  tight: { fields: { a: { type: ref, to: as }, b: { type: ref, to: bs } }, unique: [[b, a]] }
  pairs: { fields: { left: { type: ref, to: as }, right: { type: ref, to: as } }, unique: [[left, right]] }
"), @r#"
6:31+5 error: two records of `loose` may link the same pair [add `unique: [[a, b]]` to `loose`]
7:31+5 error: `pairs` refers to `as` more than once: `left`, `right` [say with `by` which one is meant]
8:7+5 error: `by` and `to` both name the same reference of `pairs` [a link has two references, one to each side]
9:32+5 error: `solos` has no reference to `bs` left to link by [add a field `{ type: ref, to: bs }` to `solos`]
10:43+1 error: `b` of `tight` refers to `bs`, not to `as` [did you mean `a`?]
11:33+1 error: `to` belongs to a relation with `through` [leave it out, or name the link resource with `through`]
12:44+1 error: `tight` has no field `c` [did you mean `b`?]
13:33+7 error: `journal` is a table of the platform and cannot link records
"#);
}

#[test]
fn cycles() {
    insta::assert_snapshot!(yaml("\
carnet: 1
resources:
  selves: { fields: { self: { type: ref, to: selves } } }
  as: { fields: { b: { type: ref, to: bs } } }
  bs: { fields: { c: { type: ref, to: cs }, d: { type: ref, to: ds } } }
  cs: { fields: { a: { type: ref, to: as } } }
  ds: { fields: { e: { type: ref, to: es } } }
  es: { fields: { d: { type: ref, to: ds, optional: true }, b: { type: ref, to: bs, optional: true } } }
  fs: { fields: { a: { type: ref, to: as } } }
"), @r#"
3:23+4 error: these required references form a cycle, so that no first record can be made: `selves.self → selves` [make one of them optional]
4:19+1 error: these required references form a cycle, so that no first record can be made: `as.b → bs.c → cs.a → as` [make one of them optional]
"#);
}

#[test]
fn several_files() {
    let root = "carnet: 1\nuse: [settings]\nextend:\n  settings:\n    fields: { value: text, b: text }\n    checks: []\n  things: { fields: {} }\n  platformSetings: {}\n  journal: { fields: { a: text } }\n";
    let things = "carnet: 1\nuse: [settings]\nresources:\n  things: { fields: { a: text } }\n  settings: { fields: { a: text } }\n";
    let again = "carnet: 1\nresources:\n  things: { fields: { b: text } }\n";
    insta::assert_snapshot!(problems(&[
        ("app/resources/things.yaml", things),
        ("app/carnet.yaml", root),
        ("app/resources/zebras.json", "{\"carnet\": 1, \"resources\": {\"zebras\": {\"fields\": {\"a\": \"txt\"}}}}"),
        ("app/resources/more.yaml", again),
    ]), @r#"
app/carnet.yaml:5:15+5 error: `settings` already has a field `value` [it is declared in carnet/settings.yaml:8]
app/carnet.yaml:6:5+6 error: unknown key `checks` in the extension of `settings`
app/carnet.yaml:7:3+6 error: the resource `things` is the application's own [add to it where it is declared: app/resources/more.yaml:3]
app/carnet.yaml:8:3+15 error: there is no shipped resource `platformSetings` to extend [did you mean `platformSettings`?]
app/carnet.yaml:9:3+7 error: the resource `journal` is a table of the platform and cannot be extended
app/resources/things.yaml:2:1+3 error: `use` stands in the root file only [move it to `carnet.yaml` in the folder of the definition]
app/resources/things.yaml:4:3+6 error: the resource `things` is declared twice [the first declaration is in app/resources/more.yaml:3]
app/resources/things.yaml:5:3+8 error: the resource `settings` is shipped by the platform [choose another name, or add to it with `extend`]
app/resources/zebras.json:1:56+5 error: unknown type `txt` [did you mean `text`?]
"#);
    // What a broken file would have declared is not missed elsewhere.
    insta::assert_snapshot!(problems(&[
        ("a.yaml", "carnet: 1\nresources:\n  as: { fields: { b: { type: ref, to: bs } }, many: { cs: { of: cs, by: a } } }\n"),
        ("b.yaml", "carnet: 1\nresources: {bs\n"),
    ]), @r#"b.yaml:3:1+0 error: this is not YAML: while parsing a flow mapping, did not find expected ',' or '}'"#);
    insta::assert_snapshot!(problems(&[
        ("a.yaml", "carnet: 1\nextend: { settings: { fields: { a: text } } }\n"),
    ]), @r#"2:11+8 error: the resource `settings` is shipped, but not taken [add `use: [settings]` to the root file]"#);
}

#[test]
fn searches() {
    let told = keys(
        "search: { fields: [name, body, link, wide], fuzzy: 1, language: englsh, accents: kep, \
         weights: { name: 0, nme: 5, body: 2.5, link: x }, weight: 3 }",
    );
    for expected in [
        "`fuzzy` must be true or false, not a number",
        "the language `englsh` is not one that search knows [did you mean `english`?]",
        "`accents` is `fold` or `keep`, not `kep` [did you mean `keep`?]",
        "the weight of `name` must be a whole number from 1 to 100",
        "the weight of `body` must be a whole number from 1 to 100",
        "the weight of `link` must be a whole number from 1 to 100, not a text",
        "unknown key `weight` in `search` [did you mean `weights`?]",
    ] {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
    let told = keys("search: { fields: [name, body], weights: { nme: 5 } }");
    assert!(
        told.contains("the weight is of `nme`, which is not searched [did you mean `name`?]"),
        "{told}"
    );
    let told = keys(
        "search: { fields: [name, body, link, wide], weights: { name: 2, body: 3, link: 4, wide: 5 } }",
    );
    assert_eq!(told, "");
    let told = keys("search: { language: none }");
    assert!(told.contains("`search` needs `fields`"), "{told}");
}
