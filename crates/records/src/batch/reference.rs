//! References of one item to what an earlier one left: `{{result[0].id}}` in any text of its data,
//! its id or its version. A text that is nothing else becomes the value with its type; inside a
//! longer text the value is written into it. Pure.

use carnet_kernel::json::write_string;
use serde_json::Value;
use std::collections::BTreeSet;

/// How a reference begins.
const OPEN: &str = "{{";

/// One reference: to which item's result, and what of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) item: usize,
    pub(super) path: Vec<String>,
}

/// A text cut at its references.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Reference(Reference),
}

/// Whether a text of JSON may hold references at all; cheap.
pub(super) fn may_refer(json: &str) -> bool {
    json.contains(OPEN) || json.contains("\\u007")
}

/// The items that the texts of a JSON value refer to, with what of them; the first malformed
/// reference is an error in words.
pub(super) fn references(json: &str) -> Result<Vec<Reference>, String> {
    let mut found = Vec::new();
    substitute(json, usize::MAX, |reference| {
        found.push(reference.clone());
        Ok("0".to_owned())
    })?;
    Ok(found)
}

/// The same JSON with each reference replaced by what `resolve` answers, which is JSON. Everything
/// else stays as it was written, to the last digit. Errors in words.
pub(super) fn substitute(
    json: &str,
    most: usize,
    mut resolve: impl FnMut(&Reference) -> Result<String, String>,
) -> Result<String, String> {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let (before, literal) = rest.split_at(start);
        out.push_str(before);
        let end = literal_end(literal);
        let (literal, after) = literal.split_at(end);
        let is_key = after.trim_start().starts_with(':');
        if is_key || !may_refer(literal) {
            out.push_str(literal);
        } else {
            replace(literal, most, &mut out, &mut resolve)?;
        }
        if out.len() > most {
            return Err(too_large(most));
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Behind the closing quote of the string that `text` begins with.
fn literal_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn too_large(most: usize) -> String {
    format!("with its references it is larger than {most} bytes")
}

fn replace(
    literal: &str,
    most: usize,
    out: &mut String,
    resolve: &mut impl FnMut(&Reference) -> Result<String, String>,
) -> Result<(), String> {
    let Ok(text) = serde_json::from_str::<String>(literal) else {
        out.push_str(literal);
        return Ok(());
    };
    let pieces = pieces(&text)?;
    match pieces.as_slice() {
        [Piece::Reference(reference)] => out.push_str(&resolve(reference)?),
        [] | [Piece::Text(_)] if !text.contains("\\{{") => out.push_str(literal),
        _ => {
            let mut whole = String::with_capacity(text.len());
            for piece in &pieces {
                match piece {
                    Piece::Text(text) => whole.push_str(text),
                    Piece::Reference(reference) => {
                        whole.push_str(&inside(reference, &resolve(reference)?)?);
                        // A few small texts must not grow without end before anybody looks.
                        if whole.len() > most {
                            return Err(too_large(most));
                        }
                    }
                }
            }
            write_string(&whole, out);
        }
    }
    Ok(())
}

/// A value as it stands inside a longer text.
fn inside(reference: &Reference, json: &str) -> Result<String, String> {
    match serde_json::from_str(json) {
        Ok(Value::String(text)) => Ok(text),
        Ok(Value::Number(_) | Value::Bool(_)) => Ok(json.to_owned()),
        _ => Err(format!(
            "`{}` is no text, number or boolean and cannot stand inside a text",
            reference.show()
        )),
    }
}

/// Cuts a text at its references. `\{{` is a `{{` that begins none.
fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let (before, from) = rest.split_at(at);
        let inner = from.strip_prefix(OPEN).unwrap_or_default();
        if let Some(before) = before.strip_suffix('\\') {
            plain.push_str(before);
            plain.push_str(OPEN);
            rest = inner;
            continue;
        }
        plain.push_str(before);
        if !inner.trim_start().starts_with("result") {
            plain.push_str(OPEN);
            rest = inner;
            continue;
        }
        let written = inner.split("}}").next().unwrap_or_default();
        let shown: String = written.trim().chars().take(64).collect();
        let reference = inner
            .contains("}}")
            .then(|| Reference::parse(written.trim()))
            .flatten()
            .ok_or_else(|| {
                format!("`{{{{{shown}}}}}` is no reference; one is written `{{{{result[0].id}}}}`, `\\{{{{` where none is meant")
            })?;
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::Reference(reference));
        rest = inner.get(written.len() + 2..).unwrap_or_default();
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

impl Reference {
    /// Reads `result[0].details.color`.
    fn parse(text: &str) -> Option<Self> {
        let (number, path) = text.strip_prefix("result[")?.split_once("].")?;
        let digits = !number.is_empty() && number.len() <= 6;
        if !digits || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) || path.len() > 16 {
            return None;
        }
        Some(Self {
            item: number.parse().ok()?,
            path,
        })
    }

    /// As it is written.
    pub(super) fn show(&self) -> String {
        format!("{{{{result[{}].{}}}}}", self.item, self.path.join("."))
    }

    /// Its field, the first step of its path.
    pub(super) fn field(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }

    /// What it means in the JSON of its field, as JSON. Errors in words.
    pub(super) fn of(&self, field: &str) -> Result<String, String> {
        let Some((_, steps)) = self
            .path
            .split_first()
            .filter(|(_, steps)| !steps.is_empty())
        else {
            return Ok(field.to_owned());
        };
        let value: Value = serde_json::from_str(field).map_err(|error| error.to_string())?;
        let mut at = &value;
        for step in steps {
            let next = match at {
                Value::Array(members) => step.parse::<usize>().ok().and_then(|at| members.get(at)),
                other => other.get(step),
            };
            at = next.ok_or_else(|| format!("`{}` leads nowhere", self.show()))?;
        }
        Ok(at.to_string())
    }
}

