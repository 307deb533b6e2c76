//! A small definition, a store with its tables, and the units that the tests of writes are made of.

use super::units::{
    Decide, apply, context, delete, insert, stamp, text, unit, update, with_record,
};
use crate::database::Database;
use carnet_expr::{Path, Predicate};
use carnet_kernel::{
    Code, Context, Id, IdGenerator, Principal, Refusal, TenantKey, Timestamp, Value,
};
use carnet_model::{FieldIndex, ModelView, Resource, Source};
use carnet_store::schema::{Accept, NewTenant};
use carnet_store::{
    Changes, Config, Count, Decision, Dialect, Error, InsertRow, Load, Namespace, Order, Query,
    Record, Scope, Step, Store, Unit, Window, WriteFailure,
};
use std::sync::{Arc, Mutex};

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

pub(crate) const THINGS: &str = "select count(*) from {records}things";
pub(crate) const JOURNAL: &str = "select count(*) from {records}carnet_journal_records";

/// A store on a database with the tables of the definition.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) view: ModelView,
    pub(crate) ids: IdGenerator,
    pub(crate) database: Database,
}

pub(crate) fn view() -> ModelView {
    let source = Source::application("carnet.yaml", DEFINITION);
    let compiled = carnet_model::compile(&[source]).unwrap();
    ModelView::new(Arc::new(compiled.model))
}

impl Fixture {
    /// Opens the database and makes the tables when they are not there.
    pub(crate) async fn at(database: Database) -> Self {
        let fixture = Self::bare(database).await;
        let there = match fixture.store.dialect() {
            Dialect::Sqlite => "select 1 from sqlite_schema where name = 'things'",
            Dialect::Postgres => {
                "select 1 from pg_tables where schemaname = 'app' and tablename = 'things'"
            }
        };
        let system = fixture.store.system();
        if system.rows(there, &[]).await.unwrap().is_empty() {
            let schema = fixture.store.schema();
            let model = fixture.view.model();
            schema.push(model, Accept::default()).await.unwrap();
        }
        fixture
    }

    /// Opens the database and leaves it as it is.
    pub(crate) async fn bare(database: Database) -> Self {
        Self {
            store: Store::open(&database.config).await.unwrap(),
            view: view(),
            ids: IdGenerator::new(),
            database,
        }
    }

    /// Closes the store and opens one with another configuration on the same database.
    pub(crate) async fn reopen(self, change: impl FnOnce(&mut Config)) -> Self {
        self.store.close().await;
        let mut database = self.database;
        change(&mut database.config);
        Self::at(database).await
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.store.dialect() == Dialect::Sqlite
    }

    /// Makes tenant 2 in the shared tier, and on PostgreSQL tenant 3 in a schema of its own,
    /// `own`; the keys of all tenants.
    pub(crate) async fn add_tenants(&self) -> Vec<i64> {
        let mut keys = vec![1];
        for (key, namespace) in [(2, None), (3, Namespace::new("own"))] {
            if namespace.is_some() && self.is_sqlite() {
                continue;
            }
            let tenant = NewTenant {
                key: Some(TenantKey(key)),
                id: self.id(),
                name: format!("tenant {key}"),
                namespace,
            };
            let schema = self.store.schema();
            let made = schema.create_tenant(self.view.model(), &tenant).await;
            keys.push(made.unwrap().0);
        }
        keys
    }

    pub(crate) fn id(&self) -> Id {
        self.ids.next(Timestamp(1_000_000_000))
    }

    pub(crate) async fn scope(&self) -> Scope {
        self.scope_of(1).await
    }

    pub(crate) async fn scope_of(&self, tenant: i64) -> Scope {
        let context = Context::new(TenantKey(tenant), Principal::system(), Id::from_u128(1));
        self.store.scope(&context).await.unwrap()
    }

    pub(crate) fn resource(&self, name: &str) -> &Resource {
        self.view.resource_named(name).unwrap()
    }

    /// Writes units as tenant 1.
    pub(crate) async fn write(
        &self,
        units: Vec<Arc<dyn Unit>>,
    ) -> Result<Vec<Changes>, WriteFailure> {
        self.write_as(1, units).await
    }

