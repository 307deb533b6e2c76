//! One field of a compiled resource: its type with its rules, its names, its role.

use crate::{Error, ResourceIndex};
use carnet_kernel::{Value, json::JsonText, time};
use std::borrow::Cow;
use std::sync::Arc;

/// A field as planners, validators and renderers see it.
#[derive(Clone, Debug)]
pub struct Field {
    /// The API name: `categoryId`.
    pub name: String,
    /// Its API name in the newest version, by which the journal knows it; absent where it is
    /// `name`.
    pub canonical: Option<String>,
    /// Whether the version that sees it does not have it. It keeps its place and its column.
    pub hidden: bool,
    /// The name in the definition: `category`; the same as `name` for everything but references.
    pub declared: String,
    /// The column: `category_id`. For [`FieldType::Principal`] the stem: `created_by` with the
    /// columns `created_by_kind` and `created_by_id`.
    pub column: String,
    /// The column of the folded companion (`name_key`), for caseless text.
    pub companion: Option<String>,
    /// The column of the words that `search=` finds (`name_search`), for searched fields.
    pub search: Option<String>,
    /// Its type and that type's rules.
    pub kind: FieldType,
    /// Whether it may be null.
    pub optional: bool,
    /// What an absent field becomes on create and replace; null for an optional field without one.
    pub default: Option<Value>,
    /// What the platform does with it.
    pub role: Role,
    /// Its declared name before a rename.
    pub was: Option<String>,
    /// A title for people.
    pub title: Option<String>,
    /// A description for people.
    pub description: Option<String>,
    /// An example in the API's shape.
    pub example: Option<serde_json::Value>,
}

impl Field {
    /// Whether a create must give it.
    pub fn required(&self) -> bool {
        self.role == Role::Declared && !self.optional && self.default.is_none()
    }

    /// Its API name in the newest version of the API.
    pub fn canonical(&self) -> &str {
        self.canonical.as_deref().unwrap_or(&self.name)
    }

    /// The default in the API's shape.
    pub fn default_json(&self) -> Option<serde_json::Value> {
        self.default.as_ref().map(|value| self.kind.to_json(value))
    }

    /// Whether it compares and sorts by its folded companion.
    pub fn caseless(&self) -> bool {
        self.companion.is_some()
    }
}

/// Who writes a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Clients.
    Declared,
    /// The record's id.
    Id,
    /// The platform on every write, starting at 1.
    Version,
    /// The platform on create.
    CreatedAt,
    /// The platform on every write.
    UpdatedAt,
    /// The platform on create.
    CreatedBy,
    /// The platform on every write.
    UpdatedBy,
    /// The platform on a soft deletion.
    DeletedAt,
    /// The platform on a soft deletion.
    DeletedBy,
    /// A column of a platform table that clients only read.
    Platform,
}

/// The text form of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdForm {
    /// 26 Crockford characters.
    Ulid,
    /// Hyphenated hexadecimal.
    Uuid,
}

impl IdForm {
    /// The word of the definition language.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ulid => "ulid",
            Self::Uuid => "uuid",
        }
    }
}

/// What happens to a record whose reference is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// The delete is refused.
    Restrict,
    /// The record is deleted too.
    Cascade,
    /// The reference becomes null.
    SetNull,
}

impl OnDelete {
    /// The word of the definition language.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restrict => "restrict",
            Self::Cascade => "cascade",
            Self::SetNull => "setNull",
        }
    }
}

