//! Answers for snapshots: what differs from run to run becomes a word. Pure.

use serde_json::Value;
use std::collections::HashMap;

/// The same JSON with ids as `[id 1]`, `[id 2]` in the order of their first appearance, and moments as
/// `[time]`.
///
/// ```
/// use serde_json::json;
/// let id = "01KF0M5T5D0000000000000000";
/// let shown = carnet::testing::redacted(&json!({ "id": id, "of": [id], "name": "pen" }));
/// assert_eq!(shown, json!({ "id": "[id 1]", "of": ["[id 1]"], "name": "pen" }));
/// ```
pub fn redacted(value: &Value) -> Value {
    let mut out = value.clone();
    redact(&mut out, &mut HashMap::new());
    out
}

fn redact(value: &mut Value, seen: &mut HashMap<String, usize>) {
    match value {
        Value::String(text) if is_id(text) => {
            let next = seen.len() + 1;
            let number = seen.entry(text.clone()).or_insert(next);
            *text = format!("[id {number}]");
        }
        Value::String(text) if is_moment(text) => "[time]".clone_into(text),
        Value::Array(members) => members.iter_mut().for_each(|one| redact(one, seen)),
        Value::Object(members) => members.values_mut().for_each(|one| redact(one, seen)),
        _ => {}
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 26
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

fn is_moment(text: &str) -> bool {
    text.len() == 27 && text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T')
}
