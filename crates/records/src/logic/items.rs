//! Items of a batch or of a transaction, where code stands round what some of them do: one after the
//! other in one transaction, each by its code or by default. Batches without code are sets of rows
//! and know nothing of this.

use super::logics::Logics;
use super::run::{Begun, Running};
use super::{Reply, passed};
use crate::batch::{self, Item, Whose};
use crate::command::{Answer, Command};
use crate::decide::{Precondition, placed};
use crate::operations::{Carried, Operations, told};
use crate::validate::parse_id;
use crate::write::Work;
use carnet_kernel::{Code, Detail, Id, Refusal};
use carnet_model::{ModelView, Operation, Resource};
use carnet_store::How;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;

/// The most bytes that an item may grow to by its references.
const MOST: usize = 1 << 20;

/// What stands round the items.
#[derive(Deserialize)]
struct Around {
    #[serde(default)]
    policy: Option<String>,
    items: Vec<Box<RawValue>>,
}

/// What of an item says which code it meets. Texts are read as JSON means them: an escape in one must
/// not keep code from being met.
#[derive(Deserialize)]
struct Head<'a> {
    operation: String,
    #[serde(rename = "resourceName")]
    resource_name: Option<String>,
    relation: Option<String>,
    #[serde(borrow, rename = "where")]
    condition: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The rest of an item whose code runs.
#[derive(Deserialize)]
struct Rest<'a> {
    id: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    version: Option<i64>,
}

/// Whose items a command has, and the text of them.
pub(super) fn of<'v, 'c>(
    view: &'v ModelView,
    command: &'c Command,
) -> Option<(Whose<'v>, &'c str)> {
    match command {
        Command::Batch { resource, body } => Some((Whose::One(view.resource(*resource)), body)),
        Command::Transaction { body } => Some((Whose::Any, body)),
        _ => None,
    }
}

/// Whether an item does what code stands round. What cannot be read meets none: the batch itself
/// says what is wrong with it.
pub(super) fn meet_code(work: &Work<'_>, whose: Whose<'_>, body: &str, logics: &Logics) -> bool {
    // Most batches are of resources without code and need no second look.
    if let Whose::One(resource) = whose
        && !passed::may_meet(work, resource, logics)
    {
        return false;
    }
    let Ok(around) = serde_json::from_str::<Around>(body) else {
        return false;
    };
    around.items.iter().any(|item| {
        let head = serde_json::from_str::<Head<'_>>(item.get()).ok();
        let meets =
            head.and_then(|head| Some(concerns(work, meant(work, whose, &head)?, &head, logics)));
        meets.unwrap_or(false)
    })
}

/// Whether code stands round what an item does.
fn concerns(work: &Work<'_>, resource: &Resource, head: &Head<'_>, logics: &Logics) -> bool {
    let operations = operations(&head.operation);
    passed::refuse(work, resource.index, operations, logics).is_err()
        || links(work, resource, head, logics).is_err()
        || head
            .data
            .is_some_and(|data| passed::nested(work, resource, data.get(), logics).is_err())
}

/// Refuses an item that makes or removes a link round which code stands.
fn links(
    work: &Work<'_>,
    resource: &Resource,
    head: &Head<'_>,
    logics: &Logics,
) -> Result<(), Refusal> {
    let makes = match head.operation.as_str() {
        "link" => true,
        "unlink" => false,
        _ => return Ok(()),
    };
    let relation = head
        .relation
        .as_deref()
        .and_then(|name| resource.relation_named(name));
    relation.map_or(Ok(()), |index| {
        passed::linked(work, resource.relation(index), makes, logics)
    })
}

/// The operations whose code an item concerns.
fn operations(word: &str) -> &'static [Operation] {
    match word {
        "create" => &[Operation::Create],
        "update" => &[Operation::Update],
        "patch" => &[Operation::Patch],
        "delete" | "purge" => &[Operation::Delete],
        "upsert" => passed::UPSERT,
        "restore" => passed::RESTORE,
        _ => &[],
    }
}

