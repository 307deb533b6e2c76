//! Stores, models and rows for the tests of schema sync.

use crate::database::Database;
use carnet_kernel::Value;
use carnet_model::{Model, Source, compile};
use carnet_store::schema::{Accept, Report};
use carnet_store::{Dialect, Error, Param, Store};

/// A store on a database of a test's own.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) database: Database,
}

impl Fixture {
    pub(crate) async fn at(database: Database) -> Self {
        Self {
            store: Store::open(&database.config).await.unwrap(),
            database,
        }
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

/// A definition of one resource from its fields and what else it has.
pub(crate) fn things(fields: &str) -> String {
    format!("  things:\n    fields: {{ {fields} }}\n")
}

/// The message of a refused change.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(Error::Migration(message)) => message,
        other => panic!("not refused: {other:?}"),
    }
}

/// The message of a loss that was not accepted.
#[track_caller]
pub(crate) fn lossy<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(Error::DataLoss(message)) => message,
        other => panic!("not refused: {other:?}"),
    }
}

/// What a column holds, in the order of the ids.
pub(crate) async fn column(fixture: &Fixture, column: &str) -> Vec<String> {
    fixture
        .texts(&format!(
            "select \"{column}\" from {{records}}\"things\" order by id"
        ))
        .await
}
