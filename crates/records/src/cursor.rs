//! Cursors: a place in an ordered list as opaque text. It holds the sort keys of a row, signed and
//! bound to the list it was made for. Pure; the key comes from the store's home.
//!
//! Format 1, in base64url without padding: version, direction, fingerprint of the list (8 bytes),
//! one value per sort key, HMAC-SHA-256 of all before it cut to 16 bytes. Read for as long as
//! cursors of it can be in the hands of clients.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carnet_kernel::{Code, Decimal, Detail, Id, JsonText, Refusal, TenantKey, Value};
use carnet_model::{ModelHash, Resource};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

const VERSION: u8 = 1;
const FORWARDS: u8 = 0;
const BACKWARDS: u8 = 1;
const FINGERPRINT: usize = 8;
const TAG: usize = 16;

/// The name of the secret in home.
pub(crate) const SECRET: &str = "cursors";

/// What cursors of a deployment are signed with: the signature of an empty text, to go on from.
#[derive(Clone)]
pub(crate) struct CursorKey(Hmac<Sha256>);

/// The list that a cursor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; FINGERPRINT]);

/// A place between two records of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// The sort keys of the record beside it.
    pub(crate) values: Vec<Value>,
    /// Whether the page ends there instead of beginning there.
    pub(crate) backwards: bool,
}

/// What a list asked for as far as it decides which records come in which order: every parameter
/// but those of a single page, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding([u8; 32]);

/// Parameters that may change from page to page.
const OF_ONE_PAGE: &[&str] = &[
    "cursor", "limit", "offset", "page", "count", "fields", "include", "explain",
];

impl Binding {
    /// Of the pairs of a query.
    pub fn of<'p>(pairs: impl Iterator<Item = (&'p str, &'p str)>) -> Self {
        let mut bound: Vec<(&str, &str)> = pairs
            .filter(|(key, _)| {
                let name = key.split_once('[').map_or(*key, |(name, _)| name);
                !OF_ONE_PAGE.contains(&name)
            })
            .collect();
        // Conditions hold in any order; sort keys keep theirs.
        bound.sort_by(|left, right| left.0.cmp(right.0));
        let mut hash = Sha256::new();
        for (key, value) in bound {
            for part in [key, value] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part.as_bytes());
            }
        }
        Self(hash.finalize().into())
    }

    /// Of two lists in one.
    pub(crate) fn with(&self, other: &Self) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(other.0);
        Self(hash.finalize().into())
    }
}

impl Fingerprint {
    pub(crate) fn of(
        tenant: TenantKey,
        model: ModelHash,
        resource: &Resource,
        binding: &Binding,
    ) -> Self {
        let mut hash = Sha256::new();
        hash.update(tenant.0.to_be_bytes());
        hash.update(model.0);
        hash.update(resource.name.as_bytes());
        hash.update([0_u8]);
        hash.update(binding.0);
        let whole: [u8; 32] = hash.finalize().into();
        let mut short = [0; FINGERPRINT];
        short.copy_from_slice(&whole[..FINGERPRINT]);
        Self(short)
    }
}

impl CursorKey {
    pub(crate) fn new(secret: [u8; 32]) -> Self {
        // A key shorter than a block is filled up with zeros (RFC 2104).
        let mut block = [0_u8; 64];
        let (key, _) = block.split_at_mut(secret.len());
        key.copy_from_slice(&secret);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        mac.update(b"carnet cursor\0");
        Self(mac)
    }

    /// A place as text.
    pub(crate) fn seal(&self, list: Fingerprint, place: &Place) -> String {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(VERSION);
        bytes.push(if place.backwards { BACKWARDS } else { FORWARDS });
        bytes.extend_from_slice(&list.0);
        for value in &place.values {
            write(value, &mut bytes);
        }
        let tag = self.mac(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place that `text` stands for, when it was made here for this list.
    pub(crate) fn open(&self, list: Fingerprint, text: &str) -> Result<Place, Refusal> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| refusal("format", "this is not a cursor"))?;
        let Some((signed, tag)) = bytes
            .len()
            .checked_sub(TAG)
            .map(|at| bytes.split_at(at))
            .filter(|(signed, _)| signed.len() >= 2 + FINGERPRINT)
        else {
            return Err(refusal("format", "this is not a cursor"));
        };
        // Compared in constant time.
        if self.mac(signed).verify_truncated_left(tag).is_err() {
            return Err(refusal(
                "signature",
                "the cursor was not made here, or it was changed",
            ));
        }
        let (head, rest) = signed.split_at(2 + FINGERPRINT);
        if head[0] != VERSION {
            return Err(refusal(
                "version",
                "the cursor is of another version; begin again without one",
            ));
        }
        if head[2..] != list.0 {
            return Err(refusal(
                "request",
                "the cursor belongs to another filter, sort or definition",
            ));
        }
        let mut rest = rest;
        let mut values = Vec::new();
        while !rest.is_empty() {
            let (value, after) =
                read(rest).ok_or_else(|| refusal("format", "this is not a cursor"))?;
            values.push(value);
            rest = after;
        }
        Ok(Place {
            values,
            backwards: head[1] == BACKWARDS,
        })
    }

    fn mac(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(bytes);
        mac
    }
}

fn refusal(rule: &'static str, message: &str) -> Refusal {
    Refusal::new(Code::CursorInvalid, message).with(Detail::new("cursor", rule, message))
}

