//! Guards: checks at the head of a piece of logic, each of which passes or refuses. Not the
//! validation of declared fields, which has happened before logic begins.

use carnet_kernel::{Code, Detail, Refusal, suggest};
use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;
use std::ops::{Bound, RangeBounds};

/// Refuses unless a condition holds: `ensure!(stock > 0, Refusal::invalid_state("sold out"))`. The
/// refusal is made only when it is needed, and may be any error that becomes the function's.
///
/// ```
/// use carnet::prelude::*;
///
/// fn publish(status: &str) -> Result<(), Refusal> {
///     ensure!(status == "draft", Refusal::invalid_state("only drafts are published"));
///     Ok(())
/// }
///
/// assert!(publish("draft").is_ok());
/// assert_eq!(publish("published").unwrap_err().code, Code::InvalidState);
/// ```
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $refusal:expr $(,)?) => {
        if !$condition {
            return ::core::result::Result::Err(::core::convert::Into::into($refusal));
        }
    };
}

/// A value that must be there.
pub fn present<T>(field: &str, value: Option<T>) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::invalid(field, "required", "it must be given"))
}

/// A text of more than white space.
pub fn not_empty(field: &str, text: &str) -> Result<(), Refusal> {
    check(!text.trim().is_empty(), || {
        Refusal::invalid(field, "min", "it must not be empty")
    })
}

/// A text of at most `most` characters.
pub fn at_most(field: &str, text: &str, most: usize) -> Result<(), Refusal> {
    check(text.chars().nth(most).is_none(), || {
        Refusal::invalid(
            field,
            "max",
            format!("it must have at most {most} characters"),
        )
    })
}

/// A value within a range: `guard::in_range("quantity", quantity, 1..=99)`.
pub fn in_range<T: PartialOrd + Display>(
    field: &str,
    value: T,
    range: impl RangeBounds<T>,
) -> Result<(), Refusal> {
    check(range.contains(&value), || {
        let from = match range.start_bound() {
            Bound::Included(from) => Some(format!("at least {from}")),
            Bound::Excluded(from) => Some(format!("more than {from}")),
            Bound::Unbounded => None,
        };
        let to = match range.end_bound() {
            Bound::Included(to) => Some(format!("at most {to}")),
            Bound::Excluded(to) => Some(format!("less than {to}")),
            Bound::Unbounded => None,
        };
        let bounds: Vec<String> = from.into_iter().chain(to).collect();
        let message = format!("`{value}` must be {}", bounds.join(" and "));
        Refusal::invalid(field, "range", message)
    })
}

/// A word out of a list; a slip is told with the nearest one.
pub fn one_of(field: &str, word: &str, words: &[&str]) -> Result<(), Refusal> {
    check(words.contains(&word), || {
        let short: String = word.chars().take(64).collect();
        let hint = suggest::hint(word, words.iter().copied());
        let message = format!("`{short}` is none of {}{hint}", words.join(", "));
        Refusal::invalid(field, "enum", message)
    })
}

/// Values of which no two are the same.
pub fn distinct<T: Eq + Hash>(
    field: &str,
    values: impl IntoIterator<Item = T>,
) -> Result<(), Refusal> {
    let mut seen = HashSet::new();
    let twice = values.into_iter().position(|value| !seen.insert(value));
    match twice {
        None => Ok(()),
        Some(place) => Err(Refusal::invalid(
            format!("{field}[{place}]"),
            "distinct",
            "it is there twice",
        )),
    }
}

/// Several guards at once: passes when all do, else `VALIDATION_FAILED` with the details of every
/// one that does not. A refusal with another code wins, the first first.
///
/// ```
/// use carnet::prelude::*;
///
/// let refusal = guard::all([
///     guard::not_empty("name", " "),
///     guard::in_range("quantity", 7, 1..=5),
///     guard::one_of("size", "large", &["small", "large"]),
/// ])
/// .unwrap_err();
/// let fields: Vec<&str> = refusal.details.iter().map(|one| one.field.as_str()).collect();
/// assert_eq!(fields, ["name", "quantity"]);
/// ```
pub fn all(guards: impl IntoIterator<Item = Result<(), Refusal>>) -> Result<(), Refusal> {
    let mut details: Vec<Detail> = Vec::new();
    let mut refused = None;
    for refusal in guards.into_iter().filter_map(Result::err) {
        if refusal.code != Code::ValidationFailed {
            return Err(refusal);
        }
        details.extend_from_slice(&refusal.details);
        refused.get_or_insert(refusal);
    }
    match refused {
        None => Ok(()),
        // A single one is told in its own words.
        Some(refusal) if details.len() <= 1 => Err(refusal),
        Some(_) => Err(Refusal::validation(details)),
    }
}

fn check(holds: bool, refusal: impl FnOnce() -> Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(outcome: Result<(), Refusal>, rule: &str, message: &str) {
        let refusal = outcome.unwrap_err();
        assert_eq!(refusal.code, Code::ValidationFailed);
        assert_eq!(refusal.details[0].rule, rule);
        assert_eq!(refusal.details[0].message, message);
    }

    #[test]
    fn guards_pass_or_tell_what_would_be_right() {
        assert_eq!(present("a", Some(1)), Ok(1));
        refused(present::<()>("a", None), "required", "it must be given");
        assert_eq!(not_empty("a", " x"), Ok(()));
        refused(not_empty("a", " \t"), "min", "it must not be empty");
        assert_eq!(at_most("a", "äöü", 3), Ok(()));
        refused(
            at_most("a", "äöü", 2),
            "max",
            "it must have at most 2 characters",
        );
        assert_eq!(in_range("a", 3, 1..4), Ok(()));
        refused(
            in_range("a", 4, 1..4),
            "range",
            "`4` must be at least 1 and less than 4",
        );
        refused(in_range("a", 4, ..=3), "range", "`4` must be at most 3");
        assert_eq!(one_of("a", "red", &["red", "green"]), Ok(()));
        refused(
            one_of("a", "gren", &["red", "green"]),
            "enum",
            "`gren` is none of red, green (did you mean `green`?)",
        );
        assert_eq!(distinct("a", [1, 2]), Ok(()));
        let refusal = distinct("a", [1, 2, 1]).unwrap_err();
        assert_eq!(refusal.details[0].field, "a[2]");
    }

    #[test]
    fn of_several_guards_all_are_told() {
        assert_eq!(all([]), Ok(()));
        let one = not_empty("a", "");
        assert_eq!(all([Ok(()), one.clone()]), one);
        let both = all([one.clone(), at_most("b", "xy", 1)]).unwrap_err();
        assert_eq!((both.code, both.details.len()), (Code::ValidationFailed, 2));
        let gone = Err(Refusal::gone("it has expired"));
        assert_eq!(all([one, gone.clone()]), gone);
    }
}
