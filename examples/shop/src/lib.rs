//! A shop whose orders are a domain model: what is registered where. The rules themselves stand in
//! `order`, `line`, `coupon` and `stock`; `place`, `change` and `cancel` are what clients ask for.

mod cancel;
mod change;
mod codes;
mod coupon;
mod line;
mod order;
mod place;
mod stock;
mod store;

use carnet::{Builder, Operation, Platform, after_commit, refusing, v1};
use codes::{MOVE, PLACE};

/// The application; `main` serves it and the tests ask it.
pub fn app() -> Builder {
    let builder = Platform::builder()
        .name("shop")
        .version(env!("CARGO_PKG_VERSION"))
        .definitions(carnet::embed!("definitions"))
        .seeds(carnet::embed!("seeds"))
        .logic(v1, "orders", "place", refusing(place::place, PLACE))
        .logic(v1, "orders", "cancel", refusing(cancel::cancel, MOVE))
        .logic(
            v1,
            "orders",
            Operation::Patch,
            refusing(change::change, MOVE),
        )
        .hook("orders", after_commit("place"), place::count);
    codes::ALL
        .iter()
        .fold(builder, |builder, code| builder.code(code))
}
