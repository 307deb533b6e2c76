//! Databases of our own on a PostgreSQL server, dropped when done.

use anyhow::{Context as _, Result};
use bytes::BytesMut;
use futures_util::SinkExt as _;
use std::future::Future;
use std::pin::pin;
use tokio_postgres::{Client, NoTls};

/// The variable that names the server.
const SERVER: &str = "CARNET_TEST_POSTGRES";

/// A database that is dropped with this value.
pub struct Scratch {
    server: String,
    name: String,
    url: String,
}

impl Scratch {
    /// A new, empty database.
    pub fn create(hint: &str) -> Result<Self> {
        let server = std::env::var(SERVER).with_context(|| {
            format!(
                "{SERVER} names no PostgreSQL server; `cargo xtask bench -- …` starts one and sets it"
            )
        })?;
        let name = format!("bench_{hint}_{}", std::process::id());
        run(async {
            let client = connect(&server).await?;
            client
                .batch_execute(&format!(
                    "create database {name} template template0 encoding 'UTF8' \
                     lc_collate 'C' lc_ctype 'C'"
                ))
                .await?;
            Ok(())
        })?;
        let base = server
            .rsplit_once('/')
            .context("the server's address names no database")?
            .0;
        Ok(Self {
            // Both sides speak to it in the open: only one of them could encrypt.
            url: format!("{base}/{name}?sslmode=disable"),
            server,
            name,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Copies lines of tab-separated values into `target`, a table with its columns, as the owner.
    pub fn fill(&self, target: &str, lines: impl Iterator<Item = String>) -> Result<()> {
        run(async {
            let client = connect(&self.url).await?;
            let sink = client.copy_in(&format!("copy {target} from stdin")).await?;
            let mut sink = pin!(sink);
            let mut buffer = BytesMut::with_capacity(128 << 10);
            for line in lines {
                buffer.extend_from_slice(line.as_bytes());
                buffer.extend_from_slice(b"\n");
                if buffer.len() > 100 << 10 {
                    sink.send(buffer.split().freeze()).await?;
                }
            }
            sink.send(buffer.freeze()).await?;
            sink.finish().await?;
            Ok(())
        })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Statistics and clean pages, so that nothing of it happens while measuring.
    pub fn settle(&self) -> Result<()> {
        self.execute(&["vacuum analyze", "checkpoint"])
    }

    /// Runs statements as the owner, one by one.
    pub fn execute(&self, statements: &[&str]) -> Result<()> {
        run(async {
            let client = connect(&self.url).await?;
            for statement in statements {
                client.batch_execute(statement).await?;
            }
            Ok(())
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let dropped = run(async {
            let client = connect(&self.server).await?;
            let name = &self.name;
            client
                .batch_execute(&format!("drop database {name} with (force)"))
                .await?;
            // The roles that Carnet or a peer had for this database.
            client
                .batch_execute(&format!(
                    "drop role if exists carnet_{name}_app; drop role if exists {name}_anon"
                ))
                .await?;
            Ok(())
        });
        if let Err(error) = dropped {
            eprintln!("the database `{}` is left: {error:#}", self.name);
        }
    }
}

/// A connection.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("a session ended: {error}");
        }
    });
    Ok(client)
}

/// Runs something async to its end.
pub fn run<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
