//! Databases, models and rows for the tests of schema sync.

use carnet_kernel::{Secret, Value};
use carnet_model::{Model, Source, compile};
use carnet_store::schema::{Accept, Report};
use carnet_store::{Config, Dialect, Error, Param, Store};
use carnet_testkit::postgres::{TestDatabase, database};
use carnet_testkit::tempfile::TempDir;

/// A database of a test's own, with a store on it.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) config: Config,
    folder: Option<TempDir>,
    pub(crate) postgres: Option<TestDatabase>,
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("test.sqlite");
        let config = Config {
            url: Secret::new(format!("sqlite:{}", path.display())),
            ..Config::default()
        };
        Self {
            store: Store::open(&config).await.unwrap(),
            config,
            folder: Some(folder),
            postgres: None,
        }
    }

    /// `None` where there is no server.
    #[track_caller]
    pub(crate) fn postgres(hint: &str) -> Option<impl Future<Output = Self>> {
        let database = database(hint)?;
        let config = Config {
            url: Secret::new(database.url()),
            pool_min: 0,
            pool_max: 4,
            ..Config::default()
        };
        Some(async move {
            Self {
                store: Store::open(&config).await.unwrap(),
                config,
                folder: None,
                postgres: Some(database),
            }
        })
    }

    pub(crate) async fn push(&self, yaml: &str) -> Result<Report, Error> {
        self.store
            .schema()
            .push(&model(yaml), Accept::default())
            .await
    }

    pub(crate) async fn push_accepting(&self, yaml: &str) -> Result<Report, Error> {
        let accept = Accept { data_loss: true };
        self.store.schema().push(&model(yaml), accept).await
    }

    /// Runs a statement as the owner of the tables.
    pub(crate) async fn execute(&self, sql: &str) {
        self.store
            .system()
            .execute(&[(sql, &[])])
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Adds a row to a tenant table, with the standard columns filled in.
    pub(crate) async fn insert(&self, table: &str, id: u8, columns: &str, values: &str) {
        let (id, at) = match self.store.dialect() {
            Dialect::Sqlite => (format!("x'{id:032x}'"), "0"),
            Dialect::Postgres => (
                format!("'00000000-0000-0000-0000-{id:012x}'"),
                "timestamptz 'epoch'",
            ),
        };
        let (comma, columns) = if columns.is_empty() {
            ("", "")
        } else {
            (", ", columns)
        };
        self.execute(&format!(
            "insert into {{records}}\"{table}\" (tenant, id, created_at, updated_at, version\
             {comma}{columns}) values (1, {id}, {at}, {at}, 1{comma}{values})"
        ))
        .await;
    }

    /// The first column of every row, as text.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self
            .store
            .system()
            .rows(sql, &[] as &[Param])
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.into_iter()
            .map(|mut row| match row.swap_remove(0) {
                Value::Text(text) => text,
                Value::Integer(number) => number.to_string(),
                Value::Boolean(flag) => i64::from(flag).to_string(),
                Value::Float(number) => number.to_string(),
                Value::Null => "null".to_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    /// Asserts that database and definition agree, and that nothing more would be done.
    #[track_caller]
    pub(crate) fn fits(&self, yaml: &str) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        let model = model(yaml);
        let schema = self.store.schema();
        async move {
            let status = schema.status(&model).await.unwrap();
            assert_eq!(status.drift, Vec::<String>::new(), "{place}");
            assert_eq!(status.pending, Vec::new(), "{place}");
            assert!(status.current, "{place}");
        }
    }

    /// The folder of a SQLite database.
    pub(crate) fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(TempDir::path)
    }
}

/// A model from definition text, without the line `carnet: 1`.
#[track_caller]
pub(crate) fn model(yaml: &str) -> Model {
    let source = Source::application("test.yaml", format!("carnet: 1\nresources:\n{yaml}"));
    match compile(&[source]) {
        Ok(compiled) => compiled.model,
        Err(diagnostics) => panic!(
            "{}",
            diagnostics
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        ),
    }
}

/// The summaries of a report.
pub(crate) fn summaries(report: &Report) -> Vec<&str> {
    report
        .applied
        .iter()
        .map(|change| change.summary.as_str())
        .collect()
}

/// Makes two tests of one: `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($fixture:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn run($fixture: Fixture) $body

            #[tokio::test]
            async fn sqlite() {
                Box::pin(run(Fixture::sqlite().await)).await;
            }

            #[tokio::test]
            async fn postgres() {
                let Some(fixture) = Fixture::postgres(stringify!($name)) else {
                    return;
                };
                Box::pin(run(fixture.await)).await;
            }
        }
    )*};
}

pub(crate) use on_both;
