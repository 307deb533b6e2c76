//! Record ids: 128 time-ordered bits (UUIDv7, RFC 9562), shown as ULID text. Not tenant keys.

use crate::{Append, Timestamp};
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

/// What stands in [`DIGITS`] for a byte that is no character of an id.
const NO_DIGIT: u8 = u8::MAX;

/// What each byte stands for, in upper or lower case.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        digits[ALPHABET[digit] as usize] = digit as u8;
        digits[ALPHABET[digit].to_ascii_lowercase() as usize] = digit as u8;
        digit += 1;
    }
    digits
};

/// The two characters of each ten bits: an id is written for every record of an answer.
const PAIRS: [[u8; 2]; 1_024] = {
    let mut pairs = [[0; 2]; 1_024];
    let mut bits = 0;
    while bits < 1_024 {
        pairs[bits] = [ALPHABET[bits >> 5], ALPHABET[bits & 31]];
        bits += 1;
    }
    pairs
};

/// A record's id. Ordered by time of making, then by random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u128);

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// Not 26 characters (36 for the UUID form).
    Length,
    /// A character outside Crockford's alphabet, or a first one above 7.
    Character,
}

impl fmt::Display for IdError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Length => "an id has 26 characters",
            Self::Character => {
                "an id has the characters 0-9 and A-Z without I, L, O, U and starts with 0-7"
            }
        })
    }
}

impl std::error::Error for IdError {}

impl Id {
    /// From its 128 bits; any value is an id.
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// Its 128 bits.
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// From its 16 bytes, most significant first, as both databases store it.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// Its 16 bytes, most significant first.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The 26 upper-case Crockford characters.
    pub const fn encode(self) -> [u8; 26] {
        let mut text = [0_u8; 26];
        let mut at = 0;
        while at < 26 {
            // Ten bits are two characters; the first pair has eight.
            let bits = (self.0 >> (5 * (24 - at))) as usize & 1_023;
            [text[at], text[at + 1]] = PAIRS[bits];
            at += 2;
        }
        text
    }

    /// The 36 characters of the hyphenated lower-case UUID form (RFC 9562).
    pub const fn encode_uuid(self) -> [u8; 36] {
        let bytes = self.to_bytes();
        let mut text = [b'-'; 36];
        let (mut at, mut place) = (0, 0);
        while place < bytes.len() {
            if matches!(place, 4 | 6 | 8 | 10) {
                at += 1;
            }
            let byte = bytes[place] as usize;
            text[at] = HEXADECIMAL[byte >> 4];
            text[at + 1] = HEXADECIMAL[byte & 15];
            at += 2;
            place += 1;
        }
        text
    }

    /// The hyphenated lower-case UUID form, for resources that declare `id: uuid`.
    pub fn to_uuid_text(self) -> String {
        let mut text = String::with_capacity(36);
        text.push_ascii(&self.encode_uuid());
        text
    }

    /// Reads the hyphenated UUID form, in any case.
    pub fn parse_uuid(text: &str) -> Result<Self, IdError> {
        let bytes = text.as_bytes();
        if bytes.len() != 36 {
            return Err(IdError::Length);
        }
        let mut bits = 0_u128;
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 8 | 13 | 18 | 23) {
                if *byte != b'-' {
                    return Err(IdError::Character);
                }
                continue;
            }
            let digit = char::from(*byte).to_digit(16).ok_or(IdError::Character)?;
            bits = bits << 4 | u128::from(digit);
        }
        Ok(Self(bits))
    }

    /// Reads 32 hexadecimal digits, as a database writes a nested id.
    pub fn parse_hex(text: &str) -> Option<Self> {
        (text.len() == 32)
            .then(|| u128::from_str_radix(text, 16).ok().map(Self))
            .flatten()
    }
}

impl FromStr for Id {
    type Err = IdError;

