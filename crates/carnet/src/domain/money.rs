//! Amounts of money that never lose a cent and never mix currencies. Its texts and JSON are in
//! `money_text.rs`.

use super::rounding::{divide, ten_to};
use super::{Currency, Invalid, Rounding};
use carnet_kernel::{Code, Decimal, DecimalError, Refusal};
use std::cmp::Ordering;

/// The greatest amount in minor units: 18 digits, as a decimal field stores.
const MOST: i128 = 999_999_999_999_999_999;

/// Into how many parts an amount is split at most.
const MOST_PARTS: usize = 10_000;

/// An amount in a currency, in whole minor units (cents). Every operation is exact, or says how it
/// rounds; what does not fit or mixes currencies is an error and never wrong.
///
/// ```
/// use carnet::domain::{Currency, Money, Rounding};
/// # fn main() -> Result<(), carnet::prelude::Refusal> {
/// let price = Money::parse("19.99", "EUR")?;
/// let net = price.times(3)?;
/// let vat = net.times_rate("0.19".parse().unwrap(), Rounding::HalfUp)?;
/// assert_eq!(net.plus(vat)?.to_string(), "71.36 EUR");
///
/// let thirds = Money::parse("100.00", "EUR")?.split(3)?;
/// let thirds: Vec<String> = thirds.iter().map(Money::to_string).collect();
/// assert_eq!(thirds, ["33.34 EUR", "33.33 EUR", "33.33 EUR"]);
/// assert!(price.plus(Money::parse("1.00", "USD")?).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why there is no such amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// Two currencies meet where there must be one.
    Mismatch(Currency, Currency),
    /// The code is no currency's, or a text is no amount.
    Invalid(Invalid),
    /// More digits after the point than the currency, or the field asked for, has.
    Fraction(Currency, u8),
    /// More than 18 digits.
    Range,
    /// No parts, too many, or parts that all weigh nothing.
    Parts,
}

