//! What came of items as the client reads it. Pure.

use crate::command::{Answer, Each};
use carnet_kernel::Refusal;
use carnet_kernel::json::write_string;
use std::fmt::Write as _;

/// What came of one item.
pub(crate) enum Item {
    /// The record afterwards, as JSON.
    Record {
        json: String,
        /// The item made it.
        created: bool,
    },
    /// No record is left.
    Nothing,
    /// What a write by conditions changed, as JSON.
    Matches(String),
    /// It was refused.
    Refused(Refusal),
}

/// All or none: a JSON array with the record after each item, null for a deleted one, and what
/// a write by conditions changed. Each by
/// itself: a JSON array with a status and the record or the error of each.
pub(crate) fn answer(items: &[Item], each: bool) -> Answer {
    let mut json = String::from("[");
    let mut failed = 0;
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            json.push(',');
        }
        let (status, data) = match item {
            Item::Record {
                json,
                created: true,
            } => (201, json.as_str()),
            Item::Record { json, .. } => (200, json.as_str()),
            Item::Matches(json) => (200, json.as_str()),
            Item::Nothing => (200, "null"),
            Item::Refused(refusal) => {
                failed += 1;
                write_refusal(refusal, &mut json);
                continue;
            }
        };
        if each {
            // A string takes whatever is written to it.
            write!(json, "{{\"status\":{status},\"data\":{data}}}").unwrap_or_default();
        } else {
            json.push_str(data);
        }
    }
    json.push(']');
    Answer::Batch {
        json: json.into_bytes(),
        items: items.len(),
        each: each.then_some(Each {
            succeeded: items.len() - failed,
            failed,
        }),
    }
}

fn write_refusal(refusal: &Refusal, out: &mut String) {
    write!(
        out,
        "{{\"status\":{},\"error\":{{\"code\":\"{}\",\"message\":",
        refusal.code.status(),
        refusal.code
    )
    .unwrap_or_default();
    write_string(&refusal.message, out);
    out.push_str(",\"details\":[");
    for (at, detail) in refusal.details.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str("{\"field\":");
        write_string(&detail.field, out);
        out.push_str(",\"rule\":");
        write_string(&detail.rule, out);
        out.push_str(",\"message\":");
        write_string(&detail.message, out);
        out.push('}');
    }
    out.push_str("]}}");
}
