//! What a dotted path leads to: a field, a place inside a JSON field, a to-many relation, or a
//! number made of one (`items.count`, `items.sum(quantity)`).

use super::key::{FilterPair, segments};
use super::tree::Node;
use super::{Faults, filter, scan, shorten, unknown_field, unknown_relation};
use carnet_expr::{Aggregate, Function, JsonStep, Operand, Path, Predicate};
use carnet_kernel::{Code, Timestamp, suggest};
use carnet_model::{FieldIndex, FieldType, ModelView, RelationIndex, Resource};
use carnet_store::{average_type, sum_type};
use std::borrow::Cow;

/// The most relations of one path.
const MAX_STEPS: usize = 8;
/// The most steps inside a JSON field.
const MAX_INSIDE: usize = 16;

/// What a path leads to.
pub(crate) enum Target<'v> {
    /// A single value of a row.
    Subject(Subject<'v>),
    /// A list of records.
    Many {
        steps: Vec<RelationIndex>,
        relation: RelationIndex,
        /// What they are records of.
        of: &'v Resource,
    },
}

/// Something with a value that can be compared and sorted by.
pub(crate) struct Subject<'v> {
    /// As the tree has it.
    pub(crate) operand: Operand,
    /// As messages call it.
    pub(crate) name: String,
    pub(crate) form: Form<'v>,
}

/// Which operators and literals fit a subject.
pub(crate) enum Form<'v> {
    /// A field as a whole.
    Field { kind: &'v FieldType, caseless: bool },
    /// A place inside a JSON field.
    Inside,
    /// A number or value made of related records.
    Made {
        kind: FieldType,
        /// What they are records of.
        of: &'v Resource,
    },
}

impl Subject<'_> {
    /// The type of its literals; none inside JSON.
    pub(crate) fn kind(&self) -> Option<&FieldType> {
        match &self.form {
            Form::Field { kind, .. } => Some(kind),
            Form::Made { kind, .. } => Some(kind),
            Form::Inside => None,
        }
    }
}

/// The names of a path: `a.b`, with `\"…\"` round a name that holds a dot. A dot within
/// parentheses belongs to what stands in them.
fn split(text: &str) -> Option<Vec<(&str, bool)>> {
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        let (name, quoted, after) = match rest.strip_prefix('"') {
            Some(open) => {
                let (name, after) = open.split_once('"')?;
                (name, true, after)
            }
            None => match dot(rest) {
                Some(at) => (rest.get(..at)?, false, rest.get(at..)?),
                None => (rest, false, ""),
            },
        };
        names.push((name, quoted));
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(names),
            None => return None,
        }
    }
}

