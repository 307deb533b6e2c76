//! The model as one version of the API sees it: names of its own, fields that are not there. What
//! planners, statement caches and cursors are bound to. Places of fields are those of the model,
//! so that records, changes and statements are the same in every view.

use crate::{
    Model, ModelHash, Overlay, RelationIndex, RelationKind, Resource, ResourceIndex, Version,
};
use carnet_kernel::ApiVersion;
use sha2::{Digest, Sha256};
use std::ops::Deref;
use std::sync::Arc;

/// What planners plan against; pinned to a request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ModelView(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// What is seen: the model itself for the newest version.
    seen: Arc<Model>,
    model: Arc<Model>,
    version: ApiVersion,
    hash: ModelHash,
}

impl ModelView {
    /// The view of the newest version, which shows everything by its own name.
    pub fn new(model: Arc<Model>) -> Self {
        Self(Arc::new(Inner {
            seen: Arc::clone(&model),
            version: model.newest().number,
            hash: model.hash,
            model,
        }))
    }

    /// The views of all versions, the oldest first; never empty. What a version shows as the
    /// newest does is shared, not copied.
    pub fn every(model: &Arc<Model>) -> Vec<Self> {
        let newest = Self::new(Arc::clone(model));
        model
            .versions
            .iter()
            .map(|version| {
                if version.number == newest.version() {
                    return newest.clone();
                }
                Self(Arc::new(Inner {
                    seen: Arc::new(seen(model, version.number)),
                    model: Arc::clone(model),
                    version: version.number,
                    hash: hash(model, version.number),
                }))
            })
            .collect()
    }

    /// What caches and cursors are keyed by: the hash of what this view shows.
    pub fn hash(&self) -> ModelHash {
        self.0.hash
    }

    /// What is keyed by what is stored: the hash of the model, the same in every view of it.
    pub fn schema_hash(&self) -> ModelHash {
        self.0.model.hash
    }

    /// The version that sees it.
    pub fn version(&self) -> ApiVersion {
        self.0.version
    }

    /// What is said of the version.
    pub fn notice(&self) -> Option<&Version> {
        let mut versions = self.0.model.versions.iter();
        versions.find(|version| version.number == self.0.version)
    }

    /// The model below.
    pub fn model(&self) -> &Arc<Model> {
        &self.0.model
    }

    /// The view of the same model by the names that the journal has.
    pub fn canonical(&self) -> Self {
        Self::new(Arc::clone(&self.0.model))
    }

    /// The resource at `index`.
    pub fn resource(&self, index: ResourceIndex) -> &Resource {
        self.0.seen.resource(index)
    }

    /// The resource of that API name.
    pub fn resource_named(&self, name: &str) -> Option<&Resource> {
        self.0.seen.resource_named(name)
    }
}

impl Deref for ModelView {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.0.seen
    }
}

fn hash(model: &Model, version: ApiVersion) -> ModelHash {
    let mut hash = Sha256::new();
    hash.update(model.hash.0);
    hash.update(version.0.to_be_bytes());
    ModelHash(hash.finalize().into())
}

/// The model by the names of `version`.
fn seen(model: &Model, version: ApiVersion) -> Model {
    let overlay = |resource: &Resource| -> Option<Overlay> {
        let mut overlays = resource.overlays.iter();
        overlays.find(|one| one.version == version).cloned()
    };
    let hidden = |index: ResourceIndex| {
        let resource = model.resource(index);
        overlay(resource).is_some_and(|overlay| overlay.hidden)
    };
    let resources: Vec<Arc<Resource>> = model
        .resources
        .iter()
        .map(|resource| {
            let lost: Vec<usize> = resource
                .relations
                .iter()
                .enumerate()
                .filter(|(_, relation)| {
                    let link = match relation.kind {
                        RelationKind::Through { link, .. } => hidden(link),
                        _ => false,
                    };
                    link || hidden(relation.target)
                })
                .map(|(place, _)| place)
                .collect();
            let overlay = overlay(resource);
            if overlay.is_none() && lost.is_empty() {
                return Arc::clone(resource);
            }
            let mut copy = Resource::clone(resource);
            if let Some(overlay) = &overlay {
                lay(overlay, &mut copy);
            }
            for place in lost {
                copy.relations[place].hidden = true;
            }
            name(&mut copy);
            Arc::new(copy)
        })
        .collect();
    Model {
        by_name: model
            .by_name
            .iter()
            .filter(|(_, index)| !hidden(**index))
            .map(|(name, index)| (name.clone(), *index))
            .collect(),
        resources,
        versions: model.versions.clone(),
        definition: model.definition.clone(),
        hash: model.hash,
        referenced_by: model.referenced_by.clone(),
    }
}

/// Puts what a version says over a copy of a resource.
fn lay(overlay: &Overlay, resource: &mut Resource) {
    resource.hidden = overlay.hidden;
    for one in &overlay.fields {
        let field = &mut resource.fields[usize::from(one.field.0)];
        field.hidden = one.hidden;
        if let Some(default) = &one.default {
            field.default = Some(default.clone());
        }
        let relation = resource.relations.iter_mut().find(
            |relation| matches!(relation.kind, RelationKind::ToOne { field } if field == one.field),
        );
        if let Some(name) = &one.name {
            let shown = match relation {
                Some(_) => format!("{name}Id"),
                None => name.clone(),
            };
            field.canonical = Some(std::mem::replace(&mut field.name, shown));
        }
        if let Some(relation) = relation {
            relation.hidden = one.hidden;
            if let Some(name) = &one.name {
                relation.name.clone_from(name);
            }
        }
    }
    for one in &overlay.relations {
        let relation = &mut resource.relations[usize::from(one.relation.0)];
        relation.hidden = one.hidden;
        if let Some(name) = &one.name {
            relation.name.clone_from(name);
        }
    }
}

/// Finds again by name what is there.
fn name(resource: &mut Resource) {
    resource.by_name = resource
        .shown_fields()
        .map(|(index, field)| (field.name.clone(), index))
        .collect();
    resource.by_relation = (0..)
        .zip(&resource.relations)
        .filter(|(_, relation)| !relation.hidden)
        .map(|(place, relation)| (relation.name.clone(), RelationIndex(place)))
        .collect();
}
