//! The SQL of writes: texts made once per model and reused as keys of the prepared-statement cache.
//! Not the rendering of reads.

use crate::schema::quote;
use carnet_kernel::search::Analysis;
use carnet_kernel::{Value, text};
use carnet_model::{Field, FieldIndex, FieldType, ModelHash, ModelView, Resource, ResourceIndex};
use rusqlite::Statement;
use std::collections::HashMap;
use std::sync::Arc;

/// How many update texts are kept: each set of changed fields has its own.
const MOST_UPDATES: usize = 1_024;

/// The texts for one model.
#[derive(Default)]
pub(super) struct Texts {
    model: Option<ModelHash>,
    insert: HashMap<ResourceIndex, Arc<str>>,
    delete: HashMap<ResourceIndex, Arc<str>>,
    guard: HashMap<ResourceIndex, Arc<str>>,
    update: HashMap<ResourceIndex, HashMap<Vec<FieldIndex>, Arc<str>>>,
    updates: usize,
}

impl Texts {
    /// Makes ready for a model, forgetting those of another.
    pub(super) fn turn_to(&mut self, view: &ModelView) {
        if self.model != Some(view.schema_hash()) {
            *self = Self {
                model: Some(view.schema_hash()),
                ..Self::default()
            };
        }
    }

    /// `insert`: the tenant if there is one, then the columns of all fields.
    pub(super) fn insert(&mut self, resource: &Resource) -> Arc<str> {
        let text = self.insert.entry(resource.index).or_insert_with(|| {
            let mut columns = Vec::with_capacity(resource.fields.len() + 4);
            if resource.is_tenant() {
                columns.push(quote("tenant"));
            }
            columns.extend(resource.fields.iter().flat_map(columns_of));
            let places = vec!["?"; columns.len()].join(", ");
            format!(
                "insert into {} ({}) values ({places})",
                quote(&resource.table),
                columns.join(", ")
            )
            .into()
        });
        Arc::clone(text)
    }

    /// `update`: the columns of the changed fields, then the row and the version it must have.
    pub(super) fn update(&mut self, resource: &Resource, changed: &[FieldIndex]) -> Arc<str> {
        let known = self
            .update
            .get(&resource.index)
            .and_then(|texts| texts.get(changed));
        if let Some(text) = known {
            return Arc::clone(text);
        }
        if self.updates >= MOST_UPDATES {
            self.update.clear();
            self.updates = 0;
        }
        let assignments: Vec<String> = changed
            .iter()
            .flat_map(|index| columns_of(resource.field(*index)))
            .map(|column| format!("{column} = ?"))
            .collect();
        let text: Arc<str> = format!(
            "update {} set {} where {}",
            quote(&resource.table),
            assignments.join(", "),
            versioned(resource)
        )
        .into();
        self.updates += 1;
        self.update
            .entry(resource.index)
            .or_default()
            .insert(changed.to_vec(), Arc::clone(&text));
        text
    }

    /// `delete`: the row and the version it must have.
    pub(super) fn delete(&mut self, resource: &Resource) -> Arc<str> {
        let text = self.delete.entry(resource.index).or_insert_with(|| {
            format!(
                "delete from {} where {}",
                quote(&resource.table),
                versioned(resource)
            )
            .into()
        });
        Arc::clone(text)
    }

    /// One row if the record still has its version.
    pub(super) fn guard(&mut self, resource: &Resource) -> Arc<str> {
        let text = self.guard.entry(resource.index).or_insert_with(|| {
            format!(
                "select 1 from {} where {}",
                quote(&resource.table),
                versioned(resource)
            )
            .into()
        });
        Arc::clone(text)
    }
}

/// The journal row of one change.
pub(super) const JOURNAL: &str = "insert into \"carnet_journal_records\" \
     (\"tenant\", \"resource\", \"record\", \"version\", \"kind\", \"principal_kind\", \
     \"principal_id\", \"correlation\", \"causation\", \"at\", \"schema_version\", \"body\") \
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

fn versioned(resource: &Resource) -> String {
    let tenant = if resource.is_tenant() {
        "\"tenant\" = ? and "
    } else {
        ""
    };
    let version = resource.standard.map_or("version", |standard| {
        &resource.field(standard.version).column
    });
    format!(
        "{tenant}{} = ? and {} = ?",
        quote(&resource.field(resource.key).column),
        quote(version)
    )
}

/// The quoted columns of a field, in the order [`bind_field`] binds them.
fn columns_of(field: &Field) -> Vec<String> {
    if matches!(field.kind, FieldType::Principal) {
        return vec![
            quote(&format!("{}_kind", field.column)),
            quote(&format!("{}_id", field.column)),
        ];
    }
    let derived = [field.companion.as_deref(), field.search.as_deref()];
    std::iter::once(quote(&field.column))
        .chain(derived.into_iter().flatten().map(quote))
        .collect()
}

/// Binds the columns of a field from `place` on; answers the next place.
pub(super) fn bind_field(
    statement: &mut Statement<'_>,
    place: usize,
    field: &Field,
    analysis: Analysis,
    value: &Value,
) -> rusqlite::Result<usize> {
    use super::bind::{Bound, Key};
    if matches!(field.kind, FieldType::Principal) {
        let principal = match value {
            Value::Principal(principal) => Some(principal),
            _ => None,
        };
        statement.raw_bind_parameter(place, principal.map(|known| known.kind.as_str()))?;
        statement.raw_bind_parameter(place + 1, principal.and_then(|known| known.id).map(Key))?;
        return Ok(place + 2);
    }
    statement.raw_bind_parameter(place, Bound(value))?;
    let mut next = place + 1;
    if field.companion.is_some() {
        statement.raw_bind_parameter(next, value.as_text().map(text::fold))?;
        next += 1;
    }
    if field.search.is_some() {
        statement.raw_bind_parameter(next, value.as_text().map(|text| analysis.document(text)))?;
        next += 1;
    }
    Ok(next)
}
