//! A module of an application: a named part with its own settings, components, logic, routes and
//! life. What becomes of all modules together is `assemble`'s work.

use crate::config::{Section, Settings};
use crate::handle::Handle;
use crate::routes::Routes;
use carnet_records::logic::{Hook, IntoLogic, Point, Registry};
use carnet_web::{Layers, Stage, StageLayer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use toml::Table;

/// What a step of a module's life fails with.
type Cause = Box<dyn Error + Send + Sync>;

/// A step under way.
pub(crate) type Step = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A step with its settings.
pub(crate) type Bound = Arc<dyn Fn(Handle) -> Step + Send + Sync>;

type Unbound<C> = Arc<dyn Fn(Handle, Arc<C>) -> Step + Send + Sync>;

type Factory<C> = Arc<dyn Fn(&C, &mut Registry) -> Result<(), String> + Send + Sync>;

/// A part of an application, put together by its builder methods and given to the platform whole.
///
/// `C` is the type of its settings. They are read from section `modules.<name>` of the
/// configuration file and from variables `CARNET_MODULES_<NAME>_<KEY>`; what is not given is as in
/// the type's default. Logic takes them as an argument `Component<C>`.
pub struct Module<C = ()> {
    name: String,
    section: Option<Section>,
    registry: Registry,
    factories: Vec<Factory<C>>,
    routes: Routes,
    layers: Layers,
    start: Option<Unbound<C>>,
    stop: Option<Unbound<C>>,
    health: Option<Unbound<C>>,
}

impl<C> fmt::Debug for Module<C> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Module")
            .field("name", &self.name)
            .field("registry", &self.registry)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}

impl Module {
    /// A module without settings. The name is of lower-case letters, digits and `_`.
    pub fn new(name: impl Into<String>) -> Self {
        Self::empty(name.into(), None)
    }

    /// A module with settings of the type `C`.
    pub fn with_config<C>(name: impl Into<String>) -> Module<C>
    where
        C: Default + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let name = name.into();
        let section = Section::of::<C>(&name);
        Module::empty(name, Some(section))
    }
}

