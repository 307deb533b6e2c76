//! A database with a definition on it, and requests to it in few words.

#![cfg(test)]

use carnet_kernel::{Code, Context, Id, Period, Principal, Refusal, Secret, TenantKey, Timestamp};
use carnet_model::{ModelView, Source};
use carnet_records::parse::{parse_list, parse_read};
use carnet_records::{
    Answer, Command, Operations, Options, RecordAnswer, decide::Precondition, seed,
};
use carnet_store::schema::Accept;
use carnet_store::{Config, Store};
use carnet_testkit::clock::FixedClock;
use carnet_testkit::postgres::{TestDatabase, database};
use carnet_testkit::tempfile::TempDir;
use serde_json::Value;
use std::sync::Arc;

pub(crate) use crate::words::{pairs, told};

pub(crate) const DEFINITION: &str = r"
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
      name: { type: text, min: 1, max: 40, caseless: true }
      sku: { type: text, max: 20, unique: true, optional: true }
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
      token: { type: uuid, optional: true }
      details: { type: json, default: {} }
      labels: { type: i18n, max: 10, optional: true }
      tags: { type: list, of: { type: text, max: 9 }, max: 3, default: [] }
      category: { type: ref, to: categories, optional: true }
    many:
      lines: { of: lines, by: product }
    indexes: [[category, -price]]
  orders:
    title: Order
    concurrency: optimistic
    fields:
      number: { type: integer, unique: true }
    many:
      lines: { of: lines, by: order }
  lines:
    title: Line
    lock: order
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
    many:
      children: { of: nodes, by: parent }
  tokens:
    title: Token
    id: { type: uuid, client: true }
    fields:
      name: { type: text, max: 50 }
      next: { type: ref, to: tokens, optional: true, onDelete: setNull }
  articles:
    title: Article
    fields:
      title: { type: text, max: 200 }
      body: { type: text, optional: true }
      contact: { type: email, optional: true }
      rank: { type: integer, default: 0 }
    search: { fields: [title, body, contact], fuzzy: true }
  manuals:
    title: Manual
    fields:
      name: { type: text, max: 200 }
      body: { type: text, optional: true }
    search: { fields: [name, body], fuzzy: true, language: english, weights: { name: 8 } }
  notices:
    title: Notice
    fields:
      name: { type: text, max: 200 }
      body: { type: text, optional: true }
    search: { fields: [name, body], language: spanish }
  exacts:
    title: Exact
    fields:
      name: { type: text, max: 200 }
      body: { type: text, optional: true }
    search: { fields: [name, body], accents: keep }
  sayings:
    title: Saying
    fields:
      name: { type: text, max: 200 }
      body: { type: text, optional: true }
    search: { fields: [name, body], accents: keep, language: german }
  shelves:
    title: Shelf
    delete: soft
    fields:
      name: { type: text, max: 40, caseless: true, unique: true }
      parent: { type: ref, to: shelves, optional: true, onDelete: cascade }
    many:
      boxes: { of: boxes, by: shelf }
      children: { of: shelves, by: parent }
  boxes:
    title: Box
    delete: soft
    fields:
      label: { type: text, max: 40 }
      shelf: { type: ref, to: shelves, onDelete: cascade }
      keeper: { type: ref, to: shelves, optional: true, onDelete: restrict }
      spare: { type: ref, to: shelves, optional: true, onDelete: setNull }
    unique: [[shelf, label]]
    many:
      stickers: { of: stickers, by: box }
      marks: { of: marks, through: boxMarks }
  marks:
    title: Mark
    fields:
      text: { type: text, max: 40, unique: true }
    many:
      boxes: { of: boxes, through: boxMarks }
  boxMarks:
    title: Mark of a box
    delete: soft
    fields:
      box: { type: ref, to: boxes, onDelete: cascade }
      mark: { type: ref, to: marks, onDelete: cascade }
    unique: [[box, mark]]
  stickers:
    title: Sticker
    fields:
      text: { type: text, max: 40 }
      box: { type: ref, to: boxes, onDelete: cascade }
  readings:
    title: Reading
    journal: summary
    fields:
      value: { type: integer, min: 0 }
  units:
    title: Unit
    tenancy: platform
    shared: true
    fields:
      code: { type: text, max: 20, unique: true }
";

/// The first present moment of every test.
pub(crate) const NOON: Timestamp = Timestamp(1_800_000_000_000_000);

