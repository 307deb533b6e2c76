//! The journal's tail. One writer commits in the order of its sequence, so a number is a cursor.

use super::cells::Line;
use super::errors::Failure;
use super::session::Session;
use crate::shape::Cells;
use crate::{Error, JournalCursor, JournalRow};
use carnet_kernel::{Code, PrincipalKind, PrincipalRef, Refusal, TenantKey, Timestamp};
use rusqlite::Row;

const TAIL: &str = "select \"sequence\", \"tenant\", \"resource\", \"record\", \"version\", \
     \"kind\", \"principal_kind\", \"principal_id\", \"correlation\", \"causation\", \"at\", \
     \"schema_version\", \"body\" \
     from \"carnet_journal_records\" where \"sequence\" > ? order by \"sequence\" limit ?";

/// The rows after `cursor` and the cursor after them.
pub(super) fn tail(
    session: &Session,
    cursor: &JournalCursor,
    limit: u32,
) -> Result<(Vec<JournalRow>, JournalCursor), Failure> {
    let after = match cursor {
        JournalCursor::Start => 0,
        JournalCursor::Sequence(sequence) => *sequence,
        JournalCursor::Snapshot { .. } => {
            return Err(Error::Refused(Refusal::new(
                Code::InvalidParameter,
                "the cursor comes from another database",
            ))
            .into());
        }
    };
    let mut rows = Vec::new();
    session.query(
        TAIL,
        |statement| {
            statement.raw_bind_parameter(1, after)?;
            statement.raw_bind_parameter(2, limit)
        },
        |row| {
            rows.push(read(row)?);
            Ok::<(), Failure>(())
        },
    )?;
    let next = rows.last().map_or_else(
        || cursor.clone(),
        |row| JournalCursor::Sequence(row.sequence),
    );
    Ok((rows, next))
}

fn read(row: &Row<'_>) -> Result<JournalRow, Error> {
    let line = Line(row);
    let missing = || Error::Internal("a journal row lacks a value".to_owned());
    let integer = |column| line.integer(column)?.ok_or_else(missing);
    let id = |column| line.id(column)?.ok_or_else(missing);
    let text = |column| line.text(column)?.ok_or_else(missing).map(str::to_owned);
    let principal = match line.text(6)? {
        None => None,
        Some(name) => Some(PrincipalRef {
            kind: PrincipalKind::parse(name).ok_or_else(|| {
                Error::Internal(format!("the journal names a principal of kind `{name}`"))
            })?,
            id: line.id(7)?,
        }),
    };
    Ok(JournalRow {
        sequence: integer(0)?,
        tenant: TenantKey(integer(1)?),
        resource: text(2)?,
        record: id(3)?,
        version: integer(4)?,
        kind: text(5)?,
        principal,
        correlation: id(8)?,
        causation: line.id(9)?,
        at: Timestamp(integer(10)?),
        schema_version: integer(11)?,
        body: line.text(12)?.unwrap_or("null").to_owned(),
    })
}
