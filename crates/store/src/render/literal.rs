//! Literals of a query as bound values of the types that columns have.

use super::level::Reached;
use crate::dialect::Dialect;
use crate::{ListType, Param};
use carnet_kernel::Value;
use carnet_model::{FieldType, Storage};
use std::borrow::Cow;

/// The parameter to compare a field with; `None` for null and for a value of another type, which
/// is equal to none of the field's.
pub(super) fn param(reached: &Reached<'_>, value: &Value) -> Option<Param> {
    let param = of_kind(&reached.field.kind, value)?;
    Some(match value {
        // Platform tables keep JSON as text.
        Value::Json(json) if reached.resource.storage == Storage::Platform => {
            Param::Text(json.as_str().to_owned())
        }
        _ => param,
    })
}

/// The parameter for a value of a type; `None` for null and for a value of another type.
pub(super) fn of_kind(kind: &FieldType, value: &Value) -> Option<Param> {
    fits(kind, value).then(|| Param::Value(value.clone()))
}

/// Whether a value is of a field's type.
pub(super) fn fits(kind: &FieldType, value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Boolean(_) => matches!(kind, FieldType::Boolean),
        Value::Integer(_) => matches!(kind, FieldType::Integer { .. }),
        Value::Float(_) => matches!(kind, FieldType::Float { .. }),
        Value::Decimal(_) => matches!(kind, FieldType::Decimal { .. }),
        Value::Text(_) => kind.is_text(),
        Value::Id(_) => kind.is_id(),
        Value::Date(_) => matches!(kind, FieldType::Date),
        Value::Time(_) => matches!(kind, FieldType::Time),
        Value::DateTime(_) => matches!(kind, FieldType::DateTime),
        Value::Duration(_) => matches!(kind, FieldType::Duration),
        Value::Json(_) => kind.is_json(),
        Value::Principal(_) => matches!(kind, FieldType::Principal),
    }
}

/// Whether two fields hold values of one type.
pub(super) fn comparable(left: &FieldType, right: &FieldType) -> bool {
    std::mem::discriminant(left) == std::mem::discriminant(right)
        || left.is_text() && right.is_text()
        || left.is_id() && right.is_id()
        || left.is_json() && right.is_json()
}

/// The members of a list that a field can equal.
pub(super) enum List<'v> {
    /// As one parameter.
    Bound(Bound),
    /// One by one: few, or of a type that no list parameter has. Null may be among them.
    Each(Vec<Cow<'v, Value>>),
}

/// A list in one parameter.
pub(super) struct Bound {
    pub(super) kind: ListType,
    /// Without null.
    pub(super) values: Vec<Value>,
    /// Whether null was a member.
    pub(super) holds_null: bool,
}

impl<'v> List<'v> {
    pub(super) fn new(dialect: Dialect, reached: &Reached<'_>, list: &'v [Value]) -> Self {
        let kind = &reached.field.kind;
        let members = || {
            list.iter()
                .filter(|value| value.is_null() || fits(kind, value))
        };
        let Some(list_type) = list_type(dialect, kind).filter(|_| members().nth(1).is_some())
        else {
            return Self::Each(members().map(Cow::Borrowed).collect());
        };
        let values: Vec<Value> = members()
            .filter(|value| !value.is_null())
            .map(|value| listed(list_type, value))
            .collect();
        if values.is_empty() {
            return Self::Each(vec![Cow::Owned(Value::Null)]);
        }
        Self::Bound(Bound {
            kind: list_type,
            values,
            holds_null: list.iter().any(Value::is_null),
        })
    }
}

fn list_type(dialect: Dialect, kind: &FieldType) -> Option<ListType> {
    Some(match kind {
        FieldType::Integer { .. }
        | FieldType::Decimal { .. }
        | FieldType::Time
        | FieldType::Duration => ListType::Integer,
        FieldType::Float { .. } if dialect.binds_float_lists() => ListType::Float,
        FieldType::Boolean => ListType::Boolean,
        FieldType::Text { .. }
        | FieldType::Enum { .. }
        | FieldType::Email { .. }
        | FieldType::Url { .. } => ListType::Text,
        FieldType::Id(_) | FieldType::Ref { .. } | FieldType::Uuid | FieldType::Ulid => {
            ListType::Id
        }
        FieldType::DateTime => ListType::DateTime,
        FieldType::Date => ListType::Date,
        FieldType::Float { .. }
        | FieldType::Json { .. }
        | FieldType::I18n { .. }
        | FieldType::List { .. }
        | FieldType::Principal => return None,
    })
}

/// A member as an adapter expects it: what `bigint` holds comes as an integer.
fn listed(list_type: ListType, value: &Value) -> Value {
    match (list_type, value) {
        (ListType::Integer, Value::Decimal(decimal)) => Value::Integer(decimal.unscaled),
        (ListType::Integer, Value::Time(micros) | Value::Duration(micros)) => {
            Value::Integer(*micros)
        }
        (_, value) => value.clone(),
    }
}
