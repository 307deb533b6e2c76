//! Changes to SQL: one data-modifying statement for each step, which writes the rows and their
//! journal rows and raises when it changed another number of rows than it should. Pure: the
//! statements are sent by `write`.

use super::bind::Bind;
use super::columns::{Column, columns};
use super::flight::Message;
use crate::schema::quote;
use crate::{
    Changes, DeleteRow, Guard, InsertRow, JournalEntry, Placement, Stamp, Step, UpdateRow, Wall,
};
use carnet_kernel::{Id, TenantKey};
use carnet_model::{FieldIndex, ModelView, Resource, ResourceIndex};
use std::fmt::{self, Write as _};

/// What all statements of one write have in common.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) view: &'a ModelView,
    pub(super) placement: &'a Placement,
    pub(super) platform_schema: &'a str,
    pub(super) wall: Wall,
    pub(super) tenant: TenantKey,
    pub(super) stamp: &'a Stamp,
    pub(super) schema_version: i64,
}

/// How a step is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// All rows in one statement.
    Set,
    /// The same, but a step of one row says that it lost its race by changing no row. For a write
    /// of nothing but this step.
    Quiet,
    /// A statement for each row, so that a failure names its row.
    RowByRow,
}

/// A statement of a step, and which of its rows it is for, if for one alone.
pub(super) struct Part<'a> {
    pub(super) message: Message<'a>,
    pub(super) row: usize,
}

/// The resource of a step.
pub(super) fn resource_of(step: &Step) -> ResourceIndex {
    match step {
        Step::Insert { resource, .. }
        | Step::Update { resource, .. }
        | Step::Delete { resource, .. } => *resource,
    }
}

/// How many rows a step changes.
pub(super) fn size(step: &Step) -> usize {
    match step {
        Step::Insert { rows, .. } => rows.len(),
        Step::Update { rows, .. } => rows.len(),
        Step::Delete { rows, .. } => rows.len(),
    }
}

/// The statement that raises unless every guarded row still has its version.
pub(super) fn guards<'a>(frame: Frame<'a>, changes: &'a Changes) -> Option<Message<'a>> {
    if changes.guards.is_empty() {
        return None;
    }
    let mut resources: Vec<ResourceIndex> =
        changes.guards.iter().map(|guard| guard.resource).collect();
    resources.sort_unstable();
    resources.dedup();
    let mut text = Text::new(frame);
    let mut counts = Vec::with_capacity(resources.len());
    for index in resources {
        let resource = frame.view.resource(index);
        let of_it = || {
            changes
                .guards
                .iter()
                .filter(|guard| guard.resource == index)
        };
        let ids = text.array(
            "uuid",
            of_it().map(|guard: &Guard| Bind::Id(Some(guard.id))),
        );
        let versions = text.array("bigint", of_it().map(|guard| Bind::Integer(guard.version)));
        let tenant = text.tenant_condition(resource);
        counts.push(format!(
            "(select count(*) from unnest({ids}, {versions}) as g(id, version) \
             join {} as t on {tenant}t.\"id\" = g.id and t.\"version\" = g.version)",
            text.table(&resource.table)
        ));
    }
    let expected = text.bind("bigint", Bind::Integer(changes.guards.len() as i64));
    let counted = counts.join(" + ");
    let raise = text.raise("guard");
    text.sql = format!("select case when {counted} <> {expected} then {raise} end");
    Some(text.finish())
}

/// The statements of a step.
pub(super) fn step<'a>(frame: Frame<'a>, step: &'a Step, form: Form) -> Vec<Part<'a>> {
    let resource = frame.view.resource(resource_of(step));
    let whole = |message| vec![Part { message, row: 0 }];
    let is_set = form != Form::RowByRow && size(step) > 1;
    let quiet = form == Form::Quiet;
    match step {
        Step::Insert { rows, .. } if is_set => whole(insert_set(frame, resource, rows)),
        Step::Update { rows, .. } if is_set => whole(update_set(frame, resource, rows)),
        Step::Delete { rows, .. } if is_set => whole(delete_set(frame, resource, rows)),
        Step::Insert { rows, .. } => {
            let order = referenced_first(resource, rows);
            let part = |row: usize| Part {
                message: insert(frame, resource, &rows[row]),
                row,
            };
            order.into_iter().map(part).collect()
        }
        Step::Update { rows, .. } => one_by_one(rows, |row| update(frame, resource, row, quiet)),
        Step::Delete { rows, .. } => one_by_one(rows, |row| delete(frame, resource, row, quiet)),
    }
}

