#![doc = include_str!("../README.md")]

mod config;
mod error;
pub mod health;
pub mod logs;
pub mod metrics;

pub use config::{Color, Config, Format};
pub use error::Error;
