//! What the shop says no with, beside the platform's own codes.

use carnet::prelude::*;

/// Fewer pieces are left than are ordered.
pub(crate) const OUT_OF_STOCK: ApplicationCode = ApplicationCode::new(
    "OUT_OF_STOCK",
    409,
    "Not enough pieces are left",
)
.page(
    "An order wants more pieces of a product than there are. Nothing was ordered; `details` names \
         the lines.\n\n## What to do\n\n- Order fewer pieces, or leave the line out.",
);

/// A product that customers cannot order.
pub(crate) const NOT_FOR_SALE: ApplicationCode =
    ApplicationCode::new("NOT_FOR_SALE", 409, "A product is not for sale")
        .page("Only published products with a price can be ordered; `details` names the lines.");

/// Products with prices in several currencies in one order.
pub(crate) const CURRENCIES_MIXED: ApplicationCode = ApplicationCode::new(
    "CURRENCIES_MIXED",
    422,
    "An order has one currency",
)
.page(
    "Products with prices in different currencies cannot stand in one order.\n\n## What to do\n\n\
         - Place an order for each currency.",
);

/// A coupon that does not count for an order.
pub(crate) const COUPON_REFUSED: ApplicationCode = ApplicationCode::new(
    "COUPON_REFUSED",
    422,
    "The coupon does not count",
)
.page(
    "There is no such coupon, it has ended or is used up, or the order or the customer is not the \
         one it is for. Nothing was ordered.\n\n## What to do\n\n- Order without it.",
);

/// What placing an order is refused with.
pub(crate) const PLACE: [Code; 6] = [
    Code::Application(&OUT_OF_STOCK),
    Code::Application(&NOT_FOR_SALE),
    Code::Application(&CURRENCIES_MIXED),
    Code::Application(&COUPON_REFUSED),
    Code::RuleViolated,
    Code::Conflict,
];

/// What changing and cancelling one is refused with.
pub(crate) const MOVE: [Code; 2] = [Code::InvalidState, Code::RuleViolated];

/// All of its own, to be registered.
pub(crate) const ALL: [&ApplicationCode; 4] = [
    &OUT_OF_STOCK,
    &NOT_FOR_SALE,
    &CURRENCIES_MIXED,
    &COUPON_REFUSED,
];
