//! What a `main.rs` needs: `use carnet::prelude::*;`.

pub use crate::domain::{
    AggregateRoot, AtField, Currency, Date, DateRange, DomainEvents, Email, Entity, Invalid, Money,
    MoneyError, OrRefuse, Rounding, Specification, guard,
};
pub use crate::{
    Body, Builder, Call, Component, Embedded, Handle, Http, Json, Module, Operation, Outside,
    Platform, Problem, Record, Reply, Repo, Routes, Stage, after, after_commit, after_validate,
    before, before_validate, ensure, late, refusing, v1, v2,
};
pub use carnet_kernel::{ApplicationCode, Code, Decimal, Detail, Id, Refusal};
pub use std::process::ExitCode;
