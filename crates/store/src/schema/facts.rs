//! What a database says about its tables, in the one form in which wishes and findings compare:
//! exactly, without reading an expression back.

use super::layout::{Column, Index, IndexKind, Kind, Layout, Table};
use super::names::{check_name, key_name, literal};
use crate::Dialect;
use std::collections::BTreeMap;
use std::fmt;

/// The tables of one placement by name.
pub(crate) type Found = BTreeMap<String, TableFacts>;

/// One table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableFacts {
    pub(crate) columns: BTreeMap<String, ColumnFacts>,
    pub(crate) checks: BTreeMap<String, CheckFacts>,
    pub(crate) references: BTreeMap<String, ReferenceFacts>,
    /// The key among them.
    pub(crate) indexes: BTreeMap<String, IndexFacts>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnFacts {
    /// As a column definition writes it.
    pub(crate) sql_type: String,
    pub(crate) nullable: bool,
    /// What we never declare: a default, an identity, a generated value.
    pub(crate) extra: String,
}

/// One check of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckFacts {
    pub(crate) column: String,
    /// With `value` for the column, so that a rename keeps it.
    pub(crate) text: String,
}

/// One foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReferenceFacts {
    pub(crate) columns: Vec<String>,
    pub(crate) target: String,
    pub(crate) target_columns: Vec<String>,
    /// Actions and deferral, which we never declare.
    pub(crate) extra: String,
}

/// One index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexFacts {
    /// `primary key`, `unique` or nothing.
    pub(crate) kind: &'static str,
    /// Column and its order as far as it is not plain.
    pub(crate) columns: Vec<(String, &'static str)>,
    /// A predicate, expressions, another access method.
    pub(crate) extra: String,
}

impl fmt::Display for ColumnFacts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not_null = if self.nullable { "" } else { " not null" };
        write!(out, "{}{not_null}{}", self.sql_type, self.extra)
    }
}

impl fmt::Display for ReferenceFacts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (columns, targets) = (self.columns.join(", "), self.target_columns.join(", "));
        write!(
            out,
            "({columns}) to {} ({targets}){}",
            self.target, self.extra
        )
    }
}

impl fmt::Display for IndexFacts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|(column, order)| format!("{column}{order}"))
            .collect();
        write!(out, "{} ({}){}", self.kind, columns.join(", "), self.extra)
    }
}

/// What a database would say if it had exactly this layout.
pub(crate) fn expected(dialect: Dialect, layout: &Layout) -> Found {
    layout
        .tables
        .iter()
        .map(|table| (table.name.clone(), table_facts(dialect, table)))
        .collect()
}

/// The same for one table.
pub(crate) fn table_facts(dialect: Dialect, table: &Table) -> TableFacts {
    let mut facts = TableFacts::default();
    for column in &table.columns {
        let column_facts = ColumnFacts {
            sql_type: sql_type(dialect, &column.kind).to_owned(),
            nullable: column.nullable,
            extra: String::new(),
        };
        facts.columns.insert(column.name.clone(), column_facts);
        if let Some(text) = check_text(dialect, column) {
            let check = CheckFacts {
                column: column.name.clone(),
                text,
            };
            let name = check_name(&table.name, &column.name);
            facts.checks.insert(name, check);
        }
    }
    for reference in &table.references {
        let mut columns = vec![reference.column.clone()];
        let mut target_columns = vec!["id".to_owned()];
        if reference.target_tenant {
            columns.insert(0, "tenant".to_owned());
            target_columns.insert(0, "tenant".to_owned());
        }
        let reference_facts = ReferenceFacts {
            columns,
            target: reference.target.clone(),
            target_columns,
            extra: String::new(),
        };
        facts
            .references
            .insert(reference.name.clone(), reference_facts);
    }
    facts
        .indexes
        .insert(key_name(&table.name), key_facts(dialect, table));
    for index in &table.indexes {
        facts
            .indexes
            .insert(index.name.clone(), index_facts(dialect, table, index));
    }
    facts
}

fn key_facts(dialect: Dialect, table: &Table) -> IndexFacts {
    IndexFacts {
        kind: match dialect {
            Dialect::Sqlite => "unique",
            Dialect::Postgres => "primary key",
        },
        columns: table
            .key()
            .into_iter()
            .map(|column| (column.to_owned(), ""))
            .collect(),
        extra: String::new(),
    }
}

