//! What happens to every request round its handler, a file per concern. Their order stands in
//! `edge.rs`. Not authentication or tenants: those need what `web` does not know.

pub(crate) mod access_log;
pub(crate) mod body_limit;
pub(crate) mod catch_panic;
pub(crate) mod compression;
pub(crate) mod cors;
pub(crate) mod head;
pub(crate) mod load_limit;
pub(crate) mod render_problems;
pub(crate) mod request_id;
pub(crate) mod route;
pub(crate) mod security_headers;
pub(crate) mod server_timing;
pub(crate) mod timeout;
