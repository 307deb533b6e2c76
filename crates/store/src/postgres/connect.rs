//! One session: how it is opened, walled and remembered. Not how many there are: that is `pool`.

use super::address::Address;
use super::errors;
use crate::schema::{application_role, quote};
use crate::{Config, Error, Wall};
use carnet_kernel::TenantKey;
use futures_util::future::{join, join4};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::{CancelToken, Client, SimpleQueryMessage, Statement};

/// The statement that tells the wall whose data is meant, and how statements outside of
/// transactions are isolated.
pub(super) const SET: &str = "select set_config('carnet.tenant', $1, false), \
     set_config('default_transaction_isolation', $2, false)";

/// What is set on a session until something else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) tenant: TenantKey,
    pub(super) isolation: Isolation,
}

/// How a statement outside of a transaction is isolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isolation {
    /// For reads: one statement sees one snapshot, and what it reads makes no writer fail.
    ReadCommitted,
    /// For writes.
    Serializable,
}

impl Isolation {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ReadCommitted => "read committed",
            Self::Serializable => "serializable",
        }
    }

    /// Opens a transaction that is isolated so.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::ReadCommitted => "begin isolation level read committed",
            Self::Serializable => "begin isolation level serializable",
        }
    }
}

/// More prepared statements than this cost the server too much memory for each connection.
const MOST_STATEMENTS: usize = 500;

/// As whom a session works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Behind the wall, for requests.
    Application,
    /// As the login, which owns the tables: schema, platform tables, the journal's tail.
    Owner,
}

/// Opens sessions.
pub(super) struct Connector {
    pub(super) address: Address,
    timeout: Duration,
    application: String,
    owner: String,
    /// The role to take, unless there is no wall.
    role: Option<String>,
    /// Whether the role sees past the wall.
    check: String,
}

impl Connector {
    pub(super) fn new(config: &Config, address: Address) -> Self {
        let role = application_role(address.database());
        let check = format!(
            "select r.rolsuper, r.rolbypassrls, exists (select from pg_catalog.pg_class c \
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             where n.nspname in ('{}', '{}') and c.relkind in ('r', 'p') \
             and pg_catalog.pg_has_role(r.oid, c.relowner, 'member')) \
             from pg_catalog.pg_roles r where r.rolname = current_user",
            config.platform_schema, config.records_schema
        );
        let budget = config.transaction_budget.0.as_millis();
        // Compiling statements to machine code pays for seconds of work, not for milliseconds.
        let application = format!(
            "set timezone = 'UTC'; set jit = off; \
             set statement_timeout = {}; set lock_timeout = {budget}; \
             set idle_in_transaction_session_timeout = {}",
            config.statement_timeout.0.as_millis(),
            budget + 1_000,
        );
        let owner = format!(
            "set timezone = 'UTC'; set jit = off; set statement_timeout = {}",
            config.statement_timeout.0.as_millis(),
        );
        Self {
            address,
            timeout: config.connect_timeout.0,
            application,
            owner,
            role: (config.wall != Wall::None).then_some(role),
            check,
        }
    }

    /// A new session.
    ///
    /// Errors: `Unavailable`; `Configuration` for a login or database that the server does not
    /// know; `RoleMissing` and `WallBypassed` for a session of the application.
    pub(super) async fn connect(&self, role: Role) -> Result<Connection, Error> {
        match tokio::time::timeout(self.timeout, Box::pin(self.open(role))).await {
            Ok(opened) => opened,
            Err(_) => Err(Error::Unavailable(format!(
                "{} did not answer within {:?}",
                self.address.describe(),
                self.timeout
            ))),
        }
    }

