//! The rules of the definition on seed rows, told all at once and without a database. Not the
//! rules that only a database can know: unique values, and records that were changed since.

use super::read::{Row, SeedSet};
use crate::decide::missing;
use crate::validate::{Mode, read_entries};
use carnet_model::{FieldType, IdForm, Model, Resource, ResourceIndex};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Everything that is wrong with the values of `set`, each with its file and line.
pub fn check(model: &Model, set: &SeedSet) -> Vec<String> {
    let mut labels: HashMap<&str, ResourceIndex> = HashMap::new();
    for (resource, rows) in &set.files {
        labels.extend(rows.iter().map(|row| (row.label.as_str(), *resource)));
    }
    let mut faults = Vec::new();
    for (index, rows) in &set.files {
        let resource = model.resource(*index);
        for row in rows {
            check_row(resource, row, &mut faults);
            check_targets(model, resource, row, &labels, &mut faults);
        }
    }
    faults
}

fn check_row(resource: &Resource, row: &Row, faults: &mut Vec<String>) {
    let entries: Vec<(String, Box<RawValue>)> = row
        .fields
        .iter()
        .filter_map(|(name, value)| {
            let text = match Row::reference(resource, name, value) {
                Some(_) => any_id(resource, name),
                None => value.to_string(),
            };
            Some((name.clone(), RawValue::from_string(text).ok()?))
        })
        .collect();
    let mut found = Vec::new();
    read_entries(resource, &entries, Mode::Whole, "", &mut found);
    missing(resource, &entries, "", &mut found);
    faults.extend(found.into_iter().map(|fault| {
        let field = fault.field;
        format!("{}: `{field}`: {}", row.place, fault.message)
    }));
}

/// A reference leads to a record of the resource that the field names.
fn check_targets(
    model: &Model,
    resource: &Resource,
    row: &Row,
    labels: &HashMap<&str, ResourceIndex>,
    faults: &mut Vec<String>,
) {
    for (name, value) in &row.fields {
        let target = Row::reference(resource, name, value)
            .and_then(|label| Some((label, labels.get(label)?)));
        let (Some((label, found)), Some(index)) = (target, resource.field_named(name)) else {
            continue;
        };
        if let FieldType::Ref { to, .. } = &resource.field(index).kind
            && to != found
        {
            faults.push(format!(
                "{}: `{name}`: `{label}` is a record of `{}`, not of `{}`",
                row.place,
                model.resource(*found).name,
                model.resource(*to).name
            ));
        }
    }
}

/// An id in the form that the field has, in place of one that is chosen when the seeds are written.
fn any_id(resource: &Resource, name: &str) -> String {
    let form = resource
        .field_named(name)
        .and_then(|index| resource.field(index).kind.id_form());
    let id = carnet_kernel::Id::from_u128(0);
    match form {
        Some(IdForm::Uuid) => format!("\"{}\"", id.to_uuid_text()),
        _ => format!("\"{id}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{SeedFile, read};
    use carnet_model::{Source, compile};

    const DEFINITION: &str = "carnet: 1\nresources:\n  shelves:\n    fields:\n      name: { type: text, max: 5 }\n  \
                              books:\n    fields:\n      title: { type: text, max: 10 }\n      \
                              shelf: { type: ref, to: shelves }\n";

    #[track_caller]
    fn told(books: &str, expected: &[&str]) {
        let model = compile(&[Source::application("a.yaml", DEFINITION)])
            .unwrap()
            .model;
        let file = |name: &str, text: &str| SeedFile {
            name: name.to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        let files = vec![
            file("01-shelves.yaml", "- { $label: top, name: Top }\n"),
            file("02-books.yaml", books),
        ];
        let set = read(&model, files).unwrap();
        assert_eq!(check(&model, &set), expected);
    }

    #[test]
    fn good_rows_have_no_faults() {
        told("- { $label: a, title: A, shelfId: { $ref: top } }\n", &[]);
    }

    #[test]
    fn every_fault_has_its_line() {
        told(
            "- { $label: a, title: A, shelf: top }\n- { $label: b, title: B, shelfId: { $ref: a } }\n",
            &[
                "02-books.yaml, line 1: `shelf`: there is no field `shelf` (write the reference as `shelfId`)",
                "02-books.yaml, line 1: `shelfId`: it is required",
                "02-books.yaml, line 2: `shelfId`: `a` is a record of `books`, not of `shelves`",
            ],
        );
    }
}
