//! Operators: which fit a subject, and the test each one makes of its values.

use super::target::{Form, Subject};
use super::tree::{Node, Words};
use super::value::{from_words, json_from_words};
use super::{Faults, key::split_list, shorten};
use carnet_expr::{CompareOp, Operand, Path, Predicate, TextOp};
use carnet_kernel::{Code, JsonText, Timestamp, Value, text};
use carnet_model::FieldType;
use carnet_store::shape;
use std::borrow::Cow;

/// The most members of one list.
pub(super) const MAX_MEMBERS: usize = 1_000;
/// The most members that a list field is asked for at once.
const MAX_HAS: usize = 50;

/// An operator of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Compare(CompareOp),
    In {
        negated: bool,
    },
    Between,
    IsNull,
    Text {
        op: TextOp,
        caseless: bool,
    },
    /// Equality without regard to case.
    SameFolded,
    /// `None`: one value; else whether all of several.
    Has(Option<bool>),
}

impl Word {
    /// Every operator, as clients write it.
    pub(crate) const ALL: &[(&'static str, Self)] = &[
        ("eq", Self::Compare(CompareOp::Eq)),
        ("ne", Self::Compare(CompareOp::Ne)),
        ("gt", Self::Compare(CompareOp::Gt)),
        ("gte", Self::Compare(CompareOp::Gte)),
        ("lt", Self::Compare(CompareOp::Lt)),
        ("lte", Self::Compare(CompareOp::Lte)),
        ("in", Self::In { negated: false }),
        ("nin", Self::In { negated: true }),
        ("between", Self::Between),
        ("isNull", Self::IsNull),
        ("like", text_word(TextOp::Like, false)),
        ("contains", text_word(TextOp::Contains, false)),
        ("startsWith", text_word(TextOp::StartsWith, false)),
        ("endsWith", text_word(TextOp::EndsWith, false)),
        ("ieq", Self::SameFolded),
        ("ilike", text_word(TextOp::Like, true)),
        ("icontains", text_word(TextOp::Contains, true)),
        ("istartsWith", text_word(TextOp::StartsWith, true)),
        ("iendsWith", text_word(TextOp::EndsWith, true)),
        ("has", Self::Has(None)),
        ("hasAny", Self::Has(Some(false))),
        ("hasAll", Self::Has(Some(true))),
    ];

    /// The operator of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(word, _)| *word == name);
        found.map(|(_, word)| *word)
    }

    fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, word)| *word == self);
        found.map_or("", |(name, _)| *name)
    }

    fn orders(self) -> bool {
        match self {
            Self::Between => true,
            Self::Compare(op) => !matches!(op, CompareOp::Eq | CompareOp::Ne),
            _ => false,
        }
    }

    /// Why it does not fit a subject, if it does not.
    pub(super) fn misfit(self, subject: &Subject<'_>) -> Option<String> {
        let name = &subject.name;
        let (kind, caseless) = match &subject.form {
            Form::Field { kind, caseless } => (*kind, *caseless),
            Form::Made { kind, .. } => (kind, false),
            Form::Inside => {
                let folds = matches!(self, Self::SameFolded | Self::Text { caseless: true, .. });
                return folds.then(|| {
                    format!(
                        "`{}` needs a folded copy of the text, which values inside json do not have; use `{}` for an exact test",
                        self.name(),
                        self.name().trim_start_matches('i')
                    )
                });
            }
        };
        let word = kind.word();
        let free_text = matches!(
            kind,
            FieldType::Text { .. } | FieldType::Email { .. } | FieldType::Url { .. }
        );
        match self {
            Self::IsNull => None,
            Self::Has(_) => match kind {
                FieldType::List { of, .. } if of.is_json() => Some(format!(
                    "`{name}` is a list of type {}, whose members are not compared",
                    of.word()
                )),
                FieldType::List { .. } | FieldType::Json { .. } => None,
                _ => Some(format!(
                    "`{}` is for lists; `{name}` is of type {word}",
                    self.name()
                )),
            },
            _ if matches!(kind, FieldType::List { .. }) => Some(format!(
                "`{name}` is a list, which takes `has`, `hasAny`, `hasAll` and `isNull`"
            )),
            _ if kind.is_json() => Some(format!(
                "`{name}` is of type {word}, which takes `isNull`, or a path into it: `{name}.key`"
            )),
            _ if !kind.is_ordered() => Some(format!(
                "`{name}` is of type {word}, which takes only `isNull`"
            )),
            _ if self.orders() && matches!(kind, FieldType::Boolean) => {
                Some(format!("`{name}` is of type boolean, which has no order"))
            }
            Self::Compare(_) | Self::In { .. } | Self::Between => None,
            _ if matches!(subject.form, Form::Made { .. }) => Some(format!(
                "`{}` is for fields; `{name}` takes comparisons",
                self.name()
            )),
            _ if !free_text => Some(format!(
                "`{}` is for text; `{name}` is of type {word}",
                self.name()
            )),
            Self::SameFolded | Self::Text { caseless: true, .. } if !caseless => Some(format!(
                "`{0}` needs `{name}` to be declared `caseless: true`; use `{1}` for an exact test",
                self.name(),
                self.name().trim_start_matches('i')
            )),
            Self::SameFolded | Self::Text { .. } => None,
        }
    }
}

