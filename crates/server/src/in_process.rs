//! A whole server without a socket: what tests of an application ask. The same router and the same
//! edge as over the network; nothing listens, and modules are not started.

use crate::application::{Application, compile};
use crate::assemble::assemble;
use crate::config::{Config, Loaded};
use crate::database;
use crate::error::Failure;
use crate::handle::Handle;
use crate::router::{PROBES, Parts, router};
use crate::serve::documents;
use carnet_kernel::{Clock, IdGenerator};
use carnet_model::ModelView;
use carnet_records::Operations;
use carnet_store::Store;
use carnet_telemetry::health::Health;
use carnet_web::{Edge, EdgeOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a health check may take.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// A server that is asked by calls.
pub struct InProcess {
    /// Takes requests, as a `tower` service. A `Principal` among the extensions of a request is who
    /// makes it.
    pub edge: Edge,
    /// The operations below.
    pub operations: Operations,
    /// The database.
    pub store: Store,
    /// The model as the newest version shows it.
    pub view: ModelView,
}

/// Sets the database that `config` names up, without seeds, and puts the application on it.
pub async fn in_process(
    config: Config,
    application: Application,
    clock: Arc<dyn Clock>,
) -> Result<InProcess, Failure> {
    let loaded = Loaded {
        config,
        origins: BTreeMap::new(),
        warnings: Vec::new(),
        modules: BTreeMap::new(),
    };
    let model = Arc::new(compile(&loaded, &application)?.model);
    let config = &loaded.config;
    let assembled = assemble(config, &application, &model)?;
    let store = database::connect(&loaded).await?;
    database::ensure(config, &application, &store, &model, false).await?;
    let operations = Operations::new(store.clone(), Arc::clone(&model), Arc::clone(&clock));
    operations.install(assembled.logics.clone());
    operations.allow_explain(config.explains());
    let handle = Handle::new(operations.clone(), assembled.components);
    let codes = application.codes()?;
    operations.know_codes(codes.clone());
    let views = operations.views();
    let view = operations.view();
    let layers = application.layers.clone();
    let parts = Parts {
        operations: operations.clone(),
        principal: None,
        routes: application.routes.router(&handle),
        below_api: application.routes.has_below_api(),
        layers: layers.clone(),
        health: Health::new(CHECK_LIMIT),
        metrics: None,
        docs: config.serves_docs(),
        codes,
        openapi: documents(&views, application, assembled.logics),
    };
    let options = EdgeOptions {
        config: config.web.clone(),
        clock,
        ids: Arc::new(IdGenerator::new()),
        probes: PROBES,
        layers,
    };
    let edge = Edge::new(router(parts), options);
    Ok(InProcess {
        edge: edge.map_err(|error| Failure::Setup(error.to_string()))?,
        operations,
        store,
        view,
    })
}
