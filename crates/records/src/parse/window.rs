//! `limit`, `offset`, `page`, `count`.

use super::key::Groups;
use super::{Faults, ListRequest};
use carnet_kernel::{Code, suggest};

/// Records of a list without `limit`.
pub const DEFAULT_LIMIT: u32 = 20;
/// The largest `limit`.
pub const MAX_LIMIT: u32 = 1_000;
/// The largest offset: far beyond what anybody pages to, far below what a database refuses.
pub(super) const MAX_OFFSET: u64 = 1_000_000_000;

/// How far to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountMode {
    /// Exactly where it costs little, unknown otherwise.
    Auto,
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
    request.count = match groups.value("count") {
        None | Some("auto") => CountMode::Auto,
        Some("exact") => CountMode::Exact,
        Some("none") => CountMode::None,
        Some(other) => {
            let hint = suggest::hint(other, ["auto", "exact", "none"]);
            let message = format!("`count` is `auto`, `exact` or `none`{hint}");
            faults.push(Code::InvalidParameter, "count", "enum", message);
            CountMode::Auto
        }
    };
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
            let message = format!("`{name}` is a whole number from {min} to {max}");
            faults.push(Code::InvalidParameter, place, "range", message);
            None
        }
    }
}