fn write(value: &Value, out: &mut Vec<u8>) {
    let mut number = |tag: u8, number: i64| {
        out.push(tag);
        out.extend_from_slice(&number.to_be_bytes());
    };
    match value {
        Value::Boolean(value) => number(1, i64::from(*value)),
        Value::Integer(value) => number(2, *value),
        Value::Float(value) => number(3, value.to_bits().cast_signed()),
        Value::Date(value) => number(4, i64::from(*value)),
        Value::Time(value) => number(5, *value),
        Value::DateTime(value) => number(6, *value),
        Value::Duration(value) => number(7, *value),
        Value::Decimal(value) => {
            number(8, value.unscaled);
            out.push(value.scale);
        }
        Value::Id(id) => {
            out.push(9);
            out.extend_from_slice(&id.to_bytes());
        }
        Value::Text(text) => {
            number(10, i64::try_from(text.len()).unwrap_or(i64::MAX));
            out.extend_from_slice(text.as_bytes());
        }
        Value::Json(json) => {
            let text = json.as_str();
            number(11, i64::try_from(text.len()).unwrap_or(i64::MAX));
            out.extend_from_slice(text.as_bytes());
        }
        // Nothing is sorted by principals.
        Value::Null | Value::Principal(_) => out.push(0),
    }
}

fn read(bytes: &[u8]) -> Option<(Value, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    if *tag == 0 {
        return Some((Value::Null, rest));
    }
    if *tag == 9 {
        let (id, rest) = rest.split_first_chunk::<16>()?;
        return Some((Value::Id(Id::from_bytes(*id)), rest));
    }
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let number = i64::from_be_bytes(*number);
    let value = match tag {
        1 => Value::Boolean(number != 0),
        2 => Value::Integer(number),
        3 => Value::Float(f64::from_bits(number.cast_unsigned())),
        4 => Value::Date(i32::try_from(number).ok()?),
        5 => Value::Time(number),
        6 => Value::DateTime(number),
        7 => Value::Duration(number),
        8 => {
            let (scale, rest) = rest.split_first()?;
            let decimal = Decimal {
                unscaled: number,
                scale: *scale,
            };
            return Some((Value::Decimal(decimal), rest));
        }
        10 | 11 => {
            let (text, rest) = rest.split_at_checked(usize::try_from(number).ok()?)?;
            let text = std::str::from_utf8(text).ok()?;
            let value = match tag {
                10 => Value::Text(text.to_owned()),
                _ => Value::Json(JsonText::parse(text).ok()?),
            };
            return Some((value, rest));
        }
        _ => return None,
    };
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{resource, view};

    fn place() -> Place {
        Place {
            values: vec![
                Value::Null,
                Value::Boolean(true),
                Value::Integer(-7),
                Value::Float(-0.5),
                Value::Date(-3),
                Value::Time(4),
                Value::DateTime(-5),
                Value::Duration(6),
                Value::Decimal(Decimal {
                    unscaled: -1_250,
                    scale: 2,
                }),
                Value::Text("Straße".to_owned()),
                Value::Id(Id::from_u128(77)),
                Value::Json(JsonText::parse("\"x\"").unwrap()),
            ],
            backwards: true,
        }
    }

    fn list(tenant: i64, query: &[(&str, &str)]) -> Fingerprint {
        Fingerprint::of(
            TenantKey(tenant),
            view().hash(),
            resource("products"),
            &Binding::of(query.iter().copied()),
        )
    }

    #[test]
    fn a_place_comes_back() {
        let key = CursorKey::new([7; 32]);
        let text = key.seal(list(1, &[]), &place());
        assert_eq!(key.open(list(1, &[]), &text), Ok(place()));
    }

    #[test]
    fn cursors_of_version_1_are_read() {
        let key = CursorKey::new([7; 32]);
        let old = "AQAAAQIDBAUGBwIAAAAAAAAAKgkAAAAAAAAAAAAAAAAAAABNYDFKUFURRBzXr9Oueos1TA";
        let values = vec![Value::Integer(42), Value::Id(Id::from_u128(77))];
        let fingerprint = Fingerprint([0, 1, 2, 3, 4, 5, 6, 7]);
        let place = Place {
            values,
            backwards: false,
        };
        assert_eq!(key.seal(fingerprint, &place), old);
        assert_eq!(key.open(fingerprint, old), Ok(place));
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let key = CursorKey::new([7; 32]);
        let text = key.seal(list(1, &[]), &place());
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for position in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[position / 8] ^= 1 << (position % 8);
            let refused = key.open(list(1, &[]), &URL_SAFE_NO_PAD.encode(changed));
            assert_eq!(refused.unwrap_err().details[0].rule, "signature");
        }
        for cut in ["", "AQ", "?", "AAAA", text.get(..text.len() - 4).unwrap()] {
            assert!(key.open(list(1, &[]), cut).is_err(), "{cut}");
        }
        assert!(CursorKey::new([8; 32]).open(list(1, &[]), &text).is_err());
    }

    #[test]
    fn a_cursor_belongs_to_one_list() {
        let key = CursorKey::new([7; 32]);
        let query = [
            ("filter[price][gt]", "5"),
            ("sort", "-price"),
            ("limit", "3"),
        ];
        let made = list(1, &query);
        let text = key.seal(made, &place());
        let turned = [query[1], query[0], ("limit", "9"), ("fields", "name")];
        assert!(key.open(list(1, &turned), &text).is_ok());
        let others = [
            list(2, &query),
            list(1, &query[1..]),
            list(1, &query[..1]),
            list(1, &[("filter[price][gt]", "6"), ("sort", "-price")]),
        ];
        for other in others {
            assert_eq!(
                key.open(other, &text).unwrap_err().details[0].rule,
                "request"
            );
        }
    }
}