/// Where the first dot outside of parentheses stands; one that does not end is like any other
/// character.
fn dot(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, one) in text.char_indices() {
        match one {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    if depth > 0 { text.find('.') } else { None }
}

/// Resolves a dotted path that stands at `place`; `now` is what relative dates count from.
pub(crate) fn resolve<'v>(
    view: &'v ModelView,
    resource: &'v Resource,
    (text, place): (&str, &str),
    now: Timestamp,
    faults: &mut Faults,
) -> Option<Target<'v>> {
    let mut fault = |code, rule, message: String| {
        faults.push(code, place, rule, message);
        None
    };
    let Some(names) = split(text) else {
        let message = format!("`{}` has a quote that does not end", shorten(text));
        return fault(Code::InvalidParameter, "syntax", message);
    };
    let mut steps = Vec::new();
    let mut at = resource;
    for (position, (name, _)) in names.iter().enumerate() {
        let rest = names.get(position + 1..).unwrap_or_default();
        if let Some(field) = at.field_named(name) {
            let held = at.field(field);
            if rest.is_empty() {
                return Some(Target::Subject(Subject {
                    operand: Operand::Path(Path::over(steps, field)),
                    name: (*name).to_owned(),
                    form: Form::Field {
                        kind: &held.kind,
                        caseless: held.caseless(),
                    },
                }));
            }
            if !held.kind.is_json() {
                let message = format!("`{name}` is a field of `{}`, not a relation", at.name);
                return fault(Code::UnknownField, "unknown", message);
            }
            return match inside(rest) {
                Ok(inside) => Some(Target::Subject(Subject {
                    operand: Operand::Path(Path {
                        steps,
                        field,
                        inside,
                    }),
                    name: shorten(text),
                    form: Form::Inside,
                })),
                Err(message) => fault(Code::InvalidParameter, "path", message),
            };
        }
        let Some(relation) = at.relation_named(name) else {
            let message = if rest.is_empty() {
                unknown_field(at, name)
            } else {
                unknown_relation(at, name)
            };
            return fault(Code::UnknownField, "unknown", message);
        };
        let held = at.relation(relation);
        let target = view.resource(held.target);
        if held.kind.is_many() {
            return match rest {
                [] => Some(Target::Many {
                    steps,
                    relation,
                    of: target,
                }),
                [(word, false)] => match function(target, name, word) {
                    Ok(called) => Some(Target::Subject(Subject {
                        operand: Operand::Aggregate(Box::new(Aggregate {
                            steps,
                            relation,
                            predicate: conditions(view, target, (&called, place), now, faults),
                            function: called.function,
                        })),
                        name: shorten(&format!("{name}.{word}")),
                        form: Form::Made {
                            kind: called.kind,
                            of: target,
                        },
                    })),
                    Err((code, rule, message)) => fault(code, rule, message),
                },
                [(next, _), ..] => {
                    let message = format!(
                        "`{name}` leads to many records: write `[{name}][some][{}…]` for a condition on them",
                        shorten(next)
                    );
                    fault(Code::InvalidParameter, "relation", message)
                }
            };
        }
        if rest.is_empty() {
            return fault(Code::UnknownField, "unknown", unknown_field(at, name));
        }
        if steps.len() == MAX_STEPS {
            let message = format!("a path has at most {MAX_STEPS} relations");
            return fault(Code::InvalidParameter, "depth", message);
        }
        steps.push(relation);
        at = target;
    }
    None
}

/// The steps inside a JSON field. Databases spell a key in quotes and have no common escape for
/// what ends them.
fn inside(names: &[(&str, bool)]) -> Result<Vec<JsonStep>, String> {
    if names.len() > MAX_INSIDE {
        return Err(format!(
            "a path goes at most {MAX_INSIDE} steps into a json field"
        ));
    }
    let step = |(name, quoted): &(&str, bool)| {
        if !quoted && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            return match name.parse::<u32>() {
                Ok(index) if index <= 1_000_000 => Ok(JsonStep::Index(index)),
                _ => Err(format!(
                    "`{}` is too large for a place in a list",
                    shorten(name)
                )),
            };
        }
        let refused = |one: char| matches!(one, '"' | '\\') || one.is_control();
        if name.is_empty() || name.chars().any(refused) {
            return Err(format!(
                "`{}` cannot stand in a path: a key is not empty and has no quote, backslash or control character",
                shorten(name)
            ));
        }
        Ok(JsonStep::Key((*name).to_owned()))
    };
    names.iter().map(step).collect()
}

/// What can be made of related records.
const FUNCTIONS: &[&str] = &["count", "sum", "avg", "min", "max"];

