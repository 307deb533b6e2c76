//! Defaults and examples: a value under its type and that type's rules.

use super::Reader;
use crate::FieldType;
use crate::report::Report;
use crate::syntax::{Kind, Node};
use carnet_kernel::{Id, JsonText, Value, time};

impl Reader<'_> {
    /// The value of `node` as a field of type `kind` has it; every broken rule is reported.
    pub(crate) fn value(&mut self, node: &Node, kind: &FieldType, what: &str) -> Option<Value> {
        if node.is_broken() {
            return None;
        }
        match kind {
            FieldType::Text { min, max, pattern } => {
                let text = self.text(node, what)?;
                let fits = self.length(node, text, *min, *max, what);
                if let Some(pattern) = pattern
                    && !pattern.regex.is_match(text)
                {
                    let source = &pattern.source;
                    self.report.error(
                        node.span,
                        format!("{what} does not match the pattern `{source}`"),
                    );
                    return None;
                }
                fits.then(|| Value::Text(text.to_owned()))
            }
            FieldType::Integer { min, max } => {
                let value = self.integer(node, what)?;
                self.within(node, value, *min, *max, what)
                    .map(Value::Integer)
            }
            FieldType::Decimal {
                precision,
                scale,
                min,
                max,
            } => {
                let value = self.decimal(node, *precision, *scale, what)?;
                let show = |unscaled| carnet_kernel::Decimal {
                    unscaled,
                    scale: *scale,
                };
                if min.is_some_and(|min| value.unscaled < min) {
                    let least = show(min.unwrap_or_default());
                    self.report
                        .error(node.span, format!("{what} is smaller than `min` {least}"));
                    return None;
                }
                if max.is_some_and(|max| value.unscaled > max) {
                    let most = show(max.unwrap_or_default());
                    self.report
                        .error(node.span, format!("{what} is larger than `max` {most}"));
                    return None;
                }
                Some(Value::Decimal(value))
            }
            FieldType::Float { min, max } => {
                let value = self.float(node, what)?;
                self.within(node, value, *min, *max, what).map(Value::Float)
            }
            FieldType::Boolean => self.boolean(node, what).map(Value::Boolean),
            FieldType::Date => self.moment(node, what, "2026-11-21", |text| {
                time::parse_date(text).map(Value::Date)
            }),
            FieldType::DateTime => self.moment(node, what, "2026-11-21T05:32:00Z", |text| {
                time::parse_date_time(text).map(Value::DateTime)
            }),
            FieldType::Time => self.moment(node, what, "05:32:00", |text| {
                time::parse_time(text).map(Value::Time)
            }),
            FieldType::Duration => self.moment(node, what, "P1DT2H", |text| {
                time::parse_duration(text).map(Value::Duration)
            }),
            FieldType::Enum { values } => {
                let text = self.text(node, what)?;
                if values.iter().any(|value| value == text) {
                    return Some(Value::Text(text.to_owned()));
                }
                self.report.error_near(
                    node.span,
                    format!("{what} is `{text}`, which is not among the `values`"),
                    text,
                    values.iter().map(String::as_str),
                );
                None
            }
            FieldType::Email { max } => {
                let text = self.text(node, what)?;
                let parts = text.split_once('@');
                let sound = parts.is_some_and(|(name, host)| {
                    !name.is_empty() && !host.is_empty() && !host.contains('@')
                }) && !text.contains(char::is_whitespace);
                if !sound {
                    self.report
                        .error(node.span, format!("{what} is not an e-mail address"));
                    return None;
                }
                self.length(node, text, None, Some(*max), what)
                    .then(|| Value::Text(text.to_owned()))
            }
            FieldType::Url { max } => {
                let text = self.text(node, what)?;
                if !is_url(text) {
                    self.report.error_hint(
                        node.span,
                        format!("{what} is not an absolute URL"),
                        "for example `https://example.com/`",
                    );
                    return None;
                }
                self.length(node, text, None, Some(*max), what)
                    .then(|| Value::Text(text.to_owned()))
            }
            FieldType::Uuid => self.id(node, what, Id::parse_uuid),
            FieldType::Ulid => self.id(node, what, str::parse),
            FieldType::Json { .. } | FieldType::I18n { .. } | FieldType::List { .. } => {
                self.json_value(node, kind, what)
            }
            FieldType::Id(_) | FieldType::Ref { .. } | FieldType::Principal => {
                self.report
                    .error(node.span, format!("{what} is written by the platform"));
                None
            }
        }
    }

    /// Warns when an example breaks the rules of its type.
    pub(super) fn example(&mut self, node: &Node, kind: &FieldType, field: &str) {
        if matches!(kind, FieldType::Principal) {
            return;
        }
        let mut scratch = Report::default();
        let mut reader = Reader {
            report: &mut scratch,
            grammar: self.grammar,
        };
        reader.value(node, kind, "the example");
        if scratch.errors() > 0 {
            self.report.warning(
                node.span,
                format!("the example of `{field}` does not fit its type"),
                "give one that a client could send",
            );
        }
    }

    fn json_value(&mut self, node: &Node, kind: &FieldType, what: &str) -> Option<Value> {
        let json = match kind {
            FieldType::Json { schema } => {
                let value = self.any_json(node)?;
                if let Some(schema) = schema
                    && let Err(error) = schema.validator.validate(&value)
                {
                    let place = error.instance_path().to_string();
                    let place = if place.is_empty() {
                        String::new()
                    } else {
                        format!(" at `{place}`")
                    };
                    self.report.error(
                        node.span,
                        format!("{what} does not meet its schema{place}: {error}"),
                    );
                    return None;
                }
                value
            }
            FieldType::I18n { min, max } => self.texts(node, *min, *max, what)?,
            FieldType::List {
                of,
                min,
                max,
                distinct,
            } => {
                let Kind::List(items) = &node.kind else {
                    self.wrong(node, what, "a list");
                    return None;
                };
                if min.is_some_and(|min| items.len() < min as usize)
                    || max.is_some_and(|max| items.len() > max as usize)
                {
                    self.report.error(
                        node.span,
                        format!(
                            "{what} has {} members, not {}",
                            items.len(),
                            range(*min, *max)
                        ),
                    );
                    return None;
                }
                let mut members: Vec<serde_json::Value> = Vec::new();
                for item in items {
                    let value = self.value(item, of, &format!("a member of {what}"))?;
                    let member = of.to_json(&value);
                    if *distinct && members.contains(&member) {
                        self.report
                            .error(item.span, format!("{what} has the same member twice"));
                        return None;
                    }
                    members.push(member);
                }
                serde_json::Value::Array(members)
            }
            _ => return None,
        };
        Some(Value::Json(JsonText::from_value(&json)))
    }

    fn any_json(&mut self, node: &Node) -> Option<serde_json::Value> {
        node.to_json()
            .map_err(|(span, reason)| self.report.error(span, reason))
            .ok()
    }

    fn texts(
        &mut self,
        node: &Node,
        min: Option<u32>,
        max: Option<u32>,
        what: &str,
    ) -> Option<serde_json::Value> {
        let mut map = serde_json::Map::new();
        let mut sound = true;
        for entry in self.map(node, what)? {
            let tag = &entry.key.text;
            if !is_language_tag(tag) {
                self.report.error_hint(
                    entry.key.span,
                    format!("`{tag}` is not a language tag"),
                    "for example `en` or `pt-BR`",
                );
                sound = false;
            }
            let label = format!("{what} in `{tag}`");
            match self.text(&entry.value, &label) {
                Some(text) if self.length(&entry.value, text, min, max, &label) => {
                    map.insert(tag.clone(), serde_json::Value::String(text.to_owned()));
                }
                _ => sound = false,
            }
        }
        sound.then_some(serde_json::Value::Object(map))
    }

    fn length(
        &mut self,
        node: &Node,
        text: &str,
        min: Option<u32>,
        max: Option<u32>,
        what: &str,
    ) -> bool {
        let count = text.chars().count();
        let fits = min.is_none_or(|min| count >= min as usize)
            && max.is_none_or(|max| count <= max as usize);
        if !fits {
            self.report.error(
                node.span,
                format!("{what} has {count} characters, not {}", range(min, max)),
            );
        }
        fits
    }

    fn within<T: PartialOrd + Copy + std::fmt::Display>(
        &mut self,
        node: &Node,
        value: T,
        min: Option<T>,
        max: Option<T>,
        what: &str,
    ) -> Option<T> {
        if let Some(min) = min.filter(|min| value < *min) {
            self.report
                .error(node.span, format!("{what} is smaller than `min` {min}"));
            return None;
        }
        if let Some(max) = max.filter(|max| value > *max) {
            self.report
                .error(node.span, format!("{what} is larger than `max` {max}"));
            return None;
        }
        Some(value)
    }

    fn moment(
        &mut self,
        node: &Node,
        what: &str,
        sample: &str,
        parse: impl Fn(&str) -> Result<Value, time::TimeError>,
    ) -> Option<Value> {
        let text = self.text(node, what)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.report.error_hint(
                    node.span,
                    format!("{what} cannot be read: {error}"),
                    format!("for example `{sample}`"),
                );
                None
            }
        }
    }

    fn id(
        &mut self,
        node: &Node,
        what: &str,
        parse: impl Fn(&str) -> Result<Id, carnet_kernel::IdError>,
    ) -> Option<Value> {
        let text = self.text(node, what)?;
        match parse(text) {
            Ok(id) => Some(Value::Id(id)),
            Err(_) => {
                self.report.error(
                    node.span,
                    format!("{what} is not an id of its type: `{text}`"),
                );
                None
            }
        }
    }
}

fn range(min: Option<u32>, max: Option<u32>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "any number".to_owned(),
    }
}

/// RFC 3986: a scheme, a colon, something, and no blanks.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|other| other.is_ascii_alphanumeric() || matches!(other, '+' | '-' | '.'))
        && !rest.is_empty()
        && !text.contains(|other: char| other.is_whitespace() || other.is_control())
}

/// The form of a BCP 47 tag; not whether it is registered.
fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default();
    (2..=8).contains(&primary.len())
        && primary.chars().all(|letter| letter.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.chars().all(|other| other.is_ascii_alphanumeric())
        })
}
