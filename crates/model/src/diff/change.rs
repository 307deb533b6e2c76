//! One change: what it is, what it costs, one line for people.

use crate::{Resource, Storage};
use std::fmt;

/// What a change costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Impact {
    /// Only what the API shows or accepts.
    Api,
    /// The tables change; every value stays.
    Schema,
    /// Values would be lost.
    DataLoss,
}

/// A difference between two models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The resource, by its new name unless it is gone.
    pub resource: String,
    /// What changed.
    pub kind: ChangeKind,
    /// What it costs.
    pub impact: Impact,
}

/// What changed. Fields go by their API names, members of constraints by their names in the
/// definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A new resource.
    ResourceAdded,
    /// A resource that is gone.
    ResourceRemoved,
    /// A resource with a new name, by `was`.
    ResourceRenamed {
        /// The old name.
        from: String,
    },
    /// A new field.
    FieldAdded {
        /// The field.
        field: String,
        /// Whether it is required and has no default, so that existing records have no value.
        without_value: bool,
    },
    /// A field that is gone.
    FieldRemoved {
        /// The field.
        field: String,
    },
    /// A field with a new name, by `was`.
    FieldRenamed {
        /// The new name.
        field: String,
        /// The old name.
        from: String,
    },
    /// A field with another type.
    TypeChanged {
        /// The field.
        field: String,
        /// The old type's word.
        from: &'static str,
        /// The new type's word.
        to: &'static str,
    },
    /// A rule or text of a field, or one of its options.
    RuleChanged {
        /// The field.
        field: String,
        /// The key of the definition language: `max`, `optional`, `values`.
        rule: &'static str,
        /// As it was, if it was there.
        from: Option<String>,
        /// As it is, if it is there.
        to: Option<String>,
    },
    /// The order in which the API shows the fields.
    FieldsReordered,
    /// A new unique constraint.
    UniqueAdded {
        /// Its name.
        name: String,
        /// Its members.
        fields: Vec<String>,
    },
    /// A unique constraint that is gone.
    UniqueRemoved {
        /// Its name.
        name: String,
        /// Its members.
        fields: Vec<String>,
    },
    /// A unique constraint whose name follows a renamed resource or field.
    UniqueRenamed {
        /// The old name.
        from: String,
        /// The new name.
        name: String,
    },
    /// A new index.
    IndexAdded {
        /// Its name.
        name: String,
        /// Its members.
        fields: Vec<String>,
    },
    /// An index that is gone.
    IndexRemoved {
        /// Its name.
        name: String,
        /// Its members.
        fields: Vec<String>,
    },
    /// An index whose name follows a renamed resource or field.
    IndexRenamed {
        /// The old name.
        from: String,
        /// The new name.
        name: String,
    },
    /// A new to-many relation.
    RelationAdded {
        /// Its include name.
        relation: String,
    },
    /// A to-many relation that is gone.
    RelationRemoved {
        /// Its include name.
        relation: String,
    },
    /// A new action.
    ActionAdded {
        /// Its name.
        action: String,
    },
    /// An action that is gone.
    ActionRemoved {
        /// Its name.
        action: String,
    },
    /// An action that takes or gives something else, or stands elsewhere.
    ActionChanged {
        /// Its name.
        action: String,
    },
    /// An option of the resource.
    OptionChanged {
        /// The key of the definition language: `concurrency`, `operations`.
        option: String,
        /// As it was.
        from: String,
        /// As it is.
        to: String,
    },
}

impl Change {
    pub(super) fn new(resource: &Resource, kind: ChangeKind, impact: Impact) -> Self {
        // Tables of the platform are made by its own steps, not by schema sync, and what has none
        // asks for nothing.
        let impact = match resource.storage {
            Storage::Platform | Storage::None => Impact::Api,
            Storage::Table => impact,
        };
        Self {
            resource: resource.name.clone(),
            kind,
            impact,
        }
    }

    /// Whether values would be lost.
    pub fn data_loss(&self) -> bool {
        self.impact == Impact::DataLoss
    }

    /// Whether the tables change.
    pub fn needs_schema(&self) -> bool {
        self.impact >= Impact::Schema
    }

    /// Whether only the API changes.
    pub fn api_only(&self) -> bool {
        self.impact == Impact::Api
    }
}

impl fmt::Display for Change {
    /// `products: field price added`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}`: ", self.resource)?;
        let quoted = |fields: &[String]| format!("`{}`", fields.join("`, `"));
        match &self.kind {
            ChangeKind::ResourceAdded => out.write_str("resource added"),
            ChangeKind::ResourceRemoved => out.write_str("resource removed"),
            ChangeKind::ResourceRenamed { from } => write!(out, "resource renamed from `{from}`"),
            ChangeKind::FieldAdded {
                field,
                without_value,
            } => {
                write!(out, "field `{field}` added")?;
                if *without_value {
                    out.write_str(" (required, without a default for existing records)")?;
                }
                Ok(())
            }
            ChangeKind::FieldRemoved { field } => write!(out, "field `{field}` removed"),
            ChangeKind::FieldRenamed { field, from } => {
                write!(out, "field `{field}` renamed from `{from}`")
            }
            ChangeKind::TypeChanged { field, from, to } => {
                write!(out, "type of `{field}` changed from `{from}` to `{to}`")
            }
            ChangeKind::RuleChanged {
                field,
                rule,
                from,
                to,
            } => match (from, to) {
                (None, Some(to)) => write!(out, "`{rule}` of `{field}` added: {to}"),
                (Some(from), None) => write!(out, "`{rule}` of `{field}` removed: {from}"),
                (from, to) => write!(
                    out,
                    "`{rule}` of `{field}` changed from {} to {}",
                    from.as_deref().unwrap_or_default(),
                    to.as_deref().unwrap_or_default()
                ),
            },
            ChangeKind::FieldsReordered => out.write_str("fields reordered"),
            ChangeKind::UniqueAdded { fields, .. } => {
                write!(out, "unique constraint of {} added", quoted(fields))
            }
            ChangeKind::UniqueRemoved { fields, .. } => {
                write!(out, "unique constraint of {} removed", quoted(fields))
            }
            ChangeKind::UniqueRenamed { from, name } => {
                write!(out, "unique constraint `{from}` becomes `{name}`")
            }
            ChangeKind::IndexAdded { fields, .. } => {
                write!(out, "index of {} added", quoted(fields))
            }
            ChangeKind::IndexRemoved { fields, .. } => {
                write!(out, "index of {} removed", quoted(fields))
            }
            ChangeKind::IndexRenamed { from, name } => {
                write!(out, "index `{from}` becomes `{name}`")
            }
            ChangeKind::RelationAdded { relation } => write!(out, "relation `{relation}` added"),
            ChangeKind::RelationRemoved { relation } => {
                write!(out, "relation `{relation}` removed")
            }
            ChangeKind::ActionAdded { action } => write!(out, "action `{action}` added"),
            ChangeKind::ActionRemoved { action } => write!(out, "action `{action}` removed"),
            ChangeKind::ActionChanged { action } => write!(out, "action `{action}` changed"),
            ChangeKind::OptionChanged { option, from, to } => {
                let shown = |text: &str| match text {
                    "" => "nothing".to_owned(),
                    text => format!("`{text}`"),
                };
                let (from, to) = (shown(from), shown(to));
                write!(out, "`{option}` changed from {from} to {to}")
            }
        }
    }
}
