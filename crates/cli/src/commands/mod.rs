//! One file per command: its flags, its help and what it does.

mod chain;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod db;
pub(crate) mod definition;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod new;
pub(crate) mod openapi;
pub(crate) mod routes;
pub(crate) mod serve;
pub(crate) mod version;
