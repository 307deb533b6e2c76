//! Versions of the API that are served side by side, and how each shows a resource. What a view of
//! one version is made of; making it is `view`.

use crate::{FieldIndex, RelationIndex};
use carnet_kernel::{ApiVersion, Value};

/// A version of the API that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub number: ApiVersion,
    /// Since which day clients should leave it, in days since 1970.
    pub deprecated: Option<i32>,
    /// From which day it may no longer be served, in days since 1970.
    pub sunset: Option<i32>,
    /// A page about its end.
    pub link: Option<String>,
}

impl Version {
    /// A version that nothing is said of.
    pub fn new(number: ApiVersion) -> Self {
        Self {
            number,
            deprecated: None,
            sunset: None,
            link: None,
        }
    }
}

/// How a version differs from the newest in what it shows of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlay {
    /// Which version.
    pub version: ApiVersion,
    /// The resource is not there at all.
    pub hidden: bool,
    /// Fields that differ, in their order.
    pub fields: Vec<FieldOverlay>,
    /// To-many relations that differ, in their order; to-one relations follow their fields.
    pub relations: Vec<RelationOverlay>,
}

/// How a version shows a field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldOverlay {
    /// Which field.
    pub field: FieldIndex,
    /// Its name in the definition's words: `group` for the API's `groupId`.
    pub name: Option<String>,
    /// It is not there.
    pub hidden: bool,
    /// What an absent field becomes.
    pub default: Option<Value>,
}

/// How a version shows a to-many relation.
#[derive(Clone, Debug, PartialEq)]
pub struct RelationOverlay {
    /// Which relation.
    pub relation: RelationIndex,
    /// Its include name.
    pub name: Option<String>,
    /// It is not there.
    pub hidden: bool,
}