impl Money {
    /// Nothing.
    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// From whole minor units: `1250` in euros is 12.50.
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        Self::checked(i128::from(minor), currency)
    }

    /// From a decimal with as many digits as the currency has, or more that are all zero.
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let down = Self::rounded(amount, currency, Rounding::Down)?;
        if down == Self::rounded(amount, currency, Rounding::Up)? {
            Ok(down)
        } else {
            Err(MoneyError::Fraction(currency, currency.digits()))
        }
    }

    /// From any decimal, rounded to the currency's digits.
    pub fn rounded(
        amount: Decimal,
        currency: Currency,
        rounding: Rounding,
    ) -> Result<Self, MoneyError> {
        let shift = i32::from(currency.digits()) - i32::from(amount.scale);
        shifted(i128::from(amount.unscaled), shift, currency, rounding)
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in minor units.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// The amount, with the digits of the currency.
    pub fn amount(self) -> Decimal {
        Decimal {
            unscaled: self.minor,
            scale: self.currency.digits(),
        }
    }

    /// The amount for a decimal field of another scale, exactly.
    pub fn amount_at(self, scale: u8) -> Result<Decimal, MoneyError> {
        let text = self.amount().to_string();
        let text = match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.'),
            false => text.as_str(),
        };
        Decimal::parse(text, carnet_kernel::MAX_PRECISION, scale).map_err(|error| match error {
            DecimalError::Fraction => MoneyError::Fraction(self.currency, scale),
            _ => MoneyError::Range,
        })
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether it is more than nothing.
    pub fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// Whether it is less than nothing.
    pub fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// Which is more.
    pub fn compare(self, other: Self) -> Result<Ordering, MoneyError> {
        self.same(other)?;
        Ok(self.minor.cmp(&other.minor))
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        Self::checked(
            i128::from(self.minor) + i128::from(other.minor),
            self.currency,
        )
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.plus(other.negated())
    }

    /// Owed instead of owned, and the other way round.
    #[must_use]
    pub fn negated(self) -> Self {
        // INVARIANT: no amount has more than 18 digits, so that its negative exists.
        Self {
            minor: -self.minor,
            currency: self.currency,
        }
    }

    /// So many times.
    pub fn times(self, count: i64) -> Result<Self, MoneyError> {
        Self::checked(i128::from(self.minor) * i128::from(count), self.currency)
    }

    /// A rate of it, such as 0.19, rounded to the currency's digits.
    pub fn times_rate(self, rate: Decimal, rounding: Rounding) -> Result<Self, MoneyError> {
        self.exchanged(rate, self.currency, rounding)
    }

    /// In another currency, of which `rate` is worth one of this, rounded to that one's digits.
    pub fn exchanged(
        self,
        rate: Decimal,
        currency: Currency,
        rounding: Rounding,
    ) -> Result<Self, MoneyError> {
        let product = i128::from(self.minor) * i128::from(rate.unscaled);
        let shift = i32::from(currency.digits())
            - i32::from(self.currency.digits())
            - i32::from(rate.scale);
        shifted(product, shift, currency, rounding)
    }

    /// All together; nothing where there are none.
    pub fn sum(
        currency: Currency,
        amounts: impl IntoIterator<Item = Self>,
    ) -> Result<Self, MoneyError> {
        amounts
            .into_iter()
            .try_fold(Self::zero(currency), Self::plus)
    }

    /// Parts as equal as minor units allow, which together are the whole; the first are the
    /// larger. At most 10,000.
    pub fn split(self, parts: usize) -> Result<Vec<Self>, MoneyError> {
        if parts > MOST_PARTS {
            return Err(MoneyError::Parts);
        }
        self.allocate(&vec![1; parts])
    }

    /// Parts in the proportion of `weights`, which together are the whole. Minor units that are
    /// left over go to those who lost most by rounding down, the first first; a weight of zero
    /// gets nothing. At most 10,000.
    pub fn allocate(self, weights: &[u64]) -> Result<Vec<Self>, MoneyError> {
        let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        if total == 0 || weights.len() > MOST_PARTS {
            return Err(MoneyError::Parts);
        }
        let whole = i128::from(self.minor.unsigned_abs());
        let shares: Vec<i128> = weights
            .iter()
            .map(|weight| whole * i128::from(*weight))
            .collect();
        let mut parts: Vec<i128> = shares.iter().map(|share| share / total).collect();
        let left = whole - parts.iter().sum::<i128>();
        let mut by_loss: Vec<usize> = (0..shares.len()).collect();
        by_loss.sort_by_key(|place| std::cmp::Reverse(shares[*place] % total));
        // INVARIANT: what is left are fewer units than there are parts that lost something.
        for place in by_loss.into_iter().take(usize::try_from(left).unwrap_or(0)) {
            parts[place] += 1;
        }
        let sign = i128::from(self.minor.signum());
        parts
            .into_iter()
            .map(|part| Self::checked(part * sign, self.currency))
            .collect()
    }

    fn same(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::Mismatch(self.currency, other.currency))
        }
    }

    fn checked(minor: i128, currency: Currency) -> Result<Self, MoneyError> {
        match i64::try_from(minor) {
            Ok(minor) if i128::from(minor).abs() <= MOST => Ok(Self { minor, currency }),
            _ => Err(MoneyError::Range),
        }
    }
}

/// `value × 10^shift` minor units. `value` is a product of two 64-bit numbers at most.
fn shifted(
    value: i128,
    shift: i32,
    currency: Currency,
    rounding: Rounding,
) -> Result<Money, MoneyError> {
    let minor = if shift < 0 {
        Some(divide(value, shift.unsigned_abs(), rounding))
    } else {
        ten_to(shift.unsigned_abs()).and_then(|factor| value.checked_mul(factor))
    };
    Money::checked(minor.ok_or(MoneyError::Range)?, currency)
}

