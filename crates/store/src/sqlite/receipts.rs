//! Receipts of writes: looked for before a write, written as its last statement. Writes take turns,
//! so what is not found is not there.

use super::apply::Write;
use super::bind::Key;
use super::errors::Failure;
use super::session::Session;
use crate::options::RECEIPT_LIFE;
use crate::{Error, Outcome, Receipt, Written};
use carnet_kernel::Id;

/// What was kept of the same write, if it took place before.
pub(super) fn find(
    session: &Session,
    write: &Write,
    receipt: &Receipt,
) -> Result<Option<Written>, Failure> {
    let mut found = None;
    session.query(
        "select \"request\", \"answer\" from \"carnet_idempotency\" \
         where \"tenant\" = ? and \"key\" = ? and \"at\" > ?",
        |statement| {
            statement.raw_bind_parameter(1, write.target.tenant.0)?;
            statement.raw_bind_parameter(2, Key(receipt.key))?;
            statement.raw_bind_parameter(3, write.stamp.now.0 - RECEIPT_LIFE)
        },
        |row| {
            let request: [u8; 16] = row.get(0)?;
            found = Some((Id::from_bytes(request), row.get::<_, String>(1)?));
            Ok::<(), rusqlite::Error>(())
        },
    )?;
    let Some((request, answer)) = found else {
        return Ok(None);
    };
    Ok(Some(Written::earlier(receipt, request, answer)?))
}

/// Keeps the receipt of what came of a write; about how many bytes that took.
pub(super) fn keep(
    session: &Session,
    write: &Write,
    receipt: &Receipt,
    outcomes: &[Outcome],
) -> Result<usize, Failure> {
    let Some(answer) = (receipt.answer)(outcomes) else {
        return Ok(0);
    };
    // What stands there has expired, or it had been found.
    let kept = session.execute(
        "insert into \"carnet_idempotency\" (\"tenant\", \"key\", \"request\", \"answer\", \"at\") \
         values (?, ?, ?, ?, ?) on conflict (\"tenant\", \"key\") do update set \
         \"request\" = excluded.\"request\", \"answer\" = excluded.\"answer\", \"at\" = excluded.\"at\"",
        |statement| {
            statement.raw_bind_parameter(1, write.target.tenant.0)?;
            statement.raw_bind_parameter(2, Key(receipt.key))?;
            statement.raw_bind_parameter(3, Key(receipt.request))?;
            statement.raw_bind_parameter(4, &answer)?;
            statement.raw_bind_parameter(5, write.stamp.now.0)
        },
    )?;
    if kept != 1 {
        return Err(Error::Internal("a receipt was not kept".to_owned()).into());
    }
    Ok(256 + answer.len())
}
