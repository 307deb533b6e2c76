//! `limit`, `offset`, `page`, `cursor`, `count`.

use super::key::Groups;
use super::{Faults, ListRequest};
use carnet_kernel::{Code, suggest};

/// Records of a list without `limit`.
pub const DEFAULT_LIMIT: u32 = 20;
/// The largest `limit`.
pub const MAX_LIMIT: u32 = 1_000;
/// The largest offset. Every record before it is walked over; a cursor costs the same at any depth.
pub const MAX_OFFSET: u64 = 100_000;

/// How far to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountMode {
    /// Exactly where it costs little, estimated otherwise.
    Auto,
    /// Exactly where the page itself tells, estimated otherwise.
    Estimated,
    /// Exactly, whatever it costs.
    Exact,
    /// Not at all.
    None,
}

pub(super) fn parse(groups: &Groups<'_>, request: &mut ListRequest, faults: &mut Faults) {
    if let Some(limit) = number(groups, "limit", 1, u64::from(MAX_LIMIT), faults) {
        request.limit = limit as u32;
    }
    let offset = number(groups, "offset", 0, MAX_OFFSET, faults);
    let page = number(
        groups,
        "page",
        1,
        MAX_OFFSET / u64::from(request.limit) + 1,
        faults,
    );
    match (offset, page) {
        (Some(_), Some(_)) => {
            faults.push(
                Code::InvalidParameter,
                "page",
                "conflict",
                "`offset` and `page` exclude each other",
            );
        }
        (Some(offset), None) => request.offset = offset,
        (None, Some(page)) => request.offset = (page - 1) * u64::from(request.limit),
        (None, None) => {}
    }
    request.explain = match groups.value("explain") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            let message = "`explain` is `true` or `false`";
            faults.push(Code::InvalidParameter, "explain", "enum", message);
            false
        }
    };
    request.cursor = groups.value("cursor").map(str::to_owned);
    for other in ["offset", "page"] {
        if request.cursor.is_some() && groups.value(other).is_some() {
            let message = format!("`cursor` and `{other}` exclude each other");
            faults.push(Code::InvalidParameter, "cursor", "conflict", message);
        }
    }
    request.count = match groups.value("count") {
        // Whoever goes on from page to page knows the total from the first.
        None if request.cursor.is_some() => CountMode::None,
        None | Some("auto") => CountMode::Auto,
        Some("exact") => CountMode::Exact,
        Some("estimated") => CountMode::Estimated,
        Some("none") => CountMode::None,
        Some(other) => {
            let hint = suggest::hint(other, ["auto", "exact", "estimated", "none"]);
            let message = format!("`count` is `auto`, `exact`, `estimated` or `none`{hint}");
            faults.push(Code::InvalidParameter, "count", "enum", message);
            CountMode::Auto
        }
    };
}

/// The window of a stream: from the beginning or a cursor, to the end or a limit.
pub(super) fn parse_stream(
    groups: &Groups<'_>,
    request: &mut ListRequest,
    faults: &mut Faults,
) -> Option<u64> {
    request.cursor = groups.value("cursor").map(str::to_owned);
    request.count = CountMode::None;
    for name in ["offset", "page", "count", "explain"] {
        if groups
            .value(name)
            .is_some_and(|value| !matches!(value, "none" | "false"))
        {
            let message = format!(
                "a stream takes no `{name}`; it gives every record, from `cursor` on if there is one"
            );
            faults.push(Code::InvalidParameter, name, "conflict", message);
        }
    }
    number(groups, "limit", 1, u64::from(u32::MAX), faults)
}

pub(super) fn number(
    groups: &Groups<'_>,
    name: &'static str,
    min: u64,
    max: u64,
    faults: &mut Faults,
) -> Option<u64> {
    read_number(groups.value(name)?, name, (min, max), name, faults)
}

/// A whole number within bounds.
pub(super) fn read_number(
    text: &str,
    name: &str,
    (min, max): (u64, u64),
    place: &str,
    faults: &mut Faults,
) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text
        .parse::<u64>()
        .ok()
        .filter(|number| digits && (min..=max).contains(number))
    {
        Some(number) => Some(number),
        None => {
            let deep = matches!(name, "offset" | "page")
                && digits
                && text.parse::<u64>().map_or(true, |number| number > max);
            let hint = if deep {
                "; go further with `cursor`, which costs the same at any depth"
            } else {
                ""
            };
            let message = format!("`{name}` is a whole number from {min} to {max}{hint}");
            faults.push(Code::InvalidParameter, place, "range", message);
            None
        }
    }
}
