//! The body of `POST …/query`: the parameters of a list as one JSON object. Its conditions stay a
//! tree of typed values, which is what the brackets of an address become as well; the rest is taken
//! apart into the pairs that an address would have, so that both forms are read by the same code.

use super::{LIST_PARAMETERS, shorten};
use carnet_kernel::{Code, Detail, Refusal, json};
use serde_json::Value;

/// The most pairs of one body.
const MAX_PAIRS: usize = 2_000;
/// Parameters whose value is an object.
const OBJECTS: &[&str] = &["having", "search"];

/// What a body asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryBody {
    /// As an address would have it, but for the conditions.
    pub pairs: Vec<(String, String)>,
    /// The object of conditions.
    pub filter: Option<Value>,
}

/// Reads a body.
pub fn read_body(text: &str) -> Result<QueryBody, Refusal> {
    let malformed = |message: String| {
        Refusal::new(Code::MalformedRequest, message.clone())
            .with(Detail::new("body", "json", message))
    };
    let value =
        json::parse(text).map_err(|error| malformed(format!("the body is not JSON: {error}")))?;
    let Value::Object(members) = value else {
        return Err(malformed(
            "the body must be an object such as `{\"filter\":{…}}`".to_owned(),
        ));
    };
    let mut pairs = Vec::new();
    let mut filter = None;
    let mut faults: Vec<Detail> = Vec::new();
    for (name, value) in &members {
        if name == "filter" && value.is_object() {
            filter = Some(value.clone());
            continue;
        }
        if OBJECTS.contains(&name.as_str()) && value.is_object() {
            conditions(name, value, name, &mut pairs, &mut faults);
            continue;
        }
        // A name that is not known is told by the reader of the pairs, unless it could be read as
        // another one there.
        if name.contains(['[', ']']) {
            faults.push(Detail::new(
                shorten(name),
                "unknown",
                format!("there is no member `{}`", shorten(name)),
            ));
            continue;
        }
        match value {
            Value::Null => {}
            Value::Array(list) if LIST_PARAMETERS.contains(&name.as_str()) => {
                for (position, member) in list.iter().enumerate() {
                    match member {
                        Value::String(text) => pairs.push((name.clone(), text.clone())),
                        _ => faults.push(Detail::new(
                            format!("{name}[{position}]"),
                            "type",
                            format!("members of `{name}` are texts"),
                        )),
                    }
                }
            }
            Value::Array(_) | Value::Object(_) => faults.push(Detail::new(
                shorten(name),
                "type",
                format!("`{}` is neither a list nor an object", shorten(name)),
            )),
            value => pairs.push((name.clone(), scalar(value))),
        }
    }
    if pairs.len() > MAX_PAIRS {
        let message = format!("a query holds at most {MAX_PAIRS} values");
        faults.push(Detail::new("body", "max", message));
    }
    match faults.first() {
        None => Ok(QueryBody { pairs, filter }),
        Some(first) => {
            let mut refusal = Refusal::new(Code::InvalidParameter, first.message.clone());
            refusal.details = faults;
            Err(refusal)
        }
    }
}

