//! The operations of items, and which members each takes. Adding one is a row here and an arm in
//! `make`.

use crate::linking::linkable;
use carnet_kernel::{Detail, suggest};
use carnet_model::{ModelView, Operation, Relation, Resource};

/// What an item does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Create,
    Update,
    Patch,
    Delete,
    Upsert,
    Restore,
    Purge,
    Link,
    Unlink,
}

/// An operation of an item: its word, and which members it takes.
pub(crate) struct Verb {
    pub(crate) word: &'static str,
    pub(crate) doing: Doing,
    /// What the resource must offer.
    pub(crate) needs: &'static [Operation],
    /// Whether deletions of the resource must be soft.
    pub(crate) soft: bool,
    pub(crate) takes_id: bool,
    pub(crate) takes_data: bool,
    /// Whether it may be for all records that fulfil a condition.
    pub(crate) takes_where: bool,
    /// Whether a record is there afterwards.
    pub(crate) leaves: bool,
}

impl Verb {
    const fn new(word: &'static str, doing: Doing, needs: &'static [Operation]) -> Self {
        Self {
            word,
            doing,
            needs,
            soft: false,
            takes_id: true,
            takes_data: true,
            takes_where: false,
            leaves: true,
        }
    }

    /// Whether the version it is based on can be stated.
    pub(crate) fn takes_version(&self) -> bool {
        match self.doing {
            Doing::Create | Doing::Link | Doing::Unlink => false,
            Doing::Update
            | Doing::Patch
            | Doing::Delete
            | Doing::Upsert
            | Doing::Restore
            | Doing::Purge => true,
        }
    }

    /// Whether it is for a relation that links records.
    pub(crate) fn takes_relation(&self) -> bool {
        matches!(self.doing, Doing::Link | Doing::Unlink)
    }

    /// Whether `resource` offers it.
    pub(crate) fn is_offered(&self, view: &ModelView, resource: &Resource) -> bool {
        let needed = self.needs.iter();
        resource.has_table()
            && needed.copied().all(|one| resource.operations.contains(one))
            && (!self.soft || resource.deleted().is_some())
            && (!self.takes_relation() || self.relations(view, resource).next().is_some())
    }

    /// The relations of `resource` over which it links or unlinks records.
    pub(crate) fn relations<'r>(
        &self,
        view: &'r ModelView,
        resource: &'r Resource,
    ) -> impl Iterator<Item = &'r Relation> {
        // A link is made by a create of its resource, and goes by a deletion.
        let method = match self.doing {
            Doing::Link => "PUT",
            Doing::Unlink => "DELETE",
            _ => "",
        };
        linkable(view, resource)
            .filter(move |(_, methods)| methods.contains(&method))
            .map(|(relation, _)| relation)
    }
}

/// Every operation of an item.
pub(crate) const VERBS: [Verb; 9] = [
    Verb {
        takes_id: false,
        ..Verb::new("create", Doing::Create, &[Operation::Create])
    },
    Verb::new("update", Doing::Update, &[Operation::Update]),
    Verb {
        takes_where: true,
        ..Verb::new("patch", Doing::Patch, &[Operation::Patch])
    },
    Verb {
        takes_data: false,
        takes_where: true,
        leaves: false,
        ..Verb::new("delete", Doing::Delete, &[Operation::Delete])
    },
    Verb {
        takes_id: false,
        ..Verb::new(
            "upsert",
            Doing::Upsert,
            &[Operation::Create, Operation::Patch],
        )
    },
    Verb {
        soft: true,
        takes_data: false,
        ..Verb::new("restore", Doing::Restore, &[Operation::Delete])
    },
    Verb {
        soft: true,
        takes_data: false,
        takes_where: true,
        leaves: false,
        ..Verb::new("purge", Doing::Purge, &[Operation::Delete])
    },
    Verb {
        takes_data: false,
        ..Verb::new("link", Doing::Link, &[])
    },
    Verb {
        takes_data: false,
        leaves: false,
        ..Verb::new("unlink", Doing::Unlink, &[])
    },
];

/// The operation of this word, if the resource offers it.
pub(super) fn read_verb(
    (view, resource): (&ModelView, &Resource),
    raw: &str,
    path: &str,
    faults: &mut Vec<Detail>,
) -> Option<&'static Verb> {
    let word: String = serde_json::from_str(raw).unwrap_or_default();
    let known = VERBS.iter().find(|verb| verb.word == word);
    match known {
        Some(verb) if verb.is_offered(view, resource) => Some(verb),
        Some(verb) => {
            let why = match resource.deleted() {
                None if verb.soft => ": its deletions are not soft",
                _ if verb.takes_relation() => ": it has no relation for it",
                _ => "",
            };
            faults.push(Detail::new(
                path,
                "operation",
                format!("`{}` does not offer `{word}`{why}", resource.name),
            ));
            None
        }
        None => {
            let words = VERBS.map(|verb| verb.word);
            let hint = suggest::hint(&word, words);
            let message = format!("it must be one of {}{hint}", words.join(", "));
            faults.push(Detail::new(path, "enum", message));
            None
        }
    }
}
