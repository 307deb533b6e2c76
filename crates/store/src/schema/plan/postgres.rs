//! The steps on PostgreSQL: one `alter` for each change, in an order in which none stands in
//! another's way.

use super::change::{duplicates, fix, orphans};
use super::matching::{Change, ColumnMatch, Matching, TableMatch};
use super::{Action, Fold, Hazard, Step};
use crate::Dialect;
use crate::schema::ddl::{
    check_definition, column_definition, comment_check, create_index, create_table,
    default_literal, reference_definition,
};
use crate::schema::facts::sql_type;
use crate::schema::layout::{Column, Part, Table};
use crate::schema::names::quote;

const DIALECT: Dialect = Dialect::Postgres;

/// Steps by when they may run.
#[derive(Default)]
struct Phases {
    detach: Vec<Step>,
    rename: Vec<Step>,
    release: Vec<Step>,
    create: Vec<Step>,
    alter: Vec<Step>,
    bind: Vec<Step>,
    attach: Vec<Step>,
    drop: Vec<Step>,
}

pub(super) fn steps(matching: &Matching<'_>) -> Vec<Step> {
    let mut phases = Phases::default();
    for matched in &matching.kept {
        names(matched, &mut phases);
        references(matching, matched, &mut phases);
        checks(matched, &mut phases);
        indexes(matched, &mut phases);
        for column in &matched.columns {
            phases.alter.extend(column_step(matched, column));
        }
        drop_columns(matched, &mut phases);
    }
    for table in &matching.created {
        let mut step = Step::new(format!("create table {}", table.name), &table.name);
        for statement in create_table(DIALECT, table) {
            step = step.sql(statement);
        }
        phases.create.push(step);
        phases.attach.extend(attach_all(table));
    }
    // Those of tenants first: they may refer to the platform's.
    for tenant in [true, false] {
        let tables = matching.dropped.iter().filter(|t| t.tenant == tenant);
        let tables: Vec<&Table> = tables.copied().collect();
        phases.drop.extend(drop_tables(&tables));
    }
    [
        phases.detach,
        phases.rename,
        phases.release,
        phases.create,
        phases.alter,
        phases.bind,
        phases.attach,
        phases.drop,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn alter(table: &str, what: &str) -> String {
    format!("alter table {} {what}", quote(table))
}

fn names(matched: &TableMatch<'_>, phases: &mut Phases) {
    let (source, table) = (&matched.source, &matched.table.name);
    if !matched.hazards.is_empty() {
        let step = Step::new(format!("change table {table}"), table);
        phases.rename.push(step.hazards(matched.hazards.clone()));
    }
    if matched.renamed() {
        let mut step = Step::new(format!("rename table {source} to {table}"), table)
            .sql(alter(source, &format!("rename to {}", quote(table))));
        step.tables.push(source.clone());
        phases.rename.push(step);
    }
    for (before, after) in matched.renames() {
        phases.rename.push(
            Step::new(format!("rename column {table}.{before} to {after}"), table).sql(alter(
                table,
                &format!("rename column {} to {}", quote(before), quote(after)),
            )),
        );
    }
}

fn references(matching: &Matching<'_>, matched: &TableMatch<'_>, phases: &mut Phases) {
    let table = &matched.table.name;
    let (current, wanted) = (&matched.current.references, &matched.wanted.references);
    let fix = fix(current, wanted, |name| matched.is_ours(name));
    for name in &fix.dropped {
        phases.detach.push(
            Step::new(format!("drop reference {name}"), table).sql(alter(
                &matched.source,
                &format!("drop constraint {}", quote(name)),
            )),
        );
    }
    for (before, after) in &fix.renamed {
        phases.release.push(rename_constraint(table, before, after));
    }
    for name in &fix.added {
        let (Some(reference), Some(facts)) = (
            matched.table.references.iter().find(|r| r.name == *name),
            wanted.get(name),
        ) else {
            continue;
        };
        let target = matching
            .kept
            .iter()
            .find(|other| other.table.name == facts.target)
            .map(|other| other.source.as_str());
        let definition = reference_definition(reference);
        phases.attach.push(
            Step::new(format!("add reference {name}"), table)
                .hazards(orphans(DIALECT, matched, facts, target))
                .sql(alter(table, &format!("add {definition}"))),
        );
    }
}

fn rename_constraint(table: &str, before: &str, after: &str) -> Step {
    Step::new(format!("rename constraint {before} to {after}"), table).sql(alter(
        table,
        &format!("rename constraint {} to {}", quote(before), quote(after)),
    ))
}

fn checks(matched: &TableMatch<'_>, phases: &mut Phases) {
    let table = &matched.table.name;
    // A new column brings its check along.
    let arrives = |column: &str| {
        matched
            .columns
            .iter()
            .any(|matched| matched.column.name == column && matched.change.is_new())
    };
    let mut wanted = matched.wanted.checks.clone();
    wanted.retain(|_, check| !arrives(&check.column));
    let fix = fix(&matched.current.checks, &wanted, |name| {
        matched.is_ours(name)
    });
    for name in &fix.dropped {
        phases.release.push(
            Step::new(format!("drop check {name}"), table)
                .sql(alter(table, &format!("drop constraint {}", quote(name)))),
        );
    }
    for (before, after) in &fix.renamed {
        phases.release.push(rename_constraint(table, before, after));
    }
    for name in &fix.added {
        let column = wanted
            .get(name)
            .and_then(|check| matched.table.column(&check.column));
        let Some(column) = column else { continue };
        let mut step = Step::new(format!("add check {name}"), table);
        if let Some(check) = check_definition(DIALECT, matched.table, column) {
            step = step.sql(alter(table, &format!("add {check}")));
        }
        if let Some(comment) = comment_check(matched.table, column) {
            step = step.sql(comment);
        }
        phases.bind.push(step);
    }
}

fn indexes(matched: &TableMatch<'_>, phases: &mut Phases) {
    let table = &matched.table.name;
    let (current, wanted) = (&matched.current.indexes, &matched.wanted.indexes);
    let fix = fix(current, wanted, |name| matched.is_ours(name));
    for name in &fix.dropped {
        phases.release.push(
            Step::new(format!("drop index {name}"), table)
                .sql(format!("drop index {}", quote(name))),
        );
    }
    for (before, after) in &fix.renamed {
        phases.release.push(
            Step::new(format!("rename index {before} to {after}"), table).sql(format!(
                "alter index {} rename to {}",
                quote(before),
                quote(after)
            )),
        );
    }
    for name in &fix.added {
        if let Some(index) = wanted.get(name) {
            let step =
                Step::new(format!("add index {name}"), table).hazards(duplicates(matched, index));
            let made = create_index(DIALECT, matched.table, name, index);
            phases.bind.push(made.into_iter().fold(step, Step::sql));
        }
    }
}

fn column_step(matched: &TableMatch<'_>, column: &ColumnMatch<'_>) -> Vec<Step> {
    let table = &matched.table.name;
    let name = &column.column.name;
    let step = |what: &str| {
        Step::new(format!("{what} column {table}.{name}"), table).hazards(column.hazards.clone())
    };
    let alter_column = |what: &str| alter(table, &format!("alter column {} {what}", quote(name)));
    let mut steps = Vec::new();
    match &column.change {
        Change::Add => steps.push(add_column(step("add"), matched.table, column.column)),
        Change::Replace => {
            let before = column.source.as_deref().unwrap_or(name);
            let dropped =
                step("replace").sql(alter(table, &format!("drop column {}", quote(before))));
            steps.push(add_column(dropped, matched.table, column.column));
        }
        Change::AddFolded { column: base, read } => {
            let step = match &column.source {
                Some(before) => {
                    step("fill").sql(alter(table, &format!("drop column {}", quote(before))))
                }
                None => step("add"),
            };
            steps.push(add_folded(step, matched, column.column, base, read));
        }
        Change::Keep if !column.hazards.is_empty() && !column.tighten => {
            steps.push(step("change"));
        }
        Change::Keep => {}
        Change::Convert { conversion, retype } => {
            let kind = sql_type(DIALECT, &column.column.kind);
            let value = conversion.expression.clone().unwrap_or_else(|| quote(name));
            let statement = match &conversion.only {
                Some(only) if !retype => {
                    format!(
                        "update {} set {} = {value} where {only}",
                        quote(table),
                        quote(name)
                    )
                }
                _ => alter_column(&format!("type {kind} using {value}")),
            };
            steps.push(step("change").sql(statement));
        }
    }
    if column.loosen {
        steps.push(
            Step::new(format!("allow null in {table}.{name}"), table)
                .sql(alter_column("drop not null")),
        );
    }
    if column.tighten {
        let mut tightened = Step::new(format!("forbid null in {table}.{name}"), table).hazards(
            match column.change {
                Change::Keep => column.hazards.clone(),
                _ => Vec::new(),
            },
        );
        if let Some(value) = default_literal(DIALECT, column.column) {
            tightened = tightened.sql(format!(
                "update {} set {name} = {value} where {name} is null",
                quote(table),
                name = quote(name)
            ));
        }
        steps.push(tightened.sql(alter_column("set not null")));
    }
    steps
}

fn add_column(step: Step, table: &Table, column: &Column) -> Step {
    let definition = column_definition(DIALECT, table, column);
    let default = default_literal(DIALECT, column);
    let with_default = match &default {
        Some(value) => format!("add column {definition} default {value}"),
        None => format!("add column {definition}"),
    };
    let mut step = step.sql(alter(&table.name, &with_default));
    if default.is_some() {
        let name = quote(&column.name);
        step = step.sql(alter(
            &table.name,
            &format!("alter column {name} drop default"),
        ));
    }
    match comment_check(table, column) {
        Some(comment) => step.sql(comment),
        None => step,
    }
}

fn add_folded(
    step: Step,
    matched: &TableMatch<'_>,
    column: &Column,
    base: &str,
    read: &str,
) -> Step {
    let table = &matched.table.name;
    let open = Column {
        nullable: true,
        ..column.clone()
    };
    let definition = column_definition(DIALECT, matched.table, &open);
    let mut step = step.sql(alter(table, &format!("add column {definition}")));
    step.actions.push(Action::Fold(Fold {
        table: table.clone(),
        column: base.to_owned(),
        companion: column.name.clone(),
        words: (column.part == Part::Words).then(|| column.analysis()),
        read: (matched.source.clone(), read.to_owned()),
    }));
    if column.nullable {
        return step;
    }
    let name = quote(&column.name);
    step.sql(alter(table, &format!("alter column {name} set not null")))
}

fn drop_columns(matched: &TableMatch<'_>, phases: &mut Phases) {
    let table = &matched.table.name;
    for dropped in &matched.dropped {
        let name = quote(&dropped.name);
        let loss = dropped.data.then(|| loss_of_column(matched, dropped));
        phases.alter.push(
            Step::new(format!("drop column {table}.{}", dropped.name), table)
                .hazards(loss)
                .sql(alter(table, &format!("drop column {name}"))),
        );
    }
}

/// A column that goes with its values.
pub(super) fn loss_of_column(
    matched: &TableMatch<'_>,
    dropped: &super::matching::Dropped,
) -> Hazard {
    Hazard::loss(
        format!("the values of `{}` are dropped", dropped.label),
        format!(
            "select count(*) from {{records}}{} where {} is not null",
            quote(&matched.source),
            quote(&dropped.name)
        ),
    )
}

/// Tables that go with their records.
pub(super) fn loss_of_table(table: &Table) -> Hazard {
    Hazard::loss(
        format!("the records of `{}` are dropped", table.resource),
        format!("select count(*) from {{records}}{}", quote(&table.name)),
    )
}

/// All foreign keys of a new table at once.
fn attach_all(table: &Table) -> Option<Step> {
    let added: Vec<String> = table
        .references
        .iter()
        .map(|reference| format!("\n    add {}", reference_definition(reference)))
        .collect();
    (!added.is_empty()).then(|| {
        Step::new(format!("add references of {}", table.name), &table.name).sql(format!(
            "alter table {}{}",
            quote(&table.name),
            added.join(",")
        ))
    })
}

/// In one statement, since they may refer to one another.
fn drop_tables(tables: &[&Table]) -> Option<Step> {
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let quoted: Vec<String> = names.iter().map(|name| quote(name)).collect();
    (!names.is_empty()).then(|| Step {
        title: format!("drop table {}", names.join(", ")),
        tables: names.iter().map(|name| (*name).to_owned()).collect(),
        hazards: tables.iter().map(|table| loss_of_table(table)).collect(),
        actions: vec![Action::Sql(format!("drop table {}", quoted.join(", ")))],
    })
}
