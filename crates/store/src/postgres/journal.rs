//! The journal's tail. A cursor is a snapshot: a batch is what the new snapshot sees and the old
//! one did not, in the order of sequences, page by page. A sequence alone would lose rows, because
//! a later one can be committed first. Rows without a transaction id came by restore or a move:
//! they are settled and belong to the first batch of a reader that begins at the start.

use super::bind::Bind;
use super::cells::RowCells;
use super::flight::{Limit, Message};
use super::pool::{Held, Pool};
use crate::schema::quote;
use crate::shape::Cells;
use crate::{Error, JournalCursor, JournalRow, Placement};
use carnet_kernel::{PrincipalKind, PrincipalRef, TenantKey, Timestamp};
use tokio_postgres::Row;

/// The snapshot that sees nothing.
const NOTHING: &str = "1:1:";

const COLUMNS: &str = "j.sequence, j.tenant, j.resource, j.record, j.version, j.kind, \
     j.principal_kind, j.principal_id, j.correlation, j.causation, j.at, j.schema_version, j.body";

/// The next rows after `cursor`, and the cursor after them.
pub(super) async fn tail(
    pool: &Pool,
    placement: &Placement,
    cursor: &JournalCursor,
    limit: u32,
) -> Result<(Vec<JournalRow>, JournalCursor), Error> {
    let mut held = pool.take(None, None).await?;
    let mut place = Place::of(cursor)?;
    let table = format!(
        "{}.\"carnet_journal_records\"",
        quote(placement.namespace.as_str())
    );
    if let Some(doing) = &place.doing {
        let rows = page(&mut held, &table, &place.done, doing, place.sequence, limit).await?;
        if !rows.is_empty() {
            return Ok(place.after(rows, limit));
        }
        // The batch ended exactly with the last page: on to the next one.
        place = Place {
            done: doing.clone(),
            doing: None,
            sequence: 0,
        };
    }
    let now = snapshot(&mut held).await?;
    let rows = page(&mut held, &table, &place.done, &now, 0, limit).await?;
    place.doing = Some(now);
    Ok(place.after(rows, limit))
}

struct Place {
    done: String,
    /// The snapshot of the batch that is being read.
    doing: Option<String>,
    sequence: i64,
}

impl Place {
    fn of(cursor: &JournalCursor) -> Result<Self, Error> {
        match cursor {
            JournalCursor::Start => Ok(Self {
                done: NOTHING.to_owned(),
                doing: None,
                sequence: 0,
            }),
            JournalCursor::Snapshot {
                done,
                doing,
                sequence,
            } => Ok(Self {
                done: done.clone(),
                doing: (doing != done).then(|| doing.clone()),
                sequence: *sequence,
            }),
            JournalCursor::Sequence(_) => Err(Error::Internal(
                "a cursor of SQLite cannot be read on PostgreSQL".to_owned(),
            )),
        }
    }

    /// The rows of a page with the cursor after them: a page that is not full ends its batch.
    fn after(self, rows: Vec<JournalRow>, limit: u32) -> (Vec<JournalRow>, JournalCursor) {
        let doing = self.doing.unwrap_or_else(|| self.done.clone());
        let full = rows.len() >= limit as usize;
        let last = rows.last().map_or(self.sequence, |row| row.sequence);
        let cursor = JournalCursor::Snapshot {
            done: if full { self.done } else { doing.clone() },
            doing,
            sequence: if full { last } else { 0 },
        };
        (rows, cursor)
    }
}

async fn snapshot(held: &mut Held) -> Result<String, Error> {
    let messages = [Message::new(
        "select pg_current_snapshot()::text",
        Vec::new(),
    )];
    let answers = held
        .flight(&messages, Limit::reading(None))
        .await
        .map_err(|failed| failed.cause.general())?;
    let row = answers.first().and_then(|answer| answer.rows.first());
    let text = match row {
        Some(row) => RowCells(row).text(0)?.map(str::to_owned),
        None => None,
    };
    text.ok_or_else(|| Error::Internal("the server told no snapshot".to_owned()))
}

/// `xmax` and the transactions that were running, of a snapshot's text `xmin:xmax:running`.
fn bounds(snapshot: &str) -> Result<(i64, Vec<i64>), Error> {
    let broken = || Error::Internal(format!("`{snapshot}` is not a snapshot"));
    let mut parts = snapshot.split(':').skip(1);
    let xmax = parts.next().and_then(|text| text.parse().ok());
    let running = parts
        .next()
        .unwrap_or_default()
        .split(',')
        .filter(|text| !text.is_empty())
        .map(|text| text.parse().map_err(|_| broken()))
        .collect::<Result<Vec<i64>, Error>>()?;
    Ok((xmax.ok_or_else(broken)?, running))
}

async fn page(
    held: &mut Held,
    table: &str,
    done: &str,
    doing: &str,
    sequence: i64,
    limit: u32,
) -> Result<Vec<JournalRow>, Error> {
    let mut binds = vec![
        Bind::Text(doing),
        Bind::Integer(sequence),
        Bind::Integer(i64::from(limit)),
    ];
    let new = if done == NOTHING {
        "(j.xid is null or pg_visible_in_snapshot(j.xid, $1::text::pg_snapshot))"
    } else {
        let (xmax, running) = bounds(done)?;
        binds.push(Bind::Integer(xmax));
        binds.push(Bind::Array(
            running.into_iter().map(Bind::Integer).collect(),
        ));
        "(j.xid >= $4::xid8 or j.xid = any($5::xid8[])) \
         and pg_visible_in_snapshot(j.xid, $1::text::pg_snapshot)"
    };
    let sql = format!(
        "select {COLUMNS} from {table} as j where {new} and j.sequence > $2::bigint \
         order by j.sequence limit $3::bigint"
    );
    let messages = [Message::new(sql, binds)];
    let answers = held
        .flight(&messages, Limit::reading(None))
        .await
        .map_err(|failed| failed.cause.general())?;
    answers
        .first()
        .map_or(&[][..], |answer| answer.rows.as_slice())
        .iter()
        .map(row)
        .collect()
}

fn row(row: &Row) -> Result<JournalRow, Error> {
    let cells = RowCells(row);
    let missing = || Error::Internal("a journal row lacks a value".to_owned());
    let text = |column| Ok::<_, Error>(cells.text(column)?.ok_or_else(missing)?.to_owned());
    let number = |column| cells.integer(column)?.ok_or_else(missing);
    let id = |column| cells.id(column)?.ok_or_else(missing);
    let kind = cells.text(6)?.and_then(PrincipalKind::parse);
    let principal = match kind {
        Some(kind) => Some(PrincipalRef {
            kind,
            id: cells.id(7)?,
        }),
        None => None,
    };
    Ok(JournalRow {
        sequence: number(0)?,
        tenant: TenantKey(number(1)?),
        resource: text(2)?,
        record: id(3)?,
        version: number(4)?,
        kind: text(5)?,
        principal,
        correlation: id(8)?,
        causation: cells.id(9)?,
        at: Timestamp(cells.date_time(10)?.ok_or_else(missing)?),
        schema_version: number(11)?,
        // An erased body is no body.
        body: cells.text(12)?.unwrap_or("null").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_have_bounds() {
        assert_eq!(bounds("10:20:10,14").unwrap(), (20, vec![10, 14]));
        assert_eq!(bounds(NOTHING).unwrap(), (1, Vec::new()));
        assert!(bounds("10").is_err() && bounds("1:2:x").is_err());
    }
}
