//! A definition as written: files read key by key, names not yet looked up. Not the model.

use crate::syntax::{Name, Node, Span};
use crate::{
    ActionMethod, ActionOn, Concurrency, Deletion, FieldType, IdRule, Journal, OnDelete,
    OperationSet, Storage, Tenancy, Version,
};

/// What a file may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// An application's file.
    Application,
    /// A file of the platform: also tables by name and platform storage.
    Shipped,
    /// A definition as databases keep it: also what follows from where a resource was written.
    Stored,
}

/// One file.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) file: u32,
    pub(crate) service: Option<Name>,
    /// The key `use`, when it is there.
    pub(crate) use_key: Option<Span>,
    pub(crate) uses: Vec<Name>,
    pub(crate) extends: Vec<ExtendDecl>,
    /// The key `versions` and what it declares, when it is there.
    pub(crate) versions: Option<(Span, Vec<Version>)>,
    pub(crate) resources: Vec<ResourceDecl>,
}

/// Additions to a shipped resource.
#[derive(Debug)]
pub(crate) struct ExtendDecl {
    pub(crate) name: Name,
    pub(crate) fields: Vec<FieldDecl>,
    pub(crate) many: Vec<ManyDecl>,
    pub(crate) uniques: Vec<UniqueDecl>,
    pub(crate) indexes: Vec<IndexDecl>,
    pub(crate) search: SearchDecl,
}

/// A resource.
#[derive(Debug)]
pub(crate) struct ResourceDecl {
    pub(crate) name: Name,
    pub(crate) grammar: Grammar,
    pub(crate) service: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) tenancy: Tenancy,
    pub(crate) storage: Storage,
    pub(crate) table: Option<String>,
    pub(crate) key: Option<Name>,
    pub(crate) id: IdRule,
    pub(crate) was: Option<Name>,
    pub(crate) concurrency: Concurrency,
    pub(crate) deletion: Deletion,
    pub(crate) journal: Journal,
    pub(crate) operations: OperationSet,
    pub(crate) fields: Vec<FieldDecl>,
    pub(crate) many: Vec<ManyDecl>,
    pub(crate) uniques: Vec<UniqueDecl>,
    pub(crate) indexes: Vec<IndexDecl>,
    pub(crate) search: SearchDecl,
    pub(crate) actions: Vec<ActionDecl>,
    /// The name of the reference that is locked.
    pub(crate) lock: Option<Name>,
    pub(crate) versions: Vec<OverlayDecl>,
}

/// How a version shows a resource.
#[derive(Debug)]
pub(crate) struct OverlayDecl {
    /// `v1`.
    pub(crate) version: Name,
    /// The whole resource is not there.
    pub(crate) hidden: Option<Span>,
    /// Names of the resource with those of the version.
    pub(crate) rename: Vec<(Name, Name)>,
    /// Names that are not there.
    pub(crate) hide: Vec<Name>,
    /// Names with defaults, read when their types are known.
    pub(crate) default: Vec<(Name, Node)>,
}

/// An action.
#[derive(Debug)]
pub(crate) struct ActionDecl {
    pub(crate) name: Name,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) on: ActionOn,
    pub(crate) method: ActionMethod,
    pub(crate) input: Vec<FieldDecl>,
    pub(crate) output: OutputDecl,
}

/// What an action gives.
#[derive(Debug)]
pub(crate) enum OutputDecl {
    /// Nothing.
    None,
    /// A record of its resource.
    Record,
    /// A list of them.
    Records,
    /// An object.
    Fields(Vec<FieldDecl>),
}

/// Where fields are declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a resource.
    Record,
    /// In a hand-written table.
    Platform,
    /// In the input of an action.
    Input,
    /// In the output of an action.
    Output,
}

impl Place {
    /// Whether its fields are values in passing, without a column.
    pub(crate) fn is_action(self) -> bool {
        matches!(self, Self::Input | Self::Output)
    }
}

/// A field.
#[derive(Debug)]
pub(crate) struct FieldDecl {
    pub(crate) name: Name,
    /// Nothing when it was reported.
    pub(crate) kind: Option<TypeDecl>,
    pub(crate) caseless: bool,
    pub(crate) optional: bool,
    pub(crate) default: Option<carnet_kernel::Value>,
    pub(crate) unique: Option<Span>,
    pub(crate) was: Option<Name>,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) example: Option<serde_json::Value>,
    /// The column, where it does not follow from the name.
    pub(crate) column: Option<String>,
    /// Whether `extend` added it.
    pub(crate) extended: bool,
}

/// A type as written.
#[derive(Debug)]
pub(crate) enum TypeDecl {
    /// A type that names no resource.
    Plain(FieldType),
    /// A reference.
    Ref {
        to: Name,
        on_delete: OnDelete,
        on_delete_span: Span,
    },
}

/// A to-many relation.
#[derive(Debug)]
pub(crate) struct ManyDecl {
    pub(crate) name: Name,
    pub(crate) of: Name,
    pub(crate) by: ByDecl,
}

/// How the records of a to-many relation hang on their holder.
#[derive(Debug)]
pub(crate) enum ByDecl {
    /// By a reference of their own.
    Field(Name),
    /// By records of a link resource, whose references may be named.
    Through {
        link: Name,
        by: Option<Name>,
        to: Option<Name>,
    },
}

/// A unique constraint.
#[derive(Debug)]
pub(crate) struct UniqueDecl {
    pub(crate) fields: Vec<Name>,
    pub(crate) span: Span,
}

/// What is searched, and how.
#[derive(Debug, Default)]
pub(crate) struct SearchDecl {
    pub(crate) fields: Vec<Name>,
    pub(crate) fuzzy: bool,
    pub(crate) analysis: carnet_kernel::search::Analysis,
    /// Fields and how much they count.
    pub(crate) weights: Vec<(Name, u8)>,
}

/// An index.
#[derive(Debug)]
pub(crate) struct IndexDecl {
    /// Field names, and whether each runs from large to small.
    pub(crate) columns: Vec<(Name, bool)>,
    pub(crate) span: Span,
}

impl ResourceDecl {
    /// The field of that declared name.
    pub(crate) fn field(&self, name: &str) -> Option<&FieldDecl> {
        self.fields.iter().find(|field| field.name.text == name)
    }

    /// The names of its fields.
    pub(crate) fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.text.as_str())
    }
}

/// A node with the key it stands under.
#[derive(Clone, Copy)]
pub(crate) struct Item<'n> {
    pub(crate) key: &'n Name,
    pub(crate) value: &'n Node,
}
