#![doc = include_str!("../README.md")]

mod answer;
mod config;
mod error;
mod metrics;
mod outgoing;

pub use answer::Answer;
pub use config::Config;
pub use error::Error;
pub use metrics::METRICS;
pub use outgoing::{Client, Outgoing};
