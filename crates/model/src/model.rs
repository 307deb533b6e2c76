//! The compiled definition: immutable, shared, swapped whole.

use crate::{FieldIndex, Resource, Version};
use carnet_kernel::json::JsonText;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A resource by its place in its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceIndex(pub u16);

/// SHA-256 of a definition's canonical text: equal hashes mean equal models.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModelHash(pub [u8; 32]);

impl fmt::Display for ModelHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for ModelHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A whole definition after compilation.
#[derive(Clone, Debug)]
pub struct Model {
    /// Every resource, shipped ones included; a [`ResourceIndex`] is a place in it.
    pub resources: Vec<Arc<Resource>>,
    /// Name to resource.
    pub by_name: HashMap<String, ResourceIndex>,
    /// The versions of the API that are served, the oldest first; never empty. Names in the
    /// resources are those of the last.
    pub versions: Vec<Version>,
    /// The merged definition in canonical form, as `carnet_schemas` keeps it: compiling it alone
    /// gives an equal model.
    pub definition: JsonText,
    /// The hash of `definition`.
    pub hash: ModelHash,
    /// For each resource, the references that point at it: (resource, field).
    pub referenced_by: Vec<Vec<(ResourceIndex, FieldIndex)>>,
}

impl Model {
    /// The newest version of the API.
    pub fn newest(&self) -> &Version {
        // INVARIANT: the compiler never makes a model without a version.
        &self.versions[self.versions.len() - 1]
    }

    /// The resources that this view of the model has.
    pub fn shown_resources(&self) -> impl Iterator<Item = &Resource> {
        self.resources
            .iter()
            .map(|resource| &**resource)
            .filter(|resource| !resource.hidden)
    }

    /// The resource at `index`, which must come from this model.
    pub fn resource(&self, index: ResourceIndex) -> &Resource {
        &self.resources[usize::from(index.0)]
    }

    /// The resource of that name.
    pub fn resource_named(&self, name: &str) -> Option<&Resource> {
        self.by_name.get(name).map(|index| self.resource(*index))
    }

    /// The references that point at `index`.
    pub fn references_to(&self, index: ResourceIndex) -> &[(ResourceIndex, FieldIndex)] {
        &self.referenced_by[usize::from(index.0)]
    }
}
