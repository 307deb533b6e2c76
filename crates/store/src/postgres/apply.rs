//! Changes to SQL: one data-modifying statement for each step, which writes the rows and their
//! journal rows and raises when it changed another number of rows than it should. Pure: the
//! statements are sent by `write`.

use super::bind::Bind;
use super::columns::{Column, columns};
use super::flight::Message;
use super::text::{Set, Text};
use crate::schema::quote;
use crate::{
    Changes, DeleteRow, Guard, InsertRow, JournalEntry, Placement, Stamp, Step, UpdateRow, Wall,
};
use carnet_kernel::{Id, TenantKey};
use carnet_model::{FieldIndex, ModelView, Resource, ResourceIndex};

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
    text.add(format_args!(
        "select case when {counted} <> {expected} then {raise} end"
    ));
    Some(text.finish())
}

/// The statements of a step.
pub(super) fn step<'a>(frame: Frame<'a>, step: &'a Step, form: Form) -> Vec<Part<'a>> {
    let resource = frame.view.resource(resource_of(step));
    match step {
        Step::Insert { rows, .. } if form != Form::RowByRow && rows.len() > 1 => {
            whole(insert_set(frame, resource, rows))
        }
        Step::Insert { rows, .. } => {
            let order = referenced_first(resource, rows);
            let part = |row: usize| Part {
                message: insert(frame, resource, &rows[row]),
                row,
            };
            order.into_iter().map(part).collect()
        }
        Step::Update { rows, .. } => {
            let known = |row: &'a UpdateRow| Known {
                id: row.id,
                version: row.version,
                journal: &row.journal,
                update: Some(row),
            };
            changes(frame, resource, rows.iter().map(known).collect(), form)
        }
        Step::Delete { rows, .. } => {
            let known = |row: &'a DeleteRow| Known {
                id: row.id,
                version: row.version,
                journal: &row.journal,
                update: None,
            };
            changes(frame, resource, rows.iter().map(known).collect(), form)
        }
    }
}

fn changes<'a>(
    frame: Frame<'a>,
    resource: &'a Resource,
    rows: Vec<Known<'a>>,
    form: Form,
) -> Vec<Part<'a>> {
    if form != Form::RowByRow && rows.len() > 1 {
        return whole(change_set(frame, resource, &rows));
    }
    let part = |(row, one)| Part {
        message: change(frame, resource, one, form == Form::Quiet),
        row,
    };
    rows.into_iter().enumerate().map(part).collect()
}

fn whole(message: Message<'_>) -> Vec<Part<'_>> {
    vec![Part { message, row: 0 }]
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

/// `insert into t (names)`, and the value of the tenant that stands before those of the columns.
fn insert_into<'a>(
    text: &mut Text<'a>,
    resource: &Resource,
    columns: &[Column<'a>],
) -> (String, Vec<String>) {
    let tenant = resource.is_tenant().then(|| text.tenant());
    let names = tenant.iter().map(|_| quote("tenant"));
    let names: Vec<String> = names
        .chain(columns.iter().map(|column| quote(&column.name())))
        .collect();
    let table = text.table(&resource.table);
    let into = format!("insert into {table} ({})", names.join(", "));
    (into, tenant.into_iter().collect())
}

fn every_column(resource: &Resource) -> Vec<Column<'_>> {
    columns(resource, resource.each_field().map(|(index, _)| index))
}

fn insert<'a>(frame: Frame<'a>, resource: &'a Resource, row: &'a InsertRow) -> Message<'a> {
    let mut text = Text::new(frame);
    let all = every_column(resource);
    let (into, mut values) = insert_into(&mut text, resource, &all);
    for column in &all {
        values.push(text.bind(column.kind(), column.bind(&row.record)));
    }
    let values = values.join(", ");
    text.add(format_args!(
        "with r as ({into} values ({values}) returning 1) "
    ));
    let id = row.record.id(resource);
    text.journal_insert(resource, id, &row.journal);
    text.finish()
}

fn insert_set<'a>(frame: Frame<'a>, resource: &'a Resource, rows: &'a [InsertRow]) -> Message<'a> {
    let mut text = Text::new(frame);
    let all = every_column(resource);
    let (into, mut values) = insert_into(&mut text, resource, &all);
    let mut set = Set::default();
    let ids: Vec<Id> = rows
        .iter()
        .filter_map(|row| row.record.id(resource))
        .collect();
    let known = ids.iter().map(|id| Bind::Id(Some(*id)));
    set.add(&mut text, "id", "uuid", known);
    let version = set.journal(&mut text, resource, rows.iter().map(|row| &row.journal));
    let records = rows.iter().map(|row| &row.record);
    values.extend(set.cells(&mut text, &all, records));
    text.add(format_args!(
        "with {}, r as ({into} select {} from v order by v.place returning 1), ",
        set.finish(),
        values.join(", ")
    ));
    text.journal_set(
        resource,
        rows.first().map(|row| &row.journal),
        version,
        &ids,
    );
    text.finish()
}

