//! Records in memory, and what every read of them must answer, told by the evaluator and plain
//! sorting. Uses nothing of these tests, so that those of other crates include it as well.

use carnet_expr::{Found, Path, Predicate, RelationIndex, Row, Truth, evaluate, find};
use carnet_kernel::{JsonText, Value, text};
use carnet_model::{FieldIndex, ModelView, RelationKind, Resource, ResourceIndex};
use carnet_store::{Count, Deleted, Include, Nulls, Order, Query, Record, shape};
use std::cmp::Ordering;
use std::collections::HashMap;

/// All records that one tenant sees, those that are deleted softly among them.
pub(crate) struct Memory {
    pub(crate) view: ModelView,
    pub(crate) records: HashMap<ResourceIndex, Vec<Record>>,
}

impl Memory {
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

    /// Every record of a resource that a read with this word sees.
    pub(crate) fn shown<'w>(
        &'w self,
        resource: &'w Resource,
        deleted: Deleted,
    ) -> impl Iterator<Item = &'w Record> {
        let all = self.records.get(&resource.index).into_iter().flatten();
        all.filter(move |record| is_shown(resource, record, deleted))
    }

    /// Whether a predicate is true of a record.
    pub(crate) fn holds(
        &self,
        predicate: &Predicate,
        resource: &Resource,
        record: &Record,
    ) -> bool {
        evaluate(predicate, &self.seen(resource, record)) == Truth::True
    }

    /// A record as the evaluator sees it.
    pub(crate) fn seen<'w>(&'w self, resource: &'w Resource, record: &'w Record) -> Seen<'w> {
        Seen {
            memory: self,
            resource,
            record,
        }
    }

    /// The record that a reference leads to; none where it is deleted.
    fn find(&self, resource: &Resource, id: &Value) -> Option<&Record> {
        let all = self.records.get(&resource.index).into_iter().flatten();
        all.filter(|record| is_shown(resource, record, Deleted::Hidden))
            .find(|record| record.get(resource.key) == id)
    }

    /// The records of a query in its order; some of `near` when it is there.
    fn matching<'w>(&'w self, query: &Query, near: Option<&[&'w Record]>) -> Vec<&'w Record> {
        let resource = self.view.resource(query.resource);
        let all: Vec<&Record> = match near {
            Some(near) => near.to_vec(),
            None => self.shown(resource, query.deleted).collect(),
        };
        let mut rows: Vec<&Record> = all
            .into_iter()
            .filter(|record| self.holds(&query.predicate, resource, record))
            .collect();
        rows.sort_by(|left, right| {
            query
                .order
                .iter()
                .map(|key| order(key, &self.seen(resource, left), &self.seen(resource, right)))
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
                let target = resource.relation(counted.relation).target;
                let target = self.view.resource(target);
                let rows = self.related(resource, record, counted.relation);
                let rows = rows.into_iter();
                let chosen = rows.filter(|row| self.holds(&counted.predicate, target, row));
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
                .filter(|found| self.holds(&include.query.predicate, target, found))
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

    /// The records that a to-many relation leads to; none that is deleted or linked by a link that
    /// is.
    fn related(
        &self,
        resource: &Resource,
        record: &Record,
        relation: RelationIndex,
    ) -> Vec<&Record> {
        let relation = resource.relation(relation);
        let key = record.get(resource.key);
        let of = self.view.resource(relation.target);
        let target = self.shown(of, Deleted::Hidden);
        match relation.kind {
            RelationKind::ToOne { .. } => Vec::new(),
            RelationKind::ToMany { by } => target.filter(|row| row.get(by) == key).collect(),
            RelationKind::Through { link, by, to } => {
                let links = self.shown(self.view.resource(link), Deleted::Hidden);
                let links = links.filter(|row| row.get(by) == key);
                let leads: Vec<&Value> = links.map(|row| row.get(to)).collect();
                target
                    .filter(|row| leads.contains(&row.get(of.key)))
                    .collect()
            }
        }
    }
}

fn is_shown(resource: &Resource, record: &Record, deleted: Deleted) -> bool {
    let Some(mark) = resource.deleted() else {
        return deleted != Deleted::Only;
    };
    let gone = *record.get(mark.at) != Value::Null;
    match deleted {
        Deleted::Hidden => !gone,
        Deleted::With => true,
        Deleted::Only => gone,
    }
}

/// One record as the evaluator sees it.
pub(crate) struct Seen<'w> {
    memory: &'w Memory,
    resource: &'w Resource,
    record: &'w Record,
}

impl<'w> Seen<'w> {
    /// The record that to-one steps lead to.
    fn walk(&self, steps: &[RelationIndex]) -> (&'w Resource, Option<&'w Record>) {
        let mut holder = self.resource;
        let mut record = Some(self.record);
        for step in steps {
            let relation = holder.relation(*step);
            let target = self.memory.view.resource(relation.target);
            record = match relation.kind {
                RelationKind::ToOne { field } => {
                    record.and_then(|record| self.memory.find(target, record.get(field)))
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
        let target = self.memory.view.resource(holder.relation(relation).target);
        let rows = self.memory.related(holder, record, relation).into_iter();
        rows.filter(|row| self.memory.holds(predicate, target, row))
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
