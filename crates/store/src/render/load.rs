//! Whole records for a decision inside a write transaction.

use super::Frame;
use super::leak::leaks;
use super::level::{Level, key_column};
use super::nest;
use super::writer::Writer;
use crate::shape::RecordShape;
use crate::{Deleted, ListType, Load, Param, Statement};
use carnet_expr::Predicate;
use carnet_kernel::{Id, Value};
use carnet_model::{Resource, ResourceIndex};

/// A rendered load.
#[derive(Clone, Debug)]
pub(crate) struct LoadStatement {
    pub(crate) statement: Statement,
    /// How its rows are read.
    pub(crate) shape: RecordShape,
}

/// Renders one load; with `lock` the rows are locked against other writers (PostgreSQL), in the
/// order of their ids.
pub(crate) fn load(frame: Frame<'_>, load: &Load, lock: bool) -> LoadStatement {
    match load {
        Load::Record { resource, id } => {
            let resource = frame.view.resource(*resource);
            statement(frame, resource, lock, |writer, level| {
                writer.column(level.alias, key_column(resource));
                writer.text(" = ");
                writer.bind(Param::Value(Value::Id(*id)));
            })
        }
        Load::Referencing {
            resource,
            field,
            id,
            limit,
        } => {
            let resource = frame.view.resource(*resource);
            statement(frame, resource, lock, |writer, level| {
                writer.column(level.alias, &resource.field(*field).column);
                writer.text(" = ");
                writer.bind(Param::Value(Value::Id(*id)));
                writer.order_by_key(level);
                writer.text(" LIMIT ");
                writer.bind_limit(i64::from(*limit));
            })
        }
        Load::Matching {
            resource,
            which,
            limit,
        } => matching(frame, frame.view.resource(*resource), &which.0, *limit),
    }
}

/// Renders the load of what fulfils a condition. The ids come from a level of their own, because
/// it may have to be read from find views, and neither these nor outer joins can be locked.
fn matching(
    frame: Frame<'_>,
    resource: &Resource,
    condition: &Predicate,
    limit: u32,
) -> LoadStatement {
    let condition = condition.clone().simplify();
    let leaky = leaks(frame.view, resource, &condition);
    let mut writer = Writer::new(frame, false);
    let level = Level::new(resource, writer.alias()).showing(Deleted::With);
    writer.text("SELECT ");
    nest::whole(&mut writer, level.alias, resource);
    level.write_source(&mut writer);
    writer.conditions(&level, None, &Predicate::True);
    writer.text(if resource.is_tenant() {
        " AND "
    } else {
        " WHERE "
    });
    writer.column(level.alias, key_column(resource));
    let (before, after) = frame.dialect.one_of_rows();
    writer.text(before);
    writer.text("SELECT ");
    let plain = writer.turn(leaky);
    let mut inner = Level::new(resource, writer.alias()).showing(Deleted::With);
    writer.column(inner.alias, key_column(resource));
    inner.join_for(&mut writer, &condition);
    inner.write_source(&mut writer);
    writer.conditions(&inner, None, &condition);
    writer.order_by_key(&inner);
    writer.text(" LIMIT ");
    writer.bind_limit(i64::from(limit));
    writer.turn_back(plain);
    writer.text(after);
    writer.order_by_key(&level);
    writer.text(frame.dialect.lock());
    LoadStatement {
        statement: writer.finish(),
        shape: RecordShape::new(resource),
    }
}

/// Renders the load of several records of one resource at once, ordered by id; which of them
/// exist is told by the ids of the rows.
pub(crate) fn load_records(
    frame: Frame<'_>,
    resource: ResourceIndex,
    ids: &[Id],
    lock: bool,
) -> LoadStatement {
    let resource = frame.view.resource(resource);
    statement(frame, resource, lock, |writer, level| {
        let (before, after) = frame.dialect.member(false, true);
        writer.column(level.alias, key_column(resource));
        writer.text(before);
        let ids = ids.iter().copied().map(Value::Id);
        writer.bind(Param::List(ListType::Id, ids.collect()));
        writer.text(after);
        writer.order_by_key(level);
    })
}

fn statement<'q>(
    frame: Frame<'q>,
    resource: &'q Resource,
    lock: bool,
    rest: impl FnOnce(&mut Writer<'q>, &Level<'q>),
) -> LoadStatement {
    let mut writer = Writer::new(frame, false);
    let level = Level::new(resource, writer.alias()).showing(Deleted::With);
    writer.text("SELECT ");
    nest::whole(&mut writer, level.alias, resource);
    level.write_source(&mut writer);
    writer.conditions(&level, None, &Predicate::True);
    writer.text(if resource.is_tenant() {
        " AND "
    } else {
        " WHERE "
    });
    rest(&mut writer, &level);
    if lock {
        writer.text(frame.dialect.lock());
    }
    LoadStatement {
        statement: writer.finish(),
        shape: RecordShape::new(resource),
    }
}
