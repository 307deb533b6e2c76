//! A large definition.

use crate::{compile, shown};

/// Resources that each refer to the one before.
fn chain(count: usize) -> String {
    let mut text = "carnet: 1\nresources:\n".to_owned();
    for at in 0..count {
        text += &format!(
            "  things{at}:
    fields:
      name: {{ type: text, min: 1, max: 255, caseless: true }}
      code: {{ type: text, max: 64, pattern: '[A-Z0-9-]+', unique: true }}
      price: {{ type: decimal, precision: 12, scale: 2, min: 0, optional: true }}
      status: {{ type: enum, values: [draft, published, archived], default: draft }}
      metadata: {{ type: json, default: {{}} }}
      parent: {{ type: ref, to: things{}, optional: true }}
      day: {{ type: date, optional: true }}
      tags: {{ type: list, of: text, max: 10 }}
    unique: [[parent, name]]
    indexes: [[status, -createdAt]]
    many: {{ children: {{ of: things{}, by: parent }} }}
",
            at.saturating_sub(1),
            if at == 0 { 0 } else { (at + 1).min(count - 1) },
        );
    }
    // The last one has no child.
    let last = format!(
        "    many: {{ children: {{ of: things{}, by: parent }} }}\n",
        count - 1
    );
    let cut = text.rfind(&last).expect("the last relation");
    text.truncate(cut);
    text
}

#[test]
fn five_hundred_resources() {
    let compiled = compile(&[("carnet.yaml", &chain(500))])
        .unwrap_or_else(|errors| panic!("{}", shown(&errors)));
    assert_eq!(compiled.model.resources.len(), 501);
    let again = carnet_model::compile_stored(&compiled.model.definition).map(|model| model.hash);
    assert_eq!(again.ok(), Some(compiled.model.hash));
}
