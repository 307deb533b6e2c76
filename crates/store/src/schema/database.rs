//! What the parts of schema sync ask of a database: its records of itself, its placements, scripts.

use super::names::{application_role, literal, quote};
use super::rules::Rules;
use super::walls::Builder;
use crate::store::Engine;
use crate::{Dialect, Error, Namespace, Param, Store, Wall};
use carnet_kernel::Value;
use carnet_model::Model;
use std::collections::BTreeSet;

/// Statements of one transaction with their parameters.
pub(super) type Script = Vec<(String, Vec<Param>)>;

/// A row of `carnet_schemas`.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) version: i64,
    /// Empty for a database that was rolled back to before its first definition.
    pub(super) hash: String,
    pub(super) definition: String,
    /// The rules by which derived columns were made.
    pub(super) rules: Rules,
}

/// As whom a session of ours works on PostgreSQL.
#[derive(Clone, Debug, Default)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) database: String,
    /// The application role that belongs to the database.
    pub(super) role: String,
    pub(super) role_exists: bool,
    pub(super) is_member: bool,
    pub(super) may_create_roles: bool,
}

impl Store {
    pub(super) fn home_schema(&self) -> &str {
        &self.inner.config.platform_schema
    }

    pub(super) fn wall(&self) -> Wall {
        match self.dialect() {
            Dialect::Sqlite => Wall::None,
            Dialect::Postgres => self.inner.config.wall,
        }
    }

    /// `"app".` or nothing.
    pub(super) fn records_prefix(&self, namespace: &Namespace) -> String {
        prefix(self.dialect(), namespace.as_str())
    }

    pub(super) async fn owner_rows(
        &self,
        sql: &str,
        params: &[Param],
    ) -> Result<Vec<Vec<Value>>, Error> {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.owner_rows(sql, params).await,
            Engine::Postgres(engine) => engine.owner_rows(sql, params).await,
        }
    }

    /// Runs a script; a lock that does not come in time is tried for again.
    pub(super) async fn owner_script(&self, script: &Script) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            let outcome = match &self.inner.engine {
                Engine::Sqlite(engine) => engine.owner_script(script).await,
                Engine::Postgres(engine) => engine.owner_script(script).await,
            };
            tries += 1;
            match outcome {
                Err(Error::Conflict | Error::TooLong) if tries < 3 => {}
                Err(Error::Internal(text)) => return Err(Error::Migration(text)),
                other => return other,
            }
        }
    }

    /// Whether a platform table is there.
    pub(super) async fn has_table(&self, schema: &str, table: &str) -> Result<bool, Error> {
        let rows = match self.dialect() {
            Dialect::Sqlite => {
                let sql = "select name from sqlite_schema where type = 'table' and name = $1";
                self.owner_rows(sql, &[Param::Text(table.to_owned())])
                    .await?
            }
            Dialect::Postgres => {
                let sql = "select c.relname::text from pg_catalog.pg_class c \
                           join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
                           where n.nspname = $1 and c.relname = $2 and c.relkind = 'r'";
                let params = [
                    Param::Text(schema.to_owned()),
                    Param::Text(table.to_owned()),
                ];
                self.owner_rows(sql, &params).await?
            }
        };
        Ok(!rows.is_empty())
    }

    /// The newest definition that the database was given.
    pub(super) async fn newest(&self) -> Result<Option<Recorded>, Error> {
        if !self.has_table(self.home_schema(), "carnet_schemas").await? {
            return Ok(None);
        }
        let rows = self.newest_row("definition").await?;
        Ok(rows.into_iter().next().and_then(recorded))
    }

    /// The same without the definition itself, by one statement; `None` before the first.
    pub(super) async fn newest_hash(&self) -> Result<Option<Recorded>, Error> {
        let rows = match self.newest_row("''").await {
            Err(Error::SchemaPending(_)) => return Ok(None),
            rows => rows?,
        };
        Ok(rows.into_iter().next().and_then(recorded))
    }

    /// The newest row; one of a release that did not remember rules has none.
    async fn newest_row(&self, definition: &str) -> Result<Vec<Vec<Value>>, Error> {
        let sql = |rules: &str| {
            format!(
                "select version, hash, {definition}, {rules} from {{home}}carnet_schemas \
                 order by version desc limit 1"
            )
        };
        match self.owner_rows(&sql("coalesce(rules, '')"), &[]).await {
            Ok(rows) => Ok(rows),
            Err(_) => self.owner_rows(&sql("''"), &[]).await,
        }
    }

    /// Every namespace with record tables, home's first.
    pub(super) async fn namespaces(&self) -> Result<Vec<Namespace>, Error> {
        let home = self.home().namespace;
        let mut found = BTreeSet::new();
        let many = self.dialect() == Dialect::Postgres
            && self.has_table(self.home_schema(), "carnet_tenants").await?;
        if many {
            let sql = "select distinct namespace from {home}carnet_tenants \
                       where namespace is not null";
            for row in self.owner_rows(sql, &[]).await? {
                let name = row.first().and_then(Value::as_text).unwrap_or_default();
                let namespace = Namespace::new(name).ok_or_else(|| {
                    Error::Configuration(format!("`{name}` in carnet_tenants is no namespace"))
                })?;
                found.insert(namespace.as_str().to_owned());
            }
        }
        found.remove(home.as_str());
        let others = found.iter().filter_map(|name| Namespace::new(name));
        Ok(std::iter::once(home.clone()).chain(others).collect())
    }

    /// As whom we work; of no meaning on SQLite.
    pub(super) async fn login(&self) -> Result<Login, Error> {
        if self.dialect() == Dialect::Sqlite {
            return Ok(Login::default());
        }
        let sql = "select current_user::text, current_database()::text, \
                   (r.rolsuper or r.rolcreaterole)::int::bigint \
                   from pg_catalog.pg_roles r where r.rolname = current_user";
        let rows = self.owner_rows(sql, &[]).await?;
        let row = rows.into_iter().next().unwrap_or_default();
        let text = |place: usize| {
            let value: Option<&Value> = row.get(place);
            value
                .and_then(Value::as_text)
                .unwrap_or_default()
                .to_owned()
        };
        let database = text(1);
        let role = application_role(&database);
        let sql = "select pg_catalog.pg_has_role(current_user, r.oid, 'member')::int::bigint \
                   from pg_catalog.pg_roles r where r.rolname = $1";
        let found = self.owner_rows(sql, &[Param::Text(role.clone())]).await?;
        let member = found
            .first()
            .and_then(|row| row.first())
            .and_then(Value::as_integer);
        Ok(Login {
            user: text(0),
            may_create_roles: row.get(2).and_then(Value::as_integer) == Some(1),
            database,
            role,
            role_exists: member.is_some(),
            is_member: member == Some(1),
        })
    }

    /// The walls of a placement.
    pub(super) fn builder<'a>(
        &self,
        login: &'a Login,
        namespace: &'a Namespace,
        shared: &'a Namespace,
    ) -> Builder<'a> {
        Builder {
            wall: self.wall(),
            role: &login.role,
            namespace,
            shared,
        }
    }
}

