//! What a `main.rs` needs: `use carnet::prelude::*;`.

pub use crate::{Builder, Embedded, Platform};
pub use carnet_kernel::{Code, Id, Refusal};
pub use std::process::ExitCode;
