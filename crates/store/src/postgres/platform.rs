//! Hand-written statements: platform tables, introspection, schema scripts. They run as the owner
//! of the tables, past the wall. Not record SQL.

use super::Postgres;
use super::bind::Bind;
use super::cells::RowCells;
use super::errors::{self, Meaning};
use super::flight::{Cause, Limit, Message};
use crate::schema::quote;
use crate::{Config, Error, Param, metrics};
use carnet_kernel::Value;
use std::borrow::Cow;
use std::time::{Duration, Instant};

/// How often a transaction on platform tables that lost its race runs again.
const MOST_RERUNS: u32 = 5;

/// The lock that schema changes of one database take: `carnet` in bytes.
const SCHEMA_LOCK: i64 = 0x6361_726e_6574;

/// How long a schema change waits for another one.
const PATIENCE: &str = "60s";

/// How long a schema change waits for a table: whoever comes after it waits as well.
const LOCK_TIMEOUT: &str = "5s";

/// Puts the schemas' names where the placeholders stand.
pub(super) fn named<'a>(config: &Config, sql: &'a str) -> Cow<'a, str> {
    if !sql.contains('{') {
        return Cow::Borrowed(sql);
    }
    let home = format!("{}.", quote(&config.platform_schema));
    let records = format!("{}.", quote(&config.records_schema));
    Cow::Owned(sql.replace("{home}", &home).replace("{records}", &records))
}

impl Postgres {
    pub(crate) async fn platform_rows(
        &self,
        sql: &str,
        params: &[Param],
    ) -> Result<Vec<Vec<Value>>, Error> {
        let begin = "begin isolation level read committed read only";
        self.rows(Some(begin), sql, params).await
    }

    /// Reads as the owner of the tables: introspection, schema bookkeeping.
    pub(crate) async fn owner_rows(
        &self,
        sql: &str,
        params: &[Param],
    ) -> Result<Vec<Vec<Value>>, Error> {
        self.rows(None, sql, params).await
    }

    async fn rows(
        &self,
        begin: Option<&'static str>,
        sql: &str,
        params: &[Param],
    ) -> Result<Vec<Vec<Value>>, Error> {
        let started = Instant::now();
        let mut renewed = false;
        let outcome = loop {
            let mut messages = Vec::with_capacity(3);
            messages.extend(begin.map(Message::begin));
            messages.push(Message::new(named(&self.config, sql), Bind::params(params)));
            if begin.is_some() {
                messages.push(Message::commit());
            }
            let mut held = self.owner.take(None, None).await?;
            match Box::pin(held.flight(&messages, Limit::reading(None))).await {
                Ok(answers) => {
                    let rows = answers.iter().flat_map(|answer| &answer.rows);
                    break rows.map(|row| RowCells(row).values()).collect();
                }
                Err(failed) => {
                    let again = matches!(
                        failed.cause.meaning(),
                        Meaning::Gone | Meaning::Outdated | Meaning::Lost
                    );
                    if renewed || !again {
                        break Err(failed.cause.general());
                    }
                    renewed = true;
                }
            }
        };
        record("platform", &outcome, 1, started);
        outcome
    }

    pub(crate) async fn platform_execute(
        &self,
        statements: &[(&str, &[Param])],
    ) -> Result<Vec<u64>, Error> {
        let started = Instant::now();
        let mut reruns = 0;
        let outcome = loop {
            match Box::pin(self.execute_once(statements)).await {
                Err(cause)
                    if matches!(cause.meaning(), Meaning::Lost | Meaning::Outdated)
                        && reruns < MOST_RERUNS =>
                {
                    reruns += 1;
                    metrics::record_rerun();
                }
                Err(cause) => break Err(cause.general()),
                Ok(counts) => break Ok(counts),
            }
        };
        record("platform", &outcome, statements.len() as u64, started);
        outcome
    }

    async fn execute_once(&self, statements: &[(&str, &[Param])]) -> Result<Vec<u64>, Cause> {
        let mut held = match self.owner.take(None, None).await {
            Ok(held) => held,
            Err(error) => return Err(Cause::Refused(error)),
        };
        let mut messages = vec![Message::begin("begin isolation level serializable")];
        for (sql, params) in statements {
            messages.push(Message::new(named(&self.config, sql), Bind::params(params)));
        }
        messages.push(Message::commit());
        let limit = Limit {
            at: Some(Instant::now() + self.config.statement_timeout.0),
            settles: true,
        };
        let answers = held
            .flight(&messages, limit)
            .await
            .map_err(|failed| failed.cause)?;
        let counts = answers.iter().map(|answer| answer.affected);
        Ok(counts.skip(1).take(statements.len()).collect())
    }

    /// Runs DDL and data statements as the owner, in order, in one transaction under the
    /// deployment-wide schema lock. On SQLite foreign keys are off and checked before the commit.
    pub(crate) async fn owner_script(
        &self,
        statements: &[(String, Vec<Param>)],
    ) -> Result<(), Error> {
        let started = Instant::now();
        let outcome = Box::pin(self.script(statements)).await;
        // Plans and what a session knows of its role may be of the past.
        self.owner.renew();
        self.serving.renew();
        self.forget();
        record("schema", &outcome, statements.len() as u64, started);
        outcome
    }

    async fn script(&self, statements: &[(String, Vec<Param>)]) -> Result<(), Error> {
        let mut held = self.owner.take(None, None).await?;
        let free = Limit::reading(None);
        let locks = format!(
            "set local statement_timeout = 0; set local lock_timeout = '{PATIENCE}'; \
             select pg_advisory_xact_lock({SCHEMA_LOCK}); \
             set local lock_timeout = '{LOCK_TIMEOUT}'"
        );
        let opening = [
            Message::begin("begin isolation level read committed"),
            Message::plain(locks),
        ];
        held.flight(&opening, free)
            .await
            .map_err(|failed| failed.cause.general())?;
        for (sql, params) in statements {
            let text = named(&self.config, sql);
            // DDL is not prepared: it runs once, and a text may hold several statements.
            let message = if params.is_empty() {
                Message::plain(text)
            } else {
                Message::new(text, Bind::params(params))
            };
            if let Err(failed) = held.flight(&[message], free).await {
                let rollback = [Message::rollback()];
                let soon = Limit::reading(Some(Instant::now() + Duration::from_secs(2)));
                if !held.broken && held.flight(&rollback, soon).await.is_err() {
                    tracing::debug!("a rollback failed");
                }
                return Err(of_script(failed.cause, sql));
            }
        }
        let limit = Limit {
            at: None,
            settles: true,
        };
        held.flight(&[Message::commit()], limit)
            .await
            .map(|_| ())
            .map_err(|failed| failed.cause.general())
    }
}

/// A failed statement of a script: its author wants to read what the server said.
fn of_script(cause: Cause, sql: &str) -> Error {
    let error = match cause {
        Cause::Driver(error) => error,
        other => return other.general(),
    };
    match errors::general(&error) {
        known @ (Error::Unavailable(_) | Error::Full) => known,
        _ => {
            let first = sql.lines().next().unwrap_or_default();
            Error::Migration(format!("{}: {first}", errors::text(&error)))
        }
    }
}

fn record<T>(kind: &'static str, outcome: &Result<T, Error>, statements: u64, started: Instant) {
    let word = if outcome.is_ok() { "ok" } else { "error" };
    metrics::record_operation(kind, word, statements, started.elapsed());
}