fn prefix(dialect: Dialect, schema: &str) -> String {
    match dialect {
        Dialect::Sqlite => String::new(),
        Dialect::Postgres => format!("{}.", quote(schema)),
    }
}

fn recorded(row: Vec<Value>) -> Option<Recorded> {
    let mut cells = row.into_iter();
    let (version, hash, definition) = (cells.next()?, cells.next()?, cells.next()?);
    let rules = cells.next()?;
    Some(Recorded {
        version: version.as_integer()?,
        hash: hash.as_text()?.to_owned(),
        definition: definition.as_text()?.to_owned(),
        rules: Rules::parse(rules.as_text()?),
    })
}

/// The row that records a definition. It stands first in a script: of two that change the schema
/// at once the second fails here, before it did anything.
pub(super) fn record_schema(
    dialect: Dialect,
    version: i64,
    [hash, definition]: [&str; 2],
    rules: &Rules,
) -> (String, Vec<Param>) {
    let sql = format!(
        "insert into {{home}}carnet_schemas (version, hash, definition, rules, at) \
         values ($1, $2, $3, $4, {})",
        super::platform::now(dialect)
    );
    let params = vec![
        Param::Integer(version),
        Param::Text(hash.to_owned()),
        Param::Text(definition.to_owned()),
        Param::Text(rules.to_string()),
    ];
    (sql, params)
}

/// The same for a model.
pub(super) fn record_model(dialect: Dialect, version: i64, model: &Model) -> (String, Vec<Param>) {
    record_schema(
        dialect,
        version,
        [&model.hash.to_string(), model.definition.as_str()],
        &Rules::current(),
    )
}

/// The search path under which a placement's statements run.
pub(super) fn search_path(namespace: &Namespace, shared: &Namespace) -> String {
    if namespace == shared {
        return format!("set local search_path to {}", quote(namespace.as_str()));
    }
    format!(
        "set local search_path to {}, {}",
        quote(namespace.as_str()),
        quote(shared.as_str())
    )
}

/// A statement that fails when rows fulfil `condition`, on PostgreSQL.
pub(super) fn refuse_if(home: &str, code: &str, detail: &str, from_where: &str) -> String {
    format!(
        "select {}.carnet_raise({}, {}) from {from_where} limit 1",
        quote(home),
        literal(code),
        literal(detail)
    )
}
