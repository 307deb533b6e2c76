//! A statement in the making: its text and its values, rows as arrays, and the journal rows that
//! every change writes. What is changed and how is told by `apply`.

use super::apply::Frame;
use super::bind::Bind;
use super::columns::Column;
use super::flight::Message;
use crate::schema::quote;
use crate::{JournalEntry, Record, Wall, summary};
use carnet_kernel::Id;
use carnet_model::{Journal, Resource};
use std::fmt::{self, Write as _};

/// A statement in the making.
pub(super) struct Text<'a> {
    frame: Frame<'a>,
    sql: String,
    binds: Vec<Bind<'a>>,
    tenant: Option<String>,
}

const JOURNAL: &str = "carnet_journal_records";
const JOURNAL_COLUMNS: &str = "\"tenant\", \"resource\", \"record\", \"version\", \"kind\", \
     \"principal_kind\", \"principal_id\", \"correlation\", \"causation\", \"at\", \
     \"schema_version\", \"body\"";

impl<'a> Text<'a> {
    pub(super) fn new(frame: Frame<'a>) -> Self {
        Self {
            frame,
            sql: String::with_capacity(1_024),
            binds: Vec::with_capacity(32),
            tenant: None,
        }
    }

    pub(super) fn finish(self) -> Message<'a> {
        Message::new(self.sql, self.binds)
    }

    pub(super) fn add(&mut self, text: fmt::Arguments<'_>) {
        // A string takes whatever is written to it.
        self.sql.write_fmt(text).unwrap_or_default();
    }

    /// Binds a value and answers its placeholder, cast so that no type is guessed.
    pub(super) fn bind(&mut self, kind: &str, bind: Bind<'a>) -> String {
        self.binds.push(bind);
        format!("${}::{kind}", self.binds.len())
    }

    pub(super) fn array(&mut self, kind: &str, members: impl Iterator<Item = Bind<'a>>) -> String {
        self.bind(&format!("{kind}[]"), Bind::Array(members.collect()))
    }

    pub(super) fn tenant(&mut self) -> String {
        if let Some(known) = &self.tenant {
            return known.clone();
        }
        let placeholder = self.bind("bigint", Bind::tenant(self.frame.tenant));
        self.tenant = Some(placeholder.clone());
        placeholder
    }

    /// `t."tenant" = $1 and `, or nothing for a resource without tenants.
    pub(super) fn tenant_condition(&mut self, resource: &Resource) -> String {
        if !resource.is_tenant() {
            return String::new();
        }
        let tenant = self.tenant();
        format!("t.\"tenant\" = {tenant} and ")
    }

    pub(super) fn version_condition(
        &mut self,
        resource: &Resource,
        id: Id,
        version: i64,
    ) -> String {
        let tenant = self.tenant_condition(resource);
        let id = self.bind("uuid", Bind::Id(Some(id)));
        let version = self.bind("bigint", Bind::Integer(version));
        format!("{tenant}t.\"id\" = {id} and t.\"version\" = {version}")
    }

    /// The relation that stands for a table: behind the view wall its view.
    pub(super) fn table(&self, name: &str) -> String {
        let namespace = &self.frame.placement.namespace;
        let schema = match self.frame.wall {
            Wall::View => quote(&namespace.find()),
            Wall::Rls | Wall::None => quote(namespace.as_str()),
        };
        format!("{schema}.{}", quote(name))
    }

    pub(super) fn raise(&self, detail: &str) -> String {
        format!(
            "{}.carnet_raise('LOST', '{detail}')",
            quote(self.frame.platform_schema)
        )
    }

    /// The values that a journal row has from the write, around those of its record.
    fn journal_values(
        &mut self,
        resource: &'a Resource,
        entry: &'a JournalEntry,
        [id, version, body]: [String; 3],
    ) -> String {
        let stamp = self.frame.stamp;
        let tenant = self.tenant();
        let name = self.bind("text", Bind::Text(&resource.name));
        let kind = self.bind("text", Bind::Text(entry.kind.as_str()));
        let who = stamp.principal.as_ref();
        let who_kind = self.bind("text", Bind::text(who.map(|who| who.kind.as_str())));
        let who_id = self.bind("uuid", Bind::Id(who.and_then(|who| who.id)));
        let correlation = self.bind("uuid", Bind::Id(Some(stamp.correlation)));
        let causation = self.bind("uuid", Bind::Id(stamp.causation));
        let at = self.bind("timestamptz", Bind::At(stamp.now));
        let schema = self.bind("bigint", Bind::Integer(self.frame.schema_version));
        format!(
            "{tenant}, {name}, {id}, {version}, {kind}, {who_kind}, {who_id}, {correlation}, \
             {causation}, {at}, {schema}, {body}"
        )
    }

    pub(super) fn journal_insert(
        &mut self,
        resource: &'a Resource,
        id: Option<Id>,
        entry: &'a JournalEntry,
    ) {
        let own = [
            self.bind("uuid", Bind::Id(id)),
            self.bind("bigint", Bind::Integer(entry.version)),
            self.bind("text", Bind::Text(&entry.body)),
        ];
        let values = self.journal_values(resource, entry, own);
        let table = self.table(JOURNAL);
        self.add(format_args!(
            "insert into {table} ({JOURNAL_COLUMNS}) select {values} from r"
        ));
    }

    /// The journal row of `r`, which may be no row: then it raises, or does nothing when `quiet`.
    pub(super) fn journal_row(
        &mut self,
        resource: &'a Resource,
        id: Id,
        entry: &'a JournalEntry,
        quiet: bool,
    ) {
        self.sql.push_str(if quiet { " " } else { ", j as (" });
        self.journal_insert(resource, Some(id), entry);
        if !quiet {
            let raise = self.raise("row");
            self.add(format_args!(
                " returning 1) select case when (select count(*) from j) <> 1 then {raise} end"
            ));
        }
    }

    /// The journal rows of `v` in its order, or the one that sums them up, when `r` has as many rows
    /// as `ids`; else it raises.
    pub(super) fn journal_set(
        &mut self,
        resource: &'a Resource,
        first: Option<&'a JournalEntry>,
        version: String,
        ids: &[Id],
    ) {
        let Some(first) = first else { return };
        let expected = ids.len();
        if resource.journal == Journal::Summary {
            let own = [
                self.bind("uuid", Bind::Id(ids.first().copied())),
                self.bind("bigint", Bind::Integer(first.version)),
                self.bind("text", Bind::Owned(summary(resource, ids.iter().copied()))),
            ];
            let values = self.journal_values(resource, first, own);
            let table = self.table(JOURNAL);
            let expected = self.bind("bigint", Bind::Integer(expected as i64));
            let raise = self.raise("rows");
            self.add(format_args!(
                "j as (insert into {table} ({JOURNAL_COLUMNS}) select {values} \
                 where (select count(*) from r) = {expected} returning 1) \
                 select case when (select count(*) from j) <> 1 then {raise} end"
            ));
            return;
        }
        let own = ["v.id".to_owned(), version, "v.journal_body".to_owned()];
        let values = self.journal_values(resource, first, own);
        let table = self.table(JOURNAL);
        let expected = self.bind("bigint", Bind::Integer(expected as i64));
        let raise = self.raise("rows");
        self.add(format_args!(
            "j as (insert into {table} ({JOURNAL_COLUMNS}) select {values} from v \
             where (select count(*) from r) = {expected} order by v.place returning 1) \
             select case when (select count(*) from j) <> {expected} then {raise} end"
        ));
    }
}

