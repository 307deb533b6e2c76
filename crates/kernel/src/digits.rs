//! Decimal digits, two at a time. Not the forms that values have.

use crate::Append;

/// The digits of each number below 100.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// The last two digits of a number.
#[inline]
pub(crate) fn pair(number: u32) -> [u8; 2] {
    PAIRS[(number % 100) as usize]
}

/// The digits of a number stand at the end of the room for them; answers where they begin.
#[inline]
pub(crate) fn fill(mut number: u64, room: &mut [u8; 20]) -> usize {
    let mut at = room.len();
    while number >= 100 {
        at -= 2;
        let [high, low] = PAIRS[(number % 100) as usize];
        room[at] = high;
        room[at + 1] = low;
        number /= 100;
    }
    let [high, low] = PAIRS[number as usize];
    at -= 1;
    room[at] = low;
    if number >= 10 {
        at -= 1;
        room[at] = high;
    }
    at
}

/// Appends a whole number.
pub(crate) fn write(integer: i64, out: &mut impl Append) {
    let mut room = [0_u8; 20];
    let mut at = fill(integer.unsigned_abs(), &mut room);
    if integer < 0 {
        // INVARIANT: the digits of an `i64` are 19 at most.
        at -= 1;
        room[at] = b'-';
    }
    out.push_ascii(room.get(at..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_whole() {
        let edges = (0..19).flat_map(|power| {
            let number = 10_i64.pow(power);
            [number - 1, number, number + 1, -number]
        });
        for integer in edges.chain([9_007_199_254_740_991, i64::MAX, i64::MIN]) {
            let mut out = String::new();
            write(integer, &mut out);
            assert_eq!(out, integer.to_string());
        }
        let mut room = [0; 20];
        assert_eq!(fill(u64::MAX, &mut room), 0);
        assert_eq!(&room, b"18446744073709551615");
    }

    #[test]
    fn numbers_of_known_width() {
        assert_eq!(pair(7), *b"07");
        assert_eq!(pair(142), *b"42");
    }
}
