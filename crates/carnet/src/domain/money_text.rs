//! Money as text and as JSON: `12.50 EUR` and `{"amount":"12.50","currency":"EUR"}`. Not the forms
//! of a language or country.

use super::{Currency, Invalid, Money, MoneyError};
use carnet_kernel::{Decimal, DecimalError, MAX_PRECISION};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

impl Money {
    /// From the text of an amount, with at most the currency's digits after the point, and the
    /// currency's code: `Money::parse("12.50", "EUR")`.
    pub fn parse(amount: &str, currency: &str) -> Result<Self, MoneyError> {
        let currency: Currency = currency.parse()?;
        match Decimal::parse(amount, MAX_PRECISION, currency.digits()) {
            Ok(amount) => Self::new(amount, currency),
            Err(DecimalError::Fraction) => Err(MoneyError::Fraction(currency, currency.digits())),
            Err(DecimalError::Range) => Err(MoneyError::Range),
            Err(DecimalError::Syntax) => {
                let short: String = amount.chars().take(40).collect();
                let message = format!("`{short}` is no amount; write `12.50`");
                Err(Invalid::new("format", message).into())
            }
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.amount(), self.currency())
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// `12.50 EUR`.
impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match text.split_once(' ') {
            Some((amount, currency)) => Self::parse(amount, currency),
            None => Err(Invalid::new("format", "money is written `12.50 EUR`").into()),
        }
    }
}

impl fmt::Display for MoneyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch(left, right) => {
                write!(
                    out,
                    "{left} and {right} cannot be mixed; exchange one of them first"
                )
            }
            Self::Invalid(invalid) => invalid.fmt(out),
            Self::Fraction(currency, digits) => {
                write!(
                    out,
                    "an amount in {currency} has at most {digits} digits after the point here"
                )
            }
            Self::Range => write!(out, "the amount has more than {MAX_PRECISION} digits"),
            Self::Parts => {
                out.write_str("there must be 1 to 10000 parts, and not all may weigh nothing")
            }
        }
    }
}

impl std::error::Error for MoneyError {}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Money", 2)?;
        members.serialize_field("amount", &self.amount().to_string())?;
        members.serialize_field("currency", self.currency().code())?;
        members.end()
    }
}

/// The amount may be a whole number too; one with a fraction must be a text, which alone is exact.
impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            amount: Amount,
            currency: String,
        }
        let raw = Raw::deserialize(deserializer)?;
        Self::parse(&raw.amount.0, &raw.currency).map_err(de::Error::custom)
    }
}

struct Amount(String);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl de::Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an amount as a text, such as \"12.50\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        Ok(Amount(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Amount, E> {
        Ok(Amount(number.to_string()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Amount, E> {
        Ok(Amount(number.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_an_amount_and_a_currency() {
        let money: Money = serde_json::from_str(r#"{"amount":"12.5","currency":"EUR"}"#).unwrap();
        let text = serde_json::to_string(&money).unwrap();
        assert_eq!(text, r#"{"amount":"12.50","currency":"EUR"}"#);
        let yen: Money = serde_json::from_str(r#"{"currency":"JPY","amount":-12}"#).unwrap();
        assert_eq!(yen.to_string(), "-12 JPY");
    }

    #[test]
    fn what_is_no_money_is_told() {
        for (json, told) in [
            (
                r#"{"amount":"12.505","currency":"EUR"}"#,
                "at most 2 digits",
            ),
            (
                r#"{"amount":"1.0","currency":"EURO"}"#,
                "`EURO` is no currency",
            ),
            (r#"{"amount":12.5,"currency":"EUR"}"#, "an amount as a text"),
            (r#"{"amount":"1,5","currency":"EUR"}"#, "`1,5` is no amount"),
            (
                r#"{"amount":"1e30","currency":"EUR"}"#,
                "more than 18 digits",
            ),
            (r#"{"amount":"1"}"#, "missing field `currency`"),
            (
                r#"{"amount":"1","currency":"EUR","tax":1}"#,
                "unknown field `tax`",
            ),
        ] {
            let error = serde_json::from_str::<Money>(json).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
        for text in ["12.50", "12.50EUR", "EUR 12.50", "", " EUR", "12.50  EUR"] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }
}
