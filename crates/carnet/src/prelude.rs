//! What a `main.rs` needs: `use carnet::prelude::*;`.

pub use crate::{
    Body, Builder, Call, Component, Embedded, Json, Operation, Platform, Reply, after,
    after_commit, after_validate, before, before_validate, late, v1, v2,
};
pub use carnet_kernel::{Code, Id, Refusal};
pub use std::process::ExitCode;
