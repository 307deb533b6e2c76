//! The small definition that unit tests of this crate read, plan and decide against.

use crate::decide::{Change, Kind};
use crate::parse::{ListRequest, parse_list};
use crate::validate::{Mode, read_body};
use carnet_expr::{Path, Predicate, RelationIndex, Truth, evaluate};
use carnet_kernel::{Id, PrincipalKind, PrincipalRef, Refusal, Timestamp, Value};
use carnet_model::{FieldIndex, ModelView, Resource, Source};
use carnet_store::{Changes, Decision, Load, Loaded, Record, Stamp, Unit};
use std::sync::{Arc, LazyLock};

#[path = "../tests/it/words.rs"]
mod words;

pub(crate) use words::{pairs, told};

const DEFINITION: &str = r##"
carnet: 1
service: shop
use: [settings]
resources:
  categories:
    title: Category
    fields:
      name: { type: text, min: 1, max: 60, caseless: true, unique: true }
      parent: { type: ref, to: categories, optional: true, onDelete: setNull }
      unit: { type: ref, to: units, optional: true }
    many:
      children: { of: categories, by: parent }
      products: { of: products, by: category }
  products:
    title: Product
    fields:
      name: { type: text, min: 1, max: 20, caseless: true }
      sku: { type: text, max: 10, pattern: '[A-Z]+-\d+', unique: true, optional: true }
      note: { type: text, optional: true }
      price: { type: decimal, precision: 12, scale: 2, min: 0, optional: true }
      stock: { type: integer, min: 0, default: 0 }
      weight: { type: float, optional: true }
      status: { type: enum, values: [draft, published, archived], default: draft }
      isFeatured: { type: boolean, default: false }
      releasedOn: { type: date, optional: true }
      seenAt: { type: dateTime, optional: true }
      opensAt: { type: time, optional: true }
      lasts: { type: duration, optional: true }
      contact: { type: email, max: 100, optional: true }
      page: { type: url, max: 200, optional: true }
      token: { type: uuid, optional: true }
      details: { type: json, default: {}, schema: { type: object, properties: { rows: { type: array, items: { $ref: "#/$defs/row" } } }, $defs: { row: { type: object, required: [name] } } } }
      labels: { type: i18n, max: 10, optional: true }
      tags: { type: list, of: { type: text, max: 5 }, max: 3, distinct: true, default: [] }
      category: { type: ref, to: categories, onDelete: restrict }
    many:
      lines: { of: lines, by: product }
    actions:
      feature:
        title: Feature a product
        input:
          isFeatured: { type: boolean, default: true }
          reason: { type: text, min: 1, max: 20, optional: true }
          category: { type: ref, to: categories, optional: true }
          fee: { type: decimal, precision: 6, scale: 2, optional: true }
        output: record
      importAll:
        on: collection
        method: put
        input: { source: url, until: { type: date, default: 2026-12-31 } }
        output: { made: integer, note: { type: text, optional: true } }
      recount: { on: collection, description: Counts the stock again. }
      retire: { method: delete }
  orders:
    title: Order
    concurrency: optimistic
    fields:
      number: { type: integer, unique: true }
    many:
      lines: { of: lines, by: order }
  lines:
    title: Line
    fields:
      order: { type: ref, to: orders, onDelete: cascade }
      product: { type: ref, to: products, onDelete: restrict }
      quantity: { type: integer, default: 1 }
    unique: [[order, product]]
  nodes:
    title: Node
    fields:
      name: { type: text, max: 20 }
      parent: { type: ref, to: nodes, optional: true, onDelete: cascade }
      second: { type: ref, to: nodes, optional: true, onDelete: cascade }
      friend: { type: ref, to: nodes, optional: true, onDelete: setNull }
      guard: { type: ref, to: nodes, optional: true, onDelete: restrict }
  tokens:
    title: Token
    id: { type: uuid, client: true }
    operations: [list, create, read, patch]
    fields:
      name: { type: text, max: 50 }
  units:
    title: Unit
    tenancy: platform
    shared: true
    operations: [list, delete, batch]
    fields:
      code: { type: text, max: 20, unique: true }
"##;

/// The whole view.
pub(crate) fn view() -> &'static ModelView {
    static VIEW: LazyLock<ModelView> = LazyLock::new(|| compile(DEFINITION));
    &VIEW
}

