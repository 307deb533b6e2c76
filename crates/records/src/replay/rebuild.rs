//! A record as it was in an earlier version: from what it is now back over the journal's images.
//! Pure.

use serde_json::value::RawValue;
use std::collections::HashMap;

/// The members of an object, each as its text.
pub(crate) type Members = HashMap<String, Box<RawValue>>;

/// A journal row of the record.
#[derive(Debug)]
pub(crate) struct Row {
    kind: String,
    version: i64,
    at: Box<RawValue>,
    principal: Box<RawValue>,
    before: Option<Members>,
    after: Option<Members>,
}

impl Row {
    /// Reads a row as the API shows it.
    pub(crate) fn read(members: &Members) -> Option<Self> {
        let text = |name: &str| members.get(name).map(|raw| raw.get());
        let mut body: HashMap<String, Members> = serde_json::from_str(text("body")?).ok()?;
        Some(Self {
            kind: serde_json::from_str(text("kind")?).ok()?,
            version: text("version")?.parse().ok()?,
            at: members.get("at")?.clone(),
            principal: members.get("principal")?.clone(),
            before: body.remove("before"),
            after: body.remove("after"),
        })
    }
}

/// The version that an object of the API says it has.
pub(crate) fn version(members: &Members) -> Option<i64> {
    members.get("version")?.get().parse().ok()
}

/// The record in `wanted`, from what it is now and its journal rows, the newest first; `None` when
/// they do not reach back so far.
pub(crate) fn rebuild(wanted: i64, now: Option<Members>, rows: &[Row]) -> Option<Members> {
    let current = now.as_ref().and_then(version);
    if current == Some(wanted) {
        return now;
    }
    // What was written after the record was read is not part of what was read.
    let first = rows.iter().position(|row| match current {
        Some(current) => row.version == current && !is_gone(row),
        None => is_gone(row),
    })?;
    let mut state = now;
    for row in rows.get(first..)? {
        match row.kind.as_str() {
            "delete" | "purge" => state = Some(copy(row.before.as_ref()?)),
            "create" | "restore" if row.version == wanted => return row.after.as_ref().map(copy),
            // Before it there was none, or it was deleted.
            "create" | "restore" => state = None,
            _ if row.version == wanted => {
                let mut record = state?;
                record.insert("version".to_owned(), number(wanted)?);
                record.insert("updatedAt".to_owned(), row.at.clone());
                record.insert("updatedBy".to_owned(), row.principal.clone());
                return Some(record);
            }
            _ => {
                let record = state.as_mut()?;
                for (name, value) in row.before.as_ref()? {
                    record.insert(name.clone(), value.clone());
                }
            }
        }
        if state.as_ref().and_then(version) == Some(wanted) && is_gone(row) {
            return state;
        }
    }
    None
}

/// Whether the row says that the record was deleted.
fn is_gone(row: &Row) -> bool {
    matches!(row.kind.as_str(), "delete" | "purge")
}

fn copy(members: &Members) -> Members {
    members.clone()
}

fn number(number: i64) -> Option<Box<RawValue>> {
    RawValue::from_string(number.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> Members {
        serde_json::from_str(text).unwrap()
    }

    fn row(kind: &str, version: i64, body: &str) -> Row {
        let text = format!(
            r#"{{"kind":"{kind}","version":{version},"at":"t{version}","principal":null,"body":{body}}}"#
        );
        Row::read(&members(&text)).unwrap()
    }

    #[track_caller]
    fn check(wanted: i64, now: Option<&str>, rows: &[Row], expected: Option<(&str, &str)>) {
        let found = rebuild(wanted, now.map(members), rows);
        let found = found
            .as_ref()
            .map(|found| (found["name"].get(), found["version"].get()));
        assert_eq!(found, expected, "version {wanted}");
    }

    #[test]
    fn back_over_changes() {
        let rows = || {
            vec![
                row(
                    "update",
                    3,
                    r#"{"before":{"name":"b"},"after":{"name":"c"}}"#,
                ),
                row(
                    "update",
                    2,
                    r#"{"before":{"name":"a"},"after":{"name":"b"}}"#,
                ),
                row("create", 1, r#"{"after":{"name":"a","version":1}}"#),
            ]
        };
        let now = Some(r#"{"name":"c","version":3}"#);
        check(3, now, &[], Some((r#""c""#, "3")));
        check(2, now, &rows(), Some((r#""b""#, "2")));
        check(1, now, &rows(), Some((r#""a""#, "1")));
        check(1, now, &rows()[..2], None);
        check(1, now, &[], None);
        // The journal was read after the record and knows more.
        let then = Some(r#"{"name":"b","version":2}"#);
        check(1, then, &rows(), Some((r#""a""#, "1")));
        let mut gone = rows();
        gone.insert(
            0,
            row("delete", 4, r#"{"before":{"name":"c","version":3}}"#),
        );
        check(3, None, &gone, Some((r#""c""#, "3")));
        check(2, None, &gone, Some((r#""b""#, "2")));
        check(1, None, &gone, Some((r#""a""#, "1")));
    }
}