    pub(crate) async fn write_as(
        &self,
        tenant: i64,
        units: Vec<Arc<dyn Unit>>,
    ) -> Result<Vec<Changes>, WriteFailure> {
        let scope = self.scope_of(tenant).await;
        scope.write(&self.view, &stamp(), units).await
    }

    /// Writes one unit as tenant 1; its error alone.
    pub(crate) async fn write_one(&self, unit: Arc<dyn Unit>) -> Result<(), Error> {
        self.write(vec![unit])
            .await
            .map(|_| ())
            .map_err(|failure| failure.error)
    }

    /// Writes one unit as the platform.
    pub(crate) async fn write_as_platform(&self, unit: Arc<dyn Unit>) -> Result<(), Error> {
        let platform = self.store.platform(&context());
        let written = platform.write(&self.view, &stamp(), vec![unit]).await;
        written.map(|_| ()).map_err(|failure| failure.error)
    }

    /// One number that a statement answers.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let rows = self.store.system().rows(sql, &[]).await.unwrap();
        rows[0][0].as_integer().unwrap()
    }

    /// A unit that makes a record with these values.
    pub(crate) fn create(&self, resource: &str, id: Id, values: &[(&str, Value)]) -> Arc<dyn Unit> {
        unit(vec![insert(self.resource(resource), id, values)])
    }

    /// A unit that makes a thing of that name.
    pub(crate) fn thing(&self, id: Id, name: &str) -> Arc<dyn Unit> {
        self.create("things", id, &[("name", text(name))])
    }

    /// A unit that loads a record and changes values of it.
    pub(crate) fn update(&self, resource: &str, id: Id, values: &[(&str, Value)]) -> Arc<dyn Unit> {
        let resource = self.resource(resource).clone();
        let values: Vec<(FieldIndex, Value)> = values
            .iter()
            .map(|(name, value)| (resource.field_named(name).unwrap(), value.clone()))
            .collect();
        Decide::unit(move |_, loaded| {
            with_record(&resource, id, loaded, |record| {
                update(&resource, record, &values)
            })
        })
    }

    /// A unit that takes one of what a thing counts, of which there are `most`.
    pub(crate) fn take(&self, id: Id, most: i64) -> Arc<dyn Unit> {
        let things = self.resource("things").clone();
        let count = things.field_named("count").unwrap();
        Decide::unit(move |_, loaded| {
            let load = Load::Record {
                resource: things.index,
                id,
            };
            let Some([record]) = loaded.get(&load) else {
                return Ok(Decision::Load(vec![load]));
            };
            let taken = record.get(count).as_integer().unwrap();
            if taken == most {
                return Err(Refusal::new(Code::ValidationFailed, "all are taken"));
            }
            let one_more = [(count, Value::Integer(taken + 1))];
            Ok(apply(vec![update(&things, record, &one_more)]))
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

    /// One step that makes things of these names.
    pub(crate) fn make(&self, names: &[&str]) -> (Vec<Id>, Step) {
        let resource = self.resource("things");
        let ids: Vec<Id> = names.iter().map(|_| self.id()).collect();
        let rows: Vec<InsertRow> = names
            .iter()
            .zip(&ids)
            .flat_map(
                |(name, id)| match insert(resource, *id, &[("name", text(name))]) {
                    Step::Insert { rows, .. } => rows,
                    _ => Vec::new(),
                },
            )
            .collect();
        let step = Step::Insert {
            resource: resource.index,
            rows,
        };
        (ids, step)
    }

    /// A read of the names of all things.
    pub(crate) fn names(&self) -> Query {
        let things = self.resource("things");
        Query {
            resource: things.index,
            predicate: Predicate::True,
            deleted: carnet_store::Deleted::Hidden,
            order: vec![Order::path(Path::own(things.key), false)],
            ranked: false,
            window: Window {
                limit: 20,
                offset: 0,
            },
            fields: vec![things.field_named("name").unwrap()],
            includes: Vec::new(),
            counts: Vec::new(),
            count: Count::None,
            seek: carnet_store::Seek::default(),
        }
    }

    /// Writes so many things, each alone; `task` is part of their names.
    pub(crate) async fn write_things(&self, task: usize, count: usize) {
        for number in 0..count {
            let name = format!("thing {task} {number}");
            let unit = self.thing(self.id(), &name);
            self.write_one(unit).await.unwrap();
        }
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
