//! Definitions of tables, columns, constraints and indexes as SQL text. Names stand alone: scripts
//! run with the placement's schema first on the search path.

use super::facts::{IndexFacts, check_text, sql_type, table_facts};
use super::layout::{Column, Index, IndexKind, Kind, Part, Reference, Table};
use super::names::{check_name, key_name, literal, quote};
use crate::Dialect;
use carnet_kernel::{Value, text, time};

/// `create table` and what belongs to it; on PostgreSQL foreign keys follow when all tables are there.
pub(crate) fn create_table(dialect: Dialect, table: &Table) -> Vec<String> {
    let mut statements = vec![create_table_as(dialect, table, &table.name)];
    if dialect == Dialect::Postgres {
        statements.extend(
            table
                .columns
                .iter()
                .filter_map(|column| comment_check(table, column)),
        );
    }
    statements.extend(create_indexes(dialect, table));
    statements
}

/// The table alone, under another name.
pub(crate) fn create_table_as(dialect: Dialect, table: &Table, name: &str) -> String {
    let mut lines: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("    {}", column_definition(dialect, table, column)))
        .collect();
    let ending = match dialect {
        Dialect::Sqlite => {
            for reference in &table.references {
                lines.push(format!("    {}", reference_definition(reference)));
            }
            " strict"
        }
        Dialect::Postgres => {
            lines.push(format!(
                "    constraint {} primary key ({})",
                quote(&key_name(&table.name)),
                quoted(&table.key())
            ));
            ""
        }
    };
    format!(
        "create table {} (\n{}\n){ending}",
        quote(name),
        lines.join(",\n")
    )
}

/// `"status" text collate "C" not null constraint … check (…)`.
pub(crate) fn column_definition(dialect: Dialect, table: &Table, column: &Column) -> String {
    let mut text = format!(
        "{} {}",
        quote(&column.name),
        sql_type(dialect, &column.kind)
    );
    if !column.nullable {
        text.push_str(" not null");
    }
    if let Some(check) = check_definition(dialect, table, column) {
        text.push(' ');
        text.push_str(&check);
    }
    text
}

/// `constraint … check (…)`.
pub(crate) fn check_definition(dialect: Dialect, table: &Table, column: &Column) -> Option<String> {
    let check = check_text(dialect, column)?;
    let name = quote(&check_name(&table.name, &column.name));
    let rule = check.strip_prefix("value ").unwrap_or(&check);
    Some(format!(
        "constraint {name} check ({} {rule})",
        quote(&column.name)
    ))
}

/// Keeps our own text beside a check, which PostgreSQL rewrites.
pub(crate) fn comment_check(table: &Table, column: &Column) -> Option<String> {
    let check = check_text(Dialect::Postgres, column)?;
    Some(format!(
        "comment on constraint {} on {} is {}",
        quote(&check_name(&table.name, &column.name)),
        quote(&table.name),
        literal(&check)
    ))
}

/// `constraint … foreign key (…) references … (…)`.
pub(crate) fn reference_definition(reference: &Reference) -> String {
    let (columns, targets) = if reference.target_tenant {
        (vec!["tenant", &reference.column], vec!["tenant", "id"])
    } else {
        (vec![reference.column.as_str()], vec!["id"])
    };
    format!(
        "constraint {} foreign key ({}) references {} ({})",
        quote(&reference.name),
        quoted(&columns),
        quote(&reference.target),
        quoted(&targets)
    )
}

/// Every index of a table; on SQLite the key is one of them.
pub(crate) fn create_indexes(dialect: Dialect, table: &Table) -> Vec<String> {
    let facts = table_facts(dialect, table);
    let mut statements = Vec::new();
    if dialect == Dialect::Sqlite {
        let name = key_name(&table.name);
        let key = facts.indexes.get(&name);
        statements.extend(key.map(|key| create_btree(&table.name, &name, key)));
    }
    for Index { name, .. } in &table.indexes {
        if let Some(index) = facts.indexes.get(name) {
            statements.extend(create_index(dialect, table, name, index));
        }
    }
    statements
}

/// One index, from the form in which it is compared.
pub(crate) fn create_index(
    dialect: Dialect,
    table: &Table,
    name: &str,
    index: &IndexFacts,
) -> Vec<String> {
    match table.indexes.iter().find(|one| one.name == name) {
        Some(one) if one.kind != IndexKind::Btree => super::search::create(dialect, table, one),
        _ => vec![create_btree(&table.name, name, index)],
    }
}

fn create_btree(table: &str, name: &str, index: &IndexFacts) -> String {
    let columns: Vec<String> = index
        .columns
        .iter()
        .map(|(column, order)| format!("{}{order}", quote(column)))
        .collect();
    let unique = if index.kind.is_empty() { "" } else { "unique " };
    format!(
        "create {unique}index {} on {} ({}){}",
        quote(name),
        quote(table),
        columns.join(", "),
        index.extra
    )
}

/// Quoted names with commas.
pub(crate) fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
    names.join(", ")
}

/// The default of a column as a literal of its database type; a derived one's is computed.
pub(crate) fn default_literal(dialect: Dialect, column: &Column) -> Option<String> {
    let value = column.default.as_ref().filter(|value| !value.is_null())?;
    match column.part {
        Part::Companion => return value.as_text().map(|value| literal(&text::fold(value))),
        Part::Words => {
            return value
                .as_text()
                .map(|value| literal(&column.analysis().document(value)));
        }
        Part::Value | Part::PrincipalKind | Part::PrincipalId => {}
    }
    Some(value_literal(dialect, &column.kind, value))
}

fn value_literal(dialect: Dialect, kind: &Kind, value: &Value) -> String {
    let postgres = dialect == Dialect::Postgres;
    match value {
        Value::Null | Value::Principal(_) => "null".to_owned(),
        Value::Boolean(flag) if postgres => flag.to_string(),
        Value::Boolean(flag) => i64::from(*flag).to_string(),
        Value::Integer(number) if *kind == Kind::Float => format!("{number}.0"),
        Value::Integer(number) | Value::Time(number) | Value::Duration(number) => {
            number.to_string()
        }
        Value::Float(number) => format!("{number:?}"),
        Value::Decimal(decimal) => decimal.unscaled.to_string(),
        Value::Text(text) => literal(text),
        Value::Id(id) if postgres => format!("uuid {}", literal(&id.to_uuid_text())),
        Value::Id(id) => format!("x'{:032x}'", id.as_u128()),
        Value::Date(days) if postgres => {
            let mut text = String::new();
            time::write_date(*days, &mut text);
            format!("date {}", literal(&text))
        }
        Value::Date(days) => days.to_string(),
        Value::DateTime(micros) if postgres => {
            format!("timestamptz {}", literal(&time::format_date_time(*micros)))
        }
        Value::DateTime(micros) => micros.to_string(),
        Value::Json(json) if postgres => format!("jsonb {}", literal(json.as_str())),
        Value::Json(json) => literal(json.as_str()),
    }
}
