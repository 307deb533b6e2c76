//! Receipts of writes: looked for before a write, written as its last statement. Writes take turns,
//! so what is not found is not there.

use super::apply::Write;
use super::bind::Key;
use super::errors::Failure;
use super::session::Session;
use crate::options::RECEIPT_LIFE;
use crate::{Error, Outcome, Receipt, Written};
use carnet_kernel::{Id, TenantKey, Timestamp};

/// What was kept of the same write, if it took place before.
pub(super) fn find(
    session: &Session,
    write: &Write,
    receipt: &Receipt,
) -> Result<Option<Written>, Failure> {
    let found = look(session, write.target.tenant, write.stamp.now, receipt.key)?;
    let Some((request, answer)) = found else {
        return Ok(None);
    };
    Ok(Some(Written::earlier(receipt, request, answer)?))
}

/// The request and the text that were kept under a key, unless they have expired.
pub(super) fn look(
    session: &Session,
    tenant: TenantKey,
    now: Timestamp,
    key: Id,
) -> Result<Option<(Id, String)>, Failure> {
    let mut found = None;
    session.query(
        "select \"request\", \"answer\" from \"carnet_idempotency\" \
         where \"tenant\" = ? and \"key\" = ? and \"at\" > ?",
        |statement| {
            statement.raw_bind_parameter(1, tenant.0)?;
            statement.raw_bind_parameter(2, Key(key))?;
            statement.raw_bind_parameter(3, now.0 - RECEIPT_LIFE)
        },
        |row| {
            let request: [u8; 16] = row.get(0)?;
            found = Some((Id::from_bytes(request), row.get::<_, String>(1)?));
            Ok::<(), rusqlite::Error>(())
        },
    )?;
    Ok(found)
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
    put(
        session,
        write.target.tenant,
        write.stamp.now,
        receipt,
        &answer,
    )
}

/// Keeps a receipt with this text; about how many bytes that took.
pub(super) fn put(
    session: &Session,
    tenant: TenantKey,
    now: Timestamp,
    receipt: &Receipt,
    answer: &str,
) -> Result<usize, Failure> {
    // What stands there has expired, or it had been found.
    let kept = session.execute(
        "insert into \"carnet_idempotency\" (\"tenant\", \"key\", \"request\", \"answer\", \"at\") \
         values (?, ?, ?, ?, ?) on conflict (\"tenant\", \"key\") do update set \
         \"request\" = excluded.\"request\", \"answer\" = excluded.\"answer\", \"at\" = excluded.\"at\"",
        |statement| {
            statement.raw_bind_parameter(1, tenant.0)?;
            statement.raw_bind_parameter(2, Key(receipt.key))?;
            statement.raw_bind_parameter(3, Key(receipt.request))?;
            statement.raw_bind_parameter(4, answer)?;
            statement.raw_bind_parameter(5, now.0)
        },
    )?;
    if kept != 1 {
        return Err(Error::Internal("a receipt was not kept".to_owned()).into());
    }
    Ok(256 + answer.len())
}