fn one_by_one<'a, R>(rows: &'a [R], message: impl Fn(&'a R) -> Message<'a>) -> Vec<Part<'a>> {
    rows.iter()
        .enumerate()
        .map(|(row, one)| Part {
            message: message(one),
            row,
        })
        .collect()
}

/// The rows in an order in which none refers to a later one: a set may hold such references, since
/// they are checked when its statement is done.
fn referenced_first(resource: &Resource, rows: &[InsertRow]) -> Vec<usize> {
    let own: Vec<FieldIndex> = resource
        .each_field()
        .filter(|(_, field)| {
            matches!(field.kind, carnet_model::FieldType::Ref { to, .. } if to == resource.index)
        })
        .map(|(index, _)| index)
        .collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    if own.is_empty() {
        return order;
    }
    let id = |row: usize| rows[row].record.id(resource);
    let mut waiting: std::collections::HashSet<Option<Id>> =
        order.iter().map(|row| id(*row)).collect();
    let mut sorted = Vec::with_capacity(order.len());
    loop {
        let before = sorted.len();
        order.retain(|row| {
            let refers = own.iter().any(|field| {
                let target = rows[*row].record.get(*field).as_id();
                target.is_some() && target != id(*row) && waiting.contains(&target)
            });
            if !refers {
                waiting.remove(&id(*row));
                sorted.push(*row);
            }
            refers
        });
        if order.is_empty() || sorted.len() == before {
            sorted.append(&mut order);
            return sorted;
        }
    }
}

fn insert<'a>(frame: Frame<'a>, resource: &'a Resource, row: &'a InsertRow) -> Message<'a> {
    let mut text = Text::new(frame);
    let all = columns(resource, resource.each_field().map(|(index, _)| index));
    let (mut names, mut values) = (Vec::new(), Vec::new());
    if resource.is_tenant() {
        names.push(quote("tenant"));
        values.push(text.tenant());
    }
    for column in &all {
        names.push(quote(&column.name()));
        values.push(text.bind(column.kind(), column.bind(&row.record)));
    }
    text.add(format_args!(
        "with r as (insert into {} ({}) values ({}) returning 1) ",
        text.table(&resource.table),
        names.join(", "),
        values.join(", ")
    ));
    let id = row.record.id(resource);
    text.journal_insert(resource, id, &row.journal);
    text.finish()
}

fn insert_set<'a>(frame: Frame<'a>, resource: &'a Resource, rows: &'a [InsertRow]) -> Message<'a> {
    let mut text = Text::new(frame);
    let all = columns(resource, resource.each_field().map(|(index, _)| index));
    let (mut names, mut values) = (Vec::new(), Vec::new());
    if resource.is_tenant() {
        names.push(quote("tenant"));
        values.push(text.tenant());
    }
    let mut set = Set::default();
    set.add(
        &mut text,
        "id",
        "uuid",
        rows.iter().map(|row| Bind::Id(row.record.id(resource))),
    );
    set.journal(&mut text, rows.iter().map(|row| &row.journal));
    for (place, column) in all.iter().enumerate() {
        names.push(quote(&column.name()));
        let name = format!("c{place}");
        values.push(format!("v.{name}"));
        let cells = rows.iter().map(|row| column.bind(&row.record));
        set.add(&mut text, &name, column.kind(), cells);
    }
    text.add(format_args!(
        "with {}, r as (insert into {} ({}) select {} from v order by v.place \
         returning \"id\" as id), ",
        set.finish(),
        text.table(&resource.table),
        names.join(", "),
        values.join(", ")
    ));
    text.journal_set(resource, rows.first().map(|row| &row.journal), rows.len());
    text.finish()
}

/// The fields that at least one of the rows changes.
fn changed<'a>(rows: impl Iterator<Item = &'a UpdateRow>) -> Vec<FieldIndex> {
    let mut fields: Vec<FieldIndex> = rows.flat_map(|row| row.changed.iter().copied()).collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

fn update<'a>(
    frame: Frame<'a>,
    resource: &'a Resource,
    row: &'a UpdateRow,
    quiet: bool,
) -> Message<'a> {
    let mut text = Text::new(frame);
    let fields = changed(std::iter::once(row));
    let mut sets = Vec::new();
    for column in columns(resource, fields.into_iter()) {
        let value = text.bind(column.kind(), column.bind(&row.record));
        sets.push(format!("{} = {value}", quote(&column.name())));
    }
    let condition = text.version_condition(resource, row.id, row.version);
    text.add(format_args!(
        "with r as (update {} as t set {} where {condition} returning 1)",
        text.table(&resource.table),
        sets.join(", ")
    ));
    text.journal_row(resource, row.id, &row.journal, quiet);
    text.finish()
}

