//! Currencies and how finely their amounts are counted. Not rates between them.

use super::Invalid;
use carnet_kernel::{Value, suggest};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// The codes of ISO 4217 (list one, 2026) by the digits of their minor unit. Funds are there;
/// metals and codes for tests, which have no minor unit, are not. ANG and BGN were withdrawn in
/// 2025 and 2026 and stay, for amounts that are older.
const CODES: [(u8, &str); 4] = [
    (
        0,
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    ),
    (
        2,
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL \
         BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP \
         DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR \
         ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD \
         MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN \
         PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP \
         STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES \
         WST XAD XCD XCG YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// A currency of ISO 4217.
///
/// ```
/// use carnet::domain::Currency;
/// let yen: Currency = "JPY".parse().unwrap();
/// assert_eq!((yen.code(), yen.digits()), ("JPY", 0));
/// assert_eq!(Currency::EUR.digits(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency {
    code: &'static str,
    digits: u8,
}

impl Currency {
    /// Swiss franc.
    pub const CHF: Self = Self::of("CHF", 2);
    /// Euro.
    pub const EUR: Self = Self::of("EUR", 2);
    /// Pound sterling.
    pub const GBP: Self = Self::of("GBP", 2);
    /// Yen, which has no smaller unit.
    pub const JPY: Self = Self::of("JPY", 0);
    /// US dollar.
    pub const USD: Self = Self::of("USD", 2);

    const fn of(code: &'static str, digits: u8) -> Self {
        Self { code, digits }
    }

    /// The currency of that code, in capital letters.
    pub fn find(code: &str) -> Option<Self> {
        Self::all().find(|currency| currency.code == code)
    }

    /// Every currency.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES
            .into_iter()
            .flat_map(|(digits, codes)| codes.split(' ').map(move |code| Self { code, digits }))
    }

    /// Its three letters.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// How many digits after the point its amounts have.
    pub fn digits(self) -> u8 {
        self.digits
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code)
    }
}

impl FromStr for Currency {
    type Err = Invalid;

    fn from_str(code: &str) -> Result<Self, Invalid> {
        Self::find(code).ok_or_else(|| {
            let short: String = code.chars().take(16).collect();
            let upper = short.to_ascii_uppercase();
            let hint = match Self::find(&upper) {
                Some(known) => format!("; write `{known}`"),
                None => suggest::hint(&upper, Self::all().map(Self::code)),
            };
            Invalid::new(
                "currency",
                format!("`{short}` is no currency of ISO 4217{hint}"),
            )
        })
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl From<Currency> for Value {
    fn from(currency: Currency) -> Self {
        Self::Text(currency.code.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_is_there_once() {
        let codes: Vec<&str> = Currency::all().map(Currency::code).collect();
        let distinct: HashSet<&&str> = codes.iter().collect();
        assert_eq!(distinct.len(), codes.len());
        assert!(codes.len() > 150);
        for code in codes {
            assert!(
                code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()),
                "{code}"
            );
        }
        for known in [
            Currency::CHF,
            Currency::EUR,
            Currency::GBP,
            Currency::JPY,
            Currency::USD,
        ] {
            assert_eq!(Currency::find(known.code()), Some(known));
        }
        for (code, digits) in [("KWD", 3), ("CLF", 4), ("HUF", 2), ("ISK", 0)] {
            assert_eq!(Currency::find(code).map(Currency::digits), Some(digits));
        }
    }

    #[test]
    fn a_currency_is_its_code_in_json() {
        let read: Currency = serde_json::from_str("\"CHF\"").unwrap();
        assert_eq!(read, Currency::CHF);
        assert_eq!(serde_json::to_string(&read).unwrap(), "\"CHF\"");
        assert!(serde_json::from_str::<Currency>("\"FRA\"").is_err());
    }

    #[test]
    fn a_slip_has_a_suggestion() {
        let told = |code: &str| code.parse::<Currency>().unwrap_err().message;
        assert_eq!(told("eur"), "`eur` is no currency of ISO 4217; write `EUR`");
        assert!(told("XAU").starts_with("`XAU` is no currency of ISO 4217"));
        assert!(told(&"x".repeat(1_000)).len() < 100);
    }
}
