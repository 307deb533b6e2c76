//! What routes and layers of an application are made of. `axum` is the version that the platform
//! itself stands on, so that its extractors and layers fit.

pub use axum;
pub use carnet_server::{Http, Listed, Routes};
pub use carnet_web::{Layers, Problem, STAGES, Stage, StageLayer};