fn update_set<'a>(frame: Frame<'a>, resource: &'a Resource, rows: &'a [UpdateRow]) -> Message<'a> {
    let mut text = Text::new(frame);
    let mut set = Set::default();
    set.add(
        &mut text,
        "id",
        "uuid",
        rows.iter().map(|row| Bind::Id(Some(row.id))),
    );
    set.add(
        &mut text,
        "version",
        "bigint",
        rows.iter().map(|row| Bind::Integer(row.version)),
    );
    set.journal(&mut text, rows.iter().map(|row| &row.journal));
    let mut sets = Vec::new();
    // A row's record holds all its values, so a field that only other rows change stays as it is.
    let fields = changed(rows.iter());
    let all: Vec<Column<'a>> = columns(resource, fields.into_iter());
    for (place, column) in all.iter().enumerate() {
        let name = format!("c{place}");
        sets.push(format!("{} = v.{name}", quote(&column.name())));
        let cells = rows.iter().map(|row| column.bind(&row.record));
        set.add(&mut text, &name, column.kind(), cells);
    }
    let tenant = text.tenant_condition(resource);
    text.add(format_args!(
        "with {}, r as (update {} as t set {} from v where {tenant}t.\"id\" = v.id \
         and t.\"version\" = v.version returning t.\"id\" as id), ",
        set.finish(),
        text.table(&resource.table),
        sets.join(", ")
    ));
    text.journal_set(resource, rows.first().map(|row| &row.journal), rows.len());
    text.finish()
}

fn delete<'a>(
    frame: Frame<'a>,
    resource: &'a Resource,
    row: &'a DeleteRow,
    quiet: bool,
) -> Message<'a> {
    let mut text = Text::new(frame);
    let condition = text.version_condition(resource, row.id, row.version);
    text.add(format_args!(
        "with r as (delete from {} as t where {condition} returning 1)",
        text.table(&resource.table),
    ));
    text.journal_row(resource, row.id, &row.journal, quiet);
    text.finish()
}

fn delete_set<'a>(frame: Frame<'a>, resource: &'a Resource, rows: &'a [DeleteRow]) -> Message<'a> {
    let mut text = Text::new(frame);
    let mut set = Set::default();
    set.add(
        &mut text,
        "id",
        "uuid",
        rows.iter().map(|row| Bind::Id(Some(row.id))),
    );
    set.add(
        &mut text,
        "version",
        "bigint",
        rows.iter().map(|row| Bind::Integer(row.version)),
    );
    set.journal(&mut text, rows.iter().map(|row| &row.journal));
    let tenant = text.tenant_condition(resource);
    text.add(format_args!(
        "with {}, r as (delete from {} as t using v where {tenant}t.\"id\" = v.id \
         and t.\"version\" = v.version returning t.\"id\" as id), ",
        set.finish(),
        text.table(&resource.table),
    ));
    text.journal_set(resource, rows.first().map(|row| &row.journal), rows.len());
    text.finish()
}

/// Rows as arrays of equal length, one for each column, with their place.
#[derive(Default)]
struct Set {
    arrays: Vec<String>,
    names: Vec<String>,
}

impl Set {
    fn add<'a>(
        &mut self,
        text: &mut Text<'a>,
        name: &str,
        kind: &str,
        cells: impl Iterator<Item = Bind<'a>>,
    ) {
        self.arrays.push(text.array(kind, cells));
        self.names.push(name.to_owned());
    }

    fn journal<'a>(
        &mut self,
        text: &mut Text<'a>,
        entries: impl Iterator<Item = &'a JournalEntry> + Clone,
    ) {
        let versions = entries.clone().map(|entry| Bind::Integer(entry.version));
        self.add(text, "journal_version", "bigint", versions);
        let bodies = entries.map(|entry| Bind::Text(&entry.body));
        self.add(text, "journal_body", "text", bodies);
    }

    fn finish(self) -> String {
        format!(
            "v as (select * from unnest({}) with ordinality as v({}, place))",
            self.arrays.join(", "),
            self.names.join(", ")
        )
    }
}

