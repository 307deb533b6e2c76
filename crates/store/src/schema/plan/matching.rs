//! Which table and column of the database each wanted one comes from: its own, the one it was
//! before a rename, or none.

use super::Hazard;
use super::convert::{Conversion, Source, convert};
use crate::Dialect;
use crate::schema::ddl::default_literal;
use crate::schema::facts::{ColumnFacts, Found, TableFacts, sql_type, table_facts};
use crate::schema::layout::{Column, Layout, Part, Table};
use crate::schema::names::quote;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is to be done, table by table.
pub(super) struct Matching<'a> {
    /// Tables that are not there.
    pub(super) created: Vec<&'a Table>,
    /// Tables that are there, changed or not.
    pub(super) kept: Vec<TableMatch<'a>>,
    /// Tables of ours that nothing wants.
    pub(super) dropped: Vec<&'a Table>,
}

/// A wanted table and the one it comes from.
pub(super) struct TableMatch<'a> {
    pub(super) table: &'a Table,
    /// Its name in the database.
    pub(super) source: String,
    pub(super) columns: Vec<ColumnMatch<'a>>,
    /// Columns of ours that nothing wants.
    pub(super) dropped: Vec<Dropped>,
    /// Columns of another hand.
    pub(super) foreign: Vec<String>,
    /// What is there, with the names that columns and tables will have; what goes away with a
    /// dropped column is left out.
    pub(super) current: TableFacts,
    pub(super) wanted: TableFacts,
    /// The search indexes that are there.
    pub(super) searches: Vec<String>,
    /// Names of constraints and indexes that we gave.
    ours: BTreeSet<String>,
    /// What forbids the whole change.
    pub(super) hazards: Vec<Hazard>,
}

/// A column that goes.
pub(super) struct Dropped {
    pub(super) name: String,
    /// `products.price`
    pub(super) label: String,
    /// Whether a person's data goes with it; not for what is computed from another column.
    pub(super) data: bool,
}

/// A wanted column and the one it comes from.
pub(super) struct ColumnMatch<'a> {
    pub(super) column: &'a Column,
    /// `products.price`
    pub(super) label: String,
    /// Its name in the database.
    pub(super) source: Option<String>,
    pub(super) change: Change,
    /// Null becomes allowed.
    pub(super) loosen: bool,
    /// Null becomes forbidden.
    pub(super) tighten: bool,
    pub(super) hazards: Vec<Hazard>,
}

/// What becomes of the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// They stay.
    Keep,
    /// There are none.
    Add,
    /// They are made of this column, named as it will be and as it is; anew where the rule of it
    /// is another than before.
    AddFolded {
        /// Afterwards.
        column: String,
        /// In the database.
        read: String,
    },
    /// They are rewritten; `retype` when the database type differs.
    Convert {
        conversion: Conversion,
        retype: bool,
    },
    /// They cannot follow: the column is made anew.
    Replace,
}

impl Change {
    /// Whether the column is not there before.
    pub(super) fn is_new(&self) -> bool {
        matches!(self, Self::Add | Self::AddFolded { .. } | Self::Replace)
    }
}

impl TableMatch<'_> {
    /// Whether a constraint or index of that name is ours to change.
    pub(super) fn is_ours(&self, name: &str) -> bool {
        let of = |table: &str| {
            name.strip_prefix(table)
                .is_some_and(|rest| rest.starts_with("__"))
        };
        self.ours.contains(name) || of(&self.source) || of(&self.table.name)
    }

    /// Whether the table has another name than before.
    pub(super) fn renamed(&self) -> bool {
        self.source != self.table.name
    }

    /// The columns that have another name than before, as (before, after).
    pub(super) fn renames(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().filter_map(|matched| {
            let source = matched.source.as_deref()?;
            (source != matched.column.name && !matched.change.is_new())
                .then_some((source, matched.column.name.as_str()))
        })
    }
}

pub(super) fn matching<'a>(
    dialect: Dialect,
    found: &Found,
    old: Option<&'a Layout>,
    new: &'a Layout,
) -> Matching<'a> {
    let sources: BTreeMap<&str, String> = new
        .tables
        .iter()
        .filter_map(|table| Some((table.name.as_str(), source(table, found, old, new)?)))
        .collect();
    let renames: BTreeMap<&str, &str> = sources
        .iter()
        .map(|(name, source)| (source.as_str(), *name))
        .collect();
    let created = new
        .tables
        .iter()
        .filter(|table| !sources.contains_key(table.name.as_str()));
    let kept = new.tables.iter().filter_map(|table| {
        let source = sources.get(table.name.as_str())?;
        let facts = found.get(source)?;
        let old = old.and_then(|old| old.table(source));
        Some(table_match(dialect, table, source, facts, old, &renames))
    });
    let dropped = old.into_iter().flat_map(|old| &old.tables).filter(|table| {
        found.contains_key(&table.name) && !renames.contains_key(table.name.as_str())
    });
    Matching {
        created: created.collect(),
        kept: kept.collect(),
        dropped: dropped.collect(),
    }
}

