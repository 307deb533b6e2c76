#![doc = include_str!("../README.md")]

mod action;
mod compile;
mod declared;
mod diagnostic;
mod diff;
mod document;
mod error;
mod field;
mod model;
mod read;
mod report;
mod resource;
mod schema;
mod source;
mod syntax;
mod version;
mod view;
mod words;

pub use action::{Action, ActionIndex, ActionMethod, ActionOn, ActionOutput};
pub use carnet_expr::{FieldIndex, RelationIndex};
pub use compile::{Compiled, compile, compile_stored, snake_case};
pub use diagnostic::{Diagnostic, Severity};
pub use diff::{Change, ChangeKind, Impact, diff};
pub use document::{Document, read_document};
pub use error::Error;
pub use field::{Field, FieldType, IdForm, JsonSchema, OnDelete, Pattern, Role};
pub use model::{Model, ModelHash, ResourceIndex};
pub use resource::{
    Concurrency, Deleted, Deletion, IdRule, Index, IndexColumn, Journal, Operation, OperationSet,
    Relation, RelationKind, Resource, Search, Standard, Storage, Tenancy, Unique,
};
pub use schema::schema;
pub use source::{MAX_SOURCE_BYTES, Origin, Source};
pub use version::{FieldOverlay, Overlay, RelationOverlay, Version};
pub use view::ModelView;