/// A row that is there, and what becomes of it.
#[derive(Clone, Copy)]
struct Known<'a> {
    id: Id,
    version: i64,
    journal: &'a JournalEntry,
    /// Its image and what of it is new; nothing for a row that goes.
    update: Option<&'a UpdateRow>,
}

/// The columns that at least one of the rows changes.
fn changed<'a>(resource: &'a Resource, rows: &[&UpdateRow]) -> Vec<Column<'a>> {
    let fields = rows.iter().flat_map(|row| row.changed.iter().copied());
    let mut fields: Vec<FieldIndex> = fields.collect();
    fields.sort_unstable();
    fields.dedup();
    columns(resource, fields.into_iter())
}

/// `a = x, b = y`
fn assign(columns: &[Column<'_>], values: &[String]) -> String {
    let pairs = columns.iter().zip(values);
    let sets: Vec<String> = pairs
        .map(|(column, value)| format!("{} = {value}", quote(&column.name())))
        .collect();
    sets.join(", ")
}

fn change<'a>(
    frame: Frame<'a>,
    resource: &'a Resource,
    row: Known<'a>,
    quiet: bool,
) -> Message<'a> {
    let mut text = Text::new(frame);
    let table = text.table(&resource.table);
    let change = match row.update {
        None => format!("delete from {table} as t"),
        Some(update) => {
            let all = changed(resource, &[update]);
            let values: Vec<String> = all
                .iter()
                .map(|column| text.bind(column.kind(), column.bind(&update.record)))
                .collect();
            format!("update {table} as t set {}", assign(&all, &values))
        }
    };
    let condition = text.version_condition(resource, row.id, row.version);
    text.add(format_args!(
        "with r as ({change} where {condition} returning 1)"
    ));
    text.journal_row(resource, row.id, row.journal, quiet);
    text.finish()
}

fn change_set<'a>(frame: Frame<'a>, resource: &'a Resource, rows: &[Known<'a>]) -> Message<'a> {
    let mut text = Text::new(frame);
    let table = text.table(&resource.table);
    let mut set = Set::default();
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let known = ids.iter().map(|id| Bind::Id(Some(*id)));
    set.add(&mut text, "id", "uuid", known);
    let versions = rows.iter().map(|row| Bind::Integer(row.version));
    set.add(&mut text, "version", "bigint", versions);
    let version = set.journal(&mut text, resource, rows.iter().map(|row| row.journal));
    let updates: Vec<&'a UpdateRow> = rows.iter().filter_map(|row| row.update).collect();
    let change = if updates.is_empty() {
        format!("delete from {table} as t using v")
    } else {
        // A row's record holds all its values, so a field that only other rows change stays as it
        // is.
        let all = changed(resource, &updates);
        let records = updates.iter().map(|row| &row.record);
        let values = set.cells(&mut text, &all, records);
        format!("update {table} as t set {} from v", assign(&all, &values))
    };
    let tenant = text.tenant_condition(resource);
    text.add(format_args!(
        "with {}, r as ({change} where {tenant}t.\"id\" = v.id \
         and t.\"version\" = v.version returning 1), ",
        set.finish()
    ));
    text.journal_set(resource, rows.first().map(|row| row.journal), version, &ids);
    text.finish()
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
    fn a_set_binds_once_what_all_rows_have_alike() {
        let view = view();
        let nodes = view.resource_named("nodes").unwrap();
        let standard = nodes.standard.unwrap();
        let rows = |versions: [i64; 2]| {
            let mut rows = [node(nodes, 1, None), node(nodes, 2, None)];
            for (row, version) in rows.iter_mut().zip(versions) {
                row.record.set(standard.version, Value::Integer(version));
                row.journal.version = version;
            }
            let resource = nodes.index;
            let rows = rows.to_vec();
            texts(Wall::None, Form::Set, &Step::Insert { resource, rows }).remove(0)
        };
        let alike = rows([1, 1]);
        assert!(
            !alike.contains("timestamptz[]") && !alike.contains("bigint[]"),
            "{alike}"
        );
        assert!(
            alike.contains("select $1::bigint, v.id, v.c1, v.c2, v.c3, "),
            "{alike}"
        );
        let apart = rows([1, 2]);
        assert!(
            apart.contains("v.journal_version") && apart.contains("bigint[]"),
            "{apart}"
        );
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
