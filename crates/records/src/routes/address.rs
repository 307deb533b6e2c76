//! What an address names: the segments behind prefix and version, and which route they are. Not what
//! stands there in a model.

use super::PREFIX;
use carnet_kernel::Refusal;
use carnet_web::percent;

/// What is served, by the shape of an address behind its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `transactions`
    Transactions,
    /// `{resource}`
    Collection,
    /// `{resource}/batch`
    Batch,
    /// `{resource}/query`
    Query,
    /// `{resource}/{id}`, or an action of the collection
    Record,
    /// `{resource}/{id}/restore`
    Restore,
    /// `{resource}/{id}/{action}`
    Action,
    /// `{resource}/{id}/{relation}/{target}`
    Link,
}

/// The most segments of a route.
const MOST: usize = 4;

impl Route {
    /// The route of what stands behind the version, without the slash before it.
    pub(super) fn of(rest: &str) -> Option<Self> {
        let mut segments = [""; MOST];
        for (place, segment) in rest.split('/').enumerate() {
            *segments.get_mut(place)? = segment;
            if segment.is_empty() {
                return None;
            }
        }
        Some(match segments {
            ["transactions", "", ..] => Self::Transactions,
            [_, "", ..] => Self::Collection,
            [_, "batch", "", _] => Self::Batch,
            [_, "query", "", _] => Self::Query,
            [_, _, "", _] => Self::Record,
            [_, _, "restore", ""] => Self::Restore,
            [_, _, _, ""] => Self::Action,
            _ => Self::Link,
        })
    }
}

/// What stands behind the prefix of the API, without the slash between them; `None` where an
/// address is none of the API's.
pub(super) fn behind_prefix(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(PREFIX)?;
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix('/')
}

/// The decoded segments.
pub(super) fn segments(rest: &str) -> Result<Vec<String>, Refusal> {
    rest.split('/')
        .map(|segment| percent::decode_segment(segment, "path"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_by_their_shape() {
        for (rest, expected) in [
            ("", None),
            ("/", None),
            ("products", Some(Route::Collection)),
            ("products/", None),
            ("/products", None),
            ("transactions", Some(Route::Transactions)),
            ("transactions/7", Some(Route::Record)),
            ("products/batch", Some(Route::Batch)),
            ("products/query", Some(Route::Query)),
            ("products/7", Some(Route::Record)),
            ("products//restore", None),
            ("products/7/restore", Some(Route::Restore)),
            ("products/7/approve", Some(Route::Action)),
            ("products/7/tags/8", Some(Route::Link)),
            ("products/7/tags/8/", None),
            ("products/7/tags/8/9", None),
        ] {
            assert_eq!(Route::of(rest), expected, "{rest}");
        }
    }

    #[test]
    fn what_stands_behind_the_prefix() {
        for (path, expected) in [
            ("/api", Some("")),
            ("/api/", Some("")),
            ("/api/v1", Some("v1")),
            ("/api//v1", Some("/v1")),
            ("/apis", None),
            ("/", None),
        ] {
            assert_eq!(behind_prefix(path), expected, "{path}");
        }
    }
}
