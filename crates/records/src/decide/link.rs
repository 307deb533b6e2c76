//! Linking two records by a record of a link resource, and unlinking them.

use super::reach::{living_only, removal};
use super::{image, references};
use carnet_expr::{CompareOp, Predicate};
use carnet_kernel::{Code, Refusal, Value};
use carnet_model::{FieldIndex, ModelView, Resource, ResourceIndex};
use carnet_store::{
    Changes, Condition, Decision, InsertRow, Load, Loaded, Record, Stamp, Step, Unit,
};

/// A link. Records that are linked already stay as they are.
#[derive(Clone, Debug)]
pub struct Link {
    /// The link resource.
    pub resource: ResourceIndex,
    /// Its two references; no two links have the same in both.
    pub references: [FieldIndex; 2],
    /// The new link, filled by [`fill`](super::fill).
    pub record: Record,
}

impl Unit for Link {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        let resource = view.resource(self.resource);
        let values = self.references.map(|field| self.record.get(field).clone());
        let load = between(resource, self.references, values);
        let Some(found) = loaded.get(&load) else {
            return Ok(Decision::Load(vec![load]));
        };
        if let Some(link) = found.first() {
            return Ok(Decision::Apply(Changes {
                kept: vec![link.clone()],
                ..Changes::default()
            }));
        }
        let both = self.references.into_iter();
        let missing = references::alive(view, loaded, resource, &self.record, both)?;
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
            races: vec![(self.resource, self.references.to_vec())],
            ..Changes::default()
        }))
    }
}

/// The removal of a link.
#[derive(Clone, Debug)]
pub struct Unlink {
    /// The link resource.
    pub resource: ResourceIndex,
    /// Its two references.
    pub references: [FieldIndex; 2],
    /// What they refer to.
    pub values: [Value; 2],
    /// Whether records that are not linked are refused; else they stay as they are.
    pub must: bool,
    /// The command's moment and caller.
    pub stamp: Stamp,
}

impl Unit for Unlink {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        let resource = view.resource(self.resource);
        let load = between(resource, self.references, self.values.clone());
        let Some(found) = loaded.get(&load) else {
            return Ok(Decision::Load(vec![load]));
        };
        if self.must && found.is_empty() {
            return Err(Refusal::new(Code::NotFound, "these records are not linked"));
        }
        let roots = found.iter().filter_map(|link| {
            let id = link.id(resource)?;
            Some(((self.resource, id), link.clone()))
        });
        removal(view, loaded, roots.collect(), false, &self.stamp)
    }
}

fn between(resource: &Resource, references: [FieldIndex; 2], values: [Value; 2]) -> Load {
    let tests = references.into_iter().zip(values);
    let both = tests
        .map(|(field, value)| Predicate::compare(field, CompareOp::Eq, value))
        .fold(living_only(resource), Predicate::and);
    Load::Matching {
        resource: resource.index,
        which: Condition(both),
        limit: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{decide, field, id, resource, stamp, stored};

    fn line(number: u128, order: u128, product: u128) -> (&'static str, Record) {
        let values = [
            ("orderId", Value::Id(id(order))),
            ("productId", Value::Id(id(product))),
        ];
        ("lines", stored(resource("lines"), number, 1, &values))
    }

    fn references() -> [FieldIndex; 2] {
        ["orderId", "productId"].map(|name| field(resource("lines"), name))
    }

    #[test]
    fn links_are_made_once() {
        let link = Link {
            resource: resource("lines").index,
            references: references(),
            record: line(7, 1, 2).1,
        };
        let changes = decide(&link, &[line(8, 1, 3)]).unwrap();
        assert_eq!((changes.steps.len(), changes.races.len()), (1, 1));
        let changes = decide(&link, &[line(8, 1, 2)]).unwrap();
        assert_eq!((changes.steps.len(), changes.kept.len()), (0, 1));
    }

    #[test]
    fn links_go_once() {
        let unlink = Unlink {
            resource: resource("lines").index,
            references: references(),
            values: [1, 2].map(|number| Value::Id(id(number))),
            must: false,
            stamp: stamp(),
        };
        let changes = decide(&unlink, &[line(8, 1, 2), line(9, 1, 3)]).unwrap();
        assert!(matches!(changes.steps.as_slice(), [Step::Delete { rows, .. }] if rows.len() == 1));
        assert_eq!(
            decide(&unlink, &[line(9, 1, 3)]).unwrap(),
            Changes::default()
        );
        let must = Unlink {
            must: true,
            ..unlink
        };
        let refusal = decide(&must, &[line(9, 1, 3)]).unwrap_err();
        assert_eq!(refusal.message, "these records are not linked");
    }
}
