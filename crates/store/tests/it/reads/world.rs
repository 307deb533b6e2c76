//! A corpus of records that is known in memory and stored in a database, and what every read of it
//! must answer, told by the evaluator and plain sorting.

use super::place::Place;
use super::values::value;
use carnet_expr::{Path, Predicate, RelationIndex, Row, Truth, compare, evaluate};
use carnet_kernel::{Id, TenantKey, Value, text};
use carnet_model::{
    FieldIndex, FieldType, ModelView, RelationKind, Resource, ResourceIndex, Source,
};
use carnet_store::{Count, Include, Order, Query, Record, Window, shape};
use std::cmp::Ordering;
use std::collections::HashMap;

const DEFINITION: &str = include_str!("goods.yaml");

/// The id of the `number`th record of the `kind`th resource.
pub(crate) fn id(kind: usize, number: usize) -> Id {
    Id::from_u128((kind as u128) << 100 | (number as u128) << 3 | 0xF << 120)
}

/// How many records of each resource there are.
const SIZES: [(&str, usize); 5] = [
    ("countries", 3),
    ("makers", 5),
    ("goods", 45),
    ("parts", 60),
    ("marks", 50),
];

/// All records of one tenant, with those of the platform.
pub(crate) struct World {
    pub(crate) view: ModelView,
    pub(crate) tenant: TenantKey,
    records: HashMap<ResourceIndex, Vec<Record>>,
}

impl World {
    /// A world whose values follow from `salt`.
    pub(crate) fn new(view: &ModelView, tenant: TenantKey, salt: usize) -> Self {
        let mut next = numbers(salt);
        // The platform's records are the same for all.
        let mut shared = numbers(0);
        let mut records = HashMap::new();
        for (kind, (name, count)) in SIZES.into_iter().enumerate() {
            let resource = view.resource_named(name).unwrap();
            let next: &mut dyn FnMut() -> usize = if resource.is_tenant() {
                &mut next
            } else {
                &mut shared
            };
            let rows = (0..count)
                .map(|number| {
                    let mut record = random(resource, next);
                    record.set(resource.key, Value::Id(id(kind, number)));
                    if name == "countries" {
                        let code = resource.field_named("code").unwrap();
                        record.set(code, Value::Text(format!("c{number}")));
                    }
                    for (field, to) in references(view, resource) {
                        let there = SIZES.iter().position(|(name, _)| *name == to).unwrap();
                        // A record refers to one before it, and some optional ones to none.
                        let limit = if there == kind {
                            number
                        } else {
                            SIZES[there].1
                        };
                        let none = resource.field(field).optional
                            && (limit == 0 || next().is_multiple_of(4));
                        record.set(
                            field,
                            if none {
                                Value::Null
                            } else {
                                Value::Id(id(there, next() % limit.max(1)))
                            },
                        );
                    }
                    record
                })
                .collect();
            records.insert(resource.index, rows);
        }
        Self {
            view: view.clone(),
            tenant,
            records,
        }
    }

    pub(crate) fn resource(&self, name: &str) -> &Resource {
        self.view.resource_named(name).unwrap()
    }

    fn find(&self, resource: &Resource, id: &Value) -> Option<&Record> {
        self.records[&resource.index]
            .iter()
            .find(|record| record.get(resource.key) == id)
    }

    /// Stores the world's records; those of the platform only with the first tenant's.
    pub(crate) fn store(&self, place: &Place) {
        for (name, _) in SIZES {
            let resource = self.resource(name);
            if resource.is_tenant() || self.tenant == TenantKey::DEFAULT {
                place.insert(self.tenant, resource, self.records[&resource.index].clone());
            }
        }
    }

    /// What a list answers: its JSON, whether more follow, how many there are in all.
    pub(crate) fn list(&self, query: &Query) -> (String, bool, Option<u64>) {
        let all = self.matching(query, None);
        let total = all.len();
        let from = usize::try_from(query.window.offset).unwrap().min(total);
        let to = (from + query.window.limit as usize).min(total);
        let proved = to == total && (to > from || from == 0);
        let count = match query.count {
            Count::None => None,
            Count::Exact => Some(total as u64),
            Count::UpTo(bound) => (proved || total <= bound as usize).then_some(total as u64),
        };
        (self.json(query, &all[from..to]), to < total, count)
    }

    /// The records of a query in its order; of a parent's alone when there is one.
    fn matching(&self, query: &Query, parent: Option<(FieldIndex, &Value)>) -> Vec<&Record> {
        let resource = self.view.resource(query.resource);
        let seen = |record: &Record| Seen {
            world: self,
            resource,
            record: record.clone(),
        };
        let mut rows: Vec<&Record> = self.records[&resource.index]
            .iter()
            .filter(|record| parent.is_none_or(|(field, id)| record.get(field) == id))
            .filter(|record| evaluate(&query.predicate, &seen(record)) == Truth::True)
            .collect();
        rows.sort_by(|left, right| {
            query
                .order
                .iter()
                .map(|key| order(key, &seen(left), &seen(right)))
                .find(|order| *order != Ordering::Equal)
                .unwrap_or(Ordering::Equal)
        });
        rows
    }

    fn json(&self, query: &Query, rows: &[&Record]) -> String {
        let rows: Vec<String> = rows.iter().map(|row| self.object(query, row)).collect();
        format!("[{}]", rows.join(","))
    }

