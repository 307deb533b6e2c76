//! Servers inside of the test's process: what modules, routes and layers of an application do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod layers;
mod modules;
mod outside;
mod routes;

use carnet_kernel::Principal;
use carnet_model::Source;
use carnet_server::config::{Sources, load};
use carnet_server::{Application, Failure, Options, Watch, serve};
use carnet_testkit::http::Client;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What happened, in order.
#[derive(Clone, Default)]
struct Story(Arc<Mutex<Vec<String>>>);

impl Story {
    fn tell(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn told(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// An application with the resource `notes`.
fn application() -> Application {
    let text = "carnet: 1\nservice: desk\nresources:\n  notes:\n    fields:\n      title: { type: text, max: 100 }\n";
    Application {
        name: "desk".to_owned(),
        version: "1.0.0".to_owned(),
        definitions: vec![Source::application("desk.yaml", text)],
        ..Application::default()
    }
}

struct Running {
    address: String,
    client: Client,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), Failure>>,
    _folder: TempDir,
}

impl Running {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap().unwrap();
    }
}

async fn start(application: Application) -> Result<Running, Failure> {
    start_with(application, &[], None).await
}

/// Starts a server with these settings, on a free port and a database of its own.
async fn start_with(
    application: Application,
    settings: &[(&str, &str)],
    principal: Option<Principal>,
) -> Result<Running, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("a.sqlite").display());
    let own = [("server.port", "0"), ("database.url", &database)];
    let flags = own.iter().chain(settings);
    let loaded = load(&Sources {
        flags: flags
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        sections: application.sections(),
        ..Sources::default()
    })
    .map_err(Failure::Configuration)?;
    let (listening, address) = oneshot::channel();
    let (stop, stopping) = oneshot::channel();
    let options = Options {
        principal,
        watch: Some(Watch {
            listening,
            stop: stopping,
        }),
        ..Options::default()
    };
    let serving = tokio::spawn(async move { Box::pin(serve(loaded, application, options)).await });
    match address.await {
        Ok(address) => Ok(Running {
            client: Client::new(&format!("http://{address}")),
            address: format!("http://{address}"),
            stop,
            serving,
            _folder: folder,
        }),
        Err(_) => Err(serving.await.unwrap().unwrap_err()),
    }
}

/// The mistakes for which a start was refused.
#[track_caller]
fn mistakes(outcome: Result<Running, Failure>) -> Vec<String> {
    match outcome {
        Err(failure @ (Failure::Logic(_) | Failure::Configuration(_))) => failure.details(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it started"),
    }
}
