//! What an application registers, before it is held against the model.

use super::{Components, Hook, IntoLogic, Logic, Point};
use std::fmt;
use std::sync::Arc;

/// Logic, hooks and components, as they were registered. Cheap to clone.
#[derive(Clone, Default)]
pub struct Registry {
    pub(crate) logic: Vec<Registered>,
    pub(crate) hooks: Vec<Hooked>,
    pub(crate) components: Components,
    pub(crate) problems: Vec<String>,
}

/// Logic at its place.
#[derive(Clone)]
pub(crate) struct Registered {
    pub(crate) version: u16,
    pub(crate) resource: String,
    pub(crate) point: Point,
    pub(crate) logic: Arc<dyn Logic>,
}

/// A hook at its place.
#[derive(Clone)]
pub(crate) struct Hooked {
    pub(crate) resource: String,
    pub(crate) hook: Hook,
    pub(crate) logic: Arc<dyn Logic>,
}

impl Registry {
    /// Registers logic for an operation or an action of a resource, in one API version.
    pub fn logic<A>(
        &mut self,
        version: u16,
        resource: impl Into<String>,
        point: impl Into<Point>,
        logic: impl IntoLogic<A>,
    ) {
        self.logic.push(Registered {
            version,
            resource: resource.into(),
            point: point.into(),
            logic: logic.into_logic(),
        });
    }

    /// Registers a hook of a resource, in every API version.
    pub fn hook<A>(&mut self, resource: impl Into<String>, hook: Hook, code: impl IntoLogic<A>) {
        self.hooks.push(Hooked {
            resource: resource.into(),
            hook,
            logic: code.into_logic(),
        });
    }

    /// Adds a component; one of each type.
    pub fn component<T: Send + Sync + 'static>(&mut self, component: Arc<T>) {
        if let Err(name) = self.components.insert(component) {
            self.problems
                .push(format!("component `{name}` was added twice"));
        }
    }

    /// The components.
    pub fn components(&self) -> &Components {
        &self.components
    }

    /// Takes over everything that another one has.
    pub fn merge(&mut self, other: Self) {
        self.logic.extend(other.logic);
        self.hooks.extend(other.hooks);
        self.problems.extend(other.problems);
        self.problems.extend(
            self.components
                .merge(other.components)
                .into_iter()
                .map(|name| format!("component `{name}` was added twice")),
        );
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Registry")
            .field("logic", &self.logic.len())
            .field("hooks", &self.hooks.len())
            .field("components", &self.components)
            .finish_non_exhaustive()
    }
}
