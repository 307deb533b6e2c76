//! How a number that does not fit its last digit is brought there. Not the numbers themselves.

use std::cmp::Ordering;

/// Which way a result goes that lies between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearer; from the middle to the even one (IEEE 754 roundTiesToEven, the banker's).
    HalfEven,
    /// To the nearer; from the middle away from zero, as taught at school.
    HalfUp,
    /// To the nearer; from the middle towards zero.
    HalfDown,
    /// Away from zero.
    Up,
    /// Towards zero: digits are cut off.
    Down,
    /// To the greater.
    Ceiling,
    /// To the smaller.
    Floor,
}

/// 10 to the power of `exponent`, if it fits.
pub(super) fn ten_to(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// `value / 10^places`, rounded; `value` must be smaller in size than 10^38 / 2.
pub(super) fn divide(value: i128, places: u32, rounding: Rounding) -> i128 {
    // INVARIANT: 10^38 is the greatest power of ten that fits. Beyond it the quotient is as far
    // below one half as it is there.
    let divisor = ten_to(places.min(38)).unwrap_or(i128::MAX);
    let (quotient, rest) = (value / divisor, value % divisor);
    if rest == 0 {
        return quotient;
    }
    let middle = (rest.unsigned_abs() * 2).cmp(&divisor.unsigned_abs());
    let away = match rounding {
        Rounding::HalfEven => {
            middle == Ordering::Greater || middle == Ordering::Equal && quotient % 2 != 0
        }
        Rounding::HalfUp => middle != Ordering::Less,
        Rounding::HalfDown => middle == Ordering::Greater,
        Rounding::Up => true,
        Rounding::Down => false,
        Rounding::Ceiling => value > 0,
        Rounding::Floor => value < 0,
    };
    if away {
        quotient + value.signum()
    } else {
        quotient
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Rounding; 7] = [
        Rounding::HalfEven,
        Rounding::HalfUp,
        Rounding::HalfDown,
        Rounding::Up,
        Rounding::Down,
        Rounding::Ceiling,
        Rounding::Floor,
    ];

    #[track_caller]
    fn check(value: i128, expected: [i128; 7]) {
        assert_eq!(
            ALL.map(|rounding| divide(value, 1, rounding)),
            expected,
            "{value}"
        );
        assert_eq!(
            ALL.map(|rounding| divide(value * 100, 3, rounding)),
            expected,
            "{value}"
        );
    }

    #[test]
    fn each_way_on_both_sides_of_zero() {
        check(20, [2, 2, 2, 2, 2, 2, 2]);
        check(24, [2, 2, 2, 3, 2, 3, 2]);
        check(25, [2, 3, 2, 3, 2, 3, 2]);
        check(35, [4, 4, 3, 4, 3, 4, 3]);
        check(26, [3, 3, 3, 3, 2, 3, 2]);
        check(-24, [-2, -2, -2, -3, -2, -2, -3]);
        check(-25, [-2, -3, -2, -3, -2, -2, -3]);
        check(-35, [-4, -4, -3, -4, -3, -3, -4]);
    }

    #[test]
    fn what_is_too_small_to_see_is_nearly_nothing() {
        assert_eq!(
            ALL.map(|rounding| divide(7, 200, rounding)),
            [0, 0, 0, 1, 0, 1, 0]
        );
    }

    proptest! {
        #[test]
        fn a_result_is_less_than_one_away(value in -10_i128.pow(37)..10_i128.pow(37), places in 0_u32..=36) {
            let one = 10_i128.pow(places);
            for rounding in ALL {
                let far = divide(value, places, rounding) * one - value;
                prop_assert!(far.abs() < one, "{rounding:?}");
                let nearest = matches!(rounding, Rounding::HalfEven | Rounding::HalfUp | Rounding::HalfDown);
                prop_assert!(!nearest || far.abs() * 2 <= one, "{rounding:?}");
            }
        }
    }
}
