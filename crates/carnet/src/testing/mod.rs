//! Tests of an application, in memory: the whole server without a socket, on a database of its own,
//! with a clock that stands still. Behind the feature `testing`; for `[dev-dependencies]`.
//!
//! Captured jobs and mail come with jobs and mail themselves; what a write tells others stands in
//! the journal, which [`TestPlatform::journal`] reads.

mod factory;
mod redact;
mod reply;

pub use factory::Factory;
pub use redact::redacted;
pub use reply::TestReply;

use crate::Builder;
use carnet_kernel::{Period, Principal, Secret, TenantKey, Timestamp};
use carnet_server::{Config, InProcess, in_process};
use carnet_testkit::clock::FixedClock;
use carnet_testkit::postgres::{TestDatabase, database};
use carnet_testkit::tempfile::TempDir;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tower::ServiceExt;

/// The first present moment of every test: 2027-01-15T08:00:00Z.
const BEGIN: Timestamp = Timestamp(1_800_000_000_000_000);

/// An application under test.
pub struct TestPlatform {
    server: InProcess,
    clock: Arc<FixedClock>,
    numbers: AtomicU64,
    _kept: Kept,
}

/// What goes when the platform does.
enum Kept {
    Folder(#[expect(dead_code, reason = "removed when it is dropped")] TempDir),
    Database(#[expect(dead_code, reason = "removed when it is dropped")] TestDatabase),
}

/// Who asks a platform under test. Made by [`TestPlatform::as_user`].
pub struct Caller<'p> {
    platform: &'p TestPlatform,
    principal: Option<Principal>,
    headers: Vec<(String, String)>,
}

impl TestPlatform {
    /// The application on SQLite, in a temporary folder.
    ///
    /// # Panics
    /// When the application cannot be put together; every mistake is told.
    pub async fn new(builder: Builder) -> Self {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let url = format!("sqlite:{}", folder.path().join("test.sqlite").display());
        Self::at(builder, url, Kept::Folder(folder)).await
    }

    /// The application on a PostgreSQL database of its own, on the server that
    /// `CARNET_TEST_POSTGRES` names; `None`, and a test recorded as skipped, where there is none.
    ///
    /// # Panics
    /// Like [`TestPlatform::new`]; without a server when `CARNET_TEST_REQUIRE_SERVICES=1`.
    #[track_caller]
    pub fn postgres(builder: Builder) -> Option<impl Future<Output = Self>> {
        let database = database("test")?;
        let url = database.url().to_owned();
        Some(Self::at(builder, url, Kept::Database(database)))
    }

    async fn at(builder: Builder, url: String, kept: Kept) -> Self {
        let mut config = Config::default();
        config.database.url = Secret::new(url);
        config.database.pool_min = 0;
        config.database.pool_max = 8;
        config.database.connect_timeout = Period::seconds(10);
        let clock = Arc::new(FixedClock::new(BEGIN));
        let application = builder.into_application();
        let server = in_process(config, application, clock.clone()).await;
        let server =
            server.unwrap_or_else(|failure| panic!("{failure}\n{}", failure.details().join("\n")));
        Self {
            server,
            clock,
            numbers: AtomicU64::new(1),
            _kept: kept,
        }
    }

    /// The clock of the application; it stands still until it is told to move.
    pub fn clock(&self) -> &FixedClock {
        &self.clock
    }

    /// Asks as nobody.
    pub fn anonymous(&self) -> Caller<'_> {
        Caller {
            platform: self,
            principal: None,
            headers: Vec::new(),
        }
    }

    /// Asks as a user with these roles.
    pub fn as_user(&self, name: &str, roles: &[&str]) -> Caller<'_> {
        let user = Principal::user_named(TenantKey::DEFAULT, name);
        Caller {
            principal: Some(user.with_roles(roles.iter().copied())),
            ..self.anonymous()
        }
    }

    /// Makes valid records of a resource.
    ///
    /// # Panics
    /// When there is no such resource.
    pub fn factory(&self, resource: &str) -> Factory<'_> {
        Factory::new(self, resource)
    }

    /// The newest journal rows, oldest first: what every write tells others.
    pub async fn journal(&self, most: usize) -> Vec<Value> {
        let listed = self
            .anonymous()
            .get(&format!("/journal?limit={most}"))
            .await;
        let mut rows = listed.data().as_array().cloned().unwrap_or_default();
        rows.reverse();
        rows
    }

    /// How many records of a resource there are.
    pub async fn count(&self, resource: &str) -> u64 {
        let path = format!("/{resource}?limit=1&count=exact");
        let listed = self.anonymous().get(&path).await;
        listed.body()["pagination"]["total"].as_u64().unwrap_or(0)
    }
}

impl Caller<'_> {
    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With the version that a write is based on.
    #[must_use]
    pub fn if_match(self, version: i64) -> Self {
        self.header("if-match", &format!("\"{version}\""))
    }

    /// `GET`; paths are below the newest version of the API (`/api/v1` where there is no other)
    /// unless they begin with `/api`.
    pub async fn get(&self, path: &str) -> TestReply {
        self.send(Method::GET, path, None).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> TestReply {
        self.send(Method::POST, path, Some(body)).await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> TestReply {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> TestReply {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> TestReply {
        self.send(Method::DELETE, path, None).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> TestReply {
        let whole = match path.starts_with("/api") {
            true => path.to_owned(),
            false => format!("/api/v{}{path}", self.platform.server.view.version().0),
        };
        let mut request = Request::builder().method(method).uri(&whole);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(principal) = &self.principal {
            request = request.extension(principal.clone());
        }
        let text = body.map_or_else(String::new, |body| body.to_string());
        let request = request
            .body(Full::<bytes::Bytes>::from(text))
            .unwrap_or_else(|error| panic!("`{whole}`: {error}"));
        let edge = self.platform.server.edge.clone();
        let response = match edge.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await;
        let bytes = bytes.unwrap_or_else(|error| panic!("`{whole}`: {error}"));
        TestReply::new(whole, parts, &bytes.to_bytes())
    }
}

/// Runs each async function of these names, which takes a [`TestPlatform`] of `$builder`, as a test
/// on SQLite and as one on PostgreSQL.
#[macro_export]
macro_rules! test_on_both {
    ($builder:expr => $($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name($crate::testing::TestPlatform::new($builder).await).await;
                }
            )*
        }

        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(platform) = $crate::testing::TestPlatform::postgres($builder) {
                        super::$name(platform.await).await;
                    }
                }
            )*
        }
    };
}
