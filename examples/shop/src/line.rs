//! A line of an order: so many pieces of one product at one price, cheaper when they are many.

use carnet::prelude::*;

/// From how many pieces on how many per cent are taken off a line, the largest first.
const STEPS: [(i64, i64); 2] = [(100, 10), (10, 5)];

carnet::value_object! {
    /// How many pieces a line has.
    #[derive(Copy, Eq, PartialOrd, Ord)]
    pub(crate) struct Quantity(i64) = |pieces| {
        ensure!(
            (1..=1_000).contains(&pieces),
            Invalid::new("range", "a line has 1 to 1000 pieces")
        );
        Ok(pieces)
    };
}

/// A line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// What is ordered.
    pub(crate) product: Id,
    /// How much of it.
    pub(crate) quantity: Quantity,
    /// Of one piece.
    pub(crate) price: Money,
    /// Off the whole line.
    pub(crate) reduction: Money,
}

impl Line {
    /// A line by the rules for many pieces.
    pub(crate) fn new(product: Id, quantity: Quantity, price: Money) -> Result<Self, MoneyError> {
        let pieces = *quantity.get();
        let percent = STEPS
            .iter()
            .find(|(least, _)| pieces >= *least)
            .map_or(0, |(_, percent)| *percent);
        Ok(Self {
            product,
            quantity,
            price,
            reduction: per_cent(percent, price.times(pieces)?)?,
        })
    }

    /// What it costs.
    pub(crate) fn total(&self) -> Result<Money, MoneyError> {
        self.price
            .times(*self.quantity.get())?
            .minus(self.reduction)
    }
}

/// So many per cent of an amount, in favour of nobody.
pub(crate) fn per_cent(percent: i64, of: Money) -> Result<Money, MoneyError> {
    let rate = Decimal {
        unscaled: percent,
        scale: 2,
    };
    of.times_rate(rate, Rounding::HalfEven)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_pieces_are_cheaper() {
        let total = |pieces: i64| {
            let price = Money::parse("0.95", "EUR").unwrap();
            let quantity = Quantity::new(pieces).unwrap();
            let line = Line::new(Id::from_u128(1), quantity, price).unwrap();
            line.total().unwrap().to_string()
        };
        assert_eq!(total(9), "8.55 EUR");
        assert_eq!(total(10), "9.02 EUR");
        assert_eq!(total(100), "85.50 EUR");
        assert!(Quantity::new(0).is_err() && Quantity::new(1_001).is_err());
    }
}
