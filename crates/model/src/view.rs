//! The model as one API version and tenant see it. Today every view shows the whole model; the
//! type is what planners, statement caches and cursors are bound to.

use crate::{Model, ModelHash, Resource, ResourceIndex};
use std::ops::Deref;
use std::sync::Arc;

/// What planners plan against; pinned to a request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ModelView {
    model: Arc<Model>,
}

impl ModelView {
    /// The view that shows everything.
    pub fn new(model: Arc<Model>) -> Self {
        Self { model }
    }

    /// What caches are keyed by: the hash of what this view shows.
    pub fn hash(&self) -> ModelHash {
        self.model.hash
    }

    /// The model below.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The resource at `index`.
    pub fn resource(&self, index: ResourceIndex) -> &Resource {
        self.model.resource(index)
    }

    /// The resource of that API name.
    pub fn resource_named(&self, name: &str) -> Option<&Resource> {
        self.model.resource_named(name)
    }
}

impl Deref for ModelView {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.model
    }
}
