//! A type with its options.

use super::{Reader, get};
use crate::declared::{Place, TypeDecl};
use crate::syntax::{Entry, Kind, Name, Node};
use crate::words;
use crate::{FieldType, JsonSchema, OnDelete, Pattern};
use carnet_kernel::{Decimal, DecimalError, MAX_PRECISION, MAX_SAFE_INTEGER};

/// The longest address that mail can be sent to (RFC 5321, section 4.5.3.1.3).
const EMAIL_MAX: u32 = 254;

/// What browsers and proxies handle.
const URL_MAX: u32 = 2_048;

/// What [`is_enum_word`] tests, as editors test it.
pub(crate) const ENUM_WORD_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$";

const ENUM_WORD: &str = "a letter or digit, then at most 63 letters, digits, `_`, `.` and `-`";

impl Reader<'_> {
    /// Reads the type `word` of the field `name` with the options among `entries`.
    pub(super) fn kind(
        &mut self,
        word: &Name,
        name: &Name,
        entries: &[Entry],
        place: Place,
    ) -> Option<TypeDecl> {
        if word.text == "ref" && place != Place::Platform {
            return self.reference(name, entries);
        }
        if place == Place::Platform && word.text == "principal" {
            return Some(TypeDecl::Plain(FieldType::Principal));
        }
        self.plain_kind(word, entries).map(TypeDecl::Plain)
    }

    fn reference(&mut self, name: &Name, entries: &[Entry]) -> Option<TypeDecl> {
        let choices = [
            ("restrict", OnDelete::Restrict),
            ("cascade", OnDelete::Cascade),
            ("setNull", OnDelete::SetNull),
        ];
        let on_delete = get(entries, "onDelete");
        let chosen = match on_delete {
            Some(node) => self.choice(node, "`onDelete`", &choices),
            None => Some(OnDelete::Restrict),
        };
        let Some(to) = get(entries, "to") else {
            self.report.error_hint(
                name.span,
                format!(
                    "the reference `{}` does not say what it refers to",
                    name.text
                ),
                format!("write `{}: {{ type: ref, to: … }}`", name.text),
            );
            return None;
        };
        let to = self.name(to, "`to`")?;
        Some(TypeDecl::Ref {
            on_delete: chosen?,
            on_delete_span: on_delete.map_or(to.span, |node| node.span),
            to,
        })
    }

    fn plain_kind(&mut self, word: &Name, entries: &[Entry]) -> Option<FieldType> {
        Some(match word.text.as_str() {
            "text" => {
                let (min, max) = self.counts(entries);
                if max == Some(0) {
                    self.zero(entries);
                }
                FieldType::Text {
                    min,
                    max,
                    pattern: get(entries, "pattern").and_then(|node| self.pattern(node)),
                }
            }
            "integer" => {
                let (min, max) =
                    self.bounds(entries, |reader, node, what| reader.integer(node, what));
                FieldType::Integer { min, max }
            }
            "decimal" => return self.decimal_kind(word, entries),
            "float" => {
                let (min, max) =
                    self.bounds(entries, |reader, node, what| reader.float(node, what));
                FieldType::Float { min, max }
            }
            "boolean" => FieldType::Boolean,
            "date" => FieldType::Date,
            "dateTime" => FieldType::DateTime,
            "time" => FieldType::Time,
            "duration" => FieldType::Duration,
            "enum" => FieldType::Enum {
                values: self.enum_values(word, entries)?,
            },
            "json" => FieldType::Json {
                schema: match get(entries, "schema") {
                    Some(node) => Some(self.schema(node)?),
                    None => None,
                },
            },
            "email" => FieldType::Email {
                max: self.max_or(entries, EMAIL_MAX),
            },
            "url" => FieldType::Url {
                max: self.max_or(entries, URL_MAX),
            },
            "uuid" => FieldType::Uuid,
            "ulid" => FieldType::Ulid,
            "i18n" => {
                let (min, max) = self.counts(entries);
                FieldType::I18n { min, max }
            }
            "list" => self.list_kind(word, entries)?,
            _ => {
                self.unknown_type(word);
                return None;
            }
        })
    }

    fn unknown_type(&mut self, word: &Name) {
        let text = word.text.as_str();
        if words::TYPES_LATER.contains(&text) {
            return self.report.error_hint(
                word.span,
                format!("the type `{text}` comes with a later release"),
                "leave the field out until then",
            );
        }
        let message = format!("unknown type `{text}`");
        let ours = words::TYPE_SYNONYMS
            .iter()
            .find(|(theirs, _)| theirs.eq_ignore_ascii_case(text));
        match ours {
            Some((_, ours)) => {
                self.report
                    .error_hint(word.span, message, format!("did you mean `{ours}`?"));
            }
            None => {
                let known = words::TYPES.iter().map(|known| known.word);
                match self.report.nearest(text, known.clone()) {
                    Some(near) => {
                        self.report.error_hint(
                            word.span,
                            message,
                            format!("did you mean `{near}`?"),
                        );
                    }
                    None => {
                        let all: Vec<&str> = known.collect();
                        self.report.error_hint(
                            word.span,
                            message,
                            format!("the types are {}", all.join(", ")),
                        );
                    }
                }
            }
        }
    }

    fn max_or(&mut self, entries: &[Entry], default: u32) -> u32 {
        let max = get(entries, "max").and_then(|node| self.count(node, "`max`"));
        if max == Some(0) {
            self.zero(entries);
        }
        max.unwrap_or(default)
    }

    fn zero(&mut self, entries: &[Entry]) {
        if let Some(node) = get(entries, "max") {
            self.report
                .error(node.span, "`max: 0` leaves no room for a value");
        }
    }

    /// `min` and `max` as counts, in order.
    fn counts(&mut self, entries: &[Entry]) -> (Option<u32>, Option<u32>) {
        self.bounds(entries, |reader, node, what| reader.count(node, what))
    }

    /// `min` and `max`; an error when no value lies between them.
    fn bounds<T: PartialOrd + Copy>(
        &mut self,
        entries: &[Entry],
        mut read: impl FnMut(&mut Self, &Node, &str) -> Option<T>,
    ) -> (Option<T>, Option<T>) {
        let mut bound = |reader: &mut Self, key: &str| {
            get(entries, key).and_then(|node| read(reader, node, &format!("`{key}`")))
        };
        let min = bound(self, "min");
        let max = bound(self, "max");
        if let (Some(least), Some(most), Some(node)) = (min, max, get(entries, "min"))
            && least > most
        {
            self.report
                .error(node.span, "`min` is larger than `max`: no value fits");
        }
        (min, max)
    }

    pub(super) fn integer(&mut self, node: &Node, what: &str) -> Option<i64> {
        let Kind::Number(text) = &node.kind else {
            self.wrong(node, what, "a whole number");
            return None;
        };
        let value = text
            .parse()
            .ok()
            .filter(|value: &i64| value.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs());
        if value.is_none() {
            self.report.error(
                node.span,
                format!("{what} must be a whole number within ±{MAX_SAFE_INTEGER}"),
            );
        }
        value
    }

    pub(super) fn float(&mut self, node: &Node, what: &str) -> Option<f64> {
        let Kind::Number(text) = &node.kind else {
            self.wrong(node, what, "a number");
            return None;
        };
        let value = text.parse().ok().filter(|value: &f64| value.is_finite());
        if value.is_none() {
            self.report.error(
                node.span,
                format!("{what} lies beyond the range of a double"),
            );
        }
        value
    }

    fn decimal_kind(&mut self, word: &Name, entries: &[Entry]) -> Option<FieldType> {
        let mut digits = |key: &str| match get(entries, key) {
            Some(node) => {
                let count = self.count(node, &format!("`{key}`"))?;
                if count > u32::from(MAX_PRECISION) || (key == "precision" && count == 0) {
                    self.report.error(
                        node.span,
                        format!("`{key}` is at most {MAX_PRECISION}, not {count}"),
                    );
                    return None;
                }
                u8::try_from(count).ok()
            }
            None => {
                self.report.error_hint(
                    word.span,
                    format!("a decimal needs `{key}`"),
                    "for example `precision: 12, scale: 2`",
                );
                None
            }
        };
        let precision = digits("precision");
        let scale = digits("scale");
        let (precision, scale) = (precision?, scale?);
        if scale > precision {
            if let Some(node) = get(entries, "scale") {
                self.report.error(
                    node.span,
                    format!("`scale` {scale} is larger than `precision` {precision}"),
                );
            }
            return None;
        }
        let (min, max) = self.bounds(entries, |reader, node, what| {
            reader
                .decimal(node, precision, scale, what)
                .map(|value| value.unscaled)
        });
        Some(FieldType::Decimal {
            precision,
            scale,
            min,
            max,
        })
    }

    /// An exact decimal: a number as written, or a text.
    pub(super) fn decimal(
        &mut self,
        node: &Node,
        precision: u8,
        scale: u8,
        what: &str,
    ) -> Option<Decimal> {
        let (Kind::Number(text) | Kind::Text(text)) = &node.kind else {
            self.wrong(node, what, "a decimal");
            return None;
        };
        match Decimal::parse(text, precision, scale) {
            Ok(value) => Some(value),
            Err(error) => {
                let reason = match error {
                    DecimalError::Syntax => format!("{what} is not a decimal: `{text}`"),
                    DecimalError::Fraction => {
                        format!("{what} has more digits after the point than `scale` {scale}")
                    }
                    DecimalError::Range => {
                        format!(
                            "{what} has more digits than `precision` {precision} with `scale` {scale}"
                        )
                    }
                };
                self.report.error(node.span, reason);
                None
            }
        }
    }

    fn pattern(&mut self, node: &Node) -> Option<Pattern> {
        let source = self.text(node, "`pattern`")?;
        match Pattern::new(source) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.report.error(node.span, error.to_string());
                None
            }
        }
    }

    fn schema(&mut self, node: &Node) -> Option<JsonSchema> {
        self.map(node, "`schema`")?;
        let source = match node.to_json() {
            Ok(source) => source,
            Err((span, reason)) => {
                self.report.error(span, reason);
                return None;
            }
        };
        match JsonSchema::new(&source) {
            Ok(schema) => Some(schema),
            Err(error) => {
                self.report.error(node.span, error.to_string());
                None
            }
        }
    }

    fn enum_values(&mut self, word: &Name, entries: &[Entry]) -> Option<Vec<String>> {
        let Some(node) = get(entries, "values") else {
            self.report.error_hint(
                word.span,
                "an enum needs `values`",
                "for example `values: [draft, published]`",
            );
            return None;
        };
        let Kind::List(items) = &node.kind else {
            self.wrong(node, "`values`", "a list of words");
            return None;
        };
        if items.is_empty() {
            self.report.error(node.span, "`values` holds no word");
            return None;
        }
        let mut values: Vec<String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for item in items {
            let Some(value) = self.text(item, "a word of `values`") else {
                continue;
            };
            if !is_enum_word(value) {
                self.report
                    .error(item.span, format!("the word `{value}` must be {ENUM_WORD}"));
            }
            if seen.insert(value) {
                values.push(value.to_owned());
            } else {
                self.report
                    .error(item.span, format!("the word `{value}` stands twice"));
            }
        }
        Some(values)
    }

    fn list_kind(&mut self, word: &Name, entries: &[Entry]) -> Option<FieldType> {
        let (min, max) = self.counts(entries);
        let distinct = get(entries, "distinct")
            .and_then(|node| self.boolean(node, "`distinct`"))
            .unwrap_or_default();
        let Some(node) = get(entries, "of") else {
            self.report.error_hint(
                word.span,
                "a list needs `of`: the type of its members",
                "for example `of: text`",
            );
            return None;
        };
        let (member, options) = match &node.kind {
            Kind::Text(text) => (
                Name {
                    text: text.clone(),
                    span: node.span,
                },
                &[][..],
            ),
            Kind::Map(options) => match get(options, "type") {
                Some(kind) => (self.name(kind, "`type`")?, options.as_slice()),
                None => {
                    self.report
                        .error(node.span, "the members of a list need a `type`");
                    return None;
                }
            },
            _ => {
                self.wrong(node, "`of`", "a type or a map with a `type`");
                return None;
            }
        };
        if let Some(known) = words::TYPES.iter().find(|known| known.word == member.text) {
            if !known.in_list {
                self.report.error(
                    member.span,
                    format!("a list cannot hold the type `{}`", member.text),
                );
                return None;
            }
            let takes = || {
                words::names(known.options)
                    .filter(|option| *option != "caseless")
                    .chain(["type"])
            };
            for entry in options {
                if takes().all(|option| option != entry.key.text) {
                    self.unknown(&entry.key, "the type of a list's members", takes(), &[]);
                }
            }
        }
        let of = self.plain_kind(&member, options)?;
        Some(FieldType::List {
            of: Box::new(of),
            min,
            max,
            distinct,
        })
    }
}

fn is_enum_word(word: &str) -> bool {
    word.len() <= 64
        && word.starts_with(|first: char| first.is_ascii_alphanumeric())
        && word
            .chars()
            .all(|other| other.is_ascii_alphanumeric() || matches!(other, '_' | '.' | '-'))
}
