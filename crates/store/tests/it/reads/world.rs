//! A corpus of records that is known in memory and stored in a database.

use super::memory::Memory;
use super::place::Place;
use super::values::value;
use carnet_expr::{Path, Predicate, RelationIndex};
use carnet_kernel::{Id, TenantKey, Value};
use carnet_model::{FieldIndex, FieldType, ModelView, Resource, Role, Source};
use carnet_store::{Count, Counted, Include, Order, Query, Record, Window};
use std::collections::HashMap;

const DEFINITION: &str = include_str!("goods.yaml");

/// The id of the `number`th record of the `kind`th resource.
pub(crate) fn id(kind: usize, number: usize) -> Id {
    Id::from_u128((kind as u128) << 100 | (number as u128) << 3 | 0xF << 120)
}

/// How many records of each resource there are.
const SIZES: [(&str, usize); 7] = [
    ("countries", 3),
    ("makers", 5),
    ("goods", 45),
    ("parts", 60),
    ("marks", 50),
    ("labels", 6),
    ("labelings", 80),
];

/// All records of one tenant, with those of the platform.
pub(crate) struct World {
    pub(crate) view: ModelView,
    pub(crate) tenant: TenantKey,
    memory: Memory,
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
                    if name == "labelings" {
                        // No pair twice.
                        let pair = [
                            ("good", 2, number * 7 % 45),
                            ("label", 5, (number / 45 + number) % 6),
                        ];
                        for (side, kind, there) in pair {
                            let field = resource.field_named(&format!("{side}Id")).unwrap();
                            record.set(field, Value::Id(id(kind, there)));
                        }
                        return record;
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
            memory: Memory {
                view: view.clone(),
                records,
            },
        }
    }

    /// What a list answers: its JSON, whether more follow, how many there are in all.
    pub(crate) fn list(&self, query: &Query) -> (String, bool, Option<u64>) {
        self.memory.list(query)
    }

    pub(crate) fn resource(&self, name: &str) -> &Resource {
        self.view.resource_named(name).unwrap()
    }

    /// Stores the world's records; those of the platform only with the first tenant's.
    pub(crate) fn store(&self, place: &Place) {
        for (name, _) in SIZES {
            let resource = self.resource(name);
            if resource.is_tenant() || self.tenant == TenantKey::DEFAULT {
                let records = self.memory.records[&resource.index].clone();
                place.insert(self.tenant, resource, records);
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
            order: vec![Order::path(Path::own(resource.key), true)],
            ranked: false,
            window: Window {
                limit: 20,
                offset: 0,
            },
            fields: resource.each_field().map(|(index, _)| index).collect(),
            includes: Vec::new(),
            counts: Vec::new(),
            count: Count::None,
            seek: carnet_store::Seek::default(),
        }
    }

    pub(crate) fn relation(&self, resource: &str, relation: &str) -> RelationIndex {
        self.resource(resource).relation_named(relation).unwrap()
    }

    pub(crate) fn counted(&self, resource: &str, relation: &str, predicate: Predicate) -> Counted {
        Counted {
            name: relation.to_owned(),
            relation: self.relation(resource, relation),
            predicate,
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
            } else if field.role == Role::DeletedAt && !next().is_multiple_of(5)
                || absent && (field.optional || matches!(field.kind, FieldType::Principal))
            {
                Value::Null
            } else {
                value(&field.kind, next())
            }
        })
        .collect();
    Record { values }
}

/// The definition of the corpus.
pub(crate) fn sources() -> Vec<Source> {
    vec![Source::application("goods.yaml", DEFINITION)]
}

/// The same with soft deletion: of records, of what they refer to and hold, and of links.
pub(crate) fn soft_sources() -> Vec<Source> {
    let mut definition = DEFINITION.to_owned();
    for name in ["makers", "goods", "parts", "labels", "labelings"] {
        let head = format!("\n  {name}:\n");
        assert!(definition.contains(&head), "{name}");
        definition = definition.replace(&head, &format!("{head}    delete: soft\n"));
    }
    vec![Source::application("goods.yaml", definition)]
}