/// How an index of the layout looks in the database.
pub(crate) fn index_facts(dialect: Dialect, table: &Table, index: &Index) -> IndexFacts {
    if index.kind != IndexKind::Btree {
        return super::search::facts(dialect, index);
    }
    let columns = index.columns.iter().map(|(name, descending)| {
        let nullable = table.column(name).is_some_and(|column| column.nullable);
        (name.clone(), order(dialect, nullable, *descending))
    });
    IndexFacts {
        kind: if index.unique { "unique" } else { "" },
        columns: columns.collect(),
        extra: index.without.as_deref().map_or_else(String::new, |column| {
            // As PostgreSQL writes it; SQLite keeps what is written.
            format!(" where ({column} IS NULL)")
        }),
    }
}

/// Null is the smallest value on both databases; PostgreSQL must be told so where nulls occur.
fn order(dialect: Dialect, nullable: bool, descending: bool) -> &'static str {
    match (dialect, nullable, descending) {
        (Dialect::Postgres, true, false) => " nulls first",
        (Dialect::Postgres, true, true) => " desc nulls last",
        (_, _, false) => "",
        (_, _, true) => " desc",
    }
}

/// The database type of a kind, as column definitions and findings write it.
pub(crate) fn sql_type(dialect: Dialect, kind: &Kind) -> &'static str {
    match dialect {
        Dialect::Sqlite => match kind {
            Kind::Id => "blob",
            Kind::Text | Kind::Enum(_) | Kind::Json => "text",
            Kind::Float => "real",
            Kind::Integer
            | Kind::Decimal { .. }
            | Kind::Boolean
            | Kind::Date
            | Kind::DateTime
            | Kind::Time
            | Kind::Duration => "integer",
        },
        Dialect::Postgres => match kind {
            Kind::Id => "uuid",
            Kind::Text | Kind::Enum(_) => "text collate \"C\"",
            Kind::Json => "jsonb",
            Kind::Float => "double precision",
            Kind::Boolean => "boolean",
            Kind::Date => "date",
            Kind::DateTime => "timestamp with time zone",
            Kind::Integer | Kind::Decimal { .. } | Kind::Time | Kind::Duration => "bigint",
        },
    }
}

/// The check of a column, with `value` for the column.
pub(crate) fn check_text(dialect: Dialect, column: &Column) -> Option<String> {
    match (&column.kind, dialect) {
        (Kind::Enum(values), _) => {
            let values: Vec<String> = values.iter().map(|value| literal(value)).collect();
            Some(format!("value in ({})", values.join(", ")))
        }
        (Kind::Boolean, Dialect::Sqlite) => Some("value in (0, 1)".to_owned()),
        _ => None,
    }
}

/// How far `found` is from `wanted`, in words; empty when they are the same. Tables of the
/// platform's own are passed over.
pub(crate) fn differences(wanted: &Found, found: &Found) -> Vec<String> {
    let mut out = Vec::new();
    for (name, table) in wanted {
        match found.get(name) {
            Some(present) => table_differences(name, table, present, &mut out),
            None => out.push(format!("table `{name}` is missing")),
        }
    }
    for name in found.keys() {
        if !wanted.contains_key(name) && !name.starts_with("carnet_") {
            out.push(format!("table `{name}` is not of the definition"));
        }
    }
    out
}

fn table_differences(name: &str, wanted: &TableFacts, found: &TableFacts, out: &mut Vec<String>) {
    let text = |check: &CheckFacts| check.text.clone();
    compare(
        name,
        "column",
        &wanted.columns,
        &found.columns,
        ToString::to_string,
        out,
    );
    compare(name, "check", &wanted.checks, &found.checks, text, out);
    compare(
        name,
        "reference",
        &wanted.references,
        &found.references,
        ToString::to_string,
        out,
    );
    compare(
        name,
        "index",
        &wanted.indexes,
        &found.indexes,
        ToString::to_string,
        out,
    );
}

fn compare<T: PartialEq>(
    table: &str,
    what: &str,
    wanted: &BTreeMap<String, T>,
    found: &BTreeMap<String, T>,
    show: impl Fn(&T) -> String,
    out: &mut Vec<String>,
) {
    for (name, value) in wanted {
        match found.get(name) {
            None => out.push(format!("{what} `{name}` of `{table}` is missing")),
            Some(other) if other != value => out.push(format!(
                "{what} `{name}` of `{table}` is `{}`, not `{}`",
                show(other).trim(),
                show(value).trim()
            )),
            Some(_) => {}
        }
    }
    for name in found.keys().filter(|name| !wanted.contains_key(*name)) {
        out.push(format!(
            "{what} `{name}` of `{table}` is not of the definition"
        ));
    }
}