/// A field's type with its rules. Lengths count code points, bounds are inclusive.
#[derive(Clone, Debug)]
pub enum FieldType {
    /// The record's own id.
    Id(IdForm),
    /// Text.
    Text {
        /// Fewest code points.
        min: Option<u32>,
        /// Most code points.
        max: Option<u32>,
        /// A regular expression the whole value must match.
        pattern: Option<Pattern>,
    },
    /// A JSON number within ±(2^53 − 1).
    Integer {
        /// Smallest.
        min: Option<i64>,
        /// Largest.
        max: Option<i64>,
    },
    /// An exact decimal, a JSON string outside.
    Decimal {
        /// Most digits.
        precision: u8,
        /// Digits after the point.
        scale: u8,
        /// Smallest, unscaled at `scale`.
        min: Option<i64>,
        /// Largest, unscaled at `scale`.
        max: Option<i64>,
    },
    /// A finite double.
    Float {
        /// Smallest.
        min: Option<f64>,
        /// Largest.
        max: Option<f64>,
    },
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// A moment.
    DateTime,
    /// A time of day.
    Time,
    /// A length of time.
    Duration,
    /// One of a closed set of words.
    Enum {
        /// The words, in declared order.
        values: Vec<String>,
    },
    /// Any JSON.
    Json {
        /// A JSON schema the value must meet.
        schema: Option<JsonSchema>,
    },
    /// The id of a record of another resource.
    Ref {
        /// Which resource.
        to: ResourceIndex,
        /// What its deletion does here.
        on_delete: OnDelete,
        /// The text form of the id, the target's.
        form: IdForm,
    },
    /// An e-mail address; caseless.
    Email {
        /// Most code points.
        max: u32,
    },
    /// An absolute URL.
    Url {
        /// Most code points.
        max: u32,
    },
    /// A UUID.
    Uuid,
    /// A ULID.
    Ulid,
    /// An object of BCP 47 language tag to text.
    I18n {
        /// Fewest code points of each text.
        min: Option<u32>,
        /// Most code points of each text.
        max: Option<u32>,
    },
    /// A list of values of one type, stored as JSON.
    List {
        /// The type of the members.
        of: Box<FieldType>,
        /// Fewest members.
        min: Option<u32>,
        /// Most members.
        max: Option<u32>,
        /// Whether no two members may be equal.
        distinct: bool,
    },
    /// `{kind, id}` of a caller, in two columns.
    Principal,
}

impl FieldType {
    /// The word of the definition language.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::Text { .. } => "text",
            Self::Integer { .. } => "integer",
            Self::Decimal { .. } => "decimal",
            Self::Float { .. } => "float",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "dateTime",
            Self::Time => "time",
            Self::Duration => "duration",
            Self::Enum { .. } => "enum",
            Self::Json { .. } => "json",
            Self::Ref { .. } => "ref",
            Self::Email { .. } => "email",
            Self::Url { .. } => "url",
            Self::Uuid => "uuid",
            Self::Ulid => "ulid",
            Self::I18n { .. } => "i18n",
            Self::List { .. } => "list",
            Self::Principal => "principal",
        }
    }

    /// Whether its values are [`Value::Text`].
    pub fn is_text(&self) -> bool {
        matches!(
            self,
            Self::Text { .. } | Self::Enum { .. } | Self::Email { .. } | Self::Url { .. }
        )
    }

    /// Whether its values are [`Value::Json`].
    pub fn is_json(&self) -> bool {
        matches!(
            self,
            Self::Json { .. } | Self::I18n { .. } | Self::List { .. }
        )
    }

    /// Whether its values are [`Value::Id`].
    pub fn is_id(&self) -> bool {
        matches!(
            self,
            Self::Id(_) | Self::Ref { .. } | Self::Uuid | Self::Ulid
        )
    }

    /// The text form of its ids, if its values are ids.
    pub fn id_form(&self) -> Option<IdForm> {
        match self {
            Self::Id(form) | Self::Ref { form, .. } => Some(*form),
            Self::Uuid => Some(IdForm::Uuid),
            Self::Ulid => Some(IdForm::Ulid),
            _ => None,
        }
    }

    /// `value`, which must be of this type, in the API's shape. Responses are not made with this:
    /// they go from rows to bytes.
    pub fn to_json(&self, value: &Value) -> serde_json::Value {
        use serde_json::Value as Json;
        let written = |write: &dyn Fn(&mut String)| {
            let mut text = String::new();
            write(&mut text);
            Json::String(text)
        };
        match value {
            Value::Null => Json::Null,
            Value::Boolean(value) => Json::Bool(*value),
            Value::Integer(value) => Json::from(*value),
            Value::Float(value) => Json::from(*value),
            Value::Decimal(value) => Json::String(value.to_string()),
            Value::Text(text) => Json::String(text.clone()),
            Value::Id(id) if self.id_form() == Some(IdForm::Uuid) => {
                Json::String(id.to_uuid_text())
            }
            Value::Id(id) => Json::String(id.to_string()),
            Value::Date(days) => written(&|out| time::write_date(*days, out)),
            Value::Time(micros) => written(&|out| time::write_time(*micros, out)),
            Value::DateTime(micros) => Json::String(time::format_date_time(*micros)),
            Value::Duration(micros) => written(&|out| time::write_duration(*micros, out)),
            Value::Json(text) => text.to_value(),
            Value::Principal(principal) => serde_json::json!({
                "kind": principal.kind.as_str(),
                "id": principal.id.map(|id| id.to_string()),
            }),
        }
    }

    /// Whether a list can be sorted by it and compared with `gt` and its like.
    pub fn is_ordered(&self) -> bool {
        !self.is_json() && !matches!(self, Self::Principal)
    }
}