impl From<Invalid> for MoneyError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<MoneyError> for Invalid {
    fn from(error: MoneyError) -> Self {
        let rule = match &error {
            MoneyError::Invalid(invalid) => return invalid.clone(),
            MoneyError::Mismatch(..) => "currency",
            MoneyError::Fraction(..) => "scale",
            MoneyError::Range => "precision",
            MoneyError::Parts => "parts",
        };
        Self::new(rule, error.to_string())
    }
}

/// `RULE_VIOLATED` for currencies that meet, else `VALIDATION_FAILED`.
impl From<MoneyError> for Refusal {
    fn from(error: MoneyError) -> Self {
        let code = match error {
            MoneyError::Mismatch(..) => Code::RuleViolated,
            _ => Code::ValidationFailed,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn euros(text: &str) -> Money {
        Money::parse(text, "EUR").unwrap()
    }

    fn texts(parts: &[Money]) -> Vec<String> {
        parts.iter().map(|part| part.amount().to_string()).collect()
    }

    #[test]
    fn amounts_add_up() {
        assert_eq!(euros("0.10").plus(euros("0.20")), Ok(euros("0.30")));
        assert_eq!(euros("1").minus(euros("2.50")), Ok(euros("-1.50")));
        assert_eq!(euros("-1.50").compare(euros("0")), Ok(Ordering::Less));
        let all = Money::sum(Currency::EUR, [euros("1"), euros("2")]);
        assert_eq!(all, Ok(euros("3")));
        assert_eq!(
            Money::sum(Currency::EUR, []),
            Ok(Money::zero(Currency::EUR))
        );
    }

    #[test]
    fn currencies_never_mix() {
        let dollar = Money::parse("1", "USD").unwrap();
        let mixed = MoneyError::Mismatch(Currency::EUR, Currency::USD);
        assert_eq!(euros("1").plus(dollar), Err(mixed.clone()));
        assert_eq!(euros("1").compare(dollar), Err(mixed.clone()));
        assert_eq!(Money::sum(Currency::EUR, [dollar]), Err(mixed.clone()));
        assert_eq!(Refusal::from(mixed).code, Code::RuleViolated);
    }

    #[test]
    fn rates_round_as_they_are_told() {
        let half: Decimal = "0.5".parse().unwrap();
        let of_a_cent = |rounding| euros("0.05").times_rate(half, rounding).unwrap().minor();
        assert_eq!(of_a_cent(Rounding::HalfEven), 2);
        assert_eq!(of_a_cent(Rounding::HalfUp), 3);
        let rate = "163.4567".parse().unwrap();
        let yen = euros("12.34").exchanged(rate, Currency::JPY, Rounding::HalfEven);
        assert_eq!(yen.unwrap().to_string(), "2017 JPY");
        let back = Money::parse("2017", "JPY").unwrap();
        let rate = "0.0061178".parse().unwrap();
        let euros = back.exchanged(rate, Currency::EUR, Rounding::HalfEven);
        assert_eq!(euros.unwrap().to_string(), "12.34 EUR");
    }

    #[test]
    fn decimals_of_fields_fit_or_are_refused() {
        let decimal = |unscaled, scale| Decimal { unscaled, scale };
        assert_eq!(
            Money::new(decimal(125_000, 4), Currency::EUR),
            Ok(euros("12.50"))
        );
        assert_eq!(Money::new(decimal(12, 0), Currency::EUR), Ok(euros("12")));
        assert_eq!(
            Money::new(decimal(125_001, 4), Currency::EUR),
            Err(MoneyError::Fraction(Currency::EUR, 2))
        );
        assert_eq!(
            Money::new(decimal(i64::MAX, 0), Currency::EUR),
            Err(MoneyError::Range)
        );
        assert_eq!(Money::new(decimal(0, 255), Currency::EUR), Ok(euros("0")));
        assert_eq!(euros("12.50").amount_at(4), Ok(decimal(125_000, 4)));
        assert_eq!(euros("-12.50").amount_at(1), Ok(decimal(-125, 1)));
        assert_eq!(euros("100").amount_at(0), Ok(decimal(100, 0)));
        assert_eq!(
            euros("12.55").amount_at(1),
            Err(MoneyError::Fraction(Currency::EUR, 1))
        );
        assert_eq!(
            euros("9999999999999999.99").amount_at(3),
            Err(MoneyError::Range)
        );
    }

    #[test]
    fn parts_follow_their_weights() {
        let parts = euros("100").allocate(&[50, 0, 30, 20]).unwrap();
        assert_eq!(texts(&parts), ["50.00", "0.00", "30.00", "20.00"]);
        let parts = euros("-0.05").allocate(&[3, 7]).unwrap();
        assert_eq!(texts(&parts), ["-0.02", "-0.03"]);
        assert_eq!(euros("1").split(0), Err(MoneyError::Parts));
        assert_eq!(euros("1").allocate(&[0, 0]), Err(MoneyError::Parts));
        assert_eq!(euros("1").split(usize::MAX), Err(MoneyError::Parts));
    }

    fn amount() -> impl Strategy<Value = Money> {
        let most = i64::try_from(MOST).unwrap();
        (-most..=most, 0..5_usize).prop_map(|(minor, currency)| {
            let known = ["EUR", "JPY", "KWD", "CLF", "USD"];
            Money::from_minor(minor, known[currency].parse().unwrap()).unwrap()
        })
    }

    fn rounding() -> impl Strategy<Value = Rounding> {
        prop::sample::select(vec![
            Rounding::HalfEven,
            Rounding::HalfUp,
            Rounding::HalfDown,
            Rounding::Up,
            Rounding::Down,
            Rounding::Ceiling,
            Rounding::Floor,
        ])
    }

    proptest! {
        #[test]
        fn parts_are_the_whole(whole in amount(), weights in prop::collection::vec(any::<u64>(), 1..40)) {
            match whole.allocate(&weights) {
                Ok(parts) => {
                    prop_assert_eq!(Money::sum(whole.currency(), parts.iter().copied()), Ok(whole));
                    for (part, weight) in parts.iter().zip(&weights) {
                        prop_assert!(*weight > 0 || part.is_zero());
                        prop_assert!(part.is_zero() || part.minor().signum() == whole.minor().signum());
                    }
                }
                Err(error) => {
                    prop_assert_eq!(error, MoneyError::Parts);
                    prop_assert!(weights.iter().all(|weight| *weight == 0));
                }
            }
        }

        #[test]
        fn equal_parts_differ_by_one_at_most(whole in amount(), count in 1..500_usize) {
            let parts = whole.split(count).unwrap();
            let least = parts.iter().map(|part| part.minor().unsigned_abs()).min().unwrap();
            let most = parts.iter().map(|part| part.minor().unsigned_abs()).max().unwrap();
            prop_assert!(most - least <= 1);
            prop_assert_eq!(parts.len(), count);
            prop_assert_eq!(Money::sum(whole.currency(), parts), Ok(whole));
        }

        #[test]
        fn nothing_overflows(a in amount(), b in amount(), count in any::<i64>(), unscaled in any::<i64>(), scale in any::<u8>(), how in rounding()) {
            let rate = Decimal { unscaled, scale };
            let outcomes = [
                a.plus(b),
                a.minus(b),
                a.times(count),
                a.times_rate(rate, how),
                a.exchanged(rate, b.currency(), how),
                Money::new(rate, a.currency()),
                Money::rounded(rate, a.currency(), how),
            ];
            for money in outcomes.into_iter().flatten() {
                prop_assert!(i128::from(money.minor()).abs() <= MOST);
            }
        }

        #[test]
        fn what_is_added_can_be_taken_away(a in amount(), b in amount()) {
            if let Ok(both) = a.plus(b) {
                prop_assert_eq!(both.minus(b), Ok(a));
            }
        }

        #[test]
        fn texts_and_json_come_back(money in amount()) {
            prop_assert_eq!(money.to_string().parse(), Ok(money));
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
            prop_assert_eq!(Money::new(money.amount(), money.currency()), Ok(money));
        }
    }
}