const fn text_word(op: TextOp, caseless: bool) -> Word {
    Word::Text { op, caseless }
}

/// The test of `word`, which fits the subject, with the values under `node`.
pub(super) fn test(
    subject: &Subject<'_>,
    word: Word,
    node: &Node<'_>,
    now: Timestamp,
    faults: &mut Faults,
) -> Predicate {
    let mut reader = Reader {
        subject,
        node,
        now,
        faults,
    };
    reader.test(word).unwrap_or(Predicate::False)
}

struct Reader<'r, 'n> {
    subject: &'r Subject<'r>,
    node: &'r Node<'n>,
    now: Timestamp,
    faults: &'r mut Faults,
}

impl Reader<'_, '_> {
    fn fault<T>(&mut self, rule: &'static str, message: impl Into<String>) -> Option<T> {
        let place = self.node.place.clone();
        self.faults
            .push(Code::InvalidParameter, place, rule, message);
        None
    }

    fn test(&mut self, word: Word) -> Option<Predicate> {
        let operand = || self.subject.operand.clone();
        Some(match word {
            Word::IsNull => {
                let test = Predicate::IsNull(operand());
                match self.text("`isNull` takes `true` or `false`")?.as_ref() {
                    "true" => test,
                    "false" => Predicate::Not(Box::new(test)),
                    _ => return self.fault("type", "`isNull` takes `true` or `false`"),
                }
            }
            Word::In { negated } => {
                let member = Predicate::In {
                    operand: operand(),
                    list: self.members(MAX_MEMBERS)?,
                };
                if negated {
                    Predicate::Not(Box::new(member))
                } else {
                    member
                }
            }
            Word::Between => match self.members(MAX_MEMBERS)?.as_slice() {
                [low, high] => {
                    self.ordered(low)?;
                    self.ordered(high)?;
                    Predicate::And(vec![
                        compare(operand(), CompareOp::Gte, low.clone()),
                        compare(operand(), CompareOp::Lte, high.clone()),
                    ])
                }
                _ => {
                    let message = "`between` takes two values, separated by a comma";
                    return self.fault("count", message);
                }
            },
            Word::Text { op, caseless } => {
                let pattern = self.pattern()?;
                let pattern = if caseless {
                    text::fold(&pattern)
                } else {
                    pattern.into_owned()
                };
                self.text_test(op, pattern, caseless)?
            }
            Word::SameFolded => {
                let pattern = text::fold(&self.pattern()?);
                let escaped = pattern
                    .replace('\\', "\\\\")
                    .replace('%', "\\%")
                    .replace('_', "\\_");
                self.text_test(TextOp::Like, escaped, true)?
            }
            Word::Has(all) => self.has(all)?,
            Word::Compare(op) => {
                let words = self.only()?;
                let value = match self.value(&words) {
                    Ok(value) => value,
                    Err(why) => return self.fault("type", why),
                };
                if word.orders() {
                    self.ordered(&value)?;
                }
                compare(operand(), op, value)
            }
        })
    }

