//! A random definition that is valid: several resources that refer to each other, every type of
//! field, and every option that changes what a request is answered.

use super::chance::Chance;
use std::fmt::Write as _;

const NAMES: [&str; 5] = ["acres", "barns", "coops", "dairies", "elms"];

/// One resource that is being made up.
struct Sketch {
    name: &'static str,
    soft: bool,
    /// Lines under `fields`.
    fields: Vec<String>,
    /// Lines under `many`.
    many: Vec<String>,
    /// Names of fields that can be part of a constraint or an index.
    keys: Vec<&'static str>,
    /// Names of fields that can be searched.
    texts: Vec<&'static str>,
}

/// The definition as YAML.
pub(super) fn definition(chance: &mut Chance) -> String {
    let count = chance.between(3, NAMES.len());
    let shared = chance.one_in(2);
    let mut sketches: Vec<Sketch> = (0..count).map(|place| sketch(place, chance)).collect();
    references(&mut sketches, shared, chance);
    let links = links(&mut sketches, chance);
    let mut out = String::from("carnet: 1\nservice: farm\nresources:\n");
    if shared {
        out.push_str(
            "  units:\n    tenancy: platform\n    shared: true\n    fields:\n      \
             code: { type: text, max: 20, caseless: true, unique: true }\n      \
             factor: { type: decimal, precision: 18, scale: 9, optional: true }\n",
        );
    }
    for sketch in &sketches {
        write_sketch(sketch, chance, &mut out);
    }
    out.push_str(&links);
    out
}