/// A compiled regular expression that the whole value must match.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// As written.
    pub source: String,
    /// Anchored on both sides; classes mean what they mean in a JSON schema.
    pub regex: Arc<regex::Regex>,
}

impl Pattern {
    /// Compiles `source`, which is matched against whole values in linear time. It is read as JSON
    /// schemas read patterns (ECMA 262): `\d` is one of ten digits.
    pub fn new(source: &str) -> Result<Self, Error> {
        let reason = |error: regex::Error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            Error::Pattern(last.trim_start_matches("error: ").to_owned())
        };
        let build = |text: &str| regex::Regex::new(text).map_err(reason);
        // Alone first: `a)|(b` must not become valid by what is put around it.
        if source.contains(')') {
            build(source)?;
        }
        // What cannot be translated has its reason told below.
        let meant = jsonschema_regex::to_rust_regex(source).unwrap_or(Cow::Borrowed(source));
        Ok(Self {
            source: source.to_owned(),
            regex: Arc::new(build(&format!("\\A(?:{meant})\\z"))?),
        })
    }
}

/// A compiled JSON schema.
#[derive(Clone, Debug)]
pub struct JsonSchema {
    /// As written, canonical.
    pub source: JsonText,
    /// Ready to validate.
    pub validator: Arc<jsonschema::Validator>,
}

impl JsonSchema {
    /// Compiles `source` as JSON schema 2020-12 unless it names another draft. References lead to
    /// places inside it only, formats are asserted, patterns run in linear time.
    pub fn new(source: &serde_json::Value) -> Result<Self, Error> {
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(jsonschema::PatternOptions::regex())
            .build(source)
            .map_err(|error| {
                let place = error.instance_path().to_string();
                Error::Schema(match place.as_str() {
                    "" => error.to_string(),
                    place => format!("{error} at `{place}`"),
                })
            })?;
        Ok(Self {
            source: JsonText::from_value(source),
            validator: Arc::new(validator),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patterns_match_whole_values() {
        let pattern = Pattern::new("a|b+").map(|pattern| pattern.regex);
        assert!(pattern.is_ok_and(|regex| regex.is_match("bb") && !regex.is_match("ab")));
    }

    #[test]
    fn patterns_mean_what_they_mean_in_a_json_schema() {
        for (source, matching, other) in [
            (r"\d{2}", "12", "\u{661}2"),
            (r"[\d.]+", "1.2", "\u{661}"),
            (r"\w+", "a_1", "\u{e9}"),
            (r"a\S", "a\u{85}", "a\u{feff}"),
            (r"a\sb", "a\u{a0}b", "a\u{85}b"),
            ("a.b", "a\u{85}b", "a\nb"),
        ] {
            let regex = Pattern::new(source).unwrap().regex;
            assert!(regex.is_match(matching), "{source}");
            assert!(!regex.is_match(other), "{source}");
            let schema = json!({ "type": "string", "pattern": format!("^(?:{source})$") });
            let schema = JsonSchema::new(&schema).unwrap();
            assert!(schema.validator.is_valid(&json!(matching)), "{source}");
            assert!(!schema.validator.is_valid(&json!(other)), "{source}");
        }
    }

    #[test]
    fn unusable_patterns_have_a_reason() {
        for source in ["(", "a)|(b", "(?=a)", "(?x)a#", r"\p{Foo}", "(a{999}){999}"] {
            let error = Pattern::new(source).map(|pattern| pattern.source);
            assert!(
                matches!(&error, Err(Error::Pattern(text)) if !text.is_empty()),
                "{source}: {error:?}"
            );
        }
    }

    #[test]
    fn schemas_are_compiled_without_the_network() {
        let schema = JsonSchema::new(
            &json!({"type": "object", "$defs": {"a": {"type": "integer"}},
            "properties": {"a": {"$ref": "#/$defs/a"}}}),
        );
        assert!(
            schema.is_ok_and(|schema| schema.validator.is_valid(&json!({"a": 1}))
                && !schema.validator.is_valid(&json!({"a": "1"})))
        );
        for bad in [
            json!({"$ref": "https://example.com/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"type": "objekt"}),
            json!({"pattern": "(?=a)", "type": "string"}),
            json!({"$schema": "https://example.com/own"}),
            json!(7),
        ] {
            let error = JsonSchema::new(&bad).map(|schema| schema.source);
            assert!(
                matches!(&error, Err(Error::Schema(text)) if !text.is_empty()),
                "{bad}: {error:?}"
            );
        }
    }
}