fn source(table: &Table, found: &Found, old: Option<&Layout>, new: &Layout) -> Option<String> {
    if found.contains_key(&table.name) {
        return Some(table.name.clone());
    }
    // A resource may change its table without a rename only by a new way of naming tables.
    let before = old.and_then(|old| {
        old.of_resource(&table.resource)
            .or_else(|| old.of_resource(table.was.as_deref()?))
    })?;
    (found.contains_key(&before.name) && new.table(&before.name).is_none())
        .then(|| before.name.clone())
}

fn table_match<'a>(
    dialect: Dialect,
    table: &'a Table,
    source: &str,
    facts: &TableFacts,
    old: Option<&'a Table>,
    renames: &BTreeMap<&str, &str>,
) -> TableMatch<'a> {
    let mut columns: Vec<ColumnMatch<'a>> = Vec::new();
    for column in &table.columns {
        let place = Place {
            dialect,
            table,
            source,
            old,
        };
        let base = columns
            .iter()
            .find(|base| base.column.field == column.field && base.column.part == Part::Value);
        columns.push(column_match(&place, column, base, facts));
    }
    let taken: BTreeSet<&str> = columns
        .iter()
        .filter_map(|matched| matched.source.as_deref())
        .collect();
    let mut dropped = Vec::new();
    let mut foreign = Vec::new();
    for name in facts
        .columns
        .keys()
        .filter(|name| !taken.contains(name.as_str()))
    {
        match old.and_then(|old| old.column(name)) {
            Some(column) => dropped.push(Dropped {
                name: name.clone(),
                label: format!("{}.{}", table.resource, column.field),
                data: !column.part.is_derived(),
            }),
            None => foreign.push(name.clone()),
        }
    }
    let mut hazards = Vec::new();
    if facts.columns.contains_key("tenant") != table.tenant {
        hazards.push(Hazard::impossible(format!(
            "`{}` cannot move between tenants and the platform; declare a new resource and copy \
             its records",
            table.resource
        )));
    }
    let ours = old.map(|old| table_facts(dialect, old)).unwrap_or_default();
    let mut names: BTreeSet<String> = ours.indexes.into_keys().collect();
    names.extend(ours.checks.into_keys().chain(ours.references.into_keys()));
    let current = current(facts, &columns, &dropped, renames);
    TableMatch {
        table,
        source: source.to_owned(),
        columns,
        dropped,
        foreign,
        current,
        wanted: table_facts(dialect, table),
        searches: facts
            .indexes
            .iter()
            .filter(|(_, index)| index.extra.starts_with(crate::schema::search::USING))
            .map(|(name, _)| name.clone())
            .collect(),
        ours: names,
        hazards,
    }
}

/// Where a column is looked for.
struct Place<'a, 'b> {
    dialect: Dialect,
    table: &'a Table,
    /// The table's name in the database.
    source: &'b str,
    old: Option<&'a Table>,
}

fn column_match<'a>(
    place: &Place<'a, '_>,
    column: &'a Column,
    base: Option<&ColumnMatch<'a>>,
    facts: &TableFacts,
) -> ColumnMatch<'a> {
    let label = format!("{}.{}", place.table.resource, column.field);
    let source = column_source(place, column, facts);
    let mut matched = ColumnMatch {
        column,
        label: label.clone(),
        source: None,
        change: Change::Add,
        loosen: false,
        tighten: false,
        hazards: Vec::new(),
    };
    let (Some(name), Some(present)) = (
        source.clone(),
        source.as_ref().and_then(|name| facts.columns.get(name)),
    ) else {
        added(place, base, &mut matched);
        return matched;
    };
    let at = Source {
        dialect: place.dialect,
        table: place.source,
        column: &name,
        label: &label,
    };
    // The name a column has when its values are rewritten: PostgreSQL renames first.
    let then = match place.dialect {
        Dialect::Sqlite => quote(&name),
        Dialect::Postgres => quote(&column.name),
    };
    let known = place.old.and_then(|old| old.column(&name));
    let wanted = sql_type(place.dialect, &column.kind);
    let base_is_new = base.is_some_and(|base| base.change == Change::Replace);
    match known.map(|known| convert(&at, &known.kind, column, &then)) {
        _ if column.part.is_derived() && base_is_new => matched.change = Change::Replace,
        _ if known.is_some_and(|known| known.rule != column.rule) => {
            added(place, base, &mut matched);
        }
        Some(_) if is_foreign(place, present, known) => {
            matched.change = Change::Keep;
            matched.hazards.push(other_hand(&at, present, wanted));
        }
        Some(Some(conversion)) => {
            let retype = present.sql_type != wanted;
            matched.hazards.extend(conversion.hazards.iter().cloned());
            matched.change = if retype || conversion.expression.is_some() {
                Change::Convert { conversion, retype }
            } else {
                Change::Keep
            };
        }
        Some(None) => matched.change = Change::Replace,
        None if present.sql_type == wanted => matched.change = Change::Keep,
        None => {
            matched.change = Change::Keep;
            matched.hazards.push(other_hand(&at, present, wanted));
        }
    }
    if matched.change == Change::Replace {
        let before = known.map_or_else(String::new, |known| known.kind.word());
        if !column.part.is_derived() {
            matched.hazards.push(Hazard::loss(
                format!(
                    "`{label}` cannot become {} from {before}: its values are dropped",
                    column.kind.word()
                ),
                at.count(&format!("{} is not null", quote(&name))),
            ));
        }
        needs_default(place, column, &label, &mut matched.hazards);
    } else {
        matched.loosen = !present.nullable && column.nullable;
        matched.tighten = present.nullable && !column.nullable;
        if matched.tighten && default_literal(place.dialect, column).is_none() {
            matched.hazards.push(Hazard::refused(
                format!(
                    "`{label}` becomes required, but records lack it; give it a default, or fill \
                     it first"
                ),
                at.count(&format!("{} is null", quote(&name))),
            ));
        }
    }
    matched.source = Some(name);
    matched
}

