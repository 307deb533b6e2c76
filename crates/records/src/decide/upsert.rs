//! Creating a record or changing the one that is there already, found by the values of a unique
//! constraint.

use super::change::{one, revise};
use super::reach::living_only;
use super::{Kind, Precondition, image, references};
use crate::validate::Input;
use carnet_expr::{CompareOp, Path, Predicate, TextOp};
use carnet_kernel::{Code, Refusal, Value, text};
use carnet_model::{FieldIndex, ModelView, Resource, ResourceIndex};
use carnet_store::{
    Changes, Condition, Decision, InsertRow, Load, Loaded, Record, Stamp, Step, Unit,
};

/// A create that becomes a change when a record with the same key is there. Fields that the body
/// does not name keep what they have.
#[derive(Clone, Debug)]
pub struct Upsert {
    /// Of which resource.
    pub resource: ResourceIndex,
    /// The members of one unique constraint, or the id where clients choose it.
    pub key: Vec<FieldIndex>,
    /// The new record, filled by [`fill`](super::fill).
    pub record: Record,
    /// What the body says, for a record that is there.
    pub input: Input,
    /// The versions a change may be based on.
    pub precondition: Option<Precondition>,
    /// The command's moment and caller.
    pub stamp: Stamp,
}

impl Unit for Upsert {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        let resource = view.resource(self.resource);
        let load = Load::Matching {
            resource: self.resource,
            which: Condition(same(resource, &self.key, &self.record).and(living_only(resource))),
            limit: 1,
        };
        let Some(found) = loaded.get(&load) else {
            return Ok(Decision::Load(vec![load]));
        };
        if let Some(before) = found.first() {
            Precondition::require(self.precondition.as_ref(), resource)?;
            let version = before.version(resource).unwrap_or_default();
            Precondition::check(self.precondition.as_ref(), version)?;
            let row = revise(resource, before, Kind::Patch, &self.input, &self.stamp)?;
            return one(view, loaded, resource, before, row);
        }
        if self.precondition.is_some() {
            return Err(Refusal::new(
                Code::PreconditionFailed,
                "there is no such record; leave `If-Match` out to create it",
            ));
        }
        let all = resource.declared_fields().map(|(index, _)| index);
        let missing = references::alive(view, loaded, resource, &self.record, all)?;
        if !missing.is_empty() {
            return Ok(Decision::Load(missing));
        }
        let row = InsertRow {
            record: self.record.clone(),
            journal: image::created(resource, &self.record),
        };
        Ok(Decision::Apply(Changes {
            steps: vec![Step::Insert {
                resource: self.resource,
                rows: vec![row],
            }],
            races: vec![(self.resource, self.key.clone())],
            ..Changes::default()
        }))
    }
}

/// The records that a unique constraint holds for the same as `record`.
pub(super) fn same(resource: &Resource, key: &[FieldIndex], record: &Record) -> Predicate {
    let tests = key.iter().map(|index| {
        let value = record.get(*index);
        match (resource.field(*index).caseless(), value) {
            (true, Value::Text(value)) => Predicate::Text {
                op: TextOp::Like,
                path: Path::own(*index),
                pattern: literal(&text::fold(value)),
                caseless: true,
            },
            _ => Predicate::compare(*index, CompareOp::Eq, value.clone()),
        }
    });
    tests.fold(Predicate::True, Predicate::and)
}

/// A pattern that only this text matches.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fill;
    use crate::fixture::{decide, field, id, resource, stamp, stored, told};
    use crate::validate::{Mode, read_entries, read_object};

    fn upsert(name: &str, key: &str, body: &str) -> Upsert {
        let resource = resource(name);
        let entries = read_object(body).unwrap();
        let mut faults = Vec::new();
        let input = read_entries(resource, &entries, Mode::Whole, "", &mut faults);
        let record = fill(
            resource,
            &entries,
            input.clone(),
            id(7),
            &stamp(),
            "",
            &mut faults,
        );
        assert_eq!(faults, []);
        Upsert {
            resource: resource.index,
            key: vec![field(resource, key)],
            record,
            input,
            precondition: None,
            stamp: stamp(),
        }
    }

    fn category(name: &str) -> (&'static str, Record) {
        let values = [
            ("name", Value::Text(name.to_owned())),
            ("parentId", Value::Id(id(3))),
        ];
        ("categories", stored(resource("categories"), 1, 4, &values))
    }

    #[test]
    fn what_is_not_there_is_made_and_may_lose_a_race() {
        let unit = upsert("categories", "name", r#"{"name":"Pens"}"#);
        let changes = decide(&unit, &[category("Pens_"), category("Pen")]).unwrap();
        let [Step::Insert { rows, .. }] = changes.steps.as_slice() else {
            panic!("{changes:?}");
        };
        let categories = resource("categories");
        assert_eq!(rows[0].record.id(categories), Some(id(7)));
        assert_eq!(
            changes.races,
            [(categories.index, vec![field(categories, "name")])]
        );
    }

    #[test]
    fn what_is_there_is_changed_where_the_body_says_so() {
        // The constraint of a caseless field knows no case.
        let unit = upsert("categories", "name", r#"{"name":"PENS%"}"#);
        let changes = decide(&unit, &[category("pens%")]).unwrap();
        let [Step::Update { rows, .. }] = changes.steps.as_slice() else {
            panic!("{changes:?}");
        };
        let categories = resource("categories");
        assert_eq!(rows[0].version, 4);
        assert_eq!(
            rows[0].record.get(field(categories, "parentId")),
            &Value::Id(id(3))
        );
        let kept = upsert("categories", "name", r#"{"name":"pens%"}"#);
        let changes = decide(&kept, &[category("pens%")]).unwrap();
        assert_eq!((changes.steps.len(), changes.kept.len()), (0, 1));
    }

    #[test]
    fn versions_bind_what_is_there() {
        let mut unit = upsert("orders", "number", r#"{"number":1}"#);
        let order = (
            "orders",
            stored(resource("orders"), 1, 4, &[("number", Value::Integer(1))]),
        );
        let code = |unit: &Upsert, records: &[(&str, Record)]| {
            decide(unit, records)
                .map_err(|refusal| told(&refusal))
                .map(|changes| changes.kept.len())
        };
        assert_eq!(
            code(&unit, std::slice::from_ref(&order)),
            Err("PRECONDITION_REQUIRED".to_owned())
        );
        unit.precondition = Some(Precondition::Versions(vec![3]));
        assert_eq!(
            code(&unit, std::slice::from_ref(&order)),
            Err("PRECONDITION_FAILED".to_owned())
        );
        assert_eq!(code(&unit, &[]), Err("PRECONDITION_FAILED".to_owned()));
        unit.precondition = Some(Precondition::Versions(vec![4]));
        assert_eq!(code(&unit, std::slice::from_ref(&order)), Ok(1));
    }
}