    /// The only value.
    fn only(&mut self) -> Option<Words<'static>> {
        match self.node.values.as_slice() {
            [(words, _)] => Some(match words {
                Words::Text(text) => Words::Text(Cow::Owned(text.clone().into_owned())),
                Words::Json(text) => Words::Json(text.clone()),
            }),
            [] => self.fault("syntax", "a value is missing"),
            [..] => {
                let message = format!("`{}` stands twice", self.node.place);
                self.fault("repeated", message)
            }
        }
    }

    /// The only value as a text; a number or a truth of a body as it is written.
    fn text(&mut self, otherwise: &str) -> Option<Cow<'static, str>> {
        match self.only()? {
            Words::Text(text) => Some(text),
            Words::Json(raw) if !raw.starts_with(['"', '{', '[']) => Some(Cow::Owned(raw)),
            Words::Json(_) => self.fault("type", otherwise),
        }
    }

    /// The only value as a pattern.
    fn pattern(&mut self) -> Option<Cow<'static, str>> {
        match self.only()? {
            Words::Text(text) => Some(text),
            Words::Json(raw) => match serde_json::from_str::<String>(&raw) {
                Ok(text) => Some(Cow::Owned(text)),
                Err(_) => self.fault("type", "it must be a text"),
            },
        }
    }

    fn value(&self, words: &Words<'_>) -> Result<Value, String> {
        match self.subject.kind() {
            Some(kind) => from_words(kind, words, self.now),
            None => json_from_words(words),
        }
    }

    /// Values inside JSON have an order among numbers and among texts.
    fn ordered(&mut self, value: &Value) -> Option<()> {
        match value {
            Value::Null => self.fault("type", "null has no order; use `isNull`"),
            Value::Json(json)
                if !json
                    .as_str()
                    .starts_with(|one: char| one == '"' || one == '-' || one.is_ascii_digit()) =>
            {
                self.fault("type", "an order takes a number or a text")
            }
            _ => Some(()),
        }
    }

    /// The values, of lists written with commas as well.
    fn words(&mut self, most: usize) -> Option<Vec<Words<'static>>> {
        let mut all = Vec::new();
        for (words, _) in &self.node.values {
            match words {
                Words::Text(text) => {
                    let members = split_list(text);
                    all.extend(members.into_iter().map(|one| Words::Text(Cow::Owned(one))));
                }
                Words::Json(raw) => all.push(Words::Json(raw.clone())),
            }
            if all.len() > most {
                let message = format!("a list has at most {most} members, not {}", all.len());
                return self.fault("max", message);
            }
        }
        Some(all)
    }

    fn members(&mut self, most: usize) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        for words in self.words(most)? {
            match self.value(&words) {
                Ok(value) => values.push(value),
                Err(why) => {
                    let message = format!("`{}`: {why}", shown(&words));
                    return self.fault("type", message);
                }
            }
        }
        Some(values)
    }

    fn path(&mut self) -> Option<Path> {
        match &self.subject.operand {
            Operand::Path(path) => Some(path.clone()),
            Operand::Value(_) | Operand::Aggregate(_) => None,
        }
    }

    fn text_test(&mut self, op: TextOp, pattern: String, caseless: bool) -> Option<Predicate> {
        Some(Predicate::Text {
            op,
            path: self.path()?,
            pattern,
            caseless,
        })
    }

    /// Membership: the literals have the type of the list's members.
    fn has(&mut self, all: Option<bool>) -> Option<Predicate> {
        let words = match all {
            None => vec![self.only()?],
            Some(_) => self.words(MAX_HAS)?,
        };
        let of = match self.subject.kind() {
            Some(FieldType::List { of, .. }) => Some(&**of),
            _ => None,
        };
        let mut list = Vec::with_capacity(words.len());
        for words in words {
            let member = match of {
                Some(kind) => from_words(kind, &words, self.now).and_then(|value| {
                    let mut raw = String::new();
                    shape::write_value(kind, &value, &mut raw);
                    JsonText::parse(&raw).map_err(|error| error.to_string())
                }),
                None => json_from_words(&words).map(|value| match value {
                    Value::Json(text) => text,
                    _ => JsonText::from_value(&serde_json::Value::Null),
                }),
            };
            match member {
                Ok(member) => list.push(member),
                Err(why) => {
                    let message = format!("`{}`: {why}", shown(&words));
                    return self.fault("type", message);
                }
            }
        }
        Some(Predicate::Has {
            path: self.path()?,
            all: all.unwrap_or(true),
            list,
        })
    }
}

fn shown(words: &Words<'_>) -> String {
    match words {
        Words::Text(text) => shorten(text),
        Words::Json(raw) => shorten(raw),
    }
}

fn compare(operand: Operand, op: CompareOp, value: Value) -> Predicate {
    Predicate::Compare {
        op,
        left: operand,
        right: Operand::Value(value),
    }
}
