//! What a column holds, as far as reading and writing it goes. Not the rules of a field's type.

use carnet_model::{FieldType, IdForm};

/// What a field's column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Float,
    Boolean,
    /// With the scale.
    Decimal(u8),
    Text,
    Id(IdForm),
    Date,
    Time,
    DateTime,
    Duration,
    Json,
    /// Two columns: kind and id.
    Principal,
}

impl Kind {
    /// The kind of a field of that type.
    pub(crate) fn of(field: &FieldType) -> Self {
        match field {
            FieldType::Integer { .. } => Self::Integer,
            FieldType::Float { .. } => Self::Float,
            FieldType::Boolean => Self::Boolean,
            FieldType::Decimal { scale, .. } => Self::Decimal(*scale),
            FieldType::Text { .. }
            | FieldType::Enum { .. }
            | FieldType::Email { .. }
            | FieldType::Url { .. } => Self::Text,
            FieldType::Id(form) | FieldType::Ref { form, .. } => Self::Id(*form),
            FieldType::Uuid => Self::Id(IdForm::Uuid),
            FieldType::Ulid => Self::Id(IdForm::Ulid),
            FieldType::Date => Self::Date,
            FieldType::Time => Self::Time,
            FieldType::DateTime => Self::DateTime,
            FieldType::Duration => Self::Duration,
            FieldType::Json { .. } | FieldType::I18n { .. } | FieldType::List { .. } => Self::Json,
            FieldType::Principal => Self::Principal,
        }
    }

    /// How many columns it takes.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Principal => 2,
            _ => 1,
        }
    }
}
