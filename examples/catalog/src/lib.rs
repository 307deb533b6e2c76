//! A catalog whose rules are code: what is registered where. Each rule has a file of its own.

mod feature;
mod passports;
mod transfer;

use carnet::{Builder, Operation, Platform, before_validate, v1};

/// The application; `main` serves it and the tests ask it.
pub fn app() -> Builder {
    Platform::builder()
        .name("catalog")
        .version(env!("CARGO_PKG_VERSION"))
        .definitions(carnet::embed!("definitions"))
        .logic(v1, "products", "feature", feature::feature)
        .logic(v1, "products", "transfer", transfer::transfer)
        .logic(v1, "passports", "publish", passports::publish)
        .hook(
            "passports",
            before_validate(Operation::Create),
            passports::only_as_draft,
        )
}
