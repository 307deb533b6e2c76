//! What can be asked of a resource in a version: what its definition offers, without what would
//! always go round code. Addresses and the document agree by it. Not what a request does.

use crate::linking::{link_methods, linkable, through};
use crate::logic::{Logics, NESTED, RESTORE, UPSERT};
use carnet_model::{ModelView, Operation, Relation, Resource, ResourceIndex};

/// A version of the API with the code that stands round its operations.
#[derive(Clone, Copy)]
pub(crate) struct Offered<'v> {
    pub(crate) view: &'v ModelView,
    pub(crate) logics: &'v Logics,
}

impl<'v> Offered<'v> {
    /// Whether no code stands round any of these operations.
    fn is_free(self, resource: ResourceIndex, operations: &[Operation]) -> bool {
        let version = self.view.version().0;
        let standing = self.logics.standing(version, resource, operations);
        standing.is_none()
    }

    /// The methods that the collection of `resource` answers.
    pub(crate) fn collection_methods(self, resource: &Resource) -> Vec<&'static str> {
        let mut methods = collection_methods(resource);
        methods.retain(|method| match *method {
            "PATCH" => self.matches(resource, Operation::Patch),
            "DELETE" => self.matches(resource, Operation::Delete),
            _ => true,
        });
        methods
    }

    /// Whether an operation is done to all records that a filter finds.
    pub(crate) fn matches(self, resource: &Resource, operation: Operation) -> bool {
        resource.has_table()
            && resource.operations.contains(operation)
            && self.is_free(resource.index, &[operation])
    }

    /// Whether a create may be a change of the record that has the same key.
    pub(crate) fn upserts(self, resource: &Resource) -> bool {
        self.is_free(resource.index, UPSERT)
    }

    /// Whether deleted records are restored.
    pub(crate) fn restores(self, resource: &Resource) -> bool {
        restores(resource) && self.is_free(resource.index, RESTORE)
    }

    /// Whether records are removed for good as items.
    pub(crate) fn purges(self, resource: &Resource) -> bool {
        self.is_free(resource.index, &[Operation::Delete])
    }

    /// The relations of `resource` over which something can be done to links, with their methods.
    pub(crate) fn links<'r>(
        self,
        resource: &'r Resource,
    ) -> impl Iterator<Item = (&'r Relation, Vec<&'static str>)>
    where
        'v: 'r,
    {
        linkable(self.view, resource).filter_map(move |(relation, _)| {
            let methods = self.link_methods(relation);
            (!methods.is_empty()).then_some((relation, methods))
        })
    }

    /// The methods that the address of a link over `relation` answers.
    pub(crate) fn link_methods(self, relation: &Relation) -> Vec<&'static str> {
        let Some(through) = through(self.view, relation) else {
            return Vec::new();
        };
        let mut methods = link_methods(through.link);
        methods.retain(|method| {
            let operation = match *method {
                "PUT" => Operation::Create,
                _ => Operation::Delete,
            };
            self.is_free(through.link.index, &[operation])
        });
        methods
    }

    /// Whether records of a relation are written along in the body of another one.
    pub(crate) fn nests(self, relation: &Relation) -> bool {
        let link = through(self.view, relation).map(|through| through.link.index);
        let is_linked =
            link.is_none_or(|link| self.is_free(link, &[Operation::Create, Operation::Delete]));
        is_linked && self.is_free(relation.target, NESTED)
    }
}

/// Whether lists of `resource` are asked for by a query in a body.
pub(crate) fn takes_query(resource: &Resource) -> bool {
    resource.has_table() && resource.operations.contains(Operation::List)
}

/// Whether its definition lets deleted records of `resource` be restored.
pub(crate) fn restores(resource: &Resource) -> bool {
    resource.deleted().is_some() && resource.operations.contains(Operation::Delete)
}

/// The methods that the collection of `resource` answers by its definition.
pub(crate) fn collection_methods(resource: &Resource) -> Vec<&'static str> {
    let all: [(Operation, &[&'static str]); 4] = [
        (Operation::List, &["GET", "HEAD"]),
        (Operation::Create, &["POST"]),
        (Operation::Patch, &["PATCH"]),
        (Operation::Delete, &["DELETE"]),
    ];
    // Writes by filter are the database's.
    let most = if resource.has_table() { 4 } else { 2 };
    offered(resource, &all[..most])
}

/// The methods that a record of `resource` answers.
pub(crate) fn record_methods(resource: &Resource) -> Vec<&'static str> {
    let all: [(Operation, &[&'static str]); 4] = [
        (Operation::Read, &["GET", "HEAD"]),
        (Operation::Update, &["PUT"]),
        (Operation::Patch, &["PATCH"]),
        (Operation::Delete, &["DELETE"]),
    ];
    offered(resource, &all)
}

fn offered(resource: &Resource, all: &[(Operation, &[&'static str])]) -> Vec<&'static str> {
    all.iter()
        .filter(|(operation, _)| resource.operations.contains(*operation))
        .flat_map(|(_, methods)| methods.iter().copied())
        .collect()
}
