//! The steps on SQLite: `alter` where it can, else the table is made anew beside the old one,
//! filled from it with its rowids, and put in its place.

use super::change::{duplicates, fix, orphans};
use super::matching::{Change, ColumnMatch, Matching, TableMatch};
use super::postgres::{loss_of_column, loss_of_table};
use super::{Hazard, Step};
use crate::Dialect;
use crate::schema::ddl::{
    column_definition, create_index, create_indexes, create_table, create_table_as, default_literal,
};
use crate::schema::layout::{Column, IndexKind, Part};
use crate::schema::names::{literal, quote};
use crate::schema::rules::analysis_words;
use crate::schema::search;

const DIALECT: Dialect = Dialect::Sqlite;

pub(super) fn steps(matching: &Matching<'_>) -> Vec<Step> {
    let mut renamed = Vec::new();
    let mut changed = Vec::new();
    for matched in &matching.kept {
        let (source, table) = (&matched.source, &matched.table.name);
        if matched.renamed() {
            let mut step = Step::new(format!("rename table {source} to {table}"), table).sql(
                format!("alter table {} rename to {}", quote(source), quote(table)),
            );
            step.tables.push(source.clone());
            renamed.push(step);
        }
        if needs_rebuild(matched) {
            changed.push(rebuild(matching, matched));
        } else {
            alter(matched, &mut changed);
        }
    }
    let created = matching.created.iter().map(|table| {
        let step = Step::new(format!("create table {}", table.name), &table.name);
        create_table(DIALECT, table)
            .into_iter()
            .fold(step, Step::sql)
    });
    let dropped = matching.dropped.iter().map(|table| {
        let step = Step::new(format!("drop table {}", table.name), &table.name)
            .hazards([loss_of_table(table)]);
        let searches = table
            .indexes
            .iter()
            .filter(|index| index.kind != IndexKind::Btree);
        searches
            .flat_map(|index| search::drop_sqlite(&index.name))
            .fold(step, Step::sql)
            .sql(format!("drop table {}", quote(&table.name)))
    });
    renamed
        .into_iter()
        .chain(changed)
        .chain(created)
        .chain(dropped)
        .collect()
}

/// Whether a table needs what `alter table` cannot do. The names of checks and references are of
/// no account here: no message shows them.
fn needs_rebuild(matched: &TableMatch<'_>) -> bool {
    let column = |column: &ColumnMatch<'_>| {
        let added = column.change.is_new()
            && (!column.column.nullable
                || column.source.is_some()
                || default_literal(DIALECT, column.column).is_some());
        let changed = matches!(column.change, Change::Convert { .. } | Change::Replace);
        added || changed || column.loosen || column.tighten
    };
    let arrives = |name: &str| {
        matched
            .columns
            .iter()
            .any(|matched| matched.column.name == name && matched.change == Change::Add)
    };
    let current = &matched.current;
    let wanted = &matched.wanted;
    let checks = |facts: &std::collections::BTreeMap<String, _>, all: bool| {
        let mut checks: Vec<(String, String)> = facts
            .values()
            .map(|check: &crate::schema::facts::CheckFacts| {
                (check.column.clone(), check.text.clone())
            })
            .filter(|(column, _)| all || !arrives(column))
            .collect();
        checks.sort();
        checks
    };
    let references = |facts: &std::collections::BTreeMap<String, _>| {
        let mut references: Vec<String> = facts
            .values()
            .map(|reference: &crate::schema::facts::ReferenceFacts| reference.to_string())
            .collect();
        references.sort();
        references
    };
    !matched.dropped.is_empty()
        || matched.columns.iter().any(column)
        || checks(&current.checks, true) != checks(&wanted.checks, false)
        || references(&current.references) != references(&wanted.references)
}

