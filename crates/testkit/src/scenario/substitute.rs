//! `{{name}}` in a step becomes what an earlier step saved under that name.

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

/// `text` with every `{{name}}` replaced; a saved value that is not text is written as JSON.
pub(super) fn text(text: &str, saved: &Map<String, Value>) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            bail!("`{text}` opens `{{{{` and does not close it");
        };
        out.push_str(before);
        match lookup(name, saved)? {
            Value::String(saved) => out.push_str(saved),
            other => out.push_str(&other.to_string()),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// `value` with every text in it replaced. A text that is nothing but `{{name}}` becomes the saved
/// value itself, a number staying a number.
pub(super) fn value(value: &Value, saved: &Map<String, Value>) -> Result<Value> {
    Ok(match value {
        Value::String(whole) => match only_name(whole) {
            Some(name) => lookup(name, saved)?.clone(),
            None => Value::String(text(whole, saved)?),
        },
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| self::value(item, saved))
                .collect::<Result<_>>()?,
        ),
        Value::Object(members) => {
            let mut replaced = Map::new();
            for (name, member) in members {
                replaced.insert(text(name, saved)?, self::value(member, saved)?);
            }
            Value::Object(replaced)
        }
        other => other.clone(),
    })
}

fn only_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix("{{")?.strip_suffix("}}")?;
    (!name.contains("{{") && !name.contains("}}")).then_some(name)
}

fn lookup<'a>(name: &str, saved: &'a Map<String, Value>) -> Result<&'a Value> {
    let name = name.trim();
    saved
        .get(name)
        .with_context(|| format!("no earlier step saved `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn saved() -> Map<String, Value> {
        let Value::Object(saved) = json!({"id": "01H", "version": 3}) else {
            unreachable!("an object was written");
        };
        saved
    }

    #[test]
    fn texts_take_saved_values() {
        let path = text("/api/v1/products/{{id}}?v={{ version }}", &saved()).unwrap();
        assert_eq!(path, "/api/v1/products/01H?v=3");
        assert!(text("{{nothing}}", &saved()).is_err());
        assert!(text("{{id", &saved()).is_err());
    }

    #[test]
    fn a_lone_name_keeps_its_type() {
        let body =
            json!({"n": "{{version}}", "t": "v{{version}}", "l": ["{{id}}"], "{{id}}": null});
        assert_eq!(
            value(&body, &saved()).unwrap(),
            json!({"n": 3, "t": "v3", "l": ["01H"], "01H": null})
        );
    }
}
