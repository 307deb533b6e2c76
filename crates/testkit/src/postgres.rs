//! A PostgreSQL database of its own for each test, on the server that `CARNET_TEST_POSTGRES`
//! names. Starting a server is not done here: `cargo xtask test` does that.

use crate::skip;
use anyhow::{Context as _, Result, anyhow};
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use tokio_postgres::{Client, NoTls};

/// A database that belongs to one test; dropping the value drops the database and its role.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
    server: String,
}

/// A new, empty database, named after `hint`; `None` (and a record of the skipped test) when
/// there is no server. Works from async and from ordinary tests alike.
///
/// # Panics
/// When a server is named but gives no database, or when there is none and
/// `CARNET_TEST_REQUIRE_SERVICES=1`.
#[track_caller]
pub fn database(hint: &str) -> Option<TestDatabase> {
    let Ok(server) = std::env::var("CARNET_TEST_POSTGRES") else {
        skip::record("PostgreSQL");
        return None;
    };
    match TestDatabase::create(&server, hint) {
        Ok(database) => Some(database),
        Err(error) => panic!("no test database on `{server}`: {error:#}"),
    }
}

impl TestDatabase {
    /// A new database on the server at `server`, whose login may create databases and roles.
    pub fn create(server: &str, hint: &str) -> Result<Self> {
        let name = unique_name(hint);
        // template0 keeps out what somebody put into template1; C is what our own order needs.
        run_sql(
            server,
            &format!(
                "create database {name} template template0 encoding 'UTF8' \
                 lc_collate 'C' lc_ctype 'C'"
            ),
        )?;
        Ok(Self {
            url: with_database(server, &name)?,
            name,
            server: server.to_owned(),
        })
    }

    /// The address of the database: `postgres://…/name`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The role that the platform makes for this database.
    pub fn role(&self) -> String {
        format!("carnet_{}_app", self.name)
    }

    /// A session of its own, as the server's login, past every wall.
    pub async fn connect(&self) -> Result<Client> {
        connect(&self.url).await
    }

    /// Runs statements as the server's login; blocks the calling thread.
    pub fn execute(&self, sql: &str) -> Result<()> {
        run_sql(&self.url, sql)
    }

    /// Ends every session in the database, as a restart of the server would.
    pub fn disconnect_all(&self) -> Result<()> {
        run_sql(
            &self.server,
            &format!(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'",
                self.name
            ),
        )
    }
}

impl Drop for TestDatabase {
    #[expect(
        clippy::print_stderr,
        reason = "a test reports to the person who runs it"
    )]
    fn drop(&mut self) {
        // Two statements: a role that is in use elsewhere must not keep the database alive.
        let statements = [
            format!("drop database if exists {} with (force)", self.name),
            format!("drop role if exists {}", self.role()),
        ];
        for sql in statements {
            if let Err(error) = run_sql(&self.server, &sql) {
                eprintln!("`{sql}` failed: {error:#}");
            }
        }
    }
}

/// Opens a session and drives its connection in the background of the running runtime.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .with_context(|| format!("cannot connect to `{url}`"))?;
    tokio::spawn(connection);
    Ok(client)
}

/// Whether the server at `url` answers; blocks the calling thread.
pub fn answers(url: &str) -> bool {
    run_sql(url, "select 1").is_ok()
}

fn run_sql(url: &str, sql: &str) -> Result<()> {
    blocking(async {
        let client = connect(url).await?;
        client.batch_execute(sql).await.map_err(|error| {
            let text = error.as_db_error().map_or_else(
                || error.to_string(),
                |refused| format!("{}: {}", refused.code().code(), refused.message()),
            );
            anyhow!(text)
        })
    })
}

/// Runs `future` on a thread with a runtime of its own, so that callers inside a runtime (a
/// `Drop` in an async test) may block.
fn blocking<T: Send>(future: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let on_thread = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(future)
    };
    std::thread::scope(|scope| scope.spawn(on_thread).join())
        .unwrap_or_else(|_| Err(anyhow!("the database thread panicked")))
}

/// `t_<hint>_<random>`, short enough that `carnet_<name>_app` is still an identifier.
fn unique_name(hint: &str) -> String {
    let words: String = hint
        .chars()
        .map(|letter| letter.to_ascii_lowercase())
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        })
        .take(24)
        .collect();
    let mut random = std::hash::RandomState::new().build_hasher();
    random.write_u32(std::process::id());
    format!("t_{words}_{:016x}", random.finish())
}

/// `url` with its database replaced: `postgres://host/old?x=1` → `postgres://host/name?x=1`.
fn with_database(url: &str, name: &str) -> Result<String> {
    let (scheme, rest) = url
        .split_once("://")
        .with_context(|| format!("`{url}` is not an address like postgres://host/database"))?;
    let (address, parameters) = match rest.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (rest, String::new()),
    };
    let authority = address.split('/').next().unwrap_or(address);
    Ok(format!("{scheme}://{authority}/{name}{parameters}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_address(url: &str, expected: &str) {
        assert_eq!(with_database(url, "mine").unwrap(), expected);
    }

    #[test]
    fn the_database_of_an_address_is_replaced() {
        check_address("postgres://h", "postgres://h/mine");
        check_address("postgres://u:p@h:5432/old", "postgres://u:p@h:5432/mine");
        check_address("postgres://u@h/old?a=b", "postgres://u@h/mine?a=b");
        assert!(with_database("host=h dbname=old", "mine").is_err());
    }

    #[test]
    fn names_are_unique_and_fit_a_role() {
        let name = unique_name("Kill -9: a very long hint that goes on and on");
        assert_ne!(
            name,
            unique_name("Kill -9: a very long hint that goes on and on")
        );
        assert!(format!("carnet_{name}_app").len() <= 63, "{name}");
        assert!(name.starts_with("t_kill__9__a_very_long_hin_"), "{name}");
    }

    #[tokio::test]
    async fn a_database_lives_as_long_as_its_value() {
        let Some(database) = database("lives") else {
            return;
        };
        let client = database.connect().await.unwrap();
        let row = client
            .query_one(
                "select current_database()::text, datcollate::text, \
                 pg_encoding_to_char(encoding)::text \
                 from pg_database where datname = current_database()",
                &[],
            )
            .await
            .unwrap();
        assert_eq!(row.get::<_, String>(0), database.name());
        assert_eq!(row.get::<_, String>(1), "C");
        assert_eq!(row.get::<_, String>(2), "UTF8");

        database
            .execute(&format!("create role {} nologin", database.role()))
            .unwrap();
        let (server, name, role) = (
            database.server.clone(),
            database.name.clone(),
            database.role(),
        );
        drop(database);
        let other = connect(&server).await.unwrap();
        let left = other
            .query_one(
                "select (select count(*) from pg_database where datname = $1) \
                 + (select count(*) from pg_roles where rolname = $2)",
                &[&name, &role],
            )
            .await
            .unwrap();
        assert_eq!(left.get::<_, i64>(0), 0);
    }
}
