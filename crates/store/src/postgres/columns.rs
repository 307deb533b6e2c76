//! The columns of a field: their names, types and values. Reads have their own shapes.

use super::bind::Bind;
use crate::Record;
use carnet_kernel::search::Analysis;
use carnet_kernel::{Value, text};
use carnet_model::{Field, FieldIndex, FieldType, Resource, Role};

/// One column of a record's row.
#[derive(Clone, Copy)]
pub(super) struct Column<'a> {
    index: FieldIndex,
    field: &'a Field,
    part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Value,
    /// The folded form of a caseless text.
    Companion,
    /// The words of a searched text.
    Words(Analysis),
    PrincipalKind,
    PrincipalId,
}

/// The columns of these fields, in order.
pub(super) fn columns<'a>(
    resource: &'a Resource,
    fields: impl Iterator<Item = FieldIndex>,
) -> Vec<Column<'a>> {
    let mut all = Vec::new();
    for index in fields {
        let field = resource.field(index);
        let column = |part| Column { index, field, part };
        if matches!(field.kind, FieldType::Principal) {
            all.extend([column(Part::PrincipalKind), column(Part::PrincipalId)]);
            continue;
        }
        all.push(column(Part::Value));
        if field.companion.is_some() {
            all.push(column(Part::Companion));
        }
        if field.search.is_some() {
            all.push(column(Part::Words(resource.analysis())));
        }
    }
    all
}

impl<'a> Column<'a> {
    /// Whether it holds the record's id.
    pub(super) fn is_id(&self) -> bool {
        self.field.role == Role::Id
    }

    /// Whether the platform sets it, as a rule for all rows of one write alike.
    pub(super) fn is_stamped(&self) -> bool {
        !matches!(self.field.role, Role::Id | Role::Declared)
    }

    /// Whether it has one value in all these records.
    pub(super) fn is_uniform(&self, mut records: impl Iterator<Item = &'a Record>) -> bool {
        let first = records.next().map(|record| record.get(self.index));
        first.is_some_and(|first| records.all(|record| record.get(self.index) == first))
    }

    pub(super) fn name(&self) -> String {
        let stem = &self.field.column;
        match self.part {
            Part::Value => stem.clone(),
            Part::Companion => self.field.companion.clone().unwrap_or_default(),
            Part::Words(_) => self.field.search.clone().unwrap_or_default(),
            Part::PrincipalKind => format!("{stem}_kind"),
            Part::PrincipalId => format!("{stem}_id"),
        }
    }

    /// The type as a cast names it.
    pub(super) fn kind(&self) -> &'static str {
        match (self.part, &self.field.kind) {
            (Part::Companion | Part::Words(_) | Part::PrincipalKind, _) => "text",
            (Part::PrincipalId, _) => "uuid",
            (Part::Value, kind) => match kind {
                FieldType::Id(_) | FieldType::Ref { .. } | FieldType::Uuid | FieldType::Ulid => {
                    "uuid"
                }
                FieldType::Text { .. }
                | FieldType::Enum { .. }
                | FieldType::Email { .. }
                | FieldType::Url { .. }
                | FieldType::Principal => "text",
                FieldType::Integer { .. }
                | FieldType::Decimal { .. }
                | FieldType::Time
                | FieldType::Duration => "bigint",
                FieldType::Float { .. } => "float8",
                FieldType::Boolean => "boolean",
                FieldType::Date => "date",
                FieldType::DateTime => "timestamptz",
                FieldType::Json { .. } | FieldType::I18n { .. } | FieldType::List { .. } => "jsonb",
            },
        }
    }

    /// Its value in `record`.
    pub(super) fn bind(&self, record: &'a Record) -> Bind<'a> {
        let value = record.get(self.index);
        match (self.part, value) {
            (Part::Value, value) => Bind::Value(value),
            (Part::Companion, Value::Text(own)) => Bind::Owned(text::fold(own)),
            (Part::Words(analysis), Value::Text(own)) => Bind::Owned(analysis.document(own)),
            (Part::PrincipalKind, Value::Principal(who)) => Bind::Text(who.kind.as_str()),
            (Part::PrincipalId, Value::Principal(who)) => Bind::Id(who.id),
            _ => Bind::Null,
        }
    }
}
