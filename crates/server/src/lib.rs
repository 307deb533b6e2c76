#![doc = include_str!("../README.md")]

mod clock;
pub mod config;

pub use clock::SystemClock;
pub use config::{Config, Profile};
