//! The life of a server: compile, connect, check the schema, wire, listen, stop.

use crate::application::{Application, compile};
use crate::assemble::{Assembled, assemble};
use crate::clock::SystemClock;
use crate::config::{Config, Loaded, Profile};
use crate::error::Failure;
use crate::handle::Handle;
use crate::lifecycle::Started;
use crate::router::{Documents, PROBES, Parts, router};
use crate::unread::Unread;
use crate::{database, listen, openapi};
use bytes::Bytes;
use carnet_kernel::{ApiVersion, Clock as _, IdGenerator, Principal};
use carnet_model::{Model, ModelView};
use carnet_records::Operations;
use carnet_records::logic::Logics;
use carnet_store::Store;
use carnet_telemetry::health::Health;
use carnet_telemetry::metrics::Registry;
use carnet_web::{Edge, EdgeOptions};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How long one health check may take.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// What `serve` does besides serving.
#[derive(Debug, Default)]
pub struct Options {
    /// Whether an empty database is seeded.
    pub seeds: bool,
    /// As whom every request is made, on a developer's own machine; else as nobody.
    pub principal: Option<Principal>,
    /// Who watches from inside of the process; else signals alone stop it.
    pub watch: Option<Watch>,
}

/// The two ends of a server inside of another process, such as a test.
#[derive(Debug)]
pub struct Watch {
    /// Gets the address once requests are taken.
    pub listening: oneshot::Sender<SocketAddr>,
    /// Stops the server, also when its sender is gone.
    pub stop: oneshot::Receiver<()>,
}

/// Serves `application` until the process is told to stop. Logs are installed already.
pub async fn serve(
    loaded: Loaded,
    application: Application,
    options: Options,
) -> Result<(), Failure> {
    let config = &loaded.config;
    check_principal(config, &options)?;
    // Before anything is recorded: threads keep their handles.
    let metrics =
        carnet_telemetry::metrics::install().map_err(|error| Failure::Setup(error.to_string()))?;
    carnet_telemetry::metrics::describe(carnet_web::METRICS);
    carnet_telemetry::metrics::describe(carnet_client::METRICS);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let compiled = compile(&loaded, &application)?;
    for warning in &compiled.warnings {
        tracing::warn!("{}", warning.render(false).trim_end());
    }
    let model = Arc::new(compiled.model);
    let assembled = assemble(config, &application, &model)?;
    for warning in assembled.logics.warnings() {
        tracing::warn!("{warning}");
    }
    if application.routes.has_documents() {
        // Parts of the OpenAPI document may collide; without them they do not.
        let view = ModelView::new(Arc::clone(&model));
        openapi::openapi(&view, &application, &assembled.logics)?;
    }
    let store = database::connect(&loaded).await?;
    tracing::info!(
        database = store.describe(),
        profile = ?config.profile,
        "the database is {}, set by {}",
        store.describe(),
        loaded.origin("database.url")
    );
    database::ensure(config, &application, &store, &model, options.seeds).await?;
    let result = run(
        &loaded,
        application,
        &store,
        (model, assembled),
        metrics,
        options,
    )
    .await;
    store.close().await;
    result
}

