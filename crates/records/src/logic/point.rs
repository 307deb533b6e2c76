//! Where code can stand: an operation or an action of a resource.

use crate::Command;
use carnet_model::{ActionIndex, Operation, Resource, ResourceIndex};
use std::fmt;

/// What code stands round, as it is registered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// A built-in operation.
    Operation(Operation),
    /// An action of that name.
    Action(String),
}

impl From<Operation> for Point {
    fn from(operation: Operation) -> Self {
        Self::Operation(operation)
    }
}

impl From<&str> for Point {
    fn from(action: &str) -> Self {
        Self::Action(action.to_owned())
    }
}

impl fmt::Display for Point {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Operation(operation) => operation.as_str(),
            Self::Action(name) => name,
        })
    }
}

/// The same by its place in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Spot {
    Operation(Operation),
    Action(u16),
}

impl Spot {
    /// Whether what stands there may change records.
    pub(crate) fn writes(self) -> bool {
        !matches!(self, Self::Operation(Operation::List | Operation::Read))
    }

    /// Its name in `resource`, which it must be of.
    pub(crate) fn name(self, resource: &Resource) -> &str {
        match self {
            Self::Operation(operation) => operation.as_str(),
            Self::Action(index) => &resource.action(ActionIndex(index)).name,
        }
    }

    /// The spot of a command that is one operation of one resource.
    pub(crate) fn of(command: &Command) -> Option<(ResourceIndex, Self)> {
        let (resource, operation) = match command {
            Command::List { resource, .. } | Command::Group { resource, .. } => {
                (resource, Operation::List)
            }
            Command::Read { resource, .. } => (resource, Operation::Read),
            Command::Create { resource, .. } => (resource, Operation::Create),
            Command::Update { resource, .. } => (resource, Operation::Update),
            Command::Patch { resource, .. } => (resource, Operation::Patch),
            Command::Delete { resource, .. } => (resource, Operation::Delete),
            Command::Action {
                resource, action, ..
            } => return Some((*resource, Self::Action(action.0))),
            _ => return None,
        };
        Some((*resource, Self::Operation(operation)))
    }
}