/// A database with the definition of these tests.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) operations: Operations,
    pub(crate) view: ModelView,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) context: Context,
    /// Keep the database until the last handle is gone.
    _folder: Option<Arc<TempDir>>,
    database: Option<Arc<TestDatabase>>,
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        Self::sqlite_with(DEFINITION).await
    }

    /// The same with another definition.
    pub(crate) async fn sqlite_with(definition: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("t.sqlite").display());
        let config = Config {
            url: Secret::new(url),
            ..Config::default()
        };
        Self {
            _folder: Some(Arc::new(folder)),
            ..Self::open(config, definition).await
        }
    }

    pub(crate) async fn postgres(hint: &str) -> Option<Self> {
        Self::postgres_with(hint, DEFINITION).await
    }

    /// The same with another definition.
    pub(crate) async fn postgres_with(hint: &str, definition: &str) -> Option<Self> {
        let database = database(hint)?;
        let config = Config {
            url: Secret::new(database.url()),
            pool_min: 0,
            pool_max: 8,
            connect_timeout: Period::seconds(10),
            ..Config::default()
        };
        Some(Self {
            database: Some(Arc::new(database)),
            ..Self::open(config, definition).await
        })
    }

    async fn open(config: Config, definition: &str) -> Self {
        let mut sources = carnet_records::definitions();
        sources.push(Source::application("carnet.yaml", definition));
        let compiled = carnet_model::compile(&sources).unwrap_or_else(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            panic!("{}\n{definition}", faults.join("\n"))
        });
        let model = Arc::new(compiled.model);
        let store = Store::open(&config).await.unwrap();
        store.schema().prepare(seed::STEPS).await.unwrap();
        store
            .schema()
            .push(&model, Accept { data_loss: false })
            .await
            .unwrap();
        let clock = Arc::new(FixedClock::new(NOON));
        let operations = Operations::new(store, model, clock.clone());
        let view = operations.view();
        let context = Context::new(
            TenantKey::DEFAULT,
            Principal::anonymous(TenantKey::DEFAULT),
            operations.next_id(),
        );
        Self {
            operations,
            view,
            clock,
            context,
            _folder: None,
            database: None,
        }
    }

    /// The same database under a definition that has the same tables.
    pub(crate) async fn turn_to(&mut self, definition: &str) {
        let mut sources = carnet_records::definitions();
        sources.push(Source::application("carnet.yaml", definition));
        let compiled = carnet_model::compile(&sources).unwrap_or_else(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            panic!("{}", faults.join("\n"))
        });
        let changes = carnet_model::diff(self.view.model(), &compiled.model);
        assert!(
            changes.iter().all(carnet_model::Change::api_only),
            "{changes:?}"
        );
        let model = Arc::new(compiled.model);
        let schema = self.operations.store().schema();
        let accept = Accept { data_loss: false };
        schema.push(&model, accept).await.unwrap();
        self.operations.replace_model(model);
        self.view = self.operations.view();
    }

    /// Lets the planner of PostgreSQL see what is there, as it does by itself after a while.
    pub(crate) fn settle(&self) {
        if let Some(database) = &self.database {
            database.execute("analyze").unwrap();
        }
    }

    /// How many rows the planner of PostgreSQL takes a table for; below 0 when it never looked.
    /// Nothing on SQLite.
    pub(crate) async fn measured(&self, table: &str) -> Option<f32> {
        let client = self.database.as_ref()?.connect().await.unwrap();
        let sql = "select reltuples from pg_catalog.pg_class where oid = to_regclass($1)";
        Some(client.query_one(sql, &[&table]).await.unwrap().get(0))
    }

    /// Changes the tables behind the platform's back.
    pub(crate) async fn alter(&self, statements: &[&str]) {
        for sql in statements {
            match &self.database {
                Some(database) => database.execute(sql).unwrap(),
                None => {
                    let system = self.operations.store().system();
                    system.execute(&[(sql, &[])]).await.unwrap();
                }
            }
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.operations.store().dialect() == carnet_store::Dialect::Postgres
    }

    pub(crate) async fn run(&self, command: Command) -> Result<Answer, Refusal> {
        self.operations
            .execute(&self.context, &self.view, command, Options::default())
            .await
    }

    pub(crate) fn index(&self, resource: &str) -> carnet_model::ResourceIndex {
        self.view.resource_named(resource).unwrap().index
    }

    /// A list by its query: the records and what is known of their number.
    pub(crate) async fn list(
        &self,
        resource: &str,
        query: &str,
    ) -> Result<(Vec<Value>, Option<u64>), Refusal> {
        let owner = self.view.resource_named(resource).unwrap();
        let request = parse_list(
            &self.view,
            owner,
            &pairs(query),
            carnet_kernel::Timestamp(0),
        )?;
        let command = Command::List {
            resource: owner.index,
            request: std::sync::Arc::new(request.into()),
        };
        let Answer::List(answer) = self.run(command).await? else {
            panic!("a list answers with a list");
        };
        let listing = answer.listing;
        let rows: Vec<Value> = serde_json::from_slice(&listing.json).unwrap();
        assert_eq!(rows.len(), listing.rows);
        Ok((rows, listing.total))
    }

    /// The values of one field in a list.
    pub(crate) async fn names(&self, resource: &str, query: &str, field: &str) -> Vec<String> {
        let (rows, _) = self
            .list(resource, query)
            .await
            .unwrap_or_else(|refusal| panic!("{resource}?{query}: {}", told(&refusal)));
        rows.iter()
            .map(|row| match &row[field] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .collect()
    }

    pub(crate) async fn read(
        &self,
        resource: &str,
        id: &str,
        query: &str,
    ) -> Result<Value, Refusal> {
        let owner = self.view.resource_named(resource).unwrap();
        let request = parse_read(
            &self.view,
            owner,
            &pairs(query),
            carnet_kernel::Timestamp(0),
        )?;
        let command = Command::Read {
            resource: owner.index,
            key: carnet_kernel::Value::Id(key(id)),
            request,
        };
        record(self.run(command).await?).map(|answer| json(&answer))
    }

    pub(crate) async fn create(&self, resource: &str, body: &str) -> Result<Value, Refusal> {
        let command = Command::Create {
            resource: self.index(resource),
            body: body.to_owned(),
        };
        record(self.run(command).await?).map(|answer| json(&answer))
    }

    /// A record that is known to be good; its id.
    pub(crate) async fn made(&self, resource: &str, body: &str) -> String {
        match self.create(resource, body).await {
            Ok(record) => record["id"].as_str().unwrap().to_owned(),
            Err(refusal) => panic!("{body}: {}", told(&refusal)),
        }
    }

    pub(crate) async fn patch(
        &self,
        resource: &str,
        id: &str,
        body: &str,
        version: Option<i64>,
    ) -> Result<Value, Refusal> {
        let command = Command::Patch {
            resource: self.index(resource),
            id: key(id),
            body: body.to_owned(),
            precondition: version.map(|version| Precondition::Versions(vec![version])),
        };
        record(self.run(command).await?).map(|answer| json(&answer))
    }

    pub(crate) async fn update(
        &self,
        resource: &str,
        id: &str,
        body: &str,
    ) -> Result<Value, Refusal> {
        let command = Command::Update {
            resource: self.index(resource),
            id: key(id),
            body: body.to_owned(),
            precondition: None,
        };
        record(self.run(command).await?).map(|answer| json(&answer))
    }

    pub(crate) async fn delete(
        &self,
        resource: &str,
        id: &str,
        version: Option<i64>,
    ) -> Result<(), Refusal> {
        let command = Command::Delete {
            resource: self.index(resource),
            id: key(id),
            purge: false,
            precondition: version.map(|version| Precondition::Versions(vec![version])),
        };
        assert_eq!(self.run(command).await?, Answer::Deleted);
        Ok(())
    }

    /// A batch of items, each a JSON object.
    pub(crate) async fn batch(
        &self,
        resource: &str,
        items: &[String],
    ) -> Result<Vec<Value>, Refusal> {
        let command = Command::Batch {
            resource: self.index(resource),
            body: format!("{{\"items\":[{}]}}", items.join(",")),
        };
        let Answer::Batch { json, items, .. } = self.run(command).await? else {
            panic!("a batch answers with a batch");
        };
        let rows: Vec<Value> = serde_json::from_slice(&json).unwrap();
        assert_eq!(rows.len(), items);
        Ok(rows)
    }

    /// The newest journal rows, newest last: `products create 1`.
    pub(crate) async fn journal(&self, count: usize) -> Vec<String> {
        let (mut rows, _) = self
            .list("journal", &format!("limit={count}"))
            .await
            .unwrap();
        rows.reverse();
        rows.iter()
            .map(|row| {
                format!(
                    "{} {} {}",
                    row["resource"].as_str().unwrap(),
                    row["kind"].as_str().unwrap(),
                    row["version"]
                )
            })
            .collect()
    }
}

fn record(answer: Answer) -> Result<RecordAnswer, Refusal> {
    match answer {
        Answer::Record(record) => Ok(record),
        other => panic!("{other:?}"),
    }
}

fn json(answer: &RecordAnswer) -> Value {
    serde_json::from_slice(&answer.json).unwrap()
}

/// An id in either text form.
pub(crate) fn key(text: &str) -> Id {
    text.parse().or_else(|_| Id::parse_uuid(text)).unwrap()
}

/// The code of a refusal that is expected.
#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Code {
    match result {
        Ok(value) => panic!("{value:?}"),
        Err(refusal) => refusal.code,
    }
}
