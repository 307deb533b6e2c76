//! From what a database has to what a definition wants, as ordered steps of SQL with what each
//! would lose or be refused for. Pure: what only the data can tell is left to probes.

mod change;
mod convert;
mod matching;
mod postgres;
mod reverse;
mod sqlite;

pub(crate) use reverse::reversed;

use super::facts::Found;
use super::layout::Layout;
use crate::Dialect;
use carnet_kernel::search::Analysis;

/// One change a person can follow, with the statements that make it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// `add column products.sku`
    pub(crate) title: String,
    /// The tables it touches, by their names afterwards and before.
    pub(crate) tables: Vec<String>,
    pub(crate) hazards: Vec<Hazard>,
    pub(crate) actions: Vec<Action>,
}

/// What may stand against a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hazard {
    pub(crate) severity: Severity,
    /// What would happen, in words.
    pub(crate) message: String,
    /// A statement that counts the rows concerned: none means no hazard. Without one it is certain.
    /// `{records}` stands before table names.
    pub(crate) probe: Option<String>,
}

/// How much stands against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Data would be lost; allowed when accepted.
    Loss,
    /// It cannot be done.
    Refused,
}

/// One part of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A statement.
    Sql(String),
    /// Fills a derived column, which SQL cannot.
    Fold(Fold),
}

/// Fills `companion` with the folded form of `column`, or with its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fold {
    pub(crate) table: String,
    pub(crate) column: String,
    pub(crate) companion: String,
    /// How the words are made, where they are wanted.
    pub(crate) words: Option<Analysis>,
    /// Table and column before the script, where the values are read.
    pub(crate) read: (String, String),
}

impl Step {
    fn new(title: impl Into<String>, table: &str) -> Self {
        Self {
            title: title.into(),
            tables: vec![table.to_owned()],
            ..Self::default()
        }
    }

    fn sql(mut self, statement: impl Into<String>) -> Self {
        self.actions.push(Action::Sql(statement.into()));
        self
    }

    fn hazards(mut self, hazards: impl IntoIterator<Item = Hazard>) -> Self {
        self.hazards.extend(hazards);
        self
    }
}

impl Hazard {
    fn loss(message: impl Into<String>, probe: impl Into<String>) -> Self {
        Self {
            severity: Severity::Loss,
            message: message.into(),
            probe: Some(probe.into()),
        }
    }

    fn refused(message: impl Into<String>, probe: impl Into<String>) -> Self {
        Self {
            severity: Severity::Refused,
            message: message.into(),
            probe: Some(probe.into()),
        }
    }

    fn impossible(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Refused,
            message: message.into(),
            probe: None,
        }
    }
}

/// The steps that turn `found` into what `new` wants. `old` is the layout that the database was
/// last given; it says what columns mean and which names were ours. What another hand added stays.
pub(crate) fn plan(
    dialect: Dialect,
    found: &Found,
    old: Option<&Layout>,
    new: &Layout,
) -> Vec<Step> {
    let matched = matching::matching(dialect, found, old, new);
    let steps = match dialect {
        Dialect::Sqlite => sqlite::steps(&matched),
        Dialect::Postgres => postgres::steps(&matched),
    };
    steps
        .into_iter()
        .filter(|step| !step.actions.is_empty() || !step.hazards.is_empty())
        .collect()
}

#[cfg(test)]
mod tests;
