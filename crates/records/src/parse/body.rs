//! The body of `POST …/query`: the parameters of a list as one JSON object. Its conditions and what
//! it includes stay trees of typed values, which is what the brackets of an address become as well;
//! the rest is taken apart into the pairs that an address would have, so that both forms are read by
//! the same code.

use super::key::LISTS;
use super::{LIST_PARAMETERS, Trees, shorten};
use carnet_kernel::{Code, Detail, Refusal, json};
use serde_json::{Map, Value};

/// The most pairs of one body.
const MAX_PAIRS: usize = 2_000;

/// What a body asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryBody {
    /// As an address would have it, but for what stays a tree.
    pub pairs: Vec<(String, String)>,
    /// The object of conditions.
    pub filter: Option<Value>,
    /// The object of conditions on groups.
    pub having: Option<Value>,
    /// What comes along, where options are objects.
    pub include: Option<Value>,
}

impl QueryBody {
    /// What of it is no pair.
    pub fn trees(&self) -> Trees<'_> {
        Trees {
            filter: self.filter.as_ref(),
            having: self.having.as_ref(),
            include: self.include.as_ref(),
        }
    }
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
    let mut body = QueryBody::default();
    let mut pairs = Vec::new();
    let mut faults: Vec<Detail> = Vec::new();
    for (name, value) in members {
        match (name.as_str(), &value) {
            ("filter", Value::Object(_)) => {
                body.filter = Some(value);
                continue;
            }
            ("having", Value::Object(_)) => {
                body.having = Some(value);
                continue;
            }
            ("include", Value::Object(_)) => {
                body.include = Some(value);
                continue;
            }
            ("include", Value::Array(list)) if list.iter().any(Value::is_object) => {
                body.include = Some(value);
                continue;
            }
            ("search", Value::Object(members)) => {
                search(members, &mut pairs, &mut faults);
                continue;
            }
            _ => {}
        }
        // A name that is not known is told by the reader of the pairs, unless it could be read as
        // another one there.
        if name.contains(['[', ']']) {
            faults.push(Detail::new(
                shorten(&name),
                "unknown",
                format!("there is no member `{}`", shorten(&name)),
            ));
            continue;
        }
        match &value {
            Value::Null if LIST_PARAMETERS.contains(&name.as_str()) => {}
            Value::Array(list) if LISTS.contains(&name.as_str()) => {
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
            value => match expected(&name, value) {
                Some(what) => {
                    let message = format!("`{}` must be {what}", shorten(&name));
                    faults.push(Detail::new(shorten(&name), "type", message));
                }
                None => pairs.push((name.clone(), scalar(value))),
            },
        }
    }
    if pairs.len() > MAX_PAIRS {
        let message = format!("a query holds at most {MAX_PAIRS} values");
        faults.push(Detail::new("body", "max", message));
    }
    match faults.first() {
        None => Ok(QueryBody { pairs, ..body }),
        Some(first) => {
            let mut refusal = Refusal::new(Code::InvalidParameter, first.message.clone());
            refusal.details = faults;
            Err(refusal)
        }
    }
}

/// What a member of this name has to be, unless `value` is that.
fn expected(name: &str, value: &Value) -> Option<&'static str> {
    let (fits, what) = match name {
        "limit" | "offset" | "page" => (value.is_number(), "a number"),
        "explain" => (value.is_boolean(), "true or false"),
        "filter" | "having" => (false, "an object of conditions"),
        "search" => (value.is_string(), "a text or `{\"fuzzy\":\"…\"}`"),
        "include" => (value.is_string(), "a text, a list or an object"),
        _ if LISTS.contains(&name) => (value.is_string(), "a text or a list of texts"),
        _ if LIST_PARAMETERS.contains(&name) => (value.is_string(), "a text"),
        // A name that is not known is told as such.
        _ => (true, ""),
    };
    (!fits).then_some(what)
}

/// `{"fuzzy":"pen"}` as `search[fuzzy]=pen`.
fn search(
    members: &Map<String, Value>,
    pairs: &mut Vec<(String, String)>,
    faults: &mut Vec<Detail>,
) {
    for (name, value) in members {
        let place = format!("search.{}", shorten(name));
        match value {
            _ if name.is_empty() || name.contains(['[', ']']) => {
                let message = format!("`{}` is not a name", shorten(name));
                faults.push(Detail::new(place, "syntax", message));
            }
            Value::Null if name == "fuzzy" => {}
            Value::String(text) => pairs.push((format!("search[{name}]"), text.clone())),
            Value::Null => pairs.push((format!("search[{name}]"), String::new())),
            _ => faults.push(Detail::new(place, "type", "it must be a text")),
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A refusal with its places as paths of the body: `search[fuzzy]` as `search.fuzzy`.
pub fn in_body(mut refusal: Refusal) -> Refusal {
    for detail in &mut refusal.details {
        let rest = detail.field.strip_prefix("search[");
        if let Some(name) = rest.and_then(|rest| rest.strip_suffix(']')) {
            detail.field = format!("search.{name}");
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
        check("{}", None, &[]);
        check(r#"{"filter":null,"sort":null,"search":null}"#, None, &[]);
        // Who reads the pairs knows no such name.
        check(r#"{"nope":null}"#, None, &[("nope", "null")]);
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
        refused(r#"{"limit":[1]}"#, "limit");
        refused(r#"{"limit":"1"}"#, "limit");
        refused(r#"{"explain":"true"}"#, "explain");
        refused(r#"{"count":true}"#, "count");
        refused(r#"{"sort":1}"#, "sort");
        refused(r#"{"filter":[]}"#, "filter");
        refused(r#"{"having":"a"}"#, "having");
        refused(r#"{"search":1}"#, "search");
        refused(r#"{"search":{"fuzzy":1}}"#, "search.fuzzy");
        refused(r#"{"search":{"a]":1}}"#, "search.a]");
        refused(r#"{"search":{"fuzzy":["a"]}}"#, "search.fuzzy");
        refused(r#"{"a[b":1}"#, "a[b");
    }

    #[test]
    fn places_are_paths_of_the_body() {
        let place = |field: &str| {
            let refusal =
                Refusal::new(Code::InvalidParameter, "x").with(Detail::new(field, "x", "x"));
            in_body(refusal).details[0].field.clone()
        };
        assert_eq!(place("search[fuzzy]"), "search.fuzzy");
        assert_eq!(place("filter.or.0.a"), "filter.or.0.a");
        assert_eq!(place("sort[0]"), "sort[0]");
    }
}
