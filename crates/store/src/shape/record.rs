//! Whole rows as records in memory, for decisions.

use super::{Cells, Kind};
use crate::{Error, Record};
use carnet_kernel::{Decimal, JsonText, PrincipalKind, PrincipalRef, Value};
use carnet_model::Resource;

/// The columns of a whole record: every field in its resource's order, a principal in two columns.
#[derive(Clone, Debug)]
pub(crate) struct RecordShape {
    kinds: Vec<Kind>,
}

impl RecordShape {
    /// The shape of the records of `resource`.
    pub(crate) fn new(resource: &Resource) -> Self {
        let kinds = resource.fields.iter().map(|field| Kind::of(&field.kind));
        Self {
            kinds: kinds.collect(),
        }
    }

    /// Reads one row.
    pub(crate) fn read<C: Cells>(&self, cells: &C) -> Result<Record, Error> {
        let mut values = Vec::with_capacity(self.kinds.len());
        let mut column = 0;
        for kind in &self.kinds {
            values.push(value(*kind, cells, column)?);
            column += if matches!(kind, Kind::Principal) {
                2
            } else {
                1
            };
        }
        Ok(Record { values })
    }
}

/// Reads one value.
pub(super) fn value<C: Cells>(kind: Kind, cells: &C, column: usize) -> Result<Value, Error> {
    let value = match kind {
        Kind::Integer => cells.integer(column)?.map(Value::Integer),
        Kind::Float => cells.float(column)?.map(Value::Float),
        Kind::Boolean => cells.boolean(column)?.map(Value::Boolean),
        Kind::Decimal(scale) => cells
            .integer(column)?
            .map(|unscaled| Value::Decimal(Decimal { unscaled, scale })),
        Kind::Text => cells.text(column)?.map(|text| Value::Text(text.to_owned())),
        Kind::Id(_) => cells.id(column)?.map(Value::Id),
        Kind::Date => cells.date(column)?.map(Value::Date),
        Kind::Time => cells.integer(column)?.map(Value::Time),
        Kind::DateTime => cells.date_time(column)?.map(Value::DateTime),
        Kind::Duration => cells.integer(column)?.map(Value::Duration),
        Kind::Json => match cells.json(column)? {
            Some(text) => Some(Value::Json(canonical(text)?)),
            None => None,
        },
        Kind::Principal => principal(cells, column)?.map(Value::Principal),
    };
    Ok(value.unwrap_or(Value::Null))
}

fn canonical(text: &str) -> Result<JsonText, Error> {
    JsonText::parse(text)
        .map_err(|error| Error::Internal(format!("stored JSON cannot be read: {error}")))
}

fn principal<C: Cells>(cells: &C, column: usize) -> Result<Option<PrincipalRef>, Error> {
    let Some(name) = cells.text(column)? else {
        return Ok(None);
    };
    let kind = PrincipalKind::parse(name)
        .ok_or_else(|| Error::Internal(format!("stored principal of unknown kind `{name}`")))?;
    let id = cells.id(column + 1)?;
    Ok(Some(PrincipalRef { kind, id }))
}
