//! Small helpers for those who write a rich domain model: entities, value objects, aggregates with
//! their events, specifications, money, e-mail addresses, dates, guards. Pure, and all optional:
//! the platform knows none of them. Not the declared resources.

mod aggregate;
mod currency;
mod date;
mod date_range;
mod email;
mod entity;
mod fits;
pub mod guard;
mod invalid;
mod money;
mod money_text;
mod outcome;
mod rounding;
mod specification;
mod value_object;

pub use aggregate::{AggregateRoot, DomainEvents};
pub use currency::Currency;
pub use date::Date;
pub use date_range::DateRange;
pub use email::Email;
pub use entity::Entity;
pub use invalid::{AtField, Invalid};
pub use money::{Money, MoneyError};
pub use outcome::OrRefuse;
pub use rounding::Rounding;
pub use specification::{And, Not, Or, Specification};
