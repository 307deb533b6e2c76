//! Sums of floats that do not depend on the order of adding. Not a type of numbers.

/// Digits of one limb.
const DIGITS: usize = 9;
const BASE: u64 = 1_000_000_000;
/// The power of ten of the lowest digit; no float is written with a lower one.
const LOWEST: i32 = -360;
/// Enough for the largest float, and for more of them than there can be.
const LIMBS: usize = 80;

/// A sum below this in size is 0, so that no database has to tell a mean too small for a float.
pub const SMALLEST_SUM: f64 = 1e-290;

/// The exact sum of floats, each taken as the decimal it is written as (the shortest that is read
/// as the same float), rounded once at the end. The same in any order, and on every database.
#[derive(Clone, Debug, Default)]
pub struct FloatSum {
    plus: Limbs,
    minus: Limbs,
    count: u64,
}

#[derive(Clone, Debug)]
struct Limbs(Vec<u64>);

impl Default for Limbs {
    fn default() -> Self {
        Self(vec![0; LIMBS])
    }
}

impl Limbs {
    /// Adds `mantissa` times ten to the power of `power` above the lowest digit.
    fn add(&mut self, mantissa: u64, power: usize) {
        let mut carry = u128::from(mantissa) * 10_u128.pow((power % DIGITS) as u32);
        let mut place = power / DIGITS;
        while carry > 0 {
            let Some(limb) = self.0.get_mut(place) else {
                return;
            };
            let sum = u128::from(*limb) + carry % u128::from(BASE);
            *limb = (sum % u128::from(BASE)) as u64;
            carry = carry / u128::from(BASE) + sum / u128::from(BASE);
            place += 1;
        }
    }

    /// What is left without a smaller sum.
    fn less(&self, smaller: &Self) -> Self {
        let mut borrow = 0;
        let limbs = self.0.iter().zip(&smaller.0).map(|(large, small)| {
            let take = small + borrow;
            borrow = u64::from(*large < take);
            large + borrow * BASE - take
        });
        Self(limbs.collect())
    }

    fn float(&self) -> f64 {
        let mut text = String::with_capacity(LIMBS * DIGITS + 8);
        for limb in self.0.iter().rev() {
            text.push_str(&format!("{limb:09}"));
        }
        text.push_str(&format!("e{LOWEST}"));
        text.parse().unwrap_or(0.0)
    }
}

impl FloatSum {
    /// Adds a finite number; what is none adds nothing.
    pub fn add(&mut self, number: f64) {
        self.count += 1;
        // `1.25e-7`: the shortest digits that are read as the same float.
        let text = format!("{:e}", number.abs());
        let Some((mantissa, exponent)) = text.split_once('e') else {
            return;
        };
        let fraction = mantissa
            .split_once('.')
            .map_or(0, |(_, digits)| digits.len());
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let (Ok(digits), Ok(exponent)) = (digits.parse::<u64>(), exponent.parse::<i32>()) else {
            return;
        };
        let power = exponent - fraction as i32 - LOWEST;
        if let Ok(power) = usize::try_from(power) {
            let side = if number < 0.0 {
                &mut self.minus
            } else {
                &mut self.plus
            };
            side.add(digits, power);
        }
    }

    /// The sum; nothing for no number. Beyond what a float holds it is the largest one.
    pub fn sum(&self) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let negative = self.plus.0.iter().rev().lt(self.minus.0.iter().rev());
        let size = if negative {
            self.minus.less(&self.plus).float()
        } else {
            self.plus.less(&self.minus).float()
        };
        let size = if size < SMALLEST_SUM {
            0.0
        } else {
            size.min(f64::MAX)
        };
        Some(if negative && size > 0.0 { -size } else { size })
    }

    /// The sum, divided as floats are by how many numbers there were.
    pub fn average(&self) -> Option<f64> {
        Some(self.sum()? / self.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(numbers: &[f64], sum: Option<f64>, average: Option<f64>) {
        let mut sums = FloatSum::default();
        numbers.iter().for_each(|number| sums.add(*number));
        assert_eq!(sums.sum(), sum, "{numbers:?}");
        assert_eq!(sums.average(), average, "{numbers:?}");
    }

    #[test]
    fn sums_are_exact_and_rounded_once() {
        check(&[], None, None);
        check(&[0.1, 0.2], Some(0.3), Some(0.15));
        check(&[1e300, 1.0, -1e300], Some(1.0), Some(1.0 / 3.0));
        check(&[0.1; 10], Some(1.0), Some(0.1));
        check(
            &[1e16, 1.0, 1.0],
            Some(1e16 + 2.0),
            Some((1e16 + 2.0) / 3.0),
        );
        check(&[-2.5, 1.0], Some(-1.5), Some(-0.75));
        check(&[-0.0], Some(0.0), Some(0.0));
        check(&[f64::MAX, f64::MAX], Some(f64::MAX), Some(f64::MAX / 2.0));
        check(
            &[-f64::MAX, -f64::MAX, 1.0],
            Some(-f64::MAX),
            Some(-f64::MAX / 3.0),
        );
        check(&[5e-324, 5e-324], Some(0.0), Some(0.0));
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(numbers in proptest::collection::vec(any::<f64>(), 0..20)) {
            let finite: Vec<f64> = numbers.into_iter().filter(|one| one.is_finite()).collect();
            let mut there = FloatSum::default();
            finite.iter().for_each(|number| there.add(*number));
            let mut back = FloatSum::default();
            finite.iter().rev().for_each(|number| back.add(*number));
            prop_assert_eq!(there.sum().map(f64::to_bits), back.sum().map(f64::to_bits));
        }
    }
}
