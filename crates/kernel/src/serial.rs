//! Values of the API as serde sees them, for types of applications. Not how records are written:
//! that is the store's.

use crate::{Decimal, Id, Timestamp};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// The most digits behind the point that a text may have.
const MOST_SCALE: usize = 18;

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    /// Reads either text form.
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(reader)?;
        let read = text.parse().ok().or_else(|| Self::parse_uuid(&text).ok());
        read.ok_or_else(|| D::Error::custom("it must be an id"))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    /// Reads a text; its digits behind the point are the scale.
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(reader)?;
        let behind = text.split_once('.').map_or(0, |(_, behind)| behind.len());
        let scale = u8::try_from(behind.min(MOST_SCALE)).unwrap_or(0);
        Self::parse(&text, crate::MAX_PRECISION, scale)
            .map_err(|_| D::Error::custom("it must be a decimal"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&crate::time::format_date_time(self.0))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    /// Reads RFC 3339.
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(reader)?;
        let read = crate::time::parse_date_time(&text).map(Self);
        read.map_err(|_| D::Error::custom("it must be a moment (RFC 3339)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_there_and_back() {
        let id = Id::from_u128(77);
        let text = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<Id>(&text).ok(), Some(id));
        let uuid = format!("\"{}\"", id.to_uuid_text());
        assert_eq!(serde_json::from_str::<Id>(&uuid).ok(), Some(id));
        let price: Decimal = serde_json::from_str("\"-12.50\"").unwrap();
        assert_eq!((price.unscaled, price.scale), (-1_250, 2));
        assert_eq!(serde_json::to_string(&price).unwrap(), "\"-12.50\"");
        let at: Timestamp = serde_json::from_str("\"2026-11-21T05:32:00Z\"").unwrap();
        let text = serde_json::to_string(&at).unwrap();
        assert_eq!(text, "\"2026-11-21T05:32:00.000000Z\"");
        for bad in ["\"x\"", "7", "null", "\"1.2.3\""] {
            assert!(serde_json::from_str::<Id>(bad).is_err(), "{bad}");
            assert!(serde_json::from_str::<Decimal>(bad).is_err(), "{bad}");
            assert!(serde_json::from_str::<Timestamp>(bad).is_err(), "{bad}");
        }
    }
}
