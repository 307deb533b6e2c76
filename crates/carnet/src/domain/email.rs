//! An e-mail address as the model's type `email` takes it. Not its owner.

use super::Invalid;
use carnet_kernel::{Value, email, text};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// An e-mail address, kept as it was written. Case makes no difference to which address it is, as
/// in a field of type `email`.
///
/// ```
/// use carnet::domain::Email;
/// let email = Email::new("Ada@Example.org").unwrap();
/// assert_eq!(email.domain(), "Example.org");
/// assert_eq!(email, Email::new("ada@example.org").unwrap());
/// assert!(Email::new("ada@").is_err());
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// The address, if it is one.
    pub fn new(address: impl Into<String>) -> Result<Self, Invalid> {
        let address = address.into();
        match email::fault(&address) {
            None => Ok(Self(address)),
            Some(why) => Err(Invalid::new(
                "email",
                format!("it must be an e-mail address; {why}"),
            )),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local(&self) -> &str {
        self.parts().0
    }

    /// What stands after the `@`.
    pub fn domain(&self) -> &str {
        self.parts().1
    }

    /// The form by which addresses are compared.
    pub fn key(&self) -> String {
        text::fold(&self.0)
    }

    fn parts(&self) -> (&str, &str) {
        // INVARIANT: an address has an `@`.
        self.0.rsplit_once('@').unwrap_or((&self.0, ""))
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.key() == other.key()
    }
}

impl Eq for Email {}

impl Hash for Email {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for Email {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::new(text)
    }
}

impl From<Email> for Value {
    fn from(email: Email) -> Self {
        Self::Text(email.0)
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn an_address_is_read_and_compared_as_a_field_does() {
        let email: Email = serde_json::from_str("\"Straße@b.eu\"").unwrap();
        assert_eq!(serde_json::to_string(&email).unwrap(), "\"Straße@b.eu\"");
        assert_eq!((email.local(), email.domain()), ("Straße", "b.eu"));
        let same: HashSet<Email> = ["strasse@B.EU", "STRASSE@b.eu"]
            .into_iter()
            .filter_map(|text| text.parse().ok())
            .chain([email])
            .collect();
        assert_eq!(same.len(), 1);
        assert!(serde_json::from_str::<Email>("\"b.eu\"").is_err());
    }
}
