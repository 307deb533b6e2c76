#![doc = include_str!("../README.md")]

pub mod accept;
pub mod body;
mod config;
pub mod content_type;
pub mod envelope;
mod error;
pub mod etag;
pub mod openapi;
pub mod percent;
pub mod problem;
pub mod query_string;
mod request_info;
mod trace_context;

pub use config::{Config, CorsConfig, Tls};
pub use error::Error;
pub use etag::IfMatch;
pub use problem::Problem;
pub use request_info::{Origin, Peer, RequestInfo};
pub use trace_context::TraceContext;