fn sketch(place: usize, chance: &mut Chance) -> Sketch {
    let mut sketch = Sketch {
        name: NAMES[place],
        soft: chance.percent(45),
        fields: Vec::new(),
        many: Vec::new(),
        keys: Vec::new(),
        texts: Vec::new(),
    };
    // Every type stands in some resource of each definition: the first has most of them.
    let often = if place == 0 { 85 } else { 35 };
    let mut add = |name: &'static str, key: bool, text: bool, declared: String| {
        sketch.fields.push(format!("{name}: {{ {declared} }}"));
        if key {
            sketch.keys.push(name);
        }
        if text {
            sketch.texts.push(name);
        }
    };
    let caseless = if chance.one_in(2) {
        ", caseless: true"
    } else {
        ""
    };
    let unique = if chance.one_in(4) {
        ", unique: true"
    } else {
        ""
    };
    add(
        "label",
        true,
        true,
        format!("type: text, min: 1, max: 40{caseless}{unique}"),
    );
    if chance.percent(often) {
        let caseless = if chance.one_in(3) {
            ", caseless: true"
        } else {
            ""
        };
        let how = how(chance, "\"note\"");
        add(
            "longNote",
            false,
            true,
            format!("type: text{caseless}{how}"),
        );
    }
    if chance.percent(often) {
        let unique = if chance.one_in(2) {
            ", unique: true"
        } else {
            ""
        };
        add(
            "plate",
            true,
            false,
            format!(
                "type: text, max: 12, pattern: '[A-Z]{{1,3}}-\\d{{1,4}}', optional: true{unique}"
            ),
        );
    }
    if chance.percent(often) {
        let bounds = *chance.pick(&["", ", min: 0", ", min: -5, max: 1000"]);
        let how = how(chance, "3");
        add("stock", true, false, format!("type: integer{bounds}{how}"));
    }
    if chance.percent(often) {
        let unique = if chance.one_in(3) {
            ", unique: true"
        } else {
            ""
        };
        add(
            "number",
            true,
            false,
            format!("type: integer, optional: true{unique}"),
        );
    }
    if chance.percent(often) {
        let (precision, scale) =
            *chance.pick(&[(12, 2), (18, 0), (18, 18), (9, 4), (5, 5), (18, 6)]);
        let how = how(chance, "0");
        add(
            "price",
            true,
            false,
            format!("type: decimal, precision: {precision}, scale: {scale}{how}"),
        );
    }
    if chance.percent(often) {
        let how = how(chance, "1.5");
        add("weight", true, false, format!("type: float{how}"));
    }
    if chance.percent(often) {
        let how = how(chance, "true");
        add("isOpen", true, false, format!("type: boolean{how}"));
    }
    if chance.percent(often) {
        let how = how(chance, "\"2026-02-28\"");
        add("dueOn", true, false, format!("type: date{how}"));
    }
    if chance.percent(often) {
        let how = how(chance, "\"2026-11-21T05:32:00+01:00\"");
        add("seenAt", true, false, format!("type: dateTime{how}"));
    }
    if chance.percent(often) {
        let how = how(chance, "\"08:00:00\"");
        add("opensAt", true, false, format!("type: time{how}"));
    }
    if chance.percent(often) {
        let how = how(chance, "P14D");
        add("grace", true, false, format!("type: duration{how}"));
    }
    if chance.percent(often.max(60)) {
        let how = how(chance, "draft");
        add(
            "state",
            true,
            false,
            format!("type: enum, values: [draft, open, v2.0, CLOSED]{how}"),
        );
    }
    if chance.percent(often) {
        let schema = if chance.one_in(3) {
            ", schema: { type: object, properties: { a: { type: [array, number, string, \"null\"] } } }"
        } else {
            ""
        };
        let how = if chance.one_in(2) {
            ", default: {}"
        } else {
            ", optional: true"
        };
        add("details", false, false, format!("type: json{schema}{how}"));
    }
    if chance.percent(often) {
        let unique = if chance.one_in(3) {
            ", unique: true"
        } else {
            ""
        };
        add(
            "contact",
            true,
            true,
            format!("type: email, max: 80, optional: true{unique}"),
        );
    }
    if chance.percent(often) {
        add(
            "website",
            true,
            true,
            "type: url, max: 200, optional: true".to_owned(),
        );
    }
    if chance.percent(often) {
        let unique = if chance.one_in(3) {
            ", unique: true"
        } else {
            ""
        };
        add(
            "outer",
            true,
            false,
            format!("type: uuid, optional: true{unique}"),
        );
    }
    if chance.percent(often) {
        add("mark", true, false, "type: ulid, optional: true".to_owned());
    }
    if chance.percent(often) {
        let how = how(chance, "{ en: Hay }");
        add("title", false, false, format!("type: i18n, max: 20{how}"));
    }
    if chance.percent(often) {
        let of = *chance.pick(&[
            "{ type: text, max: 9 }",
            "{ type: integer }",
            "{ type: decimal, precision: 6, scale: 2 }",
            "{ type: enum, values: [a, b, c] }",
            "{ type: date }",
            "{ type: boolean }",
            "{ type: float }",
            "{ type: json }",
        ]);
        let more = *chance.pick(&[", max: 4", ", max: 5, distinct: true", ""]);
        let how = if chance.one_in(2) {
            ", default: []"
        } else {
            ", optional: true"
        };
        add(
            "tags",
            false,
            false,
            format!("type: list, of: {of}{more}{how}"),
        );
    }
    sketch
}

/// Optional, with a default, or required.
fn how(chance: &mut Chance, default: &str) -> String {
    match chance.below(6) {
        0 => String::new(),
        1 | 2 => format!(", default: {default}"),
        3 => format!(", optional: true, default: {default}"),
        _ => ", optional: true".to_owned(),
    }
}

fn references(sketches: &mut [Sketch], shared: bool, chance: &mut Chance) {
    for place in 0..sketches.len() {
        for number in 0..chance.between(usize::from(place > 0), 3) {
            let field = ["owner", "partner", "source"][number];
            let to = chance.below(sketches.len());
            // A required reference leads to a resource before this one: no cycle of them.
            let optional = to >= place || chance.one_in(2);
            let on_delete = *chance.pick(match optional {
                true => &["restrict", "cascade", "setNull"][..],
                false => &["restrict", "cascade"][..],
            });
            let target = sketches[to].name;
            let required = if optional { ", optional: true" } else { "" };
            sketches[place].fields.push(format!(
                "{field}: {{ type: ref, to: {target}, onDelete: {on_delete}{required} }}"
            ));
            sketches[place].keys.push(field);
            if chance.percent(80) {
                let of = sketches[place].name;
                let mut letters = field.chars();
                let first: String = letters
                    .by_ref()
                    .take(1)
                    .flat_map(char::to_uppercase)
                    .collect();
                let capital = first + letters.as_str();
                sketches[to]
                    .many
                    .push(format!("{of}As{capital}: {{ of: {of}, by: {field} }}"));
            }
        }
        if shared && chance.one_in(2) {
            sketches[place].fields.push(
                "unit: { type: ref, to: units, onDelete: restrict, optional: true }".to_owned(),
            );
        }
    }
}