async fn run(
    loaded: &Loaded,
    application: Application,
    store: &Store,
    (model, assembled): (Arc<Model>, Assembled),
    metrics: Registry,
    options: Options,
) -> Result<(), Failure> {
    let Options {
        principal, watch, ..
    } = options;
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
    operations.install(assembled.logics.clone());
    let handle = Handle::new(operations.clone(), assembled.components);
    operations.allow_explain(config.explains());
    let codes = application.codes()?;
    operations.know_codes(codes.clone());
    let limit = config.server.shutdown_timeout.0;
    let name = application.name.clone();
    let views = operations.views();
    let newest = operations.view().version();
    let layers = application.layers.clone();
    let parts = Parts {
        operations,
        principal: principal.clone(),
        routes: application.routes.router(&handle),
        below_api: application.routes.has_below_api(),
        layers: layers.clone(),
        health: health.clone(),
        metrics: config.server.metrics.then_some(metrics),
        docs: config.serves_docs(),
        codes,
        openapi: documents(&views, application, assembled.logics),
    };
    let unread = Unread {
        clock: clock.clone(),
        ids: Arc::new(IdGenerator::new()),
    };
    let edge = EdgeOptions {
        config: carnet_web::Config {
            server_timing: Some(config.tells_timing()),
            ..config.web.clone()
        },
        clock,
        ids: Arc::clone(&unread.ids),
        probes: PROBES,
        layers,
    };
    let edge = Edge::new(router(parts), edge).map_err(|error| Failure::Setup(error.to_string()))?;
    let modules = Started::start(assembled.lives, handle, limit).await?;
    modules.watch(&health);
    let listening = async {
        let stop = stop_signal()?;
        let listener = listen::bind(&config.server).await?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::Setup(error.to_string()))?;
        Ok((stop, listener, address))
    };
    let (stop, listener, address) = match listening.await {
        Ok(listening) => listening,
        Err(failure) => {
            modules.stop().await;
            return Err(failure);
        }
    };
    health.set_ready(true);
    announce(
        &name,
        &address.to_string(),
        newest,
        config.serves_docs(),
        principal,
    );
    let (listening, asked) = match watch {
        Some(watch) => (Some(watch.listening), Some(watch.stop)),
        None => (None, None),
    };
    if listening.is_some_and(|listening| listening.send(address).is_err()) {
        tracing::debug!("nobody waits for the address");
    }
    let closing = health.clone();
    let mut failed = None;
    let stopped = async {
        tokio::select! {
            () = stop => {}
            () = stopped_inside(asked) => {}
            reason = store.failed() => failed = Some(reason),
        }
        closing.set_ready(false);
        tracing::info!("stopping: no new connections, requests under way are finished");
    };
    listen::run(listener, edge, unread, &config.server, stopped).await;
    modules.stop().await;
    forgetting.abort();
    tracing::info!("stopped");
    match failed {
        // Only a new process reads what the disk really holds.
        Some(reason) => Err(Failure::Store(carnet_store::Error::OutcomeUnknown(reason))),
        None => Ok(()),
    }
}

/// Done when the watcher stops the server; never without one.
async fn stopped_inside(asked: Option<oneshot::Receiver<()>>) {
    match asked {
        Some(asked) => drop(asked.await),
        None => std::future::pending().await,
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

/// Refuses to make requests as somebody where others than the developer could reach the server.
fn check_principal(config: &Config, options: &Options) -> Result<(), Failure> {
    if options.principal.is_none() {
        return Ok(());
    }
    let mut problems = Vec::new();
    if config.profile == Profile::Prod {
        let message = "--as: not in the profile prod; who calls is never assumed there";
        problems.push(message.to_owned());
    }
    if !config.server.host.is_loopback() {
        problems.push(format!(
            "--as: only on a loopback address, and `{}` is none: everybody would be that user",
            config.server.host
        ));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Failure::Configuration(problems)),
    }
}

fn announce(
    name: &str,
    address: &str,
    newest: ApiVersion,
    docs: bool,
    principal: Option<Principal>,
) {
    tracing::info!(address, "{name} listens on http://{address}");
    let prefix = carnet_records::routes::prefix(newest);
    tracing::info!("API     http://{address}{prefix}");
    if docs {
        tracing::info!("docs    http://{address}/docs");
    }
    tracing::info!("health  http://{address}/health");
    tracing::warn!("there is no access control yet: the API is open to everybody on this machine");
    if let Some(principal) = principal {
        let roles = match principal.roles() {
            [] => "no role".to_owned(),
            roles => format!("the roles {}", roles.join(", ")),
        };
        tracing::warn!(
            "every request is made as the user `{}` with {roles}",
            principal.name().unwrap_or_default()
        );
    }
}

/// The OpenAPI documents as bytes, each made when it is first asked for.
pub(crate) fn documents(
    views: &[ModelView],
    application: Application,
    logics: Logics,
) -> Documents {
    let made: Vec<(ModelView, OnceLock<Bytes>)> = views
        .iter()
        .map(|view| (view.clone(), OnceLock::new()))
        .collect();
    Arc::new(move |version| {
        let (view, document) = match version {
            Some(version) => made.iter().find(|(view, _)| view.version() == version)?,
            None => made.last()?,
        };
        let make = || match openapi::openapi(view, &application, &logics) {
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
