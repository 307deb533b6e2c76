//! What code asks for and gets, as plain values: every method of `Call` and of repositories comes
//! down to these, and so will code in other languages.

use crate::Command;
use crate::Operations;
use crate::command::{Answer, Options};
use crate::decide::Precondition;
use crate::fault::misused;
use crate::parse::{Given, Trees, Wanted, parse_read, parse_wanted};
use crate::validate::parse_id;
use carnet_kernel::{Code, Context, Detail, Id, Refusal, Timestamp, Value, suggest};
use carnet_model::{ModelView, Resource, ResourceIndex};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// One thing that code asks for. Resources by their names, ids as texts, bodies as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A list or groups, with the parameters of an address.
    List {
        /// Of which resource.
        resource: String,
        /// `filter[status][eq]` and its value, and so on.
        query: Vec<(String, String)>,
    },
    /// One record.
    Read {
        /// Of which resource.
        resource: String,
        /// Which record.
        id: String,
        /// `include`, `fields`.
        query: Vec<(String, String)>,
    },
    /// A new record.
    Create {
        /// Of which resource.
        resource: String,
        /// A JSON object.
        body: String,
    },
    /// Another record in its place.
    Update {
        /// Of which resource.
        resource: String,
        /// Which record.
        id: String,
        /// A JSON object.
        body: String,
        /// The version it must have.
        version: Option<i64>,
    },
    /// Some of its fields.
    Patch {
        /// Of which resource.
        resource: String,
        /// Which record.
        id: String,
        /// A JSON object.
        body: String,
        /// The version it must have.
        version: Option<i64>,
    },
    /// Its removal.
    Delete {
        /// Of which resource.
        resource: String,
        /// Which record.
        id: String,
        /// The version it must have.
        version: Option<i64>,
    },
    /// Several writes: the body of `POST /transactions`.
    Transact {
        /// A JSON object with `items`.
        body: String,
    },
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// A record, an array of records or groups, or null.
    pub json: Vec<u8>,
    /// The id of a record that was made.
    pub created: Option<Id>,
    /// The version of the record.
    pub version: Option<i64>,
    /// How many records there are in all, where that was asked for.
    pub total: Option<u64>,
}

impl Request {
    /// The command it stands for.
    pub(crate) fn command(self, view: &ModelView, now: Timestamp) -> Result<Command, Refusal> {
        Ok(match self {
            Self::List { resource, query } => {
                let resource = named(view, &resource)?;
                let given = Given {
                    pairs: &query,
                    trees: Trees::default(),
                    now,
                };
                match parse_wanted(view, resource, given)? {
                    Wanted::Records(request) => Command::List {
                        resource: resource.index,
                        request: Arc::new(request.into()),
                    },
                    Wanted::Groups(request) => Command::Group {
                        resource: resource.index,
                        request: Box::new(request),
                    },
                }
            }
            Self::Read {
                resource,
                id,
                query,
            } => {
                let resource = named(view, &resource)?;
                Command::Read {
                    resource: resource.index,
                    key: Value::Id(record_id(resource, &id)?),
                    request: parse_read(view, resource, &query, now)?,
                }
            }
            Self::Create { resource, body } => Command::Create {
                resource: named(view, &resource)?.index,
                body,
            },
            Self::Update {
                resource,
                id,
                body,
                version,
            } => {
                let (resource, id) = target(view, &resource, &id)?;
                Command::Update {
                    resource,
                    id,
                    body,
                    precondition: Some(stated(version)),
                }
            }
            Self::Patch {
                resource,
                id,
                body,
                version,
            } => {
                let (resource, id) = target(view, &resource, &id)?;
                Command::Patch {
                    resource,
                    id,
                    body,
                    precondition: Some(stated(version)),
                }
            }
            Self::Delete {
                resource,
                id,
                version,
            } => {
                let (resource, id) = target(view, &resource, &id)?;
                Command::Delete {
                    resource,
                    id,
                    purge: false,
                    precondition: Some(stated(version)),
                }
            }
            Self::Transact { body } => Command::Transaction { body },
        })
    }
}

impl Operations {
    /// Carries out one thing for a caller, with the code that stands there, in a transaction of its
    /// own.
    pub async fn perform(&self, context: &Context, request: Request) -> Result<Response, Refusal> {
        let view = self.view();
        let command = request.command(&view, self.now())?;
        let answer = Box::pin(self.execute(context, &view, command, Options::default())).await?;
        Ok(Response::of(answer))
    }
}

impl Response {
    /// What it says as a type of the application.
    ///
    /// Errors: `LOGIC_MISUSED` when it does not fit.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(&self.json).map_err(|error| {
            let message = format!("the data is not what it is read as: {error}");
            misused(message)
        })
    }

    pub(crate) fn of(answer: Answer) -> Self {
        match answer {
            Answer::Record(record) => Self {
                json: record.json,
                created: record.created,
                version: record.version,
                total: None,
            },
            Answer::List(list) => Self {
                json: list.listing.json,
                total: list.listing.total,
                ..Self::default()
            },
            Answer::Groups(groups) => Self {
                json: groups.groups.json,
                total: groups.groups.total,
                ..Self::default()
            },
            Answer::Batch { json, .. } | Answer::Matching { json, .. } | Answer::Value(json) => {
                Self {
                    json,
                    ..Self::default()
                }
            }
            Answer::Deleted | Answer::Streamed(_) => Self {
                json: b"null".to_vec(),
                ..Self::default()
            },
            Answer::Replayed(answer) => Self::of(*answer),
            Answer::Told(told) => Self::of(told.answer),
        }
    }
}

/// Any version will do unless one is stated: the transaction keeps others away.
fn stated(version: Option<i64>) -> Precondition {
    version.map_or(Precondition::Any, |version| {
        Precondition::Versions(vec![version])
    })
}

/// The resource of that name.
pub(crate) fn named<'v>(view: &'v ModelView, name: &str) -> Result<&'v Resource, Refusal> {
    view.resource_named(name).ok_or_else(|| {
        let names = view.shown_resources().map(|known| known.name.as_str());
        let hint = suggest::hint(name, names);
        let message = format!("there is no resource `{name}`{hint}");
        misused(message)
    })
}

/// The record that a write is for.
fn target(view: &ModelView, resource: &str, id: &str) -> Result<(ResourceIndex, Id), Refusal> {
    let resource = named(view, resource)?;
    Ok((resource.index, record_id(resource, id)?))
}

fn record_id(resource: &Resource, text: &str) -> Result<Id, Refusal> {
    parse_id(resource.id.form, text).map_err(|why| {
        let short: String = text.chars().take(64).collect();
        Refusal::new(
            Code::InvalidParameter,
            format!("`{short}` is not an id of `{}`", resource.name),
        )
        .with(Detail::new("id", "format", why))
    })
}