/// The view of another definition, with what this crate ships.
pub(crate) fn compile(definition: &str) -> ModelView {
    let mut sources = crate::definitions();
    sources.push(Source::application("carnet.yaml", definition));
    ModelView::new(Arc::new(carnet_model::compile(&sources).unwrap().model))
}

pub(crate) fn resource(name: &str) -> &'static Resource {
    view().resource_named(name).unwrap()
}

pub(crate) fn field(resource: &Resource, name: &str) -> FieldIndex {
    resource.field_named(name).unwrap()
}

/// The moment of every request: 2026-11-27T10:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp(1_795_773_600_000_000);

/// A list of products, or why not.
pub(crate) fn list(query: &str) -> Result<ListRequest, Refusal> {
    parse_list(view(), resource("products"), &pairs(query), NOW)
}

pub(crate) fn id(number: u128) -> Id {
    Id::from_u128(number)
}

/// The moment, the caller and the correlation of every test.
pub(crate) fn stamp() -> Stamp {
    Stamp {
        now: Timestamp(1_000_000),
        principal: Some(PrincipalRef {
            kind: PrincipalKind::User,
            id: Some(id(9)),
        }),
        correlation: id(8),
        causation: None,
    }
}

/// A stored record: nulls, defaults and standard fields, then `values`.
pub(crate) fn stored(
    resource: &Resource,
    number: u128,
    version: i64,
    values: &[(&str, Value)],
) -> Record {
    let mut record = Record {
        values: resource
            .fields
            .iter()
            .map(|field| field.default.clone().unwrap_or(Value::Null))
            .collect(),
    };
    record.set(resource.key, Value::Id(id(number)));
    if let Some(standard) = resource.standard {
        record.set(standard.version, Value::Integer(version));
        record.set(standard.created_at, Value::DateTime(5));
        record.set(standard.updated_at, Value::DateTime(6));
    }
    for (name, value) in values {
        record.set(field(resource, name), value.clone());
    }
    record
}

/// A change of record 1 of `resource` from a body.
pub(crate) fn change(resource: &Resource, kind: Kind, body: &str) -> Change {
    let mode = match kind {
        Kind::Replace => Mode::Whole,
        Kind::Patch => Mode::Patch,
    };
    Change {
        resource: resource.index,
        id: id(1),
        kind,
        input: read_body(resource, body, mode).unwrap(),
        precondition: None,
        stamp: stamp(),
    }
}

/// Decides as the store would, with `records` as all there is.
pub(crate) fn decide(unit: &dyn Unit, records: &[(&str, Record)]) -> Result<Changes, Refusal> {
    let mut loaded = Loaded::default();
    for _ in 0..64 {
        match unit.decide(view(), &loaded)? {
            Decision::Apply(changes) => return Ok(changes),
            Decision::Load(loads) => {
                for load in loads {
                    let found = records
                        .iter()
                        .filter(|(name, record)| matches(&load, resource(name), record))
                        .map(|(_, record)| record.clone())
                        .take(limit(&load))
                        .collect();
                    loaded.insert(load, found);
                }
            }
        }
    }
    panic!("the unit did not decide");
}

fn matches(load: &Load, of: &Resource, record: &Record) -> bool {
    match load {
        Load::Record { resource, id } => of.index == *resource && record.id(of) == Some(*id),
        Load::Referencing {
            resource,
            field,
            id,
            ..
        } => of.index == *resource && record.get(*field).as_id() == Some(*id),
        Load::Matching {
            resource, which, ..
        } => of.index == *resource && evaluate(&which.0, &Stored(record)) == Truth::True,
    }
}

/// A record as the evaluator sees it; without relations.
struct Stored<'a>(&'a Record);

impl carnet_expr::Row for Stored<'_> {
    fn value(&self, path: &Path) -> Value {
        self.0.get(path.field).clone()
    }

    fn exists(&self, _: &[RelationIndex], _: RelationIndex, _: &Predicate) -> bool {
        false
    }
}

fn limit(load: &Load) -> usize {
    match load {
        Load::Record { .. } => 1,
        Load::Referencing { limit, .. } | Load::Matching { limit, .. } => *limit as usize,
    }
}