fn alter(matched: &TableMatch<'_>, steps: &mut Vec<Step>) {
    let table = &matched.table.name;
    if !matched.hazards.is_empty() {
        steps.push(
            Step::new(format!("change table {table}"), table).hazards(matched.hazards.clone()),
        );
    }
    for (before, after) in matched.renames() {
        steps.push(
            Step::new(format!("rename column {table}.{before} to {after}"), table).sql(format!(
                "alter table {} rename column {} to {}",
                quote(table),
                quote(before),
                quote(after)
            )),
        );
    }
    for column in &matched.columns {
        let name = &column.column.name;
        if !column.change.is_new() {
            if !column.hazards.is_empty() {
                let step = Step::new(format!("change column {table}.{name}"), table);
                steps.push(step.hazards(column.hazards.clone()));
            }
            continue;
        }
        let mut step = Step::new(format!("add column {table}.{name}"), table)
            .hazards(column.hazards.clone())
            .sql(format!(
                "alter table {} add column {}",
                quote(table),
                column_definition(DIALECT, matched.table, column.column)
            ));
        if let Change::AddFolded { column: base, .. } = &column.change {
            step = step.sql(format!(
                "update {} set {} = {}",
                quote(table),
                quote(name),
                derived(column.column, &quote(base))
            ));
        }
        steps.push(step);
    }
    indexes(matched, steps);
}

fn indexes(matched: &TableMatch<'_>, steps: &mut Vec<Step>) {
    let table = &matched.table.name;
    let (current, wanted) = (&matched.current.indexes, &matched.wanted.indexes);
    let fix = fix(current, wanted, |name| matched.is_ours(name));
    let drop = |name: &str| search::drop(DIALECT, name, current.get(name));
    for name in &fix.dropped {
        let step = Step::new(format!("drop index {name}"), table);
        steps.push(drop(name).into_iter().fold(step, Step::sql));
    }
    for (before, after) in &fix.renamed {
        if let Some(index) = wanted.get(after) {
            let step = Step::new(format!("rename index {before} to {after}"), table);
            let made = create_index(DIALECT, matched.table, after, index);
            steps.push(drop(before).into_iter().chain(made).fold(step, Step::sql));
        }
    }
    for name in &fix.added {
        if let Some(index) = wanted.get(name) {
            let step =
                Step::new(format!("add index {name}"), table).hazards(duplicates(matched, index));
            let made = create_index(DIALECT, matched.table, name, index);
            steps.push(made.into_iter().fold(step, Step::sql));
        }
    }
}

fn rebuild(matching: &Matching<'_>, matched: &TableMatch<'_>) -> Step {
    let table = &matched.table.name;
    let mut what: Vec<String> = Vec::new();
    let mut hazards = matched.hazards.clone();
    let mut names = Vec::new();
    let mut values = Vec::new();
    for column in &matched.columns {
        names.push(quote(&column.column.name));
        values.push(value(matched, column));
        what.extend(words(column));
        hazards.extend(column.hazards.clone());
    }
    for dropped in &matched.dropped {
        what.push(format!("drop column {}", dropped.name));
        if dropped.data {
            hazards.push(loss_of_column(matched, dropped));
        }
    }
    for column in &matched.foreign {
        hazards.push(Hazard::loss(
            format!("column `{column}` of `{table}` is not of the definition and is dropped"),
            format!(
                "select count(*) from {{records}}{} where {} is not null",
                quote(&matched.source),
                quote(column)
            ),
        ));
    }
    let references = fix(
        &matched.current.references,
        &matched.wanted.references,
        |_| true,
    );
    for name in &references.added {
        what.push(format!("add reference {name}"));
        if let Some(facts) = matched.wanted.references.get(name) {
            let target = matching
                .kept
                .iter()
                .find(|other| other.table.name == facts.target)
                .map(|other| other.source.as_str());
            hazards.extend(orphans(DIALECT, matched, facts, target));
        }
    }
    for name in &references.dropped {
        what.push(format!("drop reference {name}"));
    }
    let indexes = fix(&matched.current.indexes, &matched.wanted.indexes, |name| {
        matched.is_ours(name)
    });
    for name in &indexes.added {
        what.push(format!("add index {name}"));
        let index = matched.wanted.indexes.get(name);
        hazards.extend(index.and_then(|index| duplicates(matched, index)));
    }
    if what.is_empty() {
        what.push("change checks".to_owned());
    }
    let aside = quote(&format!("carnet_new_{table}"));
    let rowid = rowid(matched);
    let into = std::iter::once(rowid).chain(names.iter().map(String::as_str));
    let from = std::iter::once(rowid).chain(values.iter().map(String::as_str));
    let mut step = Step::new(format!("rebuild table {table}: {}", what.join("; ")), table)
        .hazards(hazards)
        .sql(create_table_as(
            DIALECT,
            matched.table,
            &format!("carnet_new_{table}"),
        ))
        .sql(format!(
            "insert into {aside} ({})\nselect {}\nfrom {}",
            into.collect::<Vec<_>>().join(", "),
            from.collect::<Vec<_>>().join(", "),
            quote(table)
        ))
        .sql(format!("drop table {}", quote(table)));
    let searches = matched.searches.iter();
    step = searches
        .flat_map(|name| search::drop_sqlite(name))
        .fold(step, Step::sql)
        .sql(format!("alter table {aside} rename to {}", quote(table)));
    for statement in create_indexes(DIALECT, matched.table) {
        step = step.sql(statement);
    }
    step
}

