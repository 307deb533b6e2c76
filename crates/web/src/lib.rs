#![doc = include_str!("../README.md")]

pub mod accept;
pub mod body;
mod config;
pub mod content_type;
mod edge;
pub mod envelope;
mod error;
pub mod etag;
pub mod idempotency;
mod metrics;
mod middleware;
pub mod openapi;
pub mod percent;
pub mod problem;
pub mod query_string;
mod request_info;
mod stage;
mod trace_context;

pub use config::{Config, CorsConfig, Tls};
pub use edge::{Answer, Edge, EdgeOptions, Handler};
pub use error::Error;
pub use etag::IfMatch;
pub use metrics::METRICS;
pub use middleware::route::label_route;
pub use middleware::security_headers::PAGE_POLICY;
pub use problem::Problem;
pub use request_info::{Origin, Peer, RequestInfo};
pub use stage::{BeforeRoutes, Layers, Routed, STAGES, Stage, StageLayer};
pub use trace_context::TraceContext;
