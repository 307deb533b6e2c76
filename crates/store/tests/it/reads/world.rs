//! A corpus of records that is known in memory and stored in a database, and what every read of it
//! must answer, told by the evaluator and plain sorting.

use super::place::Place;
use super::values::value;
use carnet_expr::{Found, Path, Predicate, RelationIndex, Row, Truth, evaluate, find};
use carnet_kernel::{Id, JsonText, TenantKey, Value, text};
use carnet_model::{
    FieldIndex, FieldType, ModelView, RelationKind, Resource, ResourceIndex, Source,
};
use carnet_store::{Count, Counted, Include, Nulls, Order, Query, Record, Window, shape};
use std::cmp::Ordering;
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
            Count::UpTo(bound) | Count::Estimate(bound) => {
                (proved || total <= bound as usize).then_some(total as u64)
            }
        };
        (self.json(query, &all[from..to]), to < total, count)
    }

    /// The records of a query in its order; some of `near` when it is there.
    fn matching<'w>(&'w self, query: &Query, near: Option<&[&'w Record]>) -> Vec<&'w Record> {
        let resource = self.view.resource(query.resource);
        let seen = |record: &Record| Seen {
            world: self,
            resource,
            record: record.clone(),
        };
        let all: Vec<&Record> = match near {
            Some(near) => near.to_vec(),
            None => self.records[&resource.index].iter().collect(),
        };
        let mut rows: Vec<&Record> = all
            .into_iter()
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
        if !query.counts.is_empty() {
            out.push_str(comma);
            out.push_str("\"_count\":{");
            for (position, counted) in query.counts.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                shape::write_name(&counted.name, &mut out);
                let target = self
                    .view
                    .resource(resource.relation(counted.relation).target);
                let rows = self.related(resource, record, counted.relation).into_iter();
                let chosen = rows.filter(|row| {
                    let seen = Seen {
                        world: self,
                        resource: target,
                        record: (*row).clone(),
                    };
                    evaluate(&counted.predicate, &seen) == Truth::True
                });
                out.push_str(&chosen.count().to_string());
            }
            out.push('}');
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
            RelationKind::ToMany { .. } | RelationKind::Through { .. } => {
                let near = self.related(resource, record, include.relation);
                let all = self.matching(&include.query, Some(&near));
                let window = include.query.window;
                let from = usize::try_from(window.offset).unwrap().min(all.len());
                let to = (from + window.limit as usize).min(all.len());
                self.json(&include.query, &all[from..to])
            }
        }
    }

    /// The records that a to-many relation leads to.
    fn related(
        &self,
        resource: &Resource,
        record: &Record,
        relation: RelationIndex,
    ) -> Vec<&Record> {
        let relation = resource.relation(relation);
        let key = record.get(resource.key);
        let target = &self.records[&relation.target];
        match relation.kind {
            RelationKind::ToOne { .. } => Vec::new(),
            RelationKind::ToMany { by } => target.iter().filter(|row| row.get(by) == key).collect(),
            RelationKind::Through { link, by, to } => {
                let of = self.view.resource(relation.target);
                let links = self.records[&link].iter().filter(|row| row.get(by) == key);
                let leads: Vec<&Value> = links.map(|row| row.get(to)).collect();
                target
                    .iter()
                    .filter(|row| leads.contains(&row.get(of.key)))
                    .collect()
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
                RelationKind::ToMany { .. } | RelationKind::Through { .. } => None,
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
        !self.related(steps, relation, predicate, None).is_empty()
    }

    fn related(
        &self,
        steps: &[RelationIndex],
        relation: RelationIndex,
        predicate: &Predicate,
        field: Option<FieldIndex>,
    ) -> Vec<Value> {
        let (holder, record) = self.walk(steps);
        let Some(record) = record else {
            return Vec::new();
        };
        let target = self.world.view.resource(holder.relation(relation).target);
        let rows = self.world.related(holder, &record, relation).into_iter();
        let chosen = rows.filter(|row| {
            let seen = Seen {
                world: self.world,
                resource: target,
                record: (*row).clone(),
            };
            evaluate(predicate, &seen) == Truth::True
        });
        chosen
            .map(|row| field.map_or(Value::Null, |field| row.get(field).clone()))
            .collect()
    }

    fn caseless(&self, path: &Path) -> bool {
        self.walk(&path.steps).0.field(path.field).caseless()
    }
}

fn order(key: &Order, left: &Seen<'_>, right: &Seen<'_>) -> Ordering {
    let (first, second) = (find(&key.by, left), find(&key.by, right));
    let nulls = match key.nulls {
        Nulls::Smallest => None,
        Nulls::First => Some(Ordering::Less),
        Nulls::Last => Some(Ordering::Greater),
    };
    let turned = |order: Ordering| {
        if key.descending {
            order.reverse()
        } else {
            order
        }
    };
    match (first.is_null(), second.is_null()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return nulls.unwrap_or(turned(Ordering::Less)),
        (false, true) => return nulls.map_or(turned(Ordering::Greater), Ordering::reverse),
        (false, false) => {}
    }
    turned(match (&first, &second, key.as_path()) {
        (Found::Value(Value::Text(a)), Found::Value(Value::Text(b)), Some(path))
            if left.caseless(path) =>
        {
            text::fold(a).cmp(&text::fold(b)).then_with(|| a.cmp(b))
        }
        (Found::Value(Value::Json(a)), Found::Value(Value::Json(b)), _) => {
            let rank = |json: &JsonText| match json.to_value() {
                serde_json::Value::Bool(false) => 1,
                serde_json::Value::Bool(true) => 2,
                serde_json::Value::Number(_) => 3,
                serde_json::Value::String(_) => 4,
                _ => 5,
            };
            let values = || first.compare(&second).unwrap_or(Ordering::Equal);
            rank(a).cmp(&rank(b)).then_with(values)
        }
        _ => first.compare(&second).unwrap(),
    })
}

/// The definition of the corpus.
pub(crate) fn sources() -> Vec<Source> {
    vec![Source::application("goods.yaml", DEFINITION)]
}
