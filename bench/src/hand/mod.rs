//! The same API for the benchmark's resources written by hand: axum on the same drivers, doing the
//! same work (validation, tenant in every statement, journal row in the same transaction, group
//! commit, the same answers byte by byte). It is the limit that a generic platform can reach. It
//! knows exactly three tables and no other request than those that are measured.

mod http;
mod json;
mod postgres;
mod product;
mod sqlite;

use anyhow::Result;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

/// What a hand-written server runs on, and how careful it is.
#[derive(Clone, Debug)]
pub struct Options {
    /// A path of a SQLite file, or the address of a PostgreSQL database.
    pub database: String,
    /// Where it listens.
    pub port: u16,
    /// Without wall and journal: what safety costs.
    pub bare: bool,
    /// Connections to PostgreSQL; half of them for writes.
    pub connections: usize,
}

/// The tenant whose data is served.
const TENANT: i64 = 1;

/// What the handlers ask.
enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// A failure as a client sees it.
#[derive(Debug)]
enum Fault {
    NotFound,
    Invalid(&'static str),
    Taken,
    Internal(String),
}

/// Serves until the process is ended.
pub fn serve(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let engine = if options.database.starts_with("postgres") {
            Engine::Postgres(postgres::Postgres::open(options).await?)
        } else {
            Engine::Sqlite(sqlite::Sqlite::open(
                &PathBuf::from(&options.database),
                options.bare,
            )?)
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let listener = tokio::net::TcpListener::bind(address).await?;
        http::serve(listener, Arc::new(engine)).await
    })
}

impl Engine {
    async fn get(&self, id: u128) -> Result<Option<(Vec<u8>, i64)>, Fault> {
        match self {
            Self::Sqlite(engine) => engine.get(id).await,
            Self::Postgres(engine) => engine.get(id).await,
        }
    }

    async fn list(&self, list: List) -> Result<(Vec<u8>, usize), Fault> {
        match self {
            Self::Sqlite(engine) => engine.list(list).await,
            Self::Postgres(engine) => engine.list(list).await,
        }
    }

    async fn create(
        &self,
        products: Vec<product::Product>,
    ) -> Result<Vec<product::Product>, Fault> {
        match self {
            Self::Sqlite(engine) => engine.create(products).await,
            Self::Postgres(engine) => engine.create(products).await,
        }
    }
}

/// A list that is asked for: the newest first.
#[derive(Clone, Debug, Default)]
struct List {
    limit: i64,
    region: Option<String>,
    reviews: bool,
}

/// The text of an id.
pub fn ulid(id: u128) -> String {
    String::from_utf8_lossy(&json::ulid(id)).into_owned()
}
