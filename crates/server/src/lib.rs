#![doc = include_str!("../README.md")]

mod application;
mod assemble;
mod clock;
pub mod config;
mod database;
mod docs;
mod error;
mod handle;
mod http;
mod in_process;
mod lifecycle;
mod listen;
mod local;
mod module;
mod openapi;
mod router;
mod routes;
mod serve;
mod unread;

pub use application::{Application, compile, compile_logic, read_definitions, read_seeds};
pub use assemble::{Assembled, assemble};
pub use clock::SystemClock;
pub use config::{Config, Profile};
pub use database::{connect, ensure, prepare, steps, write_seeds};
pub use docs::error_page;
pub use error::Failure;
pub use handle::Handle;
pub use http::Http;
pub use in_process::{InProcess, in_process};
pub use module::{Module, Part};
pub use openapi::openapi;
pub use routes::{Listed, Routes};
pub use serve::{Options, Watch, serve};