/// Rows as arrays of equal length, one for each column, with their place.
#[derive(Default)]
pub(super) struct Set {
    arrays: Vec<String>,
    names: Vec<String>,
}

impl Set {
    pub(super) fn add<'a>(
        &mut self,
        text: &mut Text<'a>,
        name: &str,
        kind: &str,
        cells: impl Iterator<Item = Bind<'a>>,
    ) {
        self.arrays.push(text.array(kind, cells));
        self.names.push(name.to_owned());
    }

    /// Adds what the journal rows have of their own; what stands for the version of each.
    pub(super) fn journal<'a>(
        &mut self,
        text: &mut Text<'a>,
        resource: &Resource,
        entries: impl Iterator<Item = &'a JournalEntry> + Clone,
    ) -> String {
        if resource.journal == Journal::Summary {
            return String::new();
        }
        let mut versions = entries.clone().map(|entry| entry.version);
        let first = versions.next();
        let version = match first.filter(|first| versions.all(|version| version == *first)) {
            Some(version) => text.bind("bigint", Bind::Integer(version)),
            None => {
                let versions = entries.clone().map(|entry| Bind::Integer(entry.version));
                self.add(text, "journal_version", "bigint", versions);
                "v.journal_version".to_owned()
            }
        };
        let bodies = entries.map(|entry| Bind::Text(&entry.body));
        self.add(text, "journal_body", "text", bodies);
        version
    }

    /// Adds a column of each of `columns`; what stands for them. What the platform sets alike in all
    /// rows is bound once, and the id is there already.
    pub(super) fn cells<'a>(
        &mut self,
        text: &mut Text<'a>,
        columns: &[Column<'a>],
        records: impl Iterator<Item = &'a Record> + Clone,
    ) -> Vec<String> {
        let mut names = Vec::with_capacity(columns.len());
        for (place, column) in columns.iter().enumerate() {
            if column.is_id() {
                names.push("v.id".to_owned());
                continue;
            }
            let mut cells = records.clone().map(|record| column.bind(record));
            if column.is_stamped()
                && column.is_uniform(records.clone())
                && let Some(cell) = cells.next()
            {
                names.push(text.bind(column.kind(), cell));
                continue;
            }
            let name = format!("c{place}");
            self.add(text, &name, column.kind(), cells);
            names.push(format!("v.{name}"));
        }
        names
    }

    pub(super) fn finish(self) -> String {
        format!(
            "v as (select * from unnest({}) with ordinality as v({}, place))",
            self.arrays.join(", "),
            self.names.join(", ")
        )
    }
}