/// A statement in the making.
struct Text<'a> {
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
    fn new(frame: Frame<'a>) -> Self {
        Self {
            frame,
            sql: String::with_capacity(1_024),
            binds: Vec::with_capacity(32),
            tenant: None,
        }
    }

    fn finish(self) -> Message<'a> {
        Message::new(self.sql, self.binds)
    }

    fn add(&mut self, text: fmt::Arguments<'_>) {
        // A string takes whatever is written to it.
        self.sql.write_fmt(text).unwrap_or_default();
    }

    /// Binds a value and answers its placeholder, cast so that no type is guessed.
    fn bind(&mut self, kind: &str, bind: Bind<'a>) -> String {
        self.binds.push(bind);
        format!("${}::{kind}", self.binds.len())
    }

    fn array(&mut self, kind: &str, members: impl Iterator<Item = Bind<'a>>) -> String {
        self.bind(&format!("{kind}[]"), Bind::Array(members.collect()))
    }

    fn tenant(&mut self) -> String {
        if let Some(known) = &self.tenant {
            return known.clone();
        }
        let placeholder = self.bind("bigint", Bind::tenant(self.frame.tenant));
        self.tenant = Some(placeholder.clone());
        placeholder
    }

    /// `t."tenant" = $1 and `, or nothing for a resource without tenants.
    fn tenant_condition(&mut self, resource: &Resource) -> String {
        if !resource.is_tenant() {
            return String::new();
        }
        let tenant = self.tenant();
        format!("t.\"tenant\" = {tenant} and ")
    }

    fn version_condition(&mut self, resource: &Resource, id: Id, version: i64) -> String {
        let tenant = self.tenant_condition(resource);
        let id = self.bind("uuid", Bind::Id(Some(id)));
        let version = self.bind("bigint", Bind::Integer(version));
        format!("{tenant}t.\"id\" = {id} and t.\"version\" = {version}")
    }

    /// The relation that stands for a table: behind the view wall its view.
    fn table(&self, name: &str) -> String {
        let namespace = &self.frame.placement.namespace;
        let schema = match self.frame.wall {
            Wall::View => quote(&namespace.find()),
            Wall::Rls | Wall::None => quote(namespace.as_str()),
        };
        format!("{schema}.{}", quote(name))
    }

    fn raise(&self, detail: &str) -> String {
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

    fn journal_insert(&mut self, resource: &'a Resource, id: Option<Id>, entry: &'a JournalEntry) {
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
    fn journal_row(
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

    /// The journal rows of `r` in the order of `v`; raises unless there are `expected`.
    fn journal_set(
        &mut self,
        resource: &'a Resource,
        first: Option<&'a JournalEntry>,
        expected: usize,
    ) {
        let Some(first) = first else { return };
        let own = ["v.id", "v.journal_version", "v.journal_body"].map(str::to_owned);
        let values = self.journal_values(resource, first, own);
        let table = self.table(JOURNAL);
        let expected = self.bind("bigint", Bind::Integer(expected as i64));
        let raise = self.raise("rows");
        self.add(format_args!(
            "j as (insert into {table} ({JOURNAL_COLUMNS}) select {values} from v \
             join r on r.id = v.id order by v.place returning 1) \
             select case when (select count(*) from j) <> {expected} then {raise} end"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{JournalKind, Namespace, Record};
    use carnet_kernel::{Timestamp, Value};
    use carnet_model::Source;
    use std::sync::Arc;

    const DEFINITION: &str = "
carnet: 1
resources:
  nodes:
    fields:
      name: { type: text, max: 9, caseless: true }
      parent: { type: ref, to: nodes, optional: true }
";

    fn view() -> ModelView {
        let source = Source::application("carnet.yaml", DEFINITION);
        let compiled = carnet_model::compile(&[source]).unwrap();
        ModelView::new(Arc::new(compiled.model))
    }

    fn entry(kind: JournalKind) -> JournalEntry {
        JournalEntry {
            kind,
            version: 1,
            body: "{}".to_owned(),
        }
    }

    fn node(resource: &Resource, id: u128, parent: Option<u128>) -> InsertRow {
        let mut record = Record {
            values: vec![Value::Null; resource.fields.len()],
        };
        record.set(resource.key, Value::Id(Id::from_u128(id)));
        let field = resource.field_named("parentId").unwrap();
        if let Some(parent) = parent {
            record.set(field, Value::Id(Id::from_u128(parent)));
        }
        InsertRow {
            record,
            journal: entry(JournalKind::Create),
        }
    }

    #[test]
    fn rows_follow_those_they_refer_to() {
        let view = view();
        let nodes = view.resource_named("nodes").unwrap();
        let order = |rows: &[(u128, Option<u128>)]| {
            let rows: Vec<InsertRow> = rows
                .iter()
                .map(|(id, parent)| node(nodes, *id, *parent))
                .collect();
            referenced_first(nodes, &rows)
        };
        assert_eq!(order(&[(1, Some(2)), (2, Some(3)), (3, None)]), [2, 1, 0]);
        assert_eq!(order(&[(1, None), (2, Some(1)), (3, Some(3))]), [0, 1, 2]);
        // A circle, and one that waits for it, stay as they are.
        assert_eq!(
            order(&[(1, Some(2)), (2, Some(1)), (3, Some(2)), (4, Some(9))]),
            [3, 0, 1, 2]
        );
    }

    /// The statements of a step for tenant 1.
    fn texts(wall: Wall, form: Form, change: &Step) -> Vec<String> {
        let view = view();
        let placement = Placement {
            namespace: Namespace::shared(),
        };
        let stamp = Stamp {
            now: Timestamp(0),
            principal: None,
            correlation: Id::from_u128(0),
            causation: None,
        };
        let frame = Frame {
            view: &view,
            placement: &placement,
            platform_schema: "carnet",
            wall,
            tenant: TenantKey::DEFAULT,
            stamp: &stamp,
            schema_version: 1,
        };
        step(frame, change, form)
            .iter()
            .map(|part| part.message.text().to_owned())
            .collect()
    }

    fn remove(rows: u128) -> Step {
        let row = |id| DeleteRow {
            id: Id::from_u128(id),
            version: 1,
            journal: entry(JournalKind::Delete),
        };
        Step::Delete {
            resource: view().resource_named("nodes").unwrap().index,
            rows: (0..rows).map(row).collect(),
        }
    }

    #[test]
    fn one_statement_changes_and_tells() {
        let quiet = &texts(Wall::Rls, Form::Quiet, &remove(1))[0];
        let deletes = "with r as (delete from \"app\".\"nodes\" as t where t.\"tenant\" = $1::bigint \
            and t.\"id\" = $2::uuid and t.\"version\" = $3::bigint returning 1)";
        let tells = " insert into \"app\".\"carnet_journal_records\" (";
        assert!(quiet.starts_with(&format!("{deletes}{tells}")), "{quiet}");
        assert!(quiet.ends_with(" from r"), "{quiet}");
        let loud = &texts(Wall::Rls, Form::Set, &remove(1))[0];
        let raises = "select case when (select count(*) from j) <> 1 \
            then \"carnet\".carnet_raise('LOST', 'row') end";
        assert!(
            loud.starts_with(deletes) && loud.ends_with(raises),
            "{loud}"
        );
        let walled = &texts(Wall::View, Form::Set, &remove(3))[0];
        assert!(walled.contains("delete from \"app_find\".\"nodes\" as t using v"));
        assert!(walled.contains("\"app_find\".\"carnet_journal_records\""));
        assert_eq!(texts(Wall::Rls, Form::RowByRow, &remove(3)).len(), 3);
    }

    #[test]
    fn a_set_update_holds_what_any_row_changes() {
        let view = view();
        let nodes = view.resource_named("nodes").unwrap();
        let [name, parent] = ["name", "parentId"].map(|name| nodes.field_named(name).unwrap());
        let row = |id, changed| UpdateRow {
            id: Id::from_u128(id),
            version: 1,
            changed: vec![changed],
            record: node(nodes, id, None).record,
            journal: entry(JournalKind::Update),
        };
        let change = Step::Update {
            resource: nodes.index,
            rows: vec![row(1, parent), row(2, name)],
        };
        let text = &texts(Wall::None, Form::Set, &change)[0];
        let sets = "set \"name\" = v.c0, \"name_key\" = v.c1, \"parent_id\" = v.c2 from v";
        assert!(text.contains(sets), "{text}");
    }
}