    fn object(&self, query: &Query, record: &Record) -> String {
        let resource = self.view.resource(query.resource);
        let mut out = String::from("{");
        let mut comma = "";
        for field in &query.fields {
            out.push_str(comma);
            comma = ",";
            let field_of = resource.field(*field);
            shape::write_name(&field_of.name, &mut out);
            shape::write_value(&field_of.kind, record.get(*field), &mut out);
        }
        for include in &query.includes {
            out.push_str(comma);
            comma = ",";
            let relation = resource.relation(include.relation);
            shape::write_name(&relation.name, &mut out);
            out.push_str(&self.included(include, resource, record));
        }
        out.push('}');
        out
    }

    fn included(&self, include: &Include, resource: &Resource, record: &Record) -> String {
        let relation = resource.relation(include.relation);
        let target = self.view.resource(relation.target);
        match relation.kind {
            RelationKind::ToOne { field } => self
                .find(target, record.get(field))
                .filter(|found| {
                    let seen = Seen {
                        world: self,
                        resource: target,
                        record: (*found).clone(),
                    };
                    evaluate(&include.query.predicate, &seen) == Truth::True
                })
                .map_or("null".to_owned(), |found| {
                    self.object(&include.query, found)
                }),
            RelationKind::ToMany { by } => {
                let key = record.get(resource.key);
                let all = self.matching(&include.query, Some((by, key)));
                let window = include.query.window;
                let from = usize::try_from(window.offset).unwrap().min(all.len());
                let to = (from + window.limit as usize).min(all.len());
                self.json(&include.query, &all[from..to])
            }
        }
    }

    /// A query for every field, by descending id.
    pub(crate) fn query(&self, resource: &str) -> Query {
        let resource = self.resource(resource);
        Query {
            resource: resource.index,
            predicate: Predicate::True,
            deleted: carnet_store::Deleted::Hidden,
            order: vec![Order {
                path: Path::own(resource.key),
                descending: true,
            }],
            ranked: false,
            window: Window {
                limit: 20,
                offset: 0,
            },
            fields: resource.each_field().map(|(index, _)| index).collect(),
            includes: Vec::new(),
            count: Count::None,
        }
    }

    pub(crate) fn include(&self, resource: &str, relation: &str, query: Query) -> Include {
        Include {
            relation: self.resource(resource).relation_named(relation).unwrap(),
            query,
        }
    }
}

/// The references of a resource that are no field of the record's own, with where they lead.
fn references<'v>(
    view: &'v ModelView,
    resource: &'v Resource,
) -> impl Iterator<Item = (FieldIndex, &'v str)> {
    resource
        .each_field()
        .filter_map(|(index, field)| match field.kind {
            FieldType::Ref { to, .. } => Some((index, view.resource(to).name.as_str())),
            _ => None,
        })
}

/// Numbers without end that look random.
fn numbers(salt: usize) -> impl FnMut() -> usize {
    let mut seed = salt;
    move || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        seed >> 33
    }
}

fn random(resource: &Resource, next: &mut dyn FnMut() -> usize) -> Record {
    let standard = resource.standard.unwrap();
    let values = resource
        .each_field()
        .map(|(index, field)| {
            let absent = next().is_multiple_of(5);
            if index == standard.version {
                Value::Integer(1)
            } else if absent && (field.optional || matches!(field.kind, FieldType::Principal)) {
                Value::Null
            } else {
                value(&field.kind, next())
            }
        })
        .collect();
    Record { values }
}

/// One record as the evaluator sees it.
struct Seen<'w> {
    world: &'w World,
    resource: &'w Resource,
    record: Record,
}

impl<'w> Seen<'w> {
    /// The record that to-one steps lead to.
    fn walk(&self, steps: &[RelationIndex]) -> (&'w Resource, Option<Record>) {
        let mut holder = self.resource;
        let mut record = Some(self.record.clone());
        for step in steps {
            let relation = holder.relation(*step);
            let target = self.world.view.resource(relation.target);
            record = match relation.kind {
                RelationKind::ToOne { field } => {
                    record.and_then(|record| self.world.find(target, record.get(field)).cloned())
                }
                RelationKind::ToMany { .. } => None,
            };
            holder = target;
        }
        (holder, record)
    }
}

impl Row for Seen<'_> {
    fn value(&self, path: &Path) -> Value {
        let (_, record) = self.walk(&path.steps);
        record.map_or(Value::Null, |record| record.get(path.field).clone())
    }

    fn exists(
        &self,
        steps: &[RelationIndex],
        relation: RelationIndex,
        predicate: &Predicate,
    ) -> bool {
        let (holder, record) = self.walk(steps);
        let Some(record) = record else {
            return false;
        };
        let relation = holder.relation(relation);
        let target = self.world.view.resource(relation.target);
        let RelationKind::ToMany { by } = relation.kind else {
            return false;
        };
        self.world.records[&target.index]
            .iter()
            .filter(|row| row.get(by) == record.get(holder.key))
            .any(|row| {
                let seen = Seen {
                    world: self.world,
                    resource: target,
                    record: row.clone(),
                };
                evaluate(predicate, &seen) == Truth::True
            })
    }

    fn caseless(&self, path: &Path) -> bool {
        self.walk(&path.steps).0.field(path.field).caseless()
    }
}

fn order(key: &Order, left: &Seen<'_>, right: &Seen<'_>) -> Ordering {
    let (first, second) = (left.value(&key.path), right.value(&key.path));
    let ascending = match (&first, &second) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Text(a), Value::Text(b)) if left.caseless(&key.path) => {
            text::fold(a).cmp(&text::fold(b)).then_with(|| a.cmp(b))
        }
        _ => compare(&first, &second).unwrap(),
    };
    if key.descending {
        ascending.reverse()
    } else {
        ascending
    }
}

/// The definition of the corpus.
pub(crate) fn sources() -> Vec<Source> {
    vec![Source::application("goods.yaml", DEFINITION)]
}
