#![doc = include_str!("../README.md")]

mod application;
mod clock;
pub mod config;
mod database;
mod docs;
mod error;
mod listen;
mod openapi;
mod router;
mod serve;
mod unread;

pub use application::{Application, compile, compile_logic, read_definitions, read_seeds};
pub use clock::SystemClock;
pub use config::{Config, Profile};
pub use database::{connect, ensure, prepare, steps, write_seeds};
pub use docs::error_page;
pub use error::Failure;
pub use openapi::openapi;
pub use serve::{Options, serve};
