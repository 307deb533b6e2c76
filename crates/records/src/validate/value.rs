//! One JSON value to one field value, by the field's type and rules. Not which fields must be there.

use super::rules::url_fault;
use carnet_kernel::{
    Decimal, DecimalError, Detail, Id, IdError, MAX_SAFE_INTEGER, PrincipalKind, PrincipalRef,
    Value, email, json, time,
};
use carnet_model::{FieldType, IdForm};
use std::fmt::Display;

/// Reads `raw`, one JSON value, as `kind`. Null is not read here. Every broken rule goes to
/// `faults` with `path` as its place; then there is no value.
pub(crate) fn read_value(
    kind: &FieldType,
    raw: &str,
    path: &str,
    faults: &mut Vec<Detail>,
) -> Option<Value> {
    let before = faults.len();
    let value = Reader { path, faults }.read(kind, raw);
    if faults.len() > before { None } else { value }
}

/// The rules of one value at one place.
pub(super) struct Reader<'a> {
    pub(super) path: &'a str,
    pub(super) faults: &'a mut Vec<Detail>,
}

impl Reader<'_> {
    pub(super) fn fault(&mut self, rule: &'static str, message: impl Into<String>) {
        self.faults.push(Detail::new(self.path, rule, message));
    }

    pub(super) fn wrong_type(&mut self, wanted: &str, raw: &str) {
        self.fault(
            "type",
            format!("it must be {wanted}, not {}", describe(raw)),
        );
    }

    fn read(&mut self, kind: &FieldType, raw: &str) -> Option<Value> {
        match kind {
            FieldType::Text { min, max, pattern } => {
                let text = self.text(raw)?;
                self.length(&text, *min, *max);
                if let Some(pattern) = pattern
                    && !pattern.regex.is_match(&text)
                {
                    self.fault("pattern", format!("it must match `{}`", pattern.source));
                }
                Some(Value::Text(text))
            }
            FieldType::Email { max } => {
                let text = self.text(raw)?;
                self.length(&text, None, Some(*max));
                if let Some(why) = email::fault(&text) {
                    self.fault("email", format!("it must be an e-mail address; {why}"));
                }
                Some(Value::Text(text))
            }
            FieldType::Url { max } => {
                let text = self.text(raw)?;
                self.length(&text, None, Some(*max));
                if let Some(why) = url_fault(&text) {
                    self.fault("url", format!("it must be an absolute URL; {why}"));
                }
                Some(Value::Text(text))
            }
            FieldType::Enum { values } => {
                let text = self.text(raw)?;
                if !values.contains(&text) {
                    let hint =
                        carnet_kernel::suggest::hint(&text, values.iter().map(String::as_str));
                    self.fault(
                        "enum",
                        format!("it must be one of {}{hint}", values.join(", ")),
                    );
                }
                Some(Value::Text(text))
            }
            FieldType::Boolean => match raw {
                "true" => Some(Value::Boolean(true)),
                "false" => Some(Value::Boolean(false)),
                _ => {
                    self.wrong_type("true or false", raw);
                    None
                }
            },
            FieldType::Integer { min, max } => self.integer(raw, *min, *max),
            FieldType::Float { min, max } => self.float(raw, *min, *max),
            FieldType::Decimal {
                precision,
                scale,
                min,
                max,
            } => self.decimal(raw, (*precision, *scale), *min, *max),
            FieldType::Date => self.moment(
                raw,
                "a date such as `2026-11-21`",
                time::parse_date,
                Value::Date,
            ),
            FieldType::Time => self.moment(
                raw,
                "a time such as `05:32:00`",
                time::parse_time,
                Value::Time,
            ),
            FieldType::DateTime => {
                let form = "a moment such as `2026-11-21T05:32:00Z` (RFC 3339)";
                self.moment(raw, form, time::parse_date_time, Value::DateTime)
            }
            FieldType::Duration => self.moment(
                raw,
                "a duration such as `P1DT2H` (ISO 8601)",
                time::parse_duration,
                Value::Duration,
            ),
            FieldType::Id(form) | FieldType::Ref { form, .. } => self.id(*form, raw),
            FieldType::Uuid => self.id(IdForm::Uuid, raw),
            FieldType::Ulid => self.id(IdForm::Ulid, raw),
            FieldType::Json { schema } => self.json(raw, schema.as_ref()),
            FieldType::I18n { min, max } => self.i18n(raw, *min, *max),
            FieldType::List {
                of,
                min,
                max,
                distinct,
            } => self.list(raw, of, (*min, *max), *distinct),
            FieldType::Principal => self.principal(raw),
        }
    }

    fn text(&mut self, raw: &str) -> Option<String> {
        if !raw.starts_with('"') {
            self.wrong_type("a text", raw);
            return None;
        }
        match serde_json::from_str::<String>(raw) {
            Ok(text) if text.contains('\0') => {
                self.fault("characters", "it must not hold the character U+0000");
                None
            }
            Ok(text) => Some(text),
            Err(_) => {
                self.fault(
                    "characters",
                    "it holds half of a surrogate pair or a broken escape",
                );
                None
            }
        }
    }

    pub(super) fn length(&mut self, text: &str, min: Option<u32>, max: Option<u32>) {
        let count = text.chars().count();
        if let Some(min) = min.filter(|min| count < *min as usize) {
            self.fault(
                "min",
                format!("it must have at least {}, not {count}", characters(min)),
            );
        }
        if let Some(max) = max.filter(|max| count > *max as usize) {
            self.fault(
                "max",
                format!("it must have at most {}, not {count}", characters(max)),
            );
        }
    }

    fn bounds<T: PartialOrd + Display>(&mut self, value: T, min: Option<T>, max: Option<T>) {
        if let Some(min) = min.filter(|min| value < *min) {
            self.fault("min", format!("it must be at least {min}"));
        }
        if let Some(max) = max.filter(|max| value > *max) {
            self.fault("max", format!("it must be at most {max}"));
        }
    }

    fn integer(&mut self, raw: &str, min: Option<i64>, max: Option<i64>) -> Option<Value> {
        if !is_number(raw) {
            self.wrong_type("a whole number", raw);
            return None;
        }
        let whole = Decimal::parse(raw, 18, 0).map(|decimal| decimal.unscaled);
        match whole {
            Ok(integer) if integer.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs() => {
                self.bounds(integer, min, max);
                Some(Value::Integer(integer))
            }
            Err(DecimalError::Fraction) => {
                self.fault("type", "it must be a whole number, without a fraction");
                None
            }
            _ => {
                self.fault("range", format!("it must lie within ±{MAX_SAFE_INTEGER}"));
                None
            }
        }
    }

    fn float(&mut self, raw: &str, min: Option<f64>, max: Option<f64>) -> Option<Value> {
        if !is_number(raw) {
            self.wrong_type("a number", raw);
            return None;
        }
        match raw.parse::<f64>() {
            Ok(float) if float.is_finite() => {
                self.bounds(float, min, max);
                // Negative zero is equal to zero everywhere but in its text.
                Some(Value::Float(if float == 0.0 { 0.0 } else { float }))
            }
            _ => {
                self.fault("range", "it is too large for a double");
                None
            }
        }
    }

    fn decimal(
        &mut self,
        raw: &str,
        (precision, scale): (u8, u8),
        min: Option<i64>,
        max: Option<i64>,
    ) -> Option<Value> {
        let text = if is_number(raw) {
            raw.to_owned()
        } else if raw.starts_with('"') {
            self.text(raw)?
        } else {
            self.wrong_type("a decimal as a text or a number", raw);
            return None;
        };
        match Decimal::parse(&text, precision, scale) {
            Ok(decimal) => {
                let shown = |unscaled| Shown(Decimal { unscaled, scale });
                self.bounds(shown(decimal.unscaled), min.map(shown), max.map(shown));
                Some(Value::Decimal(decimal))
            }
            Err(error) => {
                let (rule, message) = match error {
                    DecimalError::Syntax => {
                        ("type", "it must be a decimal such as `12.50`".to_owned())
                    }
                    DecimalError::Fraction => (
                        "scale",
                        format!("it must have at most {scale} fraction digits"),
                    ),
                    DecimalError::Range => (
                        "precision",
                        format!("it must have at most {precision} digits in all"),
                    ),
                };
                self.fault(rule, message);
                None
            }
        }
    }

    fn moment<T>(
        &mut self,
        raw: &str,
        wanted: &str,
        parse: impl Fn(&str) -> Result<T, time::TimeError>,
        wrap: impl Fn(T) -> Value,
    ) -> Option<Value> {
        let text = self.text(raw)?;
        match parse(&text) {
            Ok(value) => Some(wrap(value)),
            Err(error) => {
                self.fault("format", format!("it must be {wanted}; {error}"));
                None
            }
        }
    }

    fn id(&mut self, form: IdForm, raw: &str) -> Option<Value> {
        let text = self.text(raw)?;
        match parse_id(form, &text) {
            Ok(id) => Some(Value::Id(id)),
            Err(error) => {
                self.fault("format", error);
                None
            }
        }
    }

    /// Only ever compared with what is stored, so its parts are read leniently.
    fn principal(&mut self, raw: &str) -> Option<Value> {
        let value = json::parse(raw).ok()?;
        let kind = PrincipalKind::parse(value.get("kind")?.as_str()?)?;
        let id = match value.get("id") {
            Some(serde_json::Value::String(text)) => Some(text.parse::<Id>().ok()?),
            _ => None,
        };
        Some(Value::Principal(PrincipalRef { kind, id }))
    }
}