    /// Reads ULID text in any case; I, L, O, U and a first character above 7 are refused.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let bytes = text.as_bytes();
        if bytes.len() != 26 {
            return Err(IdError::Length);
        }
        let mut bits = 0_u128;
        for (index, byte) in bytes.iter().enumerate() {
            let digit = DIGITS[usize::from(*byte)];
            if digit == NO_DIGIT || index == 0 && digit > 7 {
                return Err(IdError::Character);
            }
            bits = bits << 5 | u128::from(digit);
        }
        Ok(Self(bits))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(std::str::from_utf8(&self.encode()).unwrap_or_default())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Makes ids that never go backwards within this process, even when the clock does.
#[derive(Debug, Default)]
pub struct IdGenerator {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Milliseconds and the 74 free bits of the id made last.
    last: (u64, u128),
    random: Random,
}

/// The bits of a UUIDv7 that are free: 12 after the version, 62 after the variant.
const FREE: u32 = 74;

impl IdGenerator {
    /// A generator that has made nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next id at the moment `now`.
    pub fn next(&self, now: Timestamp) -> Id {
        let now = u64::try_from(now.as_millis()).unwrap_or(0);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let random = state.random.bits();
        let last = state.last;
        let (millis, free) = if now > last.0 {
            // The top free bit stays clear, so that a busy millisecond has room to count up.
            (now, random & ((1 << (FREE - 1)) - 1))
        } else {
            let free = last.1 + 1 + (random & 0xFFFF_FFFF);
            if free >> FREE == 0 {
                (last.0, free)
            } else {
                (last.0 + 1, random & ((1 << (FREE - 1)) - 1))
            }
        };
        state.last = (millis, free);
        let high = free >> 62;
        let low = free & ((1 << 62) - 1);
        Id(u128::from(millis & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
    }
}

/// How many bytes are asked of the operating system at once: every request has an id, and asking
/// costs as much as a dozen of them.
const ASKED: usize = 512;

/// Random bits of the operating system, each given out once.
struct Random {
    bytes: [u8; ASKED],
    /// Where those begin that were not given out.
    at: usize,
}

impl Default for Random {
    fn default() -> Self {
        Self {
            bytes: [0; ASKED],
            at: ASKED,
        }
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Random").finish_non_exhaustive()
    }
}

impl Random {
    fn bits(&mut self) -> u128 {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            if let Some(bytes) = rest.first_chunk::<16>() {
                self.at += bytes.len();
                return u128::from_be_bytes(*bytes);
            }
            // INVARIANT: the operating system's random source is there; without it no process of
            // ours may run.
            #[expect(
                clippy::expect_used,
                reason = "a host without randomness cannot serve safely"
            )]
            getrandom::fill(&mut self.bytes).expect("the operating system gives random bytes");
            self.at = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trip_in_any_case() {
        let id = Id::from_u128(0x0192_8f3e_7c00_7abc_9def_0123_4567_89ab);
        let text = id.to_string();
        assert_eq!(text.len(), 26);
        assert_eq!(text.parse::<Id>(), Ok(id));
        assert_eq!(text.to_lowercase().parse::<Id>(), Ok(id));
        assert_eq!(Id::parse_uuid(&id.to_uuid_text()), Ok(id));
    }

    #[track_caller]
    fn refused(text: &str, expected: IdError) {
        assert_eq!(text.parse::<Id>(), Err(expected), "{text}");
    }

    #[test]
    fn refused_texts() {
        refused("", IdError::Length);
        refused("8ZZZZZZZZZZZZZZZZZZZZZZZZZ", IdError::Character);
        for letter in ["I", "L", "O", "U", "i", "-"] {
            refused(&format!("0{letter}{}", "0".repeat(24)), IdError::Character);
        }
        refused(&"é".repeat(13), IdError::Character);
    }

    #[test]
    fn the_largest_value_is_an_id() {
        assert_eq!(
            "7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<Id>(),
            Ok(Id::from_u128(u128::MAX))
        );
    }

    #[test]
    fn ids_rise_when_the_clock_stands_or_falls() {
        let generator = IdGenerator::new();
        let mut last = Id::from_u128(0);
        for moment in [5_000_000, 5_000_000, 4_000_000, 6_000_000]
            .into_iter()
            .cycle()
            .take(4_000)
        {
            let id = generator.next(Timestamp(moment));
            assert!(id > last);
            assert_eq!(id.as_u128() >> 76 & 0xF, 7, "version");
            assert_eq!(id.as_u128() >> 62 & 0b11, 0b10, "variant");
            last = id;
        }
    }
}
