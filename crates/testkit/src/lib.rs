#![doc = include_str!("../README.md")]

pub mod binary;
pub mod clock;
pub mod disk;
pub mod http;
pub mod postgres;
pub mod proxy;
pub mod scenario;
pub mod skip;

/// The temporary folders of tests; a folder is removed when its value is dropped.
pub use tempfile;
/// The PostgreSQL driver, for tests that look into a database with their own eyes.
pub use tokio_postgres;
