//! An order: the root through which its lines, its money and its life are changed, and which keeps
//! what must always hold of them. Knows no database.

use crate::codes::CURRENCIES_MIXED;
use crate::line::Line;
use carnet::prelude::*;
use serde::{Deserialize, Serialize};

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Status {
    /// Placed.
    Open,
    /// The money is there.
    Paid,
    /// The goods have left.
    Shipped,
    /// Given up.
    Cancelled,
}

impl Status {
    /// Whether an order may go from here to there.
    fn leads_to(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Open, Self::Paid | Self::Cancelled)
                | (Self::Paid, Self::Shipped | Self::Cancelled)
        )
    }
}

/// What can happen to an order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OrderEvent {
    /// It was placed, for so much.
    Placed { total: Money },
    /// It went on to another status.
    Moved(Status),
}

/// An order.
#[derive(Debug)]
pub(crate) struct Order {
    number: i64,
    status: Status,
    lines: Vec<Line>,
    reduction: Money,
    events: DomainEvents<OrderEvent>,
}

carnet::entity!(Order, number: i64);

impl AggregateRoot for Order {
    type Event = OrderEvent;

    fn events(&mut self) -> &mut DomainEvents<OrderEvent> {
        &mut self.events
    }
}

impl Order {
    /// An order that is not placed yet.
    pub(crate) fn begin(number: i64, currency: Currency) -> Self {
        Self {
            number,
            status: Status::Open,
            lines: Vec::new(),
            reduction: Money::zero(currency),
            events: DomainEvents::default(),
        }
    }

    /// One that was placed before, to be moved on.
    pub(crate) fn placed(number: i64, status: Status, currency: Currency) -> Self {
        Self {
            status,
            ..Self::begin(number, currency)
        }
    }

    /// What it is called.
    pub(crate) fn number(&self) -> i64 {
        self.number
    }

    /// How far it is.
    pub(crate) fn status(&self) -> Status {
        self.status
    }

    /// The one currency of all its amounts.
    pub(crate) fn currency(&self) -> Currency {
        self.reduction.currency()
    }

    /// Its lines.
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What a coupon takes off.
    pub(crate) fn reduction(&self) -> Money {
        self.reduction
    }

    /// One more line: each product stands once, and all prices have one currency.
    pub(crate) fn add(&mut self, line: Line) -> Result<(), Refusal> {
        let place = self.lines.len();
        let currency = self.currency();
        ensure!(
            line.price.currency() == currency,
            CURRENCIES_MIXED.refuse("an order has one currency").field(
                format!("lines[{place}].productId"),
                "currency",
                format!("its price is in {}, not {currency}", line.price.currency()),
            )
        );
        ensure!(
            self.lines.iter().all(|other| other.product != line.product),
            Refusal::conflict("a product stands in an order once").field(
                format!("lines[{place}].productId"),
                "distinct",
                "it is there twice",
            )
        );
        self.lines.push(line);
        Ok(())
    }

    /// What its goods cost.
    pub(crate) fn goods(&self) -> Result<Money, MoneyError> {
        let totals: Result<Vec<Money>, MoneyError> = self.lines.iter().map(Line::total).collect();
        Money::sum(self.currency(), totals?)
    }

    /// Takes so much off, at most all of it.
    pub(crate) fn reduce(&mut self, by: Money) -> Result<(), Refusal> {
        ensure!(
            by.compare(self.goods()?)?.is_le(),
            Refusal::rule_violated("a reduction is larger than the order")
        );
        self.reduction = by;
        Ok(())
    }

    /// Places it; answers what is to be paid.
    pub(crate) fn place(&mut self) -> Result<Money, Refusal> {
        ensure!(
            !self.lines.is_empty(),
            Refusal::rule_violated("an order has at least one line")
        );
        let total = self.goods()?.minus(self.reduction)?;
        self.record(OrderEvent::Placed { total });
        Ok(total)
    }

    /// Moves it on: it is paid, then shipped, and cancelled as long as the goods are here.
    pub(crate) fn move_to(&mut self, next: Status) -> Result<(), Refusal> {
        let now = word(self.status);
        ensure!(
            self.status.leads_to(next),
            Refusal::invalid_state(format!(
                "an order that is {now} does not become {}",
                word(next)
            ))
            .field("status", "state", format!("it is `{now}`"))
        );
        self.status = next;
        self.record(OrderEvent::Moved(next));
        Ok(())
    }
}

/// A status as the API writes it.
pub(crate) fn word(status: Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Paid => "paid",
        Status::Shipped => "shipped",
        Status::Cancelled => "cancelled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Quantity;

    fn line(product: u128, price: &str, currency: &str) -> Line {
        let price = Money::parse(price, currency).unwrap();
        Line::new(Id::from_u128(product), Quantity::new(2).unwrap(), price).unwrap()
    }

    #[test]
    fn an_order_has_lines_of_one_currency() {
        let mut order = Order::begin(1, Currency::EUR);
        assert_eq!(order.place().unwrap_err().code, Code::RuleViolated);
        order.add(line(1, "2.50", "EUR")).unwrap();
        let mixed = order.add(line(2, "2.50", "CHF")).unwrap_err();
        assert_eq!(mixed.code, (&CURRENCIES_MIXED).into());
        assert_eq!(mixed.details[0].field, "lines[1].productId");
        let twice = order.add(line(1, "2.50", "EUR")).unwrap_err();
        assert_eq!(twice.code, Code::Conflict);

        let more = Money::parse("5.01", "EUR").unwrap();
        assert_eq!(order.reduce(more).unwrap_err().code, Code::RuleViolated);
        order.reduce(Money::parse("0.50", "EUR").unwrap()).unwrap();
        let total = Money::parse("4.50", "EUR").unwrap();
        assert_eq!(order.place(), Ok(total));
        assert_eq!(order.take_events(), [OrderEvent::Placed { total }]);
    }

    #[test]
    fn an_order_goes_one_way() {
        use Status::{Cancelled, Open, Paid, Shipped};
        let all = [Open, Paid, Shipped, Cancelled];
        let ways = [
            (Open, Paid),
            (Open, Cancelled),
            (Paid, Shipped),
            (Paid, Cancelled),
        ];
        for (from, to) in all.iter().flat_map(|from| all.map(|to| (*from, to))) {
            let mut order = Order::placed(1, from, Currency::EUR);
            let moved = order.move_to(to).is_ok();
            assert_eq!(moved, ways.contains(&(from, to)), "{from:?} {to:?}");
            assert_eq!(order.take_events().len(), usize::from(moved));
        }
    }
}