    async fn open(&self, role: Role) -> Result<Connection, Error> {
        let tls = self.address.tls.clone();
        let (client, connection) = self
            .address
            .driver
            .connect(tls)
            .await
            .map_err(|error| errors::of_login(&error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %errors::text(&error), "database connection ended");
            }
        });
        let prepared = match (role, &self.role) {
            (Role::Owner, _) => {
                let (set, statement) =
                    join(client.batch_execute(&self.owner), client.prepare(SET)).await;
                set.and(statement)
            }
            (Role::Application, None) => {
                let (set, statement) =
                    join(client.batch_execute(&self.application), client.prepare(SET)).await;
                set.and(statement)
            }
            (Role::Application, Some(name)) => {
                // INVARIANT: the name is quoted; a database may have any name.
                let take = format!("set role {}", quote(name));
                let (set, taken, found, statement) = join4(
                    client.batch_execute(&self.application),
                    client.batch_execute(&take),
                    client.simple_query(&self.check),
                    client.prepare(SET),
                )
                .await;
                set.map_err(|error| errors::general(&error))?;
                taken.map_err(|error| self.role_error(name, &error))?;
                self.check_wall(name, &found.map_err(|error| errors::general(&error))?)?;
                statement
            }
        };
        let prepared = prepared.map_err(|error| errors::general(&error))?;
        let mut statements = Statements::default();
        statements.insert(SET, prepared);
        Ok(Connection {
            cancel: client.cancel_token(),
            client,
            statements,
            setting: None,
            generation: 0,
            used: Instant::now(),
            suspect: false,
        })
    }

    fn role_error(&self, role: &str, error: &tokio_postgres::Error) -> Error {
        let login = self.address.driver.get_user().unwrap_or_default();
        let state = error.code().map(|code| code.code());
        let reason = match state {
            Some("22023" | "42704") => "does not exist",
            Some("42501") => "may not be taken by this login",
            _ => return errors::general(error),
        };
        Error::RoleMissing(format!(
            "the role `{role}` {reason}; `carnet db push` makes it, or an administrator runs \
             what `carnet db roles --print` shows: create role {role} nologin nobypassrls; \
             grant {role} to {login}",
            role = quote(role),
            login = quote(login),
        ))
    }

    fn check_wall(&self, role: &str, found: &[SimpleQueryMessage]) -> Result<(), Error> {
        let row = found.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let Some(row) = row else {
            return Err(Error::Internal(format!("the role `{role}` cannot be seen")));
        };
        let reasons = [
            "is a superuser",
            "has BYPASSRLS",
            "is a member of the tables' owner",
        ];
        let column = |index: usize| row.get(index) == Some("t");
        match (0..reasons.len()).find(|index| column(*index)) {
            None => Ok(()),
            Some(index) => Err(Error::WallBypassed(format!(
                "the role `{role}` {}: it would see the data of every tenant",
                reasons[index]
            ))),
        }
    }

    /// Asks the server to stop what a session is doing; whether it heard does not matter.
    pub(super) async fn cancel(&self, token: CancelToken) {
        let tls = self.address.tls.clone();
        if let Ok(Err(error)) = tokio::time::timeout(self.timeout, token.cancel_query(tls)).await {
            tracing::debug!(error = %errors::text(&error), "a statement could not be cancelled");
        }
    }
}

/// An open session and what is known of it.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) cancel: CancelToken,
    pub(super) statements: Statements,
    pub(super) setting: Option<Setting>,
    /// Under which generation of the pool it was opened.
    pub(super) generation: u64,
    /// When it was last given back.
    pub(super) used: Instant,
    /// Another session was found dead since.
    pub(super) suspect: bool,
}

/// The prepared statements of a session by their text; the one unused longest goes first.
#[derive(Default)]
pub(super) struct Statements {
    known: HashMap<Arc<str>, (Statement, u64)>,
    clock: u64,
}

impl Statements {
    pub(super) fn get(&mut self, sql: &str) -> Option<Statement> {
        self.clock += 1;
        let clock = self.clock;
        self.known.get_mut(sql).map(|(statement, used)| {
            *used = clock;
            statement.clone()
        })
    }

    pub(super) fn insert(&mut self, sql: &str, statement: Statement) {
        if self.known.len() >= MOST_STATEMENTS {
            let oldest = self.known.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(sql, _)| Arc::clone(sql)) {
                self.known.remove(&oldest);
            }
        }
        self.clock += 1;
        self.known.insert(sql.into(), (statement, self.clock));
    }

    /// Forgets a statement whose plan the server has given up.
    pub(super) fn forget(&mut self, sql: &str) {
        self.known.remove(sql);
    }
}
