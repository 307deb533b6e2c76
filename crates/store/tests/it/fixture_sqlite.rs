//! A small definition, its tables on SQLite and the units that the tests of writes are made of.

#![cfg(test)]

use carnet_kernel::{
    Context, Decimal, Id, IdGenerator, Principal, Refusal, TenantKey, Timestamp, Value,
};
use carnet_model::{ModelView, Resource, Source};
use carnet_store::schema::Accept;
use carnet_store::{
    Changes, Config, Decision, DeleteRow, Error, InsertRow, JournalEntry, JournalKind, Load,
    Loaded, Record, Scope, Stamp, Step, Store, Unit, UpdateRow, WriteFailure,
};
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

const DEFINITION: &str = "
carnet: 1
service: shop
resources:
  categories:
    fields:
      name: { type: text, max: 60, unique: true }
  things:
    fields:
      name: { type: text, max: 60, caseless: true, unique: true }
      sku: { type: text, max: 60, optional: true }
      price: { type: decimal, precision: 12, scale: 2, optional: true }
      count: { type: integer, default: 0 }
      state: { type: enum, values: [new, used], default: new }
      category: { type: ref, to: categories, optional: true }
      unit: { type: ref, to: units, optional: true }
      note: { type: text, optional: true }
    unique: [[category, sku]]
  units:
    tenancy: platform
    shared: true
    fields:
      code: { type: text, max: 20, unique: true }
";

/// A database with the tables of the definition.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) view: ModelView,
    pub(crate) ids: IdGenerator,
}

/// The configuration for a file in `folder`.
pub(crate) fn config(folder: &Path) -> Config {
    Config {
        url: carnet_kernel::Secret::new(format!(
            "sqlite:{}",
            folder.join("data").join("t.sqlite").display()
        )),
        ..Config::default()
    }
}

pub(crate) fn view() -> ModelView {
    let source = Source::application("carnet.yaml", DEFINITION);
    let compiled = carnet_model::compile(&[source]).unwrap();
    ModelView::new(Arc::new(compiled.model))
}

impl Fixture {
    /// Opens the database and makes the tables when they are not there.
    pub(crate) async fn open(config: &Config) -> Self {
        let store = Store::open(config).await.unwrap();
        let view = view();
        let there = store
            .system()
            .rows("select 1 from sqlite_schema where name = 'things'", &[])
            .await
            .unwrap();
        if there.is_empty() {
            let schema = store.schema();
            schema.push(view.model(), Accept::default()).await.unwrap();
        }
        Self {
            store,
            view,
            ids: IdGenerator::new(),
        }
    }

    pub(crate) fn id(&self) -> Id {
        self.ids.next(Timestamp(1_000_000_000))
    }

    pub(crate) async fn scope(&self) -> Scope {
        self.store.scope(&context()).await.unwrap()
    }

    pub(crate) fn resource(&self, name: &str) -> &Resource {
        self.view.resource_named(name).unwrap()
    }

    /// Writes units as tenant 1.
    pub(crate) async fn write(
        &self,
        units: Vec<Arc<dyn Unit>>,
    ) -> Result<Vec<Changes>, WriteFailure> {
        self.scope().await.write(&self.view, &stamp(), units).await
    }

    /// Writes one unit as tenant 1; its error alone.
    pub(crate) async fn write_one(&self, unit: Arc<dyn Unit>) -> Result<(), Error> {
        self.write(vec![unit])
            .await
            .map(|_| ())
            .map_err(|failure| failure.error)
    }

    /// One number that a statement answers.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let rows = self.store.system().rows(sql, &[]).await.unwrap();
        rows[0][0].as_integer().unwrap()
    }

    /// A unit that makes a record with these values.
    pub(crate) fn create(&self, resource: &str, id: Id, values: &[(&str, Value)]) -> Arc<dyn Unit> {
        let step = insert(self.resource(resource), id, values);
        Decide::unit(move |_, _| Ok(apply(vec![step.clone()])))
    }

    /// A unit that makes a thing of that name.
    pub(crate) fn thing(&self, id: Id, name: &str) -> Arc<dyn Unit> {
        self.create("things", id, &[("name", text(name))])
    }

    /// A unit that loads a record and changes values of it.
    pub(crate) fn update(&self, resource: &str, id: Id, values: &[(&str, Value)]) -> Arc<dyn Unit> {
        let resource = self.resource(resource).clone();
        let values: Vec<(String, Value)> = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        Decide::unit(move |_, loaded| {
            with_record(&resource, id, loaded, |record| {
                let version = record.version(&resource).unwrap();
                let standard = resource.standard.unwrap();
                let mut after = record.clone();
                let mut changed = vec![standard.version];
                after.set(standard.version, Value::Integer(version + 1));
                for (name, value) in &values {
                    let field = resource.field_named(name).unwrap();
                    after.set(field, value.clone());
                    changed.push(field);
                }
                Step::Update {
                    resource: resource.index,
                    rows: vec![UpdateRow {
                        id,
                        version,
                        changed,
                        record: after,
                        journal: entry(JournalKind::Update, version + 1),
                    }],
                }
            })
        })
    }

    /// A unit that loads a record and removes it.
    pub(crate) fn delete(&self, resource: &str, id: Id) -> Arc<dyn Unit> {
        let resource = self.resource(resource).clone();
        Decide::unit(move |_, loaded| {
            with_record(&resource, id, loaded, |record| {
                delete(&resource, id, record.version(&resource).unwrap())
            })
        })
    }

    /// A record as tenant 1 sees it, through a unit that changes nothing.
    pub(crate) async fn load(&self, resource: &str, id: Id) -> Option<Record> {
        let resource = self.resource(resource).clone();
        let seen = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&seen);
        let load = Load::Record {
            resource: resource.index,
            id,
        };
        let unit = Decide::unit(move |_, loaded| match loaded.get(&load) {
            None => Ok(Decision::Load(vec![load.clone()])),
            Some(records) => {
                *kept.lock().unwrap() = records.first().cloned();
                Ok(apply(Vec::new()))
            }
        });
        self.write_one(unit).await.unwrap();
        seen.lock().unwrap().take()
    }
}