/// An id of that text form.
pub(crate) fn parse_id(form: IdForm, text: &str) -> Result<Id, String> {
    match form {
        IdForm::Ulid => text
            .parse::<Id>()
            .map_err(|error| format!("it must be an id; {error}")),
        IdForm::Uuid => Id::parse_uuid(text).map_err(|error| match error {
            IdError::Length => "it must be a UUID of 36 characters".to_owned(),
            IdError::Character => {
                "it must be a UUID such as `0192f3e7-7c00-7abc-9def-0123456789ab`".to_owned()
            }
        }),
    }
}

/// A decimal ordered by its digits; both sides of a bound have the field's scale.
struct Shown(Decimal);

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        self.0.unscaled == other.0.unscaled
    }
}

impl PartialOrd for Shown {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.0.unscaled.partial_cmp(&other.0.unscaled)
    }
}

impl Display for Shown {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// A version as a number in JSON, which may be written with a fraction of zeros.
pub(crate) fn read_version(raw: &str) -> Option<i64> {
    let number = Decimal::parse(raw, 18, 0).ok()?.unscaled;
    let known = is_number(raw) && (1..=MAX_SAFE_INTEGER).contains(&number);
    known.then_some(number)
}

fn is_number(raw: &str) -> bool {
    raw.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

fn characters(count: u32) -> String {
    if count == 1 {
        "1 character".to_owned()
    } else {
        format!("{count} characters")
    }
}

pub(super) fn describe(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'"') => "a text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}