fn words(column: &ColumnMatch<'_>) -> Option<String> {
    let name = &column.column.name;
    match &column.change {
        Change::AddFolded { .. } if column.source.is_some() => Some(format!("fill column {name}")),
        Change::Add | Change::AddFolded { .. } => Some(format!("add column {name}")),
        Change::Replace => Some(format!("replace column {name}")),
        Change::Convert { .. } => Some(format!("change column {name}")),
        Change::Keep if column.loosen => Some(format!("allow null in {name}")),
        Change::Keep if column.tighten => Some(format!("forbid null in {name}")),
        Change::Keep => column
            .source
            .as_deref()
            .filter(|source| source != name)
            .map(|source| format!("rename column {source} to {name}")),
    }
}

/// What a column of the new table is filled with, over the columns of the old one.
fn value(matched: &TableMatch<'_>, column: &ColumnMatch<'_>) -> String {
    let default = default_literal(DIALECT, column.column);
    let before = quote(column.source.as_deref().unwrap_or_default());
    let value = match &column.change {
        Change::Keep => before,
        Change::Add | Change::Replace => return default.unwrap_or_else(|| "null".to_owned()),
        Change::AddFolded { column: base, .. } => {
            let base = matched
                .columns
                .iter()
                .find(|matched| matched.column.name == *base);
            let base = base.map_or_else(|| "null".to_owned(), |base| value(matched, base));
            return derived(column.column, &base);
        }
        Change::Convert { conversion, .. } => match (&conversion.expression, &conversion.only) {
            (Some(expression), Some(only)) => {
                format!("case when {only} then {expression} else {before} end")
            }
            (Some(expression), None) => expression.clone(),
            (None, _) => before,
        },
    };
    match default {
        Some(default) if column.tighten => format!("coalesce({value}, {default})"),
        _ => value,
    }
}

/// What a derived column holds for a value.
fn derived(column: &Column, value: &str) -> String {
    match column.part {
        Part::Words => match analysis_words(column.analysis()) {
            words if words.is_empty() => format!("carnet_words({value})"),
            words => format!("carnet_words({value}, {})", literal(&words)),
        },
        _ => format!("carnet_fold({value})"),
    }
}

/// A name of the rowid that no column of the table has taken.
fn rowid(matched: &TableMatch<'_>) -> &'static str {
    let taken = |name: &str| {
        let same = |column: &Column| column.name.eq_ignore_ascii_case(name);
        matched.table.columns.iter().any(same)
            || matched.dropped.iter().any(|column| column.name == name)
            || matched.foreign.iter().any(|column| column == name)
            || matched
                .columns
                .iter()
                .any(|column| column.source.as_deref() == Some(name))
    };
    ["rowid", "_rowid_", "oid"]
        .into_iter()
        .find(|name| !taken(name))
        .unwrap_or("rowid")
}
