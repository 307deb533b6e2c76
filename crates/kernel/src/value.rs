//! One value of one field, as logic, predicates and adapters pass it. Not the JSON on the wire.

use crate::{Decimal, Id, JsonText, PrincipalRef};

/// A field's value. Which variant a field has follows from its declared type alone.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// `boolean`
    Boolean(bool),
    /// `integer`
    Integer(i64),
    /// `float`, always finite
    Float(f64),
    /// `decimal`, with the field's scale
    Decimal(Decimal),
    /// `text`, `enum`, `email`, `url`
    Text(String),
    /// `id`, `ref`, `uuid`, `ulid`
    Id(Id),
    /// `date`: days since 1970-01-01
    Date(i32),
    /// `time`: microseconds of the day
    Time(i64),
    /// `dateTime`: microseconds since the epoch
    DateTime(i64),
    /// `duration`: microseconds
    Duration(i64),
    /// `json`, `i18n`, `list`: canonical text
    Json(JsonText),
    /// `createdBy`, `updatedBy`
    Principal(PrincipalRef),
}

impl Value {
    /// Whether it is [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The id, if it is one.
    pub fn as_id(&self) -> Option<Id> {
        match self {
            Self::Id(id) => Some(*id),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(*integer),
            _ => None,
        }
    }
}
