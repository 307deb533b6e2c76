//! Values with parts: json, i18n and lists. Not single values.

use super::body::MAX_FAULTS;
use super::rules::is_language_tag;
use super::value::{Reader, read_value};
use crate::parse::shorten;
use carnet_kernel::{Detail, JsonText, Value, json};
use carnet_model::{FieldType, JsonSchema};
use carnet_store::shape;
use jsonschema::paths::{Location, LocationSegment};
use std::collections::HashSet;

impl Reader<'_> {
    pub(super) fn json(&mut self, raw: &str, schema: Option<&JsonSchema>) -> Option<Value> {
        match json::parse(raw) {
            Ok(value) => {
                self.meets(schema, &value);
                Some(Value::Json(JsonText::from_value(&value)))
            }
            Err(error) => {
                self.fault("json", error.to_string());
                None
            }
        }
    }

    fn meets(&mut self, schema: Option<&JsonSchema>, value: &serde_json::Value) {
        let Some(schema) = schema else { return };
        for error in schema.validator.iter_errors(value).take(20) {
            let path = inside(self.path, error.instance_path());
            let message = format!(
                "it must meet the field's schema; {}",
                bounded(&error.masked().to_string())
            );
            self.faults.push(Detail::new(path, "schema", message));
        }
    }

    pub(super) fn i18n(&mut self, raw: &str, min: Option<u32>, max: Option<u32>) -> Option<Value> {
        let value = match json::parse(raw) {
            Ok(value) => value,
            Err(error) => {
                self.fault("json", error.to_string());
                return None;
            }
        };
        let Some(texts) = value.as_object() else {
            self.wrong_type("an object of language tags and texts", raw);
            return None;
        };
        if texts.is_empty() {
            self.fault("min", "it must have a text in at least one language");
        }
        for (tag, text) in texts {
            if self.faults.len() >= MAX_FAULTS {
                break;
            }
            let path = format!("{}.{}", self.path, shorten(tag));
            let mut inner = Reader {
                path: &path,
                faults: self.faults,
            };
            if !is_language_tag(tag) {
                inner.fault(
                    "language",
                    format!(
                        "`{}` must be a language tag such as `en` or `zh-Hant`",
                        shorten(tag)
                    ),
                );
            }
            match text.as_str() {
                Some(text) => inner.length(text, min, max),
                None => inner.fault("type", "it must be a text"),
            }
        }
        Some(Value::Json(JsonText::from_value(&value)))
    }

    pub(super) fn list(
        &mut self,
        raw: &str,
        of: &FieldType,
        (min, max): (Option<u32>, Option<u32>),
        distinct: bool,
    ) -> Option<Value> {
        let Ok(members) = serde_json::from_str::<Vec<&serde_json::value::RawValue>>(raw) else {
            self.wrong_type("a list", raw);
            return None;
        };
        if let Some(min) = min.filter(|min| members.len() < *min as usize) {
            self.fault(
                "min",
                format!("it must have at least {min} members, not {}", members.len()),
            );
        }
        if let Some(max) = max.filter(|max| members.len() > *max as usize) {
            self.fault(
                "max",
                format!("it must have at most {max} members, not {}", members.len()),
            );
            return None;
        }
        let before = self.faults.len();
        let mut seen = HashSet::new();
        let mut all = String::from("[");
        for (index, member) in members.iter().enumerate() {
            if self.faults.len() >= MAX_FAULTS {
                break;
            }
            let path = format!("{}[{index}]", self.path);
            if member.get() == "null" {
                self.faults
                    .push(Detail::new(path, "type", "a member must not be null"));
                continue;
            }
            let mut out = String::new();
            if let Some(value) = read_value(of, member.get(), &path, self.faults) {
                shape::write_value(of, &value, &mut out);
                if index > 0 {
                    all.push(',');
                }
                all.push_str(&out);
                if distinct && !seen.insert(out) {
                    let message = "it stands in the list already";
                    self.faults.push(Detail::new(path, "distinct", message));
                }
            }
        }
        all.push(']');
        if self.faults.len() > before {
            return None;
        }
        match JsonText::parse(&all) {
            Ok(text) => Some(Value::Json(text)),
            Err(error) => {
                self.fault("json", error.to_string());
                None
            }
        }
    }
}

/// The place of a value inside a json field: `details.rows[3].name`.
fn inside(field: &str, at: &Location) -> String {
    let mut path = field.to_owned();
    for segment in at {
        match segment {
            LocationSegment::Property(name) => {
                path.push('.');
                path.push_str(&shorten(&name));
            }
            LocationSegment::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

/// A message of the schema library in our style, bounded.
fn bounded(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    let mut short: String = first.into_iter().chain(characters).take(200).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