/// A unit made of a closure.
pub(crate) struct Decide<F>(F);

impl<F> Decide<F>
where
    F: Fn(&ModelView, &Loaded) -> Result<Decision, Refusal> + Send + Sync + 'static,
{
    pub(crate) fn unit(decide: F) -> Arc<dyn Unit> {
        Arc::new(Self(decide))
    }
}

impl<F> Unit for Decide<F>
where
    F: Fn(&ModelView, &Loaded) -> Result<Decision, Refusal> + Send + Sync + 'static,
{
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        (self.0)(view, loaded)
    }
}

pub(crate) fn context() -> Context {
    Context::new(
        TenantKey::DEFAULT,
        Principal::system(),
        Id::from_u128(0xC0FFEE),
    )
}

pub(crate) fn stamp() -> Stamp {
    Stamp {
        now: Timestamp(1_700_000_000_000_000),
        principal: Principal::system().reference(),
        correlation: Id::from_u128(0xC0FFEE),
        causation: None,
    }
}

pub(crate) fn apply(steps: Vec<Step>) -> Decision {
    Decision::Apply(Changes {
        guards: Vec::new(),
        kept: Vec::new(),
        steps,
    })
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(crate) fn price(unscaled: i64) -> Value {
    Value::Decimal(Decimal { unscaled, scale: 2 })
}

pub(crate) fn entry(kind: JournalKind, version: i64) -> JournalEntry {
    JournalEntry {
        kind,
        version,
        body: format!("{{\"version\":{version}}}"),
    }
}

/// A whole new record: what is not named has its default.
pub(crate) fn insert(resource: &Resource, id: Id, values: &[(&str, Value)]) -> Step {
    let standard = resource.standard.unwrap();
    let values_by_default = resource
        .fields
        .iter()
        .map(|field| field.default.clone().unwrap_or(Value::Null))
        .collect();
    let mut record = Record {
        values: values_by_default,
    };
    record.set(resource.key, Value::Id(id));
    record.set(standard.version, Value::Integer(1));
    for at in [standard.created_at, standard.updated_at] {
        record.set(at, Value::DateTime(stamp().now.0));
    }
    for by in [standard.created_by, standard.updated_by] {
        record.set(by, stamp().principal.map_or(Value::Null, Value::Principal));
    }
    for (name, value) in values {
        record.set(resource.field_named(name).unwrap(), value.clone());
    }
    Step::Insert {
        resource: resource.index,
        rows: vec![InsertRow {
            record,
            journal: entry(JournalKind::Create, 1),
        }],
    }
}

pub(crate) fn delete(resource: &Resource, id: Id, version: i64) -> Step {
    Step::Delete {
        resource: resource.index,
        rows: vec![DeleteRow {
            id,
            version,
            journal: entry(JournalKind::Delete, version + 1),
        }],
    }
}

fn with_record(
    resource: &Resource,
    id: Id,
    loaded: &Loaded,
    step: impl FnOnce(&Record) -> Step,
) -> Result<Decision, Refusal> {
    let load = Load::Record {
        resource: resource.index,
        id,
    };
    match loaded.get(&load) {
        None => Ok(Decision::Load(vec![load])),
        Some([]) => Err(Refusal::not_found(&resource.name)),
        Some([record, ..]) => Ok(apply(vec![step(record)])),
    }
}

/// A unit that keeps the writer busy until the returned sender is used or dropped, so that what is
/// asked for meanwhile waits in one queue.
pub(crate) fn gate() -> (Arc<dyn Unit>, mpsc::Sender<()>) {
    let (open, closed) = mpsc::channel::<()>();
    let closed = Mutex::new(closed);
    let unit = Decide::unit(move |_, _| {
        let waited = closed.lock().unwrap().recv_timeout(Duration::from_secs(60));
        assert_ne!(waited, Err(mpsc::RecvTimeoutError::Timeout));
        Ok(apply(Vec::new()))
    });
    (unit, open)
}
