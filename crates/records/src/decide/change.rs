//! Replacing and patching one record.

use super::{Precondition, image, living, operation, references};
use crate::validate::{Input, Written, read_value, refuse};
use carnet_kernel::{Code, Detail, Id, JsonText, Refusal, Value};
use carnet_model::{FieldIndex, ModelView, Resource, ResourceIndex, Role};
use carnet_store::{Changes, Decision, Load, Loaded, Record, Stamp, Step, Unit, UpdateRow};
use serde_json::Value as Json;

/// A change of one record.
#[derive(Clone, Debug)]
pub struct Change {
    /// Of which resource.
    pub resource: ResourceIndex,
    /// Which record.
    pub id: Id,
    /// What is said of absent fields.
    pub kind: Kind,
    /// What the body says.
    pub input: Input,
    /// The versions it may be based on.
    pub precondition: Option<Precondition>,
    /// The command's moment and caller.
    pub stamp: Stamp,
}

/// What becomes of fields the body does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They return to their default; a required one that is absent is a fault.
    Replace,
    /// They stay.
    Patch,
}

impl Unit for Change {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        let load = Load::Record {
            resource: self.resource,
            id: self.id,
        };
        let Some(found) = loaded.get(&load) else {
            return Ok(Decision::Load(vec![load]));
        };
        let resource = view.resource(self.resource);
        let before = found
            .first()
            .filter(|record| living(resource, record))
            .ok_or_else(|| Refusal::not_found(&resource.name))?;
        let version = before.version(resource).unwrap_or_default();
        Precondition::check(self.precondition.as_ref(), version)?;
        let row = revise(resource, before, self.kind, &self.input, &self.stamp)?;
        one(view, loaded, resource, before, row)
    }
}

/// The change of one record that is there: its row, or the record as it is kept; or what has to be
/// seen before.
pub(super) fn one(
    view: &ModelView,
    loaded: &Loaded,
    resource: &Resource,
    before: &Record,
    row: Option<UpdateRow>,
) -> Result<Decision, Refusal> {
    let Some(row) = row else {
        return Ok(Decision::Apply(Changes {
            kept: vec![before.clone()],
            ..Changes::default()
        }));
    };
    let changed = row.changed.iter().copied();
    let missing = references::alive(view, loaded, resource, &row.record, changed)?;
    if !missing.is_empty() {
        return Ok(Decision::Load(missing));
    }
    Ok(Decision::Apply(Changes {
        steps: vec![Step::Update {
            resource: resource.index,
            rows: vec![row],
        }],
        ..Changes::default()
    }))
}

/// What a body makes of a record; nothing when all of it is so already.
pub(super) fn revise(
    resource: &Resource,
    before: &Record,
    kind: Kind,
    input: &Input,
    stamp: &Stamp,
) -> Result<Option<UpdateRow>, Refusal> {
    let mut after = apply(resource, before, kind, input)?;
    let mut changed: Vec<FieldIndex> = resource
        .declared_fields()
        .map(|(index, _)| index)
        .filter(|index| before.get(*index) != after.get(*index))
        .collect();
    if changed.is_empty() {
        return Ok(None);
    }
    let version = before.version(resource).unwrap_or_default();
    changed.extend(touch(resource, &mut after, version + 1, stamp));
    let journal = image::updated(resource, before, &after, &changed, version + 1);
    let id = before
        .id(resource)
        .ok_or_else(|| Refusal::new(Code::Internal, "a loaded record has no id"))?;
    Ok(Some(UpdateRow {
        id,
        version,
        changed,
        record: after,
        journal,
    }))
}

/// Sets the standard fields that every change sets, and names them.
pub(super) fn touch(
    resource: &Resource,
    record: &mut Record,
    version: i64,
    stamp: &Stamp,
) -> Vec<FieldIndex> {
    let Some(standard) = resource.standard else {
        return Vec::new();
    };
    record.set(standard.version, Value::Integer(version));
    record.set(standard.updated_at, Value::DateTime(stamp.now.0));
    record.set(
        standard.updated_by,
        stamp.principal.map_or(Value::Null, Value::Principal),
    );
    vec![standard.updated_at, standard.updated_by, standard.version]
}

