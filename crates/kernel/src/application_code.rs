//! Codes that an application adds to the platform's: what one is, and the set of a deployment.
//! Not the refusals that carry them.

use crate::{Code, Refusal};
use std::collections::HashSet;
use std::sync::Arc;

/// The longest name of a code.
const LONGEST_NAME: usize = 64;

/// A public code of the application's own: stands in a `const` or `static`, and is registered with
/// the platform, so that OpenAPI, `explain` and `/docs/errors/<CODE>` know it.
///
/// ```
/// use carnet_kernel::{ApplicationCode, Code};
///
/// const FEATURED_LIMIT: ApplicationCode =
///     ApplicationCode::new("FEATURED_LIMIT", 409, "Too many featured products")
///         .page("At most ten products are featured. Take another off first.");
///
/// let refusal = FEATURED_LIMIT.refuse("ten products are featured already");
/// assert_eq!(refusal.code, Code::Application(&FEATURED_LIMIT));
/// assert_eq!(refusal.code.status(), 409);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApplicationCode {
    name: &'static str,
    status: u16,
    title: &'static str,
    page: Option<&'static str>,
}

impl ApplicationCode {
    /// A code from its name (`[A-Z][A-Z0-9_]*`, at most 64 characters), its HTTP status (400 to
    /// 599) and a short sentence for people. What breaks these rules fails at start.
    pub const fn new(name: &'static str, status: u16, title: &'static str) -> Self {
        Self {
            name,
            status,
            title,
            page: None,
        }
    }

    /// The same with Markdown text for its page: what it means, usual causes, what to do.
    #[must_use]
    pub const fn page(mut self, text: &'static str) -> Self {
        self.page = Some(text);
        self
    }

    /// The stable name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The HTTP status it is answered with; 500 where its declaration is not a failure's.
    pub fn status(&self) -> u16 {
        // INVARIANT: a refusal is never answered as a success.
        if is_failure(self.status) {
            self.status
        } else {
            500
        }
    }

    /// A short sentence for people.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// The text of its page, if it has one.
    pub fn page_text(&self) -> Option<&'static str> {
        self.page
    }

    /// A refusal with this code.
    pub fn refuse(&'static self, message: impl Into<String>) -> Refusal {
        Refusal::new(self, message)
    }

    /// What is wrong with it, each time with its name.
    fn faults(&self) -> impl Iterator<Item = String> {
        let name = self.name;
        let mut letters = name.bytes();
        let is_name = letters.next().is_some_and(|byte| byte.is_ascii_uppercase())
            && letters
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
            && name.len() <= LONGEST_NAME;
        let faults = [
            (!is_name).then(|| {
                format!(
                    "the code `{name}` must be written like `FEATURED_LIMIT`: capital letters, digits and `_`, at most {LONGEST_NAME}"
                )
            }),
            (!is_failure(self.status)).then(|| {
                format!(
                    "the code `{name}` has the status {}; it must be from 400 to 599",
                    self.status
                )
            }),
            self.title
                .trim()
                .is_empty()
                .then(|| format!("the code `{name}` has no title")),
            Code::parse(name)
                .map(|_| format!("the code `{name}` is one of the platform's; choose another name")),
        ];
        faults.into_iter().flatten()
    }
}

fn is_failure(status: u16) -> bool {
    (400..=599).contains(&status)
}

impl From<&'static ApplicationCode> for Code {
    fn from(code: &'static ApplicationCode) -> Self {
        Self::Application(code)
    }
}

/// The codes that an application has registered, checked. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ApplicationCodes(Arc<[&'static ApplicationCode]>);

impl ApplicationCodes {
    /// The set of `codes` in their order, or everything that is wrong with them: names that are
    /// not well written, taken by the platform or given twice, statuses that are no failure's.
    pub fn new(codes: &[&'static ApplicationCode]) -> Result<Self, Vec<String>> {
        let mut faults: Vec<String> = codes.iter().flat_map(|code| code.faults()).collect();
        let mut seen = HashSet::new();
        let mut told = HashSet::new();
        for code in codes {
            if !seen.insert(code.name) && told.insert(code.name) {
                faults.push(format!("the code `{}` is registered twice", code.name));
            }
        }
        if faults.is_empty() {
            Ok(Self(codes.into()))
        } else {
            Err(faults)
        }
    }

    /// Each, in the order of registration.
    pub fn iter(&self) -> impl Iterator<Item = Code> + '_ {
        self.0.iter().copied().map(Code::Application)
    }

    /// Whether `code` may be answered: the platform's always, the application's if registered.
    pub fn knows(&self, code: Code) -> bool {
        match code {
            Code::Application(code) => self.0.contains(&code),
            _ => true,
        }
    }

    /// The code of that name, the platform's or the application's.
    pub fn find(&self, name: &str) -> Option<Code> {
        let own = || self.iter().find(|code| code.as_str() == name);
        Code::parse(name).or_else(own)
    }

    /// Every code there is: the platform's, then the application's.
    pub fn all(&self) -> impl Iterator<Item = Code> + '_ {
        Code::ALL.iter().copied().chain(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: ApplicationCode = ApplicationCode::new("FEATURED_LIMIT", 409, "Too many");

    #[test]
    fn registered_codes_are_found_beside_the_platforms() {
        let codes = ApplicationCodes::new(&[&LIMIT]).unwrap();
        let code = codes.find("FEATURED_LIMIT").unwrap();
        assert_eq!(
            (code.as_str(), code.status(), code.title()),
            ("FEATURED_LIMIT", 409, "Too many")
        );
        assert_eq!(codes.find("NOT_FOUND"), Some(Code::NotFound));
        assert_eq!(codes.find("OTHER"), None);
        assert_eq!(codes.all().count(), Code::ALL.len() + 1);
        assert!(codes.knows(code) && codes.knows(Code::NotFound));
        assert!(!ApplicationCodes::default().knows(code));
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        const SMALL: ApplicationCode = ApplicationCode::new("limit", 200, " ");
        const TAKEN: ApplicationCode = ApplicationCode::new("NOT_FOUND", 404, "Taken");
        const NONE: ApplicationCode = ApplicationCode::new("", 409, "None");
        let faults =
            ApplicationCodes::new(&[&LIMIT, &SMALL, &TAKEN, &LIMIT, &NONE, &LIMIT]).unwrap_err();
        assert_eq!(
            faults,
            [
                "the code `limit` must be written like `FEATURED_LIMIT`: capital letters, digits and `_`, at most 64",
                "the code `limit` has the status 200; it must be from 400 to 599",
                "the code `limit` has no title",
                "the code `NOT_FOUND` is one of the platform's; choose another name",
                "the code `` must be written like `FEATURED_LIMIT`: capital letters, digits and `_`, at most 64",
                "the code `FEATURED_LIMIT` is registered twice",
            ]
        );
    }

    #[test]
    fn a_refusal_is_never_a_success() {
        const ODD: ApplicationCode = ApplicationCode::new("ODD", 204, "Odd");
        assert_eq!(ODD.refuse("no").code.status(), 500);
    }

    #[test]
    fn a_code_stays_small() {
        assert!(size_of::<Code>() <= 16);
    }
}
