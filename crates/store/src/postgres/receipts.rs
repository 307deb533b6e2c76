//! Receipts of writes: a lock and a look in the first flight of a write, the receipt in its last.
//! The primary key makes an effect single; the lock only tells a second caller so at once.

use super::Postgres;
use super::apply::Frame;
use super::bind::Bind;
use super::cells::RowCells;
use super::flight::Message;
use crate::options::RECEIPT_LIFE;
use crate::schema::quote;
use crate::scope::Target;
use crate::{Error, Param, Placement, Receipt, Stamp, Statement};
use carnet_kernel::{Id, Timestamp, Value};

/// No receipt is larger: it has ids and messages of at most a thousand items.
const LARGEST: u64 = 16 << 20;

/// Raised when there is a receipt.
pub(super) const KNOWN: &str = "KNOWN";

/// Raised when another session carries out the same.
pub(super) const UNDER_WAY: &str = "UNDER_WAY";

fn table(placement: &Placement) -> String {
    format!("{}.carnet_idempotency", quote(placement.namespace.as_str()))
}

fn oldest(stamp: &Stamp) -> Timestamp {
    Timestamp(stamp.now.0 - RECEIPT_LIFE)
}

/// Raises unless this session may carry out a write that did not take place yet.
pub(super) fn check<'a>(frame: Frame<'a>, receipt: &Receipt) -> Message<'a> {
    let home = quote(frame.platform_schema);
    let sql = format!(
        "select case when not pg_try_advisory_xact_lock($1::bigint) \
         then {home}.carnet_raise('{UNDER_WAY}', '') \
         when exists (select 1 from {} as t where t.tenant = $2::bigint and t.key = $3::uuid \
         and t.at > $4::timestamptz) then {home}.carnet_raise('{KNOWN}', '') end",
        table(frame.placement)
    );
    let binds = vec![
        Bind::Integer(lock(receipt.key)),
        Bind::tenant(frame.tenant),
        Bind::Id(Some(receipt.key)),
        Bind::At(oldest(frame.stamp)),
    ];
    Message::new(sql, binds)
}

/// Keeps a receipt; changes no row when one was kept meanwhile.
pub(super) fn keep<'a>(frame: Frame<'a>, receipt: &'a Receipt, note: &'a str) -> Message<'a> {
    let sql = format!(
        "insert into {} as t (tenant, key, request, answer, at) \
         values ($1::bigint, $2::uuid, $3::uuid, $4::text, $5::timestamptz) \
         on conflict (tenant, key) do update set request = excluded.request, \
         answer = excluded.answer, at = excluded.at where t.at <= $6::timestamptz",
        table(frame.placement)
    );
    let binds = vec![
        Bind::tenant(frame.tenant),
        Bind::Id(Some(receipt.key)),
        Bind::Id(Some(receipt.request)),
        Bind::Text(note),
        Bind::At(frame.stamp.now),
        Bind::At(oldest(frame.stamp)),
    ];
    Message::new(sql, binds)
}

/// Half of a key: two with the same half only refuse each other while both are under way.
fn lock(key: Id) -> i64 {
    let bytes = key.to_bytes();
    let mut half = [0; 8];
    half.copy_from_slice(&bytes[..8]);
    i64::from_be_bytes(half)
}

impl Postgres {
    /// What was kept under a key, if it is still there: the request and the text.
    pub(crate) async fn recall(
        &self,
        target: &Target,
        stamp: &Stamp,
        receipt: &Receipt,
    ) -> Result<Option<(Id, String)>, Error> {
        let statement = Statement {
            sql: format!(
                "select request, answer from {} where tenant = $1::bigint and key = $2::uuid \
                 and at > $3::timestamptz",
                table(&target.placement)
            )
            .into(),
            params: vec![
                Param::Integer(target.tenant.0),
                Param::Value(Value::Id(receipt.key)),
                Param::Value(Value::DateTime(oldest(stamp).0)),
            ],
            tenant: Some(0),
        };
        let bound = crate::shape::Bound::of(LARGEST);
        let answers = Box::pin(self.reader(target).run(&[&statement], bound)).await?;
        let Some(row) = answers.first().and_then(|answer| answer.rows.first()) else {
            return Ok(None);
        };
        match RowCells(row).values()?.as_slice() {
            [Value::Id(request), Value::Text(answer)] => Ok(Some((*request, answer.clone()))),
            _ => Err(Error::Internal("a receipt has another shape".to_owned())),
        }
    }
}
