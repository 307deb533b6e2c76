//! A database of a test's own, on SQLite or on PostgreSQL, and two tests from one case.

#![cfg(test)]

use carnet_kernel::{Period, Secret};
use carnet_store::Config;
use carnet_testkit::postgres::TestDatabase;
use carnet_testkit::tempfile::TempDir;
use std::path::{Path, PathBuf};

/// An empty database; it goes when the value does.
pub(crate) struct Database {
    /// How a store is opened on it.
    pub(crate) config: Config,
    kept: Kept,
}

enum Kept {
    Folder(TempDir),
    Server(TestDatabase),
    /// Another process keeps it.
    Elsewhere,
}

impl Database {
    /// A file that is not there yet, in a folder of its own.
    pub(crate) fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        Self {
            config: config(&format!("sqlite:{}", file(folder.path()).display())),
            kept: Kept::Folder(folder),
        }
    }

    /// A database on the server of the tests, which has few connections; `None` without a server.
    #[track_caller]
    pub(crate) fn postgres(hint: &str) -> Option<Self> {
        let database = carnet_testkit::postgres::database(hint)?;
        Some(Self {
            config: config(database.url()),
            kept: Kept::Server(database),
        })
    }

    /// The database of another process, at this address.
    pub(crate) fn elsewhere(url: &str) -> Self {
        Self {
            config: config(url),
            kept: Kept::Elsewhere,
        }
    }

    /// The same database for one more store, while `self` keeps it.
    pub(crate) fn beside(&self) -> Self {
        Self::elsewhere(self.config.url.reveal())
    }

    /// SQLite, and PostgreSQL when there is a server.
    #[track_caller]
    pub(crate) fn both(hint: &str) -> Vec<Self> {
        let mut both = vec![Self::sqlite()];
        both.extend(Self::postgres(hint));
        both
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.config.url.reveal().starts_with("sqlite:")
    }

    /// The file on SQLite.
    pub(crate) fn file(&self) -> PathBuf {
        match &self.kept {
            Kept::Folder(folder) => file(folder.path()),
            Kept::Server(_) | Kept::Elsewhere => panic!("no file of this test"),
        }
    }

    /// The database on PostgreSQL.
    pub(crate) fn server(&self) -> &TestDatabase {
        match &self.kept {
            Kept::Server(database) => database,
            Kept::Folder(_) | Kept::Elsewhere => panic!("not on the server of this test"),
        }
    }
}

fn config(url: &str) -> Config {
    Config {
        url: Secret::new(url),
        pool_min: 0,
        pool_max: 8,
        connect_timeout: Period::seconds(5),
        ..Config::default()
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("data").join("t.sqlite")
}

/// Runs each of these cases once for each database: an `async fn` that takes what `Fixture::at`
/// makes of one.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            use super::Fixture;
            use crate::database::Database;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let fixture = Fixture::at(Database::sqlite()).await;
                    Box::pin(super::$name(fixture)).await;
                }
            )*
        }

        mod postgres {
            use super::Fixture;
            use crate::database::Database;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(database) = Database::postgres(stringify!($name)) {
                        let fixture = Fixture::at(database).await;
                        Box::pin(super::$name(fixture)).await;
                    }
                }
            )*
        }
    };
}

pub(crate) use on_both;