/// `{"count":{"gte":10}}` as `having[count][gte]=10`.
fn conditions(
    key: &str,
    value: &Value,
    place: &str,
    pairs: &mut Vec<(String, String)>,
    faults: &mut Vec<Detail>,
) {
    if pairs.len() > MAX_PAIRS || faults.len() > 50 {
        return;
    }
    let mut below = |name: &str, value: &Value, place: String| {
        if name.is_empty() || name.contains(['[', ']']) {
            let message = format!("`{}` is not a name", shorten(name));
            faults.push(Detail::new(place, "syntax", message));
        } else {
            conditions(&format!("{key}[{name}]"), value, &place, pairs, faults);
        }
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                below(name, value, format!("{place}.{}", shorten(name)));
            }
        }
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_object) => {
            for (position, value) in list.iter().enumerate() {
                below(&position.to_string(), value, format!("{place}[{position}]"));
            }
        }
        Value::Array(list) => {
            let scalars = list
                .iter()
                .all(|member| !(member.is_array() || member.is_object() || member.is_null()));
            if list.is_empty() || !scalars {
                let message =
                    "a list here holds at least one text, number or boolean, and nothing else";
                faults.push(Detail::new(place, "type", message));
                return;
            }
            let members: Vec<String> = list
                .iter()
                .map(|member| scalar(member).replace('\\', "\\\\").replace(',', "\\,"))
                .collect();
            pairs.push((key.to_owned(), members.join(",")));
        }
        // `{"weight":{"eq":null}}` asks whether it is null.
        Value::Null => match key
            .strip_suffix("[eq]")
            .map(|before| (before, "true"))
            .or_else(|| key.strip_suffix("[ne]").map(|before| (before, "false")))
        {
            Some((before, word)) => pairs.push((format!("{before}[isNull]"), word.to_owned())),
            None => {
                let message = "null stands beside `eq` and `ne` alone";
                faults.push(Detail::new(place, "type", message));
            }
        },
        value => pairs.push((key.to_owned(), scalar(value))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A refusal with its places as paths of the body: `having[count][gte]` as `having.count.gte`.
pub fn in_body(mut refusal: Refusal) -> Refusal {
    for detail in &mut refusal.details {
        let bracketed = OBJECTS.iter().any(|name| {
            let rest = detail.field.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with('['))
        });
        if bracketed {
            detail.field = detail
                .field
                .replace("][", ".")
                .replace('[', ".")
                .replace(']', "");
        }
    }
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, filter: Option<&str>, expected: &[(&str, &str)]) {
        let found = read_body(body).unwrap();
        let pairs: Vec<(&str, &str)> = found
            .pairs
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(pairs, expected);
        assert_eq!(found.filter.map(|tree| tree.to_string()).as_deref(), filter);
    }

    #[test]
    fn a_body_stands_for_the_pairs_of_an_address() {
        check(
            r#"{"filter":{"price":{"gte":10}},"sort":["-price","name"],"limit":5,"cursor":null,
                "explain":true,"search":{"fuzzy":"pen"}}"#,
            Some(r#"{"price":{"gte":10}}"#),
            &[
                ("sort", "-price"),
                ("sort", "name"),
                ("limit", "5"),
                ("explain", "true"),
                ("search[fuzzy]", "pen"),
            ],
        );
        check(
            r#"{"having":{"count":{"gt":1},"sum(price)":{"between":["1","2,5"]},"max(stock)":{"eq":null}}}"#,
            None,
            &[
                ("having[count][gt]", "1"),
                ("having[sum(price)][between]", "1,2\\,5"),
                ("having[max(stock)][isNull]", "true"),
            ],
        );
        check("{}", None, &[]);
    }

    #[track_caller]
    fn refused(body: &str, place: &str) {
        let refusal = read_body(body).unwrap_err();
        assert_eq!(refusal.details[0].field, place, "{body}");
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_place() {
        refused("[]", "body");
        refused("{\"a\":1,\"a\":2}", "body");
        refused(r#"{"sort":[1]}"#, "sort[0]");
        refused(r#"{"limit":[1]}"#, "limit[0]");
        refused(r#"{"having":{"count":{"in":[]}}}"#, "having.count.in");
        refused(r#"{"having":{"count":{"gt":null}}}"#, "having.count.gt");
        refused(r#"{"having":{"a]":1}}"#, "having.a]");
        refused(r#"{"a[b":1}"#, "a[b");
    }

    #[test]
    fn places_are_paths_of_the_body() {
        let place = |field: &str| {
            let refusal =
                Refusal::new(Code::InvalidParameter, "x").with(Detail::new(field, "x", "x"));
            in_body(refusal).details[0].field.clone()
        };
        assert_eq!(place("having[sum(a.b)][eq]"), "having.sum(a.b).eq");
        assert_eq!(place("filter.or.0.a"), "filter.or.0.a");
        assert_eq!(place("sort[0]"), "sort[0]");
    }
}
