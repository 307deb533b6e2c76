#![doc = include_str!("../README.md")]

mod append;
mod application_code;
mod calendar;
mod clock;
mod code;
mod context;
mod decimal;
mod digits;
pub mod email;
mod id;
pub mod json;
mod principal;
mod refusal;
mod refuse;
pub mod relative;
pub mod search;
mod serial;
pub mod stem;
pub mod suggest;
mod tenant;
pub mod text;
pub mod time;
mod units;
mod value;
mod version;

pub use append::Append;
pub use application_code::{ApplicationCode, ApplicationCodes};
pub use calendar::CalendarUnit;
pub use clock::{Clock, Timestamp};
pub use code::{Code, Stage};
pub use context::Context;
pub use decimal::{Decimal, DecimalError, MAX_PRECISION};
pub use id::{Id, IdError, IdGenerator};
pub use json::JsonText;
pub use principal::{Principal, PrincipalKind, PrincipalRef};
pub use refusal::{Detail, Refusal};
pub use tenant::TenantKey;
pub use units::{ByteSize, Period, Secret};
pub use value::Value;
pub use version::ApiVersion;

/// The largest integer that every JSON reader keeps exactly: 2^53 − 1 (RFC 8259 section 6).
pub const MAX_SAFE_INTEGER: i64 = 9_007_199_254_740_991;
