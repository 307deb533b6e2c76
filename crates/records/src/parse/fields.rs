//! `fields=name,price` and
//! `sort=-price,category.name,items.count:desc:nullsLast,-items.sum(price;filter[gift]:true)`.

use super::key::split_list;
use super::target::{Form, Target, resolve};
use super::{Faults, shorten, unknown_field};
use carnet_kernel::{Code, Timestamp, suggest};
use carnet_model::{FieldIndex, ModelView, Resource};
use carnet_store::{Nulls, Order};

/// The most sort keys of one request.
const MAX_KEYS: usize = 8;

/// The named fields in the resource's order, the key always among them; `None` when none are named.
pub(crate) fn fields(
    resource: &Resource,
    names: &[String],
    place: &str,
    faults: &mut Faults,
) -> Option<Vec<FieldIndex>> {
    if names.is_empty() {
        return None;
    }
    let mut named = vec![resource.key];
    for name in names {
        match resource.field_named(name) {
            Some(field) if !named.contains(&field) => named.push(field),
            Some(_) => {}
            None => faults.push(
                Code::UnknownField,
                place,
                "unknown",
                unknown_field(resource, name),
            ),
        }
    }
    named.sort_unstable();
    Some(named)
}

/// The sort keys, most significant first.
pub(crate) fn sort(
    view: &ModelView,
    resource: &Resource,
    (texts, place): (&[String], &str),
    now: Timestamp,
    faults: &mut Faults,
) -> Vec<Order> {
    let mut keys: Vec<Order> = Vec::new();
    for text in texts {
        let Some((name, descending, nulls)) = key(text, place, faults) else {
            continue;
        };
        let by = match resolve(view, resource, (name, place), now, faults) {
            Some(Target::Subject(subject)) => match &subject.form {
                Form::Field { kind, .. } if !kind.is_ordered() => {
                    let inside = match kind.is_json() {
                        true => format!("; sort by a path into it: `{name}.key`"),
                        false => String::new(),
                    };
                    let message = format!(
                        "`{}` is of type {}, which has no order{inside}",
                        subject.name,
                        kind.word()
                    );
                    faults.push(Code::InvalidParameter, place, "type", message);
                    continue;
                }
                Form::Field { .. } | Form::Inside | Form::Made { .. } => subject.operand,
            },
            Some(Target::Many { .. }) => {
                let message = format!(
                    "`{0}` leads to many records: sort by `{0}.count`, `{0}.max(field)` and the like",
                    shorten(name)
                );
                faults.push(Code::InvalidParameter, place, "relation", message);
                continue;
            }
            None => continue,
        };
        if keys.iter().any(|key| key.by == by) {
            let message = format!("`{}` stands twice", shorten(name));
            faults.push(Code::InvalidParameter, place, "repeated", message);
        } else if keys.len() == MAX_KEYS {
            let message = format!("a list sorts by at most {MAX_KEYS} fields");
            faults.push(Code::InvalidParameter, place, "max", message);
            return keys;
        } else {
            keys.push(Order {
                by,
                descending,
                nulls,
            });
        }
    }
    keys
}

/// Splits a list of sort keys: a comma within parentheses belongs to what stands in them.
pub(crate) fn keys(text: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut depth = 0_usize;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let mut push = |one: char| {
            if let Some(last) = keys.last_mut() {
                last.push(one);
            }
        };
        match character {
            '\\' => match (characters.next(), depth) {
                (Some(escaped @ (',' | '\\')), 0) => push(escaped),
                (Some(other), _) => {
                    push('\\');
                    push(other);
                }
                (None, _) => push('\\'),
            },
            ',' if depth == 0 => keys.push(String::new()),
            other => {
                match other {
                    '(' => depth += 1,
                    ')' if depth == 0 => return split_list(text),
                    ')' => depth -= 1,
                    _ => {}
                }
                push(other);
            }
        }
    }
    if depth > 0 {
        return split_list(text);
    }
    keys
}

/// The words behind a sort key.
const WORDS: &[&str] = &["asc", "desc", "nullsFirst", "nullsLast"];

/// `field`, `-field`, `field:desc`, `field:desc:nullsLast` and the like.
fn key<'t>(text: &'t str, place: &str, faults: &mut Faults) -> Option<(&'t str, bool, Nulls)> {
    let end = text.rfind(')').map_or(0, |at| at + 1);
    let (called, rest) = text.split_at_checked(end).unwrap_or(("", text));
    let mut words = rest.split(':');
    let plain = words.next().unwrap_or_default();
    let name = match called {
        "" => plain,
        // Nothing but words stands behind what is called.
        called if plain.is_empty() => called,
        _ => text.get(..end + plain.len()).unwrap_or(text),
    };
    let (name, minus) = match name.strip_prefix('-') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let (mut descending, mut nulls) = (minus.then_some(true), None);
    for word in words {
        let fits = match word {
            "asc" | "desc" => descending.replace(word == "desc").is_none(),
            "nullsFirst" => nulls.replace(Nulls::First).is_none(),
            "nullsLast" => nulls.replace(Nulls::Last).is_none(),
            _ => false,
        };
        if !fits {
            let hint = match WORDS.contains(&word) {
                true => String::new(),
                false => suggest::hint(word, WORDS.iter().copied()),
            };
            let message = format!(
                "`{}` is not `field`, `-field`, `field:asc` or `field:desc`, with `:nullsFirst` or `:nullsLast` behind it{hint}",
                shorten(text)
            );
            faults.push(Code::InvalidParameter, place, "syntax", message);
            return None;
        }
    }
    Some((name, descending.unwrap_or(false), nulls.unwrap_or_default()))
}