fn column_source(place: &Place<'_, '_>, column: &Column, facts: &TableFacts) -> Option<String> {
    if facts.columns.contains_key(&column.name) {
        return Some(column.name.clone());
    }
    let old = place.old?;
    let of_field = |field: &str| {
        old.columns
            .iter()
            .find(|before| before.field == field && before.part == column.part)
    };
    let before = of_field(&column.field).or_else(|| of_field(column.was.as_deref()?))?;
    let free = place.table.column(&before.name).is_none();
    (facts.columns.contains_key(&before.name) && free).then(|| before.name.clone())
}

fn added<'a>(place: &Place<'a, '_>, base: Option<&ColumnMatch<'a>>, matched: &mut ColumnMatch<'a>) {
    let column = matched.column;
    if column.part.is_derived() {
        if let Some(base) = base.filter(|base| !base.change.is_new()) {
            matched.change = Change::AddFolded {
                column: base.column.name.clone(),
                read: base.source.clone().unwrap_or_default(),
            };
        }
        return;
    }
    needs_default(place, column, &matched.label, &mut matched.hazards);
}

fn needs_default(place: &Place<'_, '_>, column: &Column, label: &str, hazards: &mut Vec<Hazard>) {
    let has_default = default_literal(place.dialect, column).is_some();
    if column.nullable || has_default || column.part.is_derived() {
        return;
    }
    hazards.push(Hazard::refused(
        format!(
            "`{label}` is required and without default, but there are records without it; give \
             it a default or make it optional"
        ),
        format!("select count(*) from {{records}}{}", quote(place.source)),
    ));
}

/// Whether the type in the database is not the one we gave.
fn is_foreign(place: &Place<'_, '_>, present: &ColumnFacts, known: Option<&Column>) -> bool {
    known.is_some_and(|known| present.sql_type != sql_type(place.dialect, &known.kind))
}

fn other_hand(source: &Source<'_>, present: &ColumnFacts, wanted: &str) -> Hazard {
    Hazard::impossible(format!(
        "column `{}` of `{}` has the type `{}` by another hand; the definition wants `{wanted}`",
        source.column, source.table, present.sql_type
    ))
}

/// The facts by the names that will hold, without what goes with a dropped or replaced column.
fn current(
    facts: &TableFacts,
    columns: &[ColumnMatch<'_>],
    dropped: &[Dropped],
    tables: &BTreeMap<&str, &str>,
) -> TableFacts {
    let after: BTreeMap<&str, &str> = columns
        .iter()
        .filter_map(|matched| Some((matched.source.as_deref()?, matched.column.name.as_str())))
        .collect();
    let gone: BTreeSet<&str> = dropped
        .iter()
        .map(|column| column.name.as_str())
        .chain(columns.iter().filter_map(|matched| {
            matched
                .change
                .is_new()
                .then_some(matched.source.as_deref())
                .flatten()
        }))
        .collect();
    let name = |column: &String| {
        let after = after.get(column.as_str());
        after.map_or_else(|| column.clone(), |after| (*after).to_owned())
    };
    let stays = |column: &String| !gone.contains(column.as_str());
    let mut current = TableFacts::default();
    for (column, facts) in &facts.columns {
        current.columns.insert(name(column), facts.clone());
    }
    for (check, facts) in &facts.checks {
        if stays(&facts.column) {
            let mut facts = facts.clone();
            facts.column = name(&facts.column);
            current.checks.insert(check.clone(), facts);
        }
    }
    for (reference, facts) in &facts.references {
        if facts.columns.iter().all(stays) {
            let mut facts = facts.clone();
            facts.columns = facts.columns.iter().map(name).collect();
            if let Some(table) = tables.get(facts.target.as_str()) {
                facts.target = (*table).to_owned();
            }
            current.references.insert(reference.clone(), facts);
        }
    }
    for (index, facts) in &facts.indexes {
        let mut columns = facts.columns.iter().map(|(column, _)| column.clone());
        let mut others = crate::schema::search::members_of(&facts.extra).into_iter();
        if columns.all(|column| stays(&column)) && others.all(|column| stays(&column)) {
            let mut facts = facts.clone();
            for (column, _) in &mut facts.columns {
                *column = name(column);
            }
            current.indexes.insert(index.clone(), facts);
        }
    }
    current
}