/// Link resources, with the relations that go through them.
fn links(sketches: &mut [Sketch], chance: &mut Chance) -> String {
    let mut out = String::new();
    for name in ["ties", "knots"] {
        if name == "knots" && chance.one_in(2) {
            continue;
        }
        let (left, right) = (chance.below(sketches.len()), chance.below(sketches.len()));
        let same = left == right;
        let (one, other) = (sketches[left].name, sketches[right].name);
        let soft = if chance.one_in(2) {
            "    delete: soft\n"
        } else {
            ""
        };
        let on_delete = *chance.pick(&["cascade", "cascade", "restrict"]);
        let extra = if chance.one_in(2) {
            "      rank: { type: integer, default: 0 }\n"
        } else {
            ""
        };
        write!(
            out,
            "  {name}:\n{soft}    fields:\n      near: {{ type: ref, to: {one}, onDelete: {on_delete} }}\n      \
             far: {{ type: ref, to: {other}, onDelete: cascade }}\n{extra}    unique: [[near, far]]\n"
        ).unwrap();
        let sides = if same { ", by: near, to: far" } else { "" };
        sketches[left].many.push(format!(
            "{name}Far: {{ of: {other}, through: {name}{sides} }}"
        ));
        if !same {
            sketches[right]
                .many
                .push(format!("{name}Near: {{ of: {one}, through: {name} }}"));
        }
    }
    out
}

fn write_sketch(sketch: &Sketch, chance: &mut Chance, out: &mut String) {
    writeln!(out, "  {}:", sketch.name).unwrap();
    if sketch.soft {
        out.push_str("    delete: soft\n");
    }
    if chance.one_in(5) {
        out.push_str("    concurrency: optimistic\n");
    }
    if chance.one_in(6) {
        out.push_str("    journal: summary\n");
    }
    match chance.below(4) {
        0 => out.push_str("    id: uuid\n"),
        1 => out.push_str("    id: { type: uuid, client: true }\n"),
        _ => {}
    }
    out.push_str("    fields:\n");
    for field in &sketch.fields {
        writeln!(out, "      {field}").unwrap();
    }
    if !sketch.many.is_empty() {
        out.push_str("    many:\n");
        for many in &sketch.many {
            writeln!(out, "      {many}").unwrap();
        }
    }
    let pair = |chance: &mut Chance| {
        let first = *chance.pick(&sketch.keys);
        let second = *chance.pick(&sketch.keys);
        // URLs are long: alone they fill an index.
        (first != second && first != "website" && second != "website").then_some((first, second))
    };
    if chance.one_in(3)
        && let Some((first, second)) = pair(chance)
    {
        writeln!(out, "    unique: [[{first}, {second}]]").unwrap();
    }
    if let Some((first, second)) = pair(chance) {
        let sign = if chance.one_in(2) { "-" } else { "" };
        writeln!(
            out,
            "    indexes: [[{first}, {sign}{second}], [{second}, createdAt]]"
        )
        .unwrap();
    }
    if chance.one_in(2) {
        let mut texts = sketch.texts.clone();
        texts.truncate(chance.between(1, texts.len()));
        let more = *chance.pick(&[
            "",
            ", fuzzy: true",
            ", fuzzy: true, language: english",
            ", language: german, accents: keep",
        ]);
        let texts = texts.join(", ");
        writeln!(out, "    search: {{ fields: [{texts}]{more} }}").unwrap();
    }
}