type Fault = (Code, &'static str, String);

/// A function, with the type of what it gives, and its options.
struct Called<'t> {
    function: Function,
    kind: FieldType,
    options: Vec<(&'t str, String)>,
}

/// Which records a function is made of, by its options.
fn conditions(
    view: &ModelView,
    target: &Resource,
    (called, place): (&Called<'_>, &str),
    now: Timestamp,
    faults: &mut Faults,
) -> Predicate {
    let mut pairs = Vec::new();
    for (key, value) in &called.options {
        let bracketed = key.strip_prefix("filter").and_then(segments);
        match bracketed.filter(|segments| !segments.is_empty()) {
            Some(segments) => pairs.push(FilterPair {
                segments,
                key,
                value: Cow::Borrowed(value),
            }),
            None => {
                let message = format!(
                    "what is made of related records takes conditions on them, `filter[field][operator]:value`, not `{}`",
                    shorten(key)
                );
                faults.push(Code::InvalidParameter, place, "syntax", message);
            }
        }
    }
    if pairs.is_empty() {
        return Predicate::True;
    }
    match Node::from_pairs(&pairs, "filter", &format!("{place}.")) {
        Ok(tree) => filter::parse(view, target, &tree, now, faults),
        Err(at) => {
            let message = "the brackets nest too deep";
            faults.push(Code::InvalidParameter, at, "depth", message);
            Predicate::False
        }
    }
}

/// `count` or `sum(field)`, perhaps with options behind.
fn function<'t>(target: &Resource, relation: &str, word: &'t str) -> Result<Called<'t>, Fault> {
    let call = match scan::call(word) {
        Ok(call) => call,
        Err(message) => {
            let message = format!("`{}`: {message}", shorten(word));
            return Err((Code::InvalidParameter, "syntax", message));
        }
    };
    if call.name == "count" && call.argument.is_none() {
        let kind = FieldType::Integer {
            min: None,
            max: None,
        };
        return Ok(Called {
            function: Function::Count,
            kind,
            options: call.options,
        });
    }
    let called = call.argument.map(|argument| (call.name, argument));
    let called = called.filter(|(name, _)| *name != "count");
    let Some((name, argument)) = called.filter(|(name, _)| FUNCTIONS.contains(name)) else {
        let name = word.split('(').next().unwrap_or_default();
        let message = match target.field_named(word) {
            Some(_) => format!(
                "`{relation}` leads to many records: write `filter[{relation}][some][{word}][…]` for a \
                 condition on them, or `{relation}.max({word})` for a value of all"
            ),
            None => format!(
                "`{}` is not `count`, `sum(field)`, `avg(field)`, `min(field)` or `max(field)` of `{relation}`{}",
                shorten(word),
                suggest::hint(name, FUNCTIONS.iter().copied())
            ),
        };
        return Err((Code::InvalidParameter, "relation", message));
    };
    let Some(field) = target.field_named(argument) else {
        return Err((
            Code::UnknownField,
            "unknown",
            unknown_field(target, argument),
        ));
    };
    let (function, kind) = made(target, name, field)?;
    Ok(Called {
        function,
        kind,
        options: call.options,
    })
}

/// A function of that name of a field.
fn made(target: &Resource, name: &str, field: FieldIndex) -> Result<(Function, FieldType), Fault> {
    let held = target.field(field);
    let misfit = |wanted: &str| {
        let (field, word) = (&held.name, held.kind.word());
        let message = format!("`{name}` takes {wanted}; `{field}` is of type {word}");
        Err((Code::InvalidParameter, "type", message))
    };
    match (name, &held.kind) {
        ("sum", kind) => match sum_type(kind) {
            Some(kind) => Ok((Function::Sum(field), kind)),
            None => misfit("a number or a duration"),
        },
        ("avg", kind) => match average_type(kind) {
            Some(kind) => Ok((Function::Average(field), kind)),
            None => misfit("a number or a duration"),
        },
        (_, kind) if !kind.is_ordered() || kind.is_id() || matches!(kind, FieldType::Boolean) => {
            misfit("a number, a text, a date or a time")
        }
        ("min", kind) => Ok((Function::Min(field), kind.clone())),
        (_, kind) => Ok((Function::Max(field), kind.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_path() {
        let names = |text| {
            split(text).map(|names| names.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
        };
        assert_eq!(names("a.b.0"), Some(vec!["a", "b", "0"]));
        assert_eq!(names("a.\"b.c\".d"), Some(vec!["a", "b.c", "d"]));
        assert_eq!(names("a."), Some(vec!["a", ""]));
        assert_eq!(names("a.\"b"), None);
        assert_eq!(names("a.\"b\"c"), None);
    }
}
