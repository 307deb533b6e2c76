//! One compiled action of a resource: where it stands, what it takes and what it gives. Not what
//! it does; that is logic.

use crate::{Field, FieldIndex};

/// An action by its place in its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionIndex(pub u16);

/// An operation of an application's own: `POST /products/{id}/feature`.
#[derive(Clone, Debug)]
pub struct Action {
    /// Its API name, the last segment of its address.
    pub name: String,
    /// A title for people.
    pub title: String,
    /// A description for people.
    pub description: Option<String>,
    /// What it is for.
    pub on: ActionOn,
    /// The method of its address.
    pub method: ActionMethod,
    /// What it takes, in declared order. These fields have no column.
    pub input: Vec<Field>,
    /// What it gives.
    pub output: ActionOutput,
}

impl Action {
    /// The input of that API name.
    pub fn input_named(&self, name: &str) -> Option<FieldIndex> {
        let place = self.input.iter().position(|field| field.name == name)?;
        Some(FieldIndex(place as u16))
    }
}

/// What an action is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ActionOn {
    /// One record: `/products/{id}/feature`.
    #[default]
    Record,
    /// All of them: `/products/feature`.
    Collection,
}

impl ActionOn {
    /// The word of the definition language.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Collection => "collection",
        }
    }
}

/// The method of an action's address. What only reads is a list or a read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ActionMethod {
    /// `POST`
    #[default]
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`; it takes no input.
    Delete,
}

impl ActionMethod {
    /// Every method.
    pub const ALL: [Self; 4] = [Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The word of the definition language.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// The method of HTTP.
    pub fn as_http(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What an action gives.
#[derive(Clone, Debug, Default)]
pub enum ActionOutput {
    /// Nothing: `data` is null.
    #[default]
    None,
    /// A record of its resource.
    Record,
    /// A list of records of its resource.
    Records,
    /// An object of these fields, in declared order.
    Fields(Vec<Field>),
}

impl ActionOutput {
    /// The word of the definition language; nothing where fields are declared.
    pub fn as_str(&self) -> Option<&'static str> {
        match self {
            Self::None => Some("none"),
            Self::Record => Some("record"),
            Self::Records => Some("records"),
            Self::Fields(_) => None,
        }
    }
}
