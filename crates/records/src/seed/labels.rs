//! Home's table of labels: which record a label stands for, and how it was when it was seeded.

use super::read::Row;
use crate::Operations;
use carnet_kernel::{Id, Value};
use carnet_model::Resource;
use carnet_store::{Error, Param};
use std::collections::HashMap;

/// What home keeps of one label.
pub(super) struct Known {
    /// The name of the resource whose record it is.
    pub(super) resource: String,
    pub(super) record: Id,
    /// The record that home has for it: another one when the label moved to another resource.
    pub(super) stored: Id,
    /// 0: the record was announced but perhaps not written.
    pub(super) version: i64,
    /// Of the seed; empty for a label that home does not know yet.
    pub(super) digest: String,
}

/// A label's line in the table.
pub(super) struct Line<'a> {
    pub(super) label: &'a str,
    pub(super) record: Id,
    pub(super) version: i64,
    pub(super) digest: &'a str,
}

/// Reads every label.
pub(super) async fn load(operations: &Operations) -> Result<HashMap<String, Known>, Error> {
    let sql = "select label, resource, record, version, digest from {home}carnet_seeds";
    let rows = operations.store().system().rows(sql, &[]).await?;
    Ok(rows.iter().filter_map(|row| known(row)).collect())
}

fn known(row: &[Value]) -> Option<(String, Known)> {
    let [
        Value::Text(label),
        Value::Text(resource),
        record,
        Value::Integer(version),
        Value::Text(digest),
    ] = row
    else {
        return None;
    };
    let record = record.as_id()?;
    let known = Known {
        resource: resource.clone(),
        record,
        stored: record,
        version: *version,
        digest: digest.clone(),
    };
    Some((label.clone(), known))
}

/// A label with the record it is to stand for.
pub(super) struct Announcement<'a> {
    pub(super) row: &'a Row,
    pub(super) record: Id,
    /// What home has for the label until now.
    pub(super) stored: Id,
    pub(super) digest: &'a str,
}

/// Keeps labels and ids before the records are written. Answers false when somebody else wrote
/// one of the labels since they were read; the records must not be written then.
pub(super) async fn announce<'a>(
    operations: &Operations,
    resource: &Resource,
    fresh: impl Iterator<Item = Announcement<'a>>,
) -> Result<bool, Error> {
    let sql = "insert into {home}carnet_seeds (label, resource, record, version, digest) values ($1, $2, $3, 0, $4) \
               on conflict (label) do update set resource = excluded.resource, record = excluded.record, \
               version = 0, digest = excluded.digest where carnet_seeds.record = $5";
    let params: Vec<[Param; 5]> = fresh
        .map(|one| {
            [
                Param::Text(one.row.label.clone()),
                Param::Text(resource.name.clone()),
                Param::Value(Value::Id(one.record)),
                Param::Text(one.digest.to_owned()),
                Param::Value(Value::Id(one.stored)),
            ]
        })
        .collect();
    let written = execute(operations, sql, &params).await?;
    Ok(written.iter().all(|rows| *rows == 1))
}

/// Notes with which version and from which seed records were written.
pub(super) async fn note(
    operations: &Operations,
    lines: impl Iterator<Item = Line<'_>>,
) -> Result<(), Error> {
    let sql =
        "update {home}carnet_seeds set record = $2, version = $3, digest = $4 where label = $1";
    let params: Vec<[Param; 4]> = lines
        .map(|line| {
            [
                Param::Text(line.label.to_owned()),
                Param::Value(Value::Id(line.record)),
                Param::Integer(line.version),
                Param::Text(line.digest.to_owned()),
            ]
        })
        .collect();
    execute(operations, sql, &params).await.map(|_| ())
}

async fn execute<const N: usize>(
    operations: &Operations,
    sql: &str,
    params: &[[Param; N]],
) -> Result<Vec<u64>, Error> {
    if params.is_empty() {
        return Ok(Vec::new());
    }
    let statements: Vec<(&str, &[Param])> = params
        .iter()
        .map(|params| (sql, params.as_slice()))
        .collect();
    operations.store().system().execute(&statements).await
}
