#![doc = include_str!("../README.md")]

mod evaluate;
mod predicate;
mod simplify;

pub use evaluate::{Row, Truth, compare, evaluate};
pub use predicate::{
    CompareOp, FieldIndex, Operand, Path, Predicate, RelationIndex, SearchTerm, TextOp,
};