/// The distinct items that are referred to.
pub(super) fn items(references: &[Reference]) -> BTreeSet<usize> {
    references.iter().map(|reference| reference.item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: Result<&str, &str>) {
        let found = substitute(json, 1_000, |reference| {
            match (reference.item, reference.field()) {
                (0, "id") => reference.of("\"ID\""),
                (0, "count") => reference.of("3"),
                (1, "details") => reference.of(r#"{"a":["x",{"b":1.50}],"c":null}"#),
                _ => Err(format!("no {}", reference.show())),
            }
        });
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{json}");
    }

    #[test]
    fn references_become_values() {
        check(r#"{"a": 1.10, "b":"x"}"#, Ok(r#"{"a": 1.10, "b":"x"}"#));
        check(r#""{{result[0].id}}""#, Ok(r#""ID""#));
        check(r#"["{{ result[0].count }}"]"#, Ok("[3]"));
        check(
            r#""n {{result[0].count}} of {{result[0].id}}!""#,
            Ok(r#""n 3 of ID!""#),
        );
        check(
            r#"{"{{result[0].id}}":"{{result[1].details.a.0}}"}"#,
            Ok(r#"{"{{result[0].id}}":"x"}"#),
        );
        check(r#""{{result[1].details.a}}""#, Ok(r#"["x",{"b":1.5}]"#));
        check(r#""\u007b{result[0].id}}""#, Ok(r#""ID""#));
        check(
            r#""a \"quoted\" {{result[0].id}}""#,
            Ok(r#""a \"quoted\" ID""#),
        );
        check(r#""{{other}} {{""#, Ok(r#""{{other}} {{""#));
        check(r#""\\{{result[0].id}}""#, Ok(r#""{{result[0].id}}""#));
    }

    #[test]
    fn what_is_no_reference_is_told() {
        check(r#""{{result[5].id}}""#, Err("no {{result[5].id}}"));
        check(
            r#""{{result[1].details.z}}""#,
            Err("`{{result[1].details.z}}` leads nowhere"),
        );
        check(
            r#""a {{result[1].details.c}}""#,
            Err(
                "`{{result[1].details.c}}` is no text, number or boolean and cannot stand inside a text",
            ),
        );
        for text in [
            "{{result[0]}}",
            "{{result[x].id}}",
            "{{result[0].id",
            "{{result[0]..id}}",
            "{{result.id}}",
        ] {
            let found = references(&format!("\"{text}\""));
            assert!(found.is_err(), "{text}: {found:?}");
        }
        let grown = substitute(r#"["{{result[0].id}}","{{result[0].id}}"]"#, 5, |_| {
            Ok("1234".to_owned())
        });
        assert_eq!(
            grown,
            Err("with its references it is larger than 5 bytes".to_owned())
        );
    }
}