fn apply(
    resource: &Resource,
    before: &Record,
    kind: Kind,
    input: &Input,
) -> Result<Record, Refusal> {
    read_only(resource, before, input)?;
    let mut faults = Vec::new();
    let mut after = before.clone();
    if kind == Kind::Replace {
        for (index, field) in resource.declared_fields() {
            // A client cannot take back what its version does not show.
            if field.hidden || input.fields.iter().any(|(given, _)| *given == index) {
                continue;
            }
            after.set(index, field.default.clone().unwrap_or(Value::Null));
        }
    }
    for (index, written) in &input.fields {
        let field = resource.field(*index);
        if field.role == Role::Id {
            continue;
        }
        let value = match written {
            Written::Value(value) => Some(value.clone()),
            Written::Merge(patch) => {
                let merged = merge(stored(before.get(*index)), patch.to_value());
                // The rules bind the merged value, not the patch.
                read_value(
                    &field.kind,
                    JsonText::from_value(&merged).as_str(),
                    &field.name,
                    &mut faults,
                )
            }
            Written::Operation(operation) => {
                operation::apply(field, before.get(*index), operation, &mut faults)
            }
        };
        if let Some(value) = value {
            after.set(*index, value);
        }
    }
    refuse(faults).map_or(Ok(after), Err)
}

/// What clients only read may stand in a body as long as it says what is stored.
fn read_only(resource: &Resource, before: &Record, input: &Input) -> Result<(), Refusal> {
    let ids = input
        .fields
        .iter()
        .filter_map(|(index, written)| match written {
            Written::Value(value) if resource.field(*index).role == Role::Id => {
                Some((index, value))
            }
            _ => None,
        });
    let faults: Vec<Detail> = input
        .read_only
        .iter()
        .map(|(index, value)| (index, value))
        .chain(ids)
        .filter(|(index, value)| before.get(**index) != *value)
        .map(|(index, _)| {
            Detail::new(
                resource.field(*index).name.clone(),
                "readOnly",
                "it cannot be written; leave it out or send the stored value",
            )
        })
        .collect();
    match faults.first() {
        None => Ok(()),
        Some(first) => {
            let message = format!("`{}` cannot be written", first.field);
            Err(Refusal {
                details: faults,
                ..Refusal::new(Code::ReadOnlyField, message)
            })
        }
    }
}

fn stored(value: &Value) -> Json {
    match value {
        Value::Json(text) => text.to_value(),
        _ => Json::Null,
    }
}

/// RFC 7396 section 2.
fn merge(target: Json, patch: Json) -> Json {
    let Json::Object(patch) = patch else {
        return patch;
    };
    let mut object = match target {
        Json::Object(object) => object,
        _ => serde_json::Map::new(),
    };
    for (name, value) in patch {
        if value.is_null() {
            object.remove(&name);
        } else {
            let inner = object.remove(&name).unwrap_or(Json::Null);
            object.insert(name, merge(inner, value));
        }
    }
    Json::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(target: Json, patch: Json, expected: Json) {
        assert_eq!(merge(target, patch), expected);
    }

    #[test]
    fn merges_of_rfc_7396_appendix_a() {
        check(json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"}));
        check(json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"}));
        check(json!({"a":"b"}), json!({"a":null}), json!({}));
        check(
            json!({"a":"b","b":"c"}),
            json!({"a":null}),
            json!({"b":"c"}),
        );
        check(json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"}));
        check(
            json!({"a":{"b":"c"}}),
            json!({"a":{"b":"d","c":null}}),
            json!({"a":{"b":"d"}}),
        );
        check(json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]}));
        check(json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"]));
        check(json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1}));
        check(json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"}));
        check(
            json!({}),
            json!({"a":{"bb":{"ccc":null}}}),
            json!({"a":{"bb":{}}}),
        );
    }
}
