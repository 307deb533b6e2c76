//! Platform tables and the owner's statements. Not record SQL.

use super::Sqlite;
use super::cells::values;
use super::errors::Failure;
use super::job::{Job, Task};
use super::readers::Span;
use crate::{Error, Param};
use carnet_kernel::Value;
use tokio::sync::oneshot;

impl Sqlite {
    /// Reads platform tables on a reader thread.
    pub(crate) async fn platform_rows(
        &self,
        sql: &str,
        params: &[Param],
    ) -> Result<Vec<Vec<Value>>, Error> {
        let sql = located(sql);
        let params = params.to_vec();
        self.read("platform", None, Span::Statement, move |session| {
            let mut rows = Vec::new();
            session.query(
                &sql,
                |statement| super::bind::bind(statement, &params),
                |row| {
                    rows.push(values(row, row.as_ref().column_count())?);
                    Ok::<(), Failure>(())
                },
            )?;
            Ok(rows)
        })
        .await
    }

    /// Changes platform tables: a member of the next commit group.
    pub(crate) async fn platform_execute(
        &self,
        statements: &[(&str, &[Param])],
    ) -> Result<Vec<u64>, Error> {
        let statements = statements
            .iter()
            .map(|(sql, params)| (located(sql), params.to_vec()))
            .collect();
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::new(Task::Platform(statements, reply)))?;
        answer.await.unwrap_or_else(|_| Err(super::gone()))
    }

    /// Reads as the owner of the tables: introspection, schema bookkeeping. SQLite knows no owners.
    pub(crate) async fn owner_rows(
        &self,
        sql: &str,
        params: &[Param],
    ) -> Result<Vec<Vec<Value>>, Error> {
        self.platform_rows(sql, params).await
    }

    /// Runs DDL and data statements in order, in one transaction of their own while no other
    /// process writes, with foreign keys off; they are checked before the commit.
    pub(crate) async fn owner_script(
        &self,
        statements: &[(String, Vec<Param>)],
    ) -> Result<(), Error> {
        let statements = statements
            .iter()
            .map(|(sql, params)| (located(sql), params.clone()))
            .collect();
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::new(Task::Script(statements, reply)))?;
        answer.await.unwrap_or_else(|_| Err(super::gone()))
    }
}

/// One file has one schema.
fn located(sql: &str) -> String {
    sql.replace("{home}", "").replace("{records}", "")
}
