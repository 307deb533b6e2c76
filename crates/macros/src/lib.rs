#![doc = include_str!("../README.md")]

mod record;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct a typed record of a resource: `#[record("products")]`. At start each of its fields
/// is held against the resource: it must be there and have a type that fits.
///
/// - `#[record("products", by(category_id, is_featured))]` names fields that records are searched
///   by together; a warning at start tells when no index begins with them. It may stand several
///   times.
/// - `#[serde(rename = "…")]` and `#[serde(rename_all = "…")]` are understood; without them a field
///   `category_id` is the API's `categoryId`, and serde has to be told so with
///   `#[serde(rename_all = "camelCase")]`.
/// - A field with `#[serde(skip)]`, `flatten` or `default` alone is left out of the check.
#[proc_macro_derive(Record, attributes(record))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    record::derive(&input)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}
