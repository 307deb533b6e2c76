//! The life of a server: compile, connect, check the schema, wire, listen, stop.

use crate::application::{Application, compile, compile_logic};
use crate::clock::SystemClock;
use crate::config::Loaded;
use crate::error::Failure;
use crate::router::{Documents, PROBES, Parts, router};
use crate::unread::Unread;
use crate::{database, listen, openapi};
use bytes::Bytes;
use carnet_kernel::{ApiVersion, Clock as _, IdGenerator};
use carnet_model::{Model, ModelView};
use carnet_records::Operations;
use carnet_records::logic::Logics;
use carnet_store::Store;
use carnet_telemetry::health::Health;
use carnet_telemetry::metrics::Registry;
use carnet_web::{Edge, EdgeOptions};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long one health check may take.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// What `serve` does besides serving.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether an empty database is seeded.
    pub seeds: bool,
}

/// Serves `application` until the process is told to stop. Logs are installed already.
pub async fn serve(
    loaded: Loaded,
    application: Application,
    options: Options,
) -> Result<(), Failure> {
    let config = &loaded.config;
    // Before anything is recorded: threads keep their handles.
    let metrics =
        carnet_telemetry::metrics::install().map_err(|error| Failure::Setup(error.to_string()))?;
    carnet_telemetry::metrics::describe(carnet_web::METRICS);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let compiled = compile(&loaded, &application)?;
    for warning in &compiled.warnings {
        tracing::warn!("{}", warning.render(false).trim_end());
    }
    let logics = compile_logic(&compiled.model, &application)?;
    for warning in logics.warnings() {
        tracing::warn!("{warning}");
    }
    let model = Arc::new(compiled.model);
    let store = database::connect(&loaded).await?;
    tracing::info!(
        database = store.describe(),
        profile = ?config.profile,
        "the database is {}, set by {}",
        store.describe(),
        loaded.origin("database.url")
    );
    database::ensure(config, &application, &store, &model, options.seeds).await?;
    let result = run(&loaded, application, &store, (model, logics), metrics).await;
    store.close().await;
    result
}

async fn run(
    loaded: &Loaded,
    application: Application,
    store: &Store,
    (model, logics): (Arc<Model>, Logics),
    metrics: Registry,
) -> Result<(), Failure> {
    let config = &loaded.config;
    let health = Health::new(CHECK_LIMIT);
    let checked = store.clone();
    health.register("database", move || {
        let store = checked.clone();
        async move {
            store
                .ping()
                .await
                .map_err(|error| error.code().title().to_owned())
        }
    });
    let clock = Arc::new(SystemClock);
    let forgetting = tokio::spawn(forget_receipts(store.clone(), clock.clone()));
    let operations = Operations::new(store.clone(), Arc::clone(&model), clock.clone());
    operations.install(logics);
    operations.allow_explain(config.explains());
    let codes = application.codes()?;
    operations.know_codes(codes.clone());
    let name = application.name.clone();
    let views = operations.views();
    let newest = operations.view().version();
    let parts = Parts {
        operations,
        health: health.clone(),
        metrics: config.server.metrics.then_some(metrics),
        docs: config.serves_docs(),
        codes,
        openapi: documents(&views, application),
    };
    let unread = Unread {
        clock: clock.clone(),
        ids: Arc::new(IdGenerator::new()),
    };
    let options = EdgeOptions {
        config: carnet_web::Config {
            server_timing: Some(config.tells_timing()),
            ..config.web.clone()
        },
        clock,
        ids: Arc::clone(&unread.ids),
        probes: PROBES,
    };
    let edge =
        Edge::new(router(parts), options).map_err(|error| Failure::Setup(error.to_string()))?;
    let stop = stop_signal()?;
    let listener = listen::bind(&config.server).await?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::Setup(error.to_string()))?;
    health.set_ready(true);
    announce(&name, &address.to_string(), newest, config.serves_docs());
    let closing = health.clone();
    let mut failed = None;
    let stopped = async {
        tokio::select! {
            () = stop => {}
            reason = store.failed() => failed = Some(reason),
        }
        closing.set_ready(false);
        tracing::info!("stopping: no new connections, requests under way are finished");
    };
    listen::run(listener, edge, unread, &config.server, stopped).await;
    forgetting.abort();
    tracing::info!("stopped");
    match failed {
        // Only a new process reads what the disk really holds.
        Some(reason) => Err(Failure::Store(carnet_store::Error::OutcomeUnknown(reason))),
        None => Ok(()),
    }
}

/// How often expired receipts of writes are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(600);

/// How many of them go in one transaction.
const FORGET_AT_ONCE: u32 = 1_000;

/// Forgets receipts of writes after their day, in small transactions, as long as the server runs.
async fn forget_receipts(store: Store, clock: Arc<SystemClock>) {
    let mut ticks = tokio::time::interval(FORGET_EVERY);
    loop {
        ticks.tick().await;
        loop {
            let system = store.system();
            match system.forget_receipts(clock.now(), FORGET_AT_ONCE).await {
                Ok(gone) if gone >= u64::from(FORGET_AT_ONCE) => tokio::task::yield_now().await,
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "expired receipts were not forgotten");
                    break;
                }
            }
        }
    }
}

fn announce(name: &str, address: &str, newest: ApiVersion, docs: bool) {
    tracing::info!(address, "{name} listens on http://{address}");
    let prefix = carnet_records::routes::prefix(newest);
    tracing::info!("API     http://{address}{prefix}");
    if docs {
        tracing::info!("docs    http://{address}/docs");
    }
    tracing::info!("health  http://{address}/health");
    tracing::warn!("there is no access control yet: the API is open to everybody on this machine");
}

/// The OpenAPI documents as bytes, each made when it is first asked for.
fn documents(views: &[ModelView], application: Application) -> Documents {
    let made: Vec<(ModelView, OnceLock<Bytes>)> = views
        .iter()
        .map(|view| (view.clone(), OnceLock::new()))
        .collect();
    Arc::new(move |version| {
        let (view, document) = match version {
            Some(version) => made.iter().find(|(view, _)| view.version() == version)?,
            None => made.last()?,
        };
        let make = || match openapi::openapi(view, &application) {
            Ok(document) => Bytes::from(serde_json::to_vec(&document).unwrap_or_default()),
            Err(error) => {
                tracing::error!(%error, "the OpenAPI document could not be made");
                Bytes::from_static(b"null")
            }
        };
        Some(document.get_or_init(make).clone())
    })
}

/// Done when the process is asked to stop: SIGTERM or SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let install = |kind| signal(kind).map_err(|error| Failure::Setup(error.to_string()));
    let mut terminate = install(SignalKind::terminate())?;
    let mut interrupt = install(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
