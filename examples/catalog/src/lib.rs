//! A catalog whose rules are code: what is registered where. Each rule has a file of its own.

mod feature;
mod passports;
mod promote;
mod transfer;

use carnet::{Builder, Operation, Platform, before_validate, v1, v2};

/// The application; `main` serves it and the tests ask it.
pub fn app() -> Builder {
    let mut builder = Platform::builder()
        .name("catalog")
        .version(env!("CARGO_PKG_VERSION"))
        .definitions(carnet::embed!("definitions"))
        // The same action by another rule in each version.
        .logic(v1, "products", "feature", promote::promote)
        .logic(v2, "products", "feature", feature::feature)
        // Hooks run in every version.
        .hook(
            "passports",
            before_validate(Operation::Create),
            passports::only_as_draft,
        );
    for version in [v1, v2] {
        builder = builder
            .logic(version, "products", "transfer", transfer::transfer)
            .logic(version, "passports", "publish", passports::publish);
        for operation in [Operation::Create, Operation::Update, Operation::Patch] {
            builder = builder.logic(version, "products", operation, feature::by_action_alone);
        }
    }
    builder
}
