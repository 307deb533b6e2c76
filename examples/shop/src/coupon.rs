//! Coupons: for which orders and customers one counts, and what it takes off.

use crate::codes::COUPON_REFUSED;
use crate::line::per_cent;
use crate::order::Order;
use carnet::prelude::*;
use serde::Deserialize;
use serde_json::json;

/// A coupon.
#[derive(Debug, Deserialize, Record)]
#[record("coupons", by(code))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Coupon {
    pub(crate) id: Id,
    percent: i64,
    currency: Currency,
    least: Decimal,
    until: Option<Date>,
    is_for_first_order: bool,
}

/// What a coupon looks at.
pub(crate) struct Checkout {
    pub(crate) goods: Money,
    pub(crate) today: Date,
    /// How many orders the customer has placed before.
    pub(crate) earlier: u64,
}

impl Coupon {
    /// The day is not over.
    fn in_time(&self) -> impl Specification<Checkout> {
        let until = self.until;
        move |checkout: &Checkout| until.is_none_or(|until| checkout.today <= until)
    }

    /// The customer is one it is for.
    fn for_customer(&self) -> impl Specification<Checkout> {
        let is_for_first = self.is_for_first_order;
        move |checkout: &Checkout| !is_for_first || checkout.earlier == 0
    }

    /// The goods are worth enough, in its currency.
    fn for_worth(&self) -> impl Specification<Checkout> {
        let least = Money::new(self.least, self.currency);
        move |checkout: &Checkout| {
            let least = least.clone();
            least.is_ok_and(|least| {
                checkout
                    .goods
                    .compare(least)
                    .is_ok_and(|order| order.is_ge())
            })
        }
    }

    /// What it takes off, if it counts.
    pub(crate) fn reduction(&self, checkout: &Checkout) -> Result<Money, Refusal> {
        let refused = |why: &str| COUPON_REFUSED.refuse(why).field("coupon", "rule", why);
        self.in_time()
            .and(self.for_customer())
            .require(checkout, || {
                refused("the coupon is not for this day or customer")
            })?;
        self.for_worth().require(checkout, || {
            let least = format!("{} {}", self.least, self.currency);
            refused(&format!("the coupon counts from {least} on"))
        })?;
        Ok(per_cent(self.percent, checkout.goods)?)
    }
}

/// The coupon of that code, put to an order: the order becomes cheaper.
pub(crate) async fn put_to(
    order: &mut Order,
    code: &str,
    email: &Email,
    call: &Call,
    coupons: &Repo<Coupon>,
) -> Result<Id, Refusal> {
    let found = coupons.find().filter("code", "eq", code).first().await?;
    let coupon = found.or_refuse(|| {
        let message = "there is no such coupon";
        COUPON_REFUSED
            .refuse(message)
            .field("coupon", "reference", message)
    })?;
    let earlier = call
        .repository("orders")?
        .find()
        .filter("email", "ieq", email)
        .filter("status", "ne", "cancelled");
    let checkout = Checkout {
        goods: order.goods()?,
        today: Date::of(call.now()),
        earlier: earlier.count().await?,
    };
    order.reduce(coupon.reduction(&checkout)?)?;
    Ok(coupon.id)
}

/// Uses it once. The field's `min: 0` is what refuses a coupon that is used up.
pub(crate) async fn redeem(coupons: &Repo<Coupon>, id: Id) -> Result<(), Refusal> {
    let once = json!({ "usesLeft": { "$inc": -1 } });
    match coupons.patch(id, &once).await {
        Err(refusal) if refusal.code == Code::ValidationFailed => {
            let message = "the coupon is used up";
            Err(COUPON_REFUSED
                .refuse(message)
                .field("coupon", "limit", message))
        }
        other => other.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coupon_counts_for_the_right_order_alone() {
        let coupon: Coupon = serde_json::from_value(json!({
            "id": Id::from_u128(1), "percent": 10, "currency": "EUR", "least": "20.00",
            "until": "2027-01-31", "isForFirstOrder": true,
        }))
        .unwrap();
        let asked = |goods: &str, today: &str, earlier| {
            let checkout = Checkout {
                goods: goods.parse().unwrap(),
                today: today.parse().unwrap(),
                earlier,
            };
            coupon.reduction(&checkout).map(|off| off.to_string())
        };
        assert_eq!(asked("20.00 EUR", "2027-01-31", 0).unwrap(), "2.00 EUR");
        for (goods, today, earlier) in [
            ("19.99 EUR", "2027-01-31", 0),
            ("20.00 CHF", "2027-01-31", 0),
            ("20.00 EUR", "2027-02-01", 0),
            ("20.00 EUR", "2027-01-31", 1),
        ] {
            let refusal = asked(goods, today, earlier).unwrap_err();
            assert_eq!(refusal.code, (&COUPON_REFUSED).into(), "{goods} {today}");
        }
    }
}
