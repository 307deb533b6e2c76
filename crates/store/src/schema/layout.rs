//! The tables that a definition wants, with what they mean: which field a column holds, of which
//! type, under which name before. Not SQL.

use super::rules::Rule;
use carnet_kernel::Value;
use carnet_kernel::search::Analysis;

/// All record tables of a definition, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layout {
    pub(crate) tables: Vec<Table>,
}

impl Layout {
    /// The table of that name.
    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The table of that resource.
    pub(crate) fn of_resource(&self, resource: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.resource == resource)
    }

    /// Whether some column is made of another by our rules.
    pub(crate) fn has_derived(&self) -> bool {
        let columns = self.tables.iter().flat_map(|table| &table.columns);
        columns.clone().any(|column| column.part.is_derived())
    }

    /// What a placement beside home holds: the tables of tenants.
    pub(crate) fn of_tenants(&self) -> Self {
        let tables = self.tables.iter().filter(|table| table.tenant).cloned();
        Self {
            tables: tables.collect(),
        }
    }
}

/// The table of one resource. Its key is (tenant, id), or the id alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// The resource's name.
    pub(crate) resource: String,
    /// The resource's name before.
    pub(crate) was: Option<String>,
    pub(crate) name: String,
    /// Whether its rows carry a tenant.
    pub(crate) tenant: bool,
    /// Whether every placement may read it, though its rows carry no tenant.
    pub(crate) shared: bool,
    pub(crate) columns: Vec<Column>,
    pub(crate) references: Vec<Reference>,
    /// Unique ones and others, the key left out.
    pub(crate) indexes: Vec<Index>,
}

impl Table {
    /// The column of that name.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns of its key.
    pub(crate) fn key(&self) -> Vec<&'static str> {
        if self.tenant {
            vec!["tenant", "id"]
        } else {
            vec!["id"]
        }
    }
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The field's name in the definition.
    pub(crate) field: String,
    /// The field's name before.
    pub(crate) was: Option<String>,
    pub(crate) part: Part,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    /// What rows get that were there before the column.
    pub(crate) default: Option<Value>,
    /// How a derived column is made of its value.
    pub(crate) rule: Option<Rule>,
}

/// Which part of a field a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Value,
    /// Its folded form.
    Companion,
    /// Its words, for search.
    Words,
    /// The kind of a principal.
    PrincipalKind,
    /// The id of a principal.
    PrincipalId,
}

impl Column {
    /// How its words are made.
    pub(crate) fn analysis(&self) -> Analysis {
        self.rule
            .as_ref()
            .map_or_else(Analysis::default, |rule| rule.analysis)
    }
}

impl Part {
    /// Whether it is computed from the value.
    pub(crate) fn is_derived(self) -> bool {
        matches!(self, Self::Companion | Self::Words)
    }
}

/// What a column's values mean, as far as it matters to their stored form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Id,
    Text,
    Enum(Vec<String>),
    Integer,
    Decimal { precision: u8, scale: u8 },
    Float,
    Boolean,
    Date,
    DateTime,
    Time,
    Duration,
    Json,
}

impl Kind {
    /// A word for people.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Id => "id".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Enum(_) => "enum".to_owned(),
            Self::Integer => "integer".to_owned(),
            Self::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
            Self::Float => "float".to_owned(),
            Self::Boolean => "boolean".to_owned(),
            Self::Date => "date".to_owned(),
            Self::DateTime => "dateTime".to_owned(),
            Self::Time => "time".to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

/// A foreign key to the key of another table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) column: String,
    /// The table it points to.
    pub(crate) target: String,
    /// Whether that table's rows carry a tenant.
    pub(crate) target_tenant: bool,
}

/// What an index is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexKind {
    /// Order and equality, with the tenant before and the id after the declared columns.
    Btree,
    /// Search in columns of words.
    Search {
        /// Whether by likeness too.
        fuzzy: bool,
    },
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) unique: bool,
    pub(crate) kind: IndexKind,
    /// Column and whether it runs from large to small.
    pub(crate) columns: Vec<(String, bool)>,
    /// A column whose rows are left out where it has a value.
    pub(crate) without: Option<String>,
}
