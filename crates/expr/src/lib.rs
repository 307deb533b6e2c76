#![doc = include_str!("../README.md")]

mod evaluate;
mod float;
mod predicate;
mod simplify;

pub use evaluate::{Found, Row, Truth, compare, evaluate, find};
pub use float::{FloatSum, SMALLEST_SUM};
pub use predicate::{
    AVERAGE_DIGITS, Aggregate, CompareOp, FieldIndex, Function, JsonStep, Operand, Path, Predicate,
    RelationIndex, SearchTerm, TextOp, average,
};