impl<C: Send + Sync + 'static> Module<C> {
    fn empty(name: String, section: Option<Section>) -> Self {
        Self {
            name,
            section,
            registry: Registry::default(),
            factories: Vec::new(),
            routes: Routes::default(),
            layers: Layers::default(),
            start: None,
            stop: None,
            health: None,
        }
    }

    /// Adds a component that is there already.
    #[must_use]
    pub fn component<T: Send + Sync + 'static>(mut self, component: T) -> Self {
        self.registry.component(Arc::new(component));
        self
    }

    /// Adds a component that is made from the settings. It connects to nothing yet: that is
    /// [`on_start`](Self::on_start)'s work.
    #[must_use]
    pub fn component_from<T, E>(
        mut self,
        make: impl Fn(&C) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        T: Send + Sync + 'static,
        E: Into<Cause>,
    {
        self.factories.push(Arc::new(move |config, registry| {
            let component = make(config).map_err(|error| error.into().to_string())?;
            registry.component(Arc::new(component));
            Ok(())
        }));
        self
    }

    /// Lets `logic` take over an operation or an action of a resource in one API version.
    #[must_use]
    pub fn logic<A>(
        mut self,
        version: u16,
        resource: impl Into<String>,
        point: impl Into<Point>,
        logic: impl IntoLogic<A>,
    ) -> Self {
        self.registry.logic(version, resource, point, logic);
        self
    }

    /// Runs code before or after an operation of a resource, in every API version.
    #[must_use]
    pub fn hook<A>(
        mut self,
        resource: impl Into<String>,
        hook: Hook,
        code: impl IntoLogic<A>,
    ) -> Self {
        self.registry.hook(resource, hook, code);
        self
    }

    /// Adds routes beside those of resources.
    #[must_use]
    pub fn routes(mut self, routes: Routes) -> Self {
        self.routes.extend(routes);
        self
    }

    /// Places a layer beside a stage of the pipeline. It sees the requests of the whole server.
    #[must_use]
    pub fn layer(mut self, stage: Stage, layer: impl StageLayer) -> Self {
        self.layers.add(stage, layer);
        self
    }

    /// Runs before the server listens, in the order in which modules were added. A failure stops
    /// the start, and the modules that have started are stopped.
    #[must_use]
    pub fn on_start<F, E>(
        mut self,
        start: impl Fn(Handle, Arc<C>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Cause>,
    {
        self.start = Some(step(start));
        self
    }

    /// Runs after the last request was answered, in the reverse order, for so long as
    /// `server.shutdown_timeout` says.
    #[must_use]
    pub fn on_stop<F, E>(
        mut self,
        stop: impl Fn(Handle, Arc<C>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Cause>,
    {
        self.stop = Some(step(stop));
        self
    }

    /// A check that `/health` shows under the module's name. What it fails with is shown to
    /// everybody who asks.
    #[must_use]
    pub fn health<F, E>(
        mut self,
        check: impl Fn(Handle, Arc<C>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Cause>,
    {
        self.health = Some(step(check));
        self
    }

    /// Takes it apart: what is joined with the application's own, and the rest.
    pub fn into_parts(self) -> (Registry, Routes, Layers, Part) {
        let Self {
            name,
            section,
            registry,
            factories,
            routes,
            layers,
            start,
            stop,
            health,
        } = self;
        let part = Part {
            name: name.clone(),
            section: section.clone(),
            make: Arc::new(move |given| {
                let config = settings::<C>(section.as_ref(), given)?;
                let mut registry = Registry::default();
                if section.is_some() {
                    registry.component(Arc::clone(&config));
                }
                let mut problems = Vec::new();
                for factory in &factories {
                    problems.extend(factory(&config, &mut registry).err());
                }
                if !problems.is_empty() {
                    return Err(problems);
                }
                let bind = |step: &Option<Unbound<C>>| -> Option<Bound> {
                    let (step, config) = (Arc::clone(step.as_ref()?), Arc::clone(&config));
                    Some(Arc::new(move |handle| step(handle, Arc::clone(&config))))
                };
                let life = Life {
                    name: name.clone(),
                    start: bind(&start),
                    stop: bind(&stop),
                    health: bind(&health),
                };
                Ok((registry, life))
            }),
        };
        (registry, routes, layers, part)
    }
}

fn step<C, F, E>(step: impl Fn(Handle, Arc<C>) -> F + Send + Sync + 'static) -> Unbound<C>
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Cause>,
{
    Arc::new(move |handle, config| {
        let running = step(handle, config);
        Box::pin(async move { running.await.map_err(|error| error.into().to_string()) })
    })
}

/// The settings as their type; a module without settings has the unit for them.
fn settings<C: Send + Sync + 'static>(
    section: Option<&Section>,
    given: Option<&Table>,
) -> Result<Arc<C>, Vec<String>> {
    let (settings, _): Settings = match section {
        Some(section) => section.read(given).map_err(|why| vec![why])?,
        None => (Arc::new(()), serde_json::Value::Null),
    };
    let other = |_| vec!["its settings are of another type".to_owned()];
    settings.downcast().map_err(other)
}

type Make = Arc<dyn Fn(Option<&Table>) -> Result<(Registry, Life), Vec<String>> + Send + Sync>;

/// A module of which the type of its settings is forgotten.
#[derive(Clone)]
pub struct Part {
    pub(crate) name: String,
    pub(crate) section: Option<Section>,
    /// Its components and its life, from the settings that were given.
    pub(crate) make: Make,
}

impl fmt::Debug for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Part")
            .field("name", &self.name)
            .field("section", &self.section)
            .finish_non_exhaustive()
    }
}

/// What a module does when the server starts, while it runs and when it stops.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) name: String,
    pub(crate) start: Option<Bound>,
    pub(crate) stop: Option<Bound>,
    pub(crate) health: Option<Bound>,
}
