#![doc = include_str!("../README.md")]

mod field;
mod model;
mod resource;
mod view;

pub use carnet_expr::{FieldIndex, RelationIndex};
pub use field::{Field, FieldType, IdForm, JsonSchema, OnDelete, Pattern, Role};
pub use model::{Model, ModelHash, ResourceIndex};
pub use resource::{
    Concurrency, IdRule, Index, IndexColumn, Operation, OperationSet, Relation, RelationKind,
    Resource, Standard, Storage, Tenancy, Unique,
};
pub use view::ModelView;
