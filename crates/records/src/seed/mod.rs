//! First data for a new deployment: files to labelled records, written once, repeatable. A record
//! keeps its label in home, so a rerun adds what is missing and changes only what nobody changed.

mod apply;
mod check;
mod labels;
mod read;
#[cfg(test)]
mod tests;

pub use apply::{Report, apply};
pub use check::check;
pub use read::{SeedFile, SeedSet, read};

use carnet_store::schema::{SchemaStep, StepAt};

/// The table of labels.
pub const STEPS: &[SchemaStep] = &[SchemaStep {
    name: "records/0001-seeds",
    at: StepAt::Home,
    sqlite: "create table {home}carnet_seeds (
        label text primary key,
        resource text not null,
        record blob not null,
        version integer not null,
        digest text not null
    ) strict, without rowid;",
    postgres: "create table {home}carnet_seeds (
        label text collate \"C\" primary key,
        resource text collate \"C\" not null,
        record uuid not null,
        version bigint not null,
        digest text collate \"C\" not null
    );",
}];
