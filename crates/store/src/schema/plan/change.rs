//! What two sets of named things differ in, and the probes that both databases share.

use super::Hazard;
use super::matching::{Change, TableMatch};
use crate::Dialect;
use crate::schema::facts::{IndexFacts, ReferenceFacts};
use crate::schema::names::quote;
use std::collections::{BTreeMap, BTreeSet};

/// How one set of constraints or indexes becomes another.
#[derive(Debug)]
pub(super) struct Fix {
    /// The same under another name: before, after.
    pub(super) renamed: Vec<(String, String)>,
    /// Gone, or to be made anew.
    pub(super) dropped: Vec<String>,
    /// New, by name.
    pub(super) added: Vec<String>,
}

/// `ours` tells whose things may go.
pub(super) fn fix<T: PartialEq>(
    current: &BTreeMap<String, T>,
    wanted: &BTreeMap<String, T>,
    ours: impl Fn(&str) -> bool,
) -> Fix {
    let mut fix = Fix {
        renamed: Vec::new(),
        dropped: Vec::new(),
        added: Vec::new(),
    };
    let mut taken = BTreeSet::new();
    for (name, want) in wanted {
        match current.get(name) {
            Some(present) if present == want => {}
            Some(_) => {
                fix.dropped.push(name.clone());
                fix.added.push(name.clone());
            }
            None => {
                let same = current.iter().find(|(other, present)| {
                    *present == want
                        && !wanted.contains_key(*other)
                        && !taken.contains(other.as_str())
                        && ours(other)
                });
                match same {
                    Some((other, _)) => {
                        taken.insert(other.as_str());
                        fix.renamed.push((other.clone(), name.clone()));
                    }
                    None => fix.added.push(name.clone()),
                }
            }
        }
    }
    for name in current.keys() {
        if !wanted.contains_key(name) && !taken.contains(name.as_str()) && ours(name) {
            fix.dropped.push(name.clone());
        }
    }
    fix
}

/// Records that would break a new unique index, as far as it can be told beforehand: not for
/// values that the change itself computes.
pub(super) fn duplicates(matched: &TableMatch<'_>, index: &IndexFacts) -> Option<Hazard> {
    if index.kind != "unique" {
        return None;
    }
    let mut columns = Vec::new();
    let mut labels = Vec::new();
    for (name, _) in &index.columns {
        let member = matched
            .columns
            .iter()
            .find(|matched| matched.column.name == *name)?;
        if member.column.name != "tenant" {
            labels.push(format!("`{}`", member.column.field));
        }
        match (&member.change, &member.source) {
            (Change::Keep | Change::Convert { .. }, Some(source)) => {
                columns.push((quote(source), member.column.nullable));
            }
            // One value for all records.
            (Change::Add | Change::Replace, _) if !member.column.nullable => {}
            (Change::AddFolded { .. } | Change::Keep | Change::Convert { .. }, _) => return None,
            // Null in all records, unless there is a default.
            (Change::Add | Change::Replace, _) => member
                .column
                .default
                .as_ref()
                .filter(|value| !value.is_null())
                .map(|_| ())?,
        }
    }
    let group: Vec<&str> = columns.iter().map(|(column, _)| column.as_str()).collect();
    let present: Vec<String> = columns
        .iter()
        .filter(|(_, nullable)| *nullable)
        .map(|(column, _)| format!("{column} is not null"))
        .collect();
    let filter = if present.is_empty() {
        String::new()
    } else {
        format!(" where {}", present.join(" and "))
    };
    let group = if group.is_empty() {
        String::new()
    } else {
        format!(" group by {}", group.join(", "))
    };
    Some(Hazard::refused(
        format!(
            "records of `{}` have the same {}, which is to be unique; change them first",
            matched.table.resource,
            labels.join(" and ")
        ),
        format!(
            "select count(*) from (select 1 from {{records}}{}{filter}{group} \
             having count(*) > 1) as same",
            quote(&matched.source)
        ),
    ))
}

/// Records whose new reference would lead nowhere. `target` is the table it leads to, by its name
/// before, if it is there.
pub(super) fn orphans(
    dialect: Dialect,
    matched: &TableMatch<'_>,
    reference: &ReferenceFacts,
    target: Option<&str>,
) -> Option<Hazard> {
    let name = reference.columns.last()?;
    let member = matched
        .columns
        .iter()
        .find(|matched| matched.column.name == *name)?;
    if member.change.is_new() {
        return None;
    }
    let column = quote(member.source.as_deref()?);
    let lost = match target {
        None => format!("r.{column} is not null"),
        Some(target) => {
            let tenant = if reference.columns.len() > 1 {
                "t.\"tenant\" = r.\"tenant\" and "
            } else {
                ""
            };
            // Platform tables stand in home, whatever placement is asked.
            let place = match (dialect, reference.columns.len()) {
                (Dialect::Postgres, 1) => "{shared}",
                _ => "{records}",
            };
            format!(
                "r.{column} is not null and not exists (select 1 from {place}{} as t \
                 where {tenant}t.\"id\" = r.{column})",
                quote(target)
            )
        }
    };
    Some(Hazard::refused(
        format!(
            "records of `{}` refer by `{}` to records that do not exist",
            matched.table.resource, member.column.field
        ),
        format!(
            "select count(*) from {{records}}{} as r where {lost}",
            quote(&matched.source)
        ),
    ))
}