fn meant<'v>(work: &Work<'v>, whose: Whose<'v>, head: &Head<'_>) -> Option<&'v Resource> {
    match whose {
        Whose::One(resource) => Some(resource),
        Whose::Any => work.view.resource_named(head.resource_name.as_deref()?),
    }
}

impl Operations {
    /// Carries out items one after the other. Their code may come back here, hence the type.
    pub(super) fn items<'a>(
        &'a self,
        work: Work<'a>,
        whose: Whose<'a>,
        body: String,
    ) -> Carried<'a> {
        Box::pin(async move { self.one_by_one(&work, whose, &body).await })
    }

    async fn one_by_one(
        &self,
        work: &Work<'_>,
        whose: Whose<'_>,
        body: &str,
    ) -> Result<Answer, Refusal> {
        // Everything that can be wrong without the database is told at once, as ever.
        let checked = batch::read(work.view, whose, body, &work.stamp(), || self.next_id())?;
        let first = checked.resource();
        let around: Around = serde_json::from_str(body)
            .map_err(|error| Refusal::new(Code::MalformedRequest, error.to_string()))?;
        let each = around.policy.as_deref() == Some("each");
        let one = match whose {
            Whose::One(resource) => Some(resource.name.clone()),
            Whose::Any => None,
        };
        let items: Arc<[String]> = around
            .items
            .iter()
            .map(|raw| raw.get().to_owned())
            .collect();
        if let Some(within) = self.within().filter(|one| one.transaction().is_some()) {
            return self.inside_code(work, within, (items, one, each)).await;
        }
        let Some(first) = first else {
            // Every item was refused already.
            return self.batch(work, whose, body).await;
        };
        let begun = Begun::of(self, work);
        let make = move |within| -> Running {
            let (begun, items, one) = (begun.clone(), Arc::clone(&items), one.clone());
            Box::pin(run(begun, within, items, one, each))
        };
        let resource = work.view.resource(first);
        self.in_transaction(work, resource, How::default(), make)
            .await
    }

    /// The same for code under way: what the items wrote goes when one of them fails, and the code
    /// goes on.
    async fn inside_code(
        &self,
        work: &Work<'_>,
        within: &super::Within,
        (items, one, each): (Arc<[String]>, Option<String>, bool),
    ) -> Result<Answer, Refusal> {
        let failed = |error| told(&error, work.view);
        let inner = within.part().await.map_err(failed)?;
        let begun = Begun::of(self, work);
        let reply = run(begun, within.inside(inner.as_ref()), items, one, each).await?;
        if let Some(inner) = inner {
            inner.keep().map_err(failed)?;
        }
        Ok(reply.into_answer())
    }
}

async fn run(
    begun: Begun,
    within: super::Within,
    items: Arc<[String]>,
    one: Option<String>,
    each: bool,
) -> Result<Reply, Refusal> {
    let (operations, work) = begun.inside(within);
    let mut done: Vec<Item> = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let outcome = match resolved(item, &done) {
            Ok(item) => item_alone(&operations, &work, one.as_deref(), &item).await,
            Err(message) => Err(Refusal::validation(vec![Detail::new(
                "data",
                "reference",
                message,
            )])),
        };
        done.push(match outcome {
            Ok(item) => item,
            Err(refusal) if each && refusal.code.status() < 500 => {
                Item::Refused(placed(place, refusal))
            }
            Err(refusal) => return Err(placed(place, refusal)),
        });
    }
    Ok(Reply::of(batch::answer(&done, each)))
}

/// An item with what earlier ones left in the place of its references.
fn resolved(item: &str, done: &[Item]) -> Result<String, String> {
    batch::substitute(item, MOST, |place, field| match done.get(place) {
        Some(Item::Record { json, .. } | Item::Matches(json)) => {
            let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
            let found = value.get(field).map(Value::to_string);
            found.ok_or_else(|| format!("item {place} has no field `{field}`"))
        }
        Some(Item::Refused(_)) => Err(format!("item {place} was refused")),
        _ => Err(format!("item {place} leaves no record")),
    })
}

async fn item_alone(
    operations: &Operations,
    work: &Work<'_>,
    one: Option<&str>,
    item: &str,
) -> Result<Item, Refusal> {
    let malformed = |error: serde_json::Error| {
        Refusal::validation(vec![Detail::new("data", "type", error.to_string())])
    };
    let head: Head<'_> = serde_json::from_str(item).map_err(malformed)?;
    let name = one.or(head.resource_name.as_deref()).unwrap_or_default();
    let resource = super::port::named(work.view, name)?;
    let logics = operations.logics();
    if !concerns(work, resource, &head, &logics) {
        return by_default(operations, work, name, item).await;
    }
    let command = match (head.operation.as_str(), head.condition) {
        ("create" | "update" | "patch" | "delete", None) => {
            let rest: Rest<'_> = serde_json::from_str(item).map_err(malformed)?;
            command(resource, &head.operation, &rest)?
        }
        (word, _) => {
            links(work, resource, &head, &logics)?;
            passed::refuse(work, resource.index, self::operations(word), &logics)?;
            return by_default(operations, work, name, item).await;
        }
    };
    let answer = operations.with_code(work.clone(), command, true).await?;
    Ok(left(answer))
}

/// The operation that an item asks for.
fn command(resource: &Resource, word: &str, rest: &Rest<'_>) -> Result<Command, Refusal> {
    let body = rest.data.map_or("{}", RawValue::get).to_owned();
    let precondition = rest
        .version
        .map(|version| Precondition::Versions(vec![version]));
    if word == "create" {
        return Ok(Command::Create {
            resource: resource.index,
            body,
        });
    }
    let text = rest.id.as_deref().unwrap_or_default();
    let id: Id = parse_id(resource.id.form, text)
        .map_err(|why| Refusal::validation(vec![Detail::new("id", "format", why)]))?;
    let resource = resource.index;
    Ok(match word {
        "update" => Command::Update {
            resource,
            id,
            body,
            precondition,
        },
        "patch" => Command::Patch {
            resource,
            id,
            body,
            precondition,
        },
        _ => Command::Delete {
            resource,
            id,
            purge: false,
            precondition,
        },
    })
}

/// An item that meets no code, as a transaction of its own inside the one under way.
async fn by_default(
    operations: &Operations,
    work: &Work<'_>,
    name: &str,
    item: &str,
) -> Result<Item, Refusal> {
    let mut item: Value = serde_json::from_str(item)
        .map_err(|error| Refusal::new(Code::MalformedRequest, error.to_string()))?;
    item["resourceName"] = json!(name);
    let body = json!({ "items": [item] }).to_string();
    let answer = operations
        .run(work.clone(), Command::Transaction { body })
        .await
        .map_err(alone)?;
    let Answer::Batch { json, .. } = answer else {
        return Err(Refusal::new(Code::Internal, "an item left no answer"));
    };
    let rows: Vec<Box<RawValue>> = serde_json::from_slice(&json)
        .map_err(|error| Refusal::new(Code::Internal, error.to_string()))?;
    let text = rows.first().map_or("null", |row| row.get());
    Ok(match text {
        "null" => Item::Nothing,
        text if is_count(text) => Item::Matches(text.to_owned()),
        text => Item::Record {
            json: text.to_owned(),
            created: item["operation"] == "create",
        },
    })
}

fn is_count(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| value.get("unchanged").is_some())
}

/// The places of faults without the number of the one item.
fn alone(mut refusal: Refusal) -> Refusal {
    for detail in &mut refusal.details {
        if let Some(rest) = detail.field.strip_prefix("items[0].") {
            detail.field = rest.to_owned();
        }
    }
    refusal
}

/// What an operation left, as an item's result.
fn left(answer: Answer) -> Item {
    let text = |json: Vec<u8>| String::from_utf8(json).unwrap_or_else(|_| "null".to_owned());
    match answer {
        Answer::Record(record) => Item::Record {
            created: record.created.is_some(),
            json: text(record.json),
        },
        Answer::Value(json) if json == b"null" => Item::Nothing,
        Answer::Value(json) => Item::Record {
            json: text(json),
            created: false,
        },
        Answer::Told(told) => left(told.answer),
        _ => Item::Nothing,
    }
}
