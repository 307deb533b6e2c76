//! What logic gives, held against what the definition says of it. Pure.

use super::Reply;
use crate::command::{Answer, RecordAnswer};
use crate::fault::misused;
use crate::validate::{read_output, record_faults};
use carnet_kernel::{Detail, Id, Refusal};
use carnet_model::{Action, ActionOutput, Operation, Resource};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The reply of an operation: a list where lists are answered, a record or nothing where a record
/// is. Which members a record has is the logic's affair.
/// Where there is no table they are just what is declared: nothing else says what they are. A list
/// holds objects.
pub(super) fn of_operation(
    resource: &Resource,
    operation: Operation,
    reply: &mut Reply,
) -> Result<(), String> {
    if reply.is_streamed() {
        return match operation == Operation::List && reply.own_status().is_none() {
            true => Ok(()),
            false => Err("records are streamed by a list alone, without a status".to_owned()),
        };
    }
    let first = reply
        .bytes()
        .iter()
        .find(|byte| !byte.is_ascii_whitespace());
    let (fits, wanted) = match operation {
        Operation::List => (first == Some(&b'['), "a list"),
        Operation::Create | Operation::Read | Operation::Update | Operation::Patch => {
            (matches!(first, Some(b'{' | b'n')), "an object")
        }
        Operation::Delete | Operation::Batch => (true, ""),
    };
    if !fits {
        return Err(format!("it is not {wanted}"));
    }
    if first == Some(&b'n') {
        return Ok(());
    }
    let own = matches!(reply.answer, Answer::Value(_)) && operation == Operation::List;
    if resource.has_table() && !own {
        return Ok(());
    }
    let text = std::str::from_utf8(reply.bytes()).unwrap_or_default();
    if resource.has_table() {
        return objects(resource, text);
    }
    let faults = match operation {
        Operation::List => records(resource, text),
        Operation::Delete | Operation::Batch => Vec::new(),
        _ => record_faults(resource, text),
    };
    if !faults.is_empty() {
        return Err(told(&faults));
    }
    if operation == Operation::Create {
        reply.answer = made(text);
    }
    Ok(())
}

/// A record that logic made, with the id that its address has.
fn made(text: &str) -> Answer {
    #[derive(Deserialize)]
    struct Identified<'a> {
        id: &'a str,
    }
    let found = serde_json::from_str::<Identified<'_>>(text).ok();
    let id = |text: &str| text.parse().ok().or_else(|| Id::parse_uuid(text).ok());
    Answer::Record(RecordAnswer {
        json: text.as_bytes().to_vec(),
        created: found.and_then(|found| id(found.id)),
        version: None,
    })
}

/// The reply of an action in the form that its `output` declares.
///
/// Errors: everything that does not fit, by its place and the rule, without values.
pub(super) fn of_action(
    resource: &Resource,
    action: &Action,
    reply: &mut Reply,
) -> Result<(), String> {
    if reply.is_streamed() {
        return Err("records are streamed by a list alone".to_owned());
    }
    let text = std::str::from_utf8(reply.bytes()).unwrap_or_default();
    let is_null = text.trim() == "null";
    // An answer without a body says nothing that could be wrong.
    if reply.own_status() == Some(204) && is_null {
        return Ok(());
    }
    let faults = match &action.output {
        ActionOutput::None if is_null => Vec::new(),
        ActionOutput::None => return Err("it declares none and answers a value".to_owned()),
        ActionOutput::Record => record_faults(resource, text),
        ActionOutput::Records => records(resource, text),
        ActionOutput::Fields(fields) => match read_output(fields, text) {
            Ok(normal) => {
                reply.answer = Answer::Value(normal.into_bytes());
                Vec::new()
            }
            Err(faults) => faults,
        },
    };
    match faults.as_slice() {
        [] => Ok(()),
        faults => Err(told(faults)),
    }
}

/// A record of a list that is made one by one, by the same rules.
pub(super) fn of_row(resource: &Resource, text: &str) -> Result<(), String> {
    if resource.has_table() {
        let fits = text.starts_with('{');
        return fits
            .then_some(())
            .ok_or_else(|| "a member of the list is not an object".to_owned());
    }
    match record_faults(resource, text).as_slice() {
        [] => Ok(()),
        faults => Err(told(faults)),
    }
}

/// What does not fit is a mistake of the code: the log is told what, and the caller sees nothing of
/// it.
pub(super) fn misfit(faults: String) -> Refusal {
    misused(format!(
        "the reply is not what the definition declares: {faults}"
    ))
}

/// A list that code made by itself.
fn objects(resource: &Resource, text: &str) -> Result<(), String> {
    let rows = serde_json::from_str::<Vec<&RawValue>>(text);
    let rows = rows.map_err(|_| "it is not a list".to_owned())?;
    rows.iter().try_for_each(|row| of_row(resource, row.get()))
}

fn records(resource: &Resource, text: &str) -> Vec<Detail> {
    let Ok(records) = serde_json::from_str::<Vec<Box<RawValue>>>(text) else {
        return vec![Detail::new("body", "type", "it must be a list of records")];
    };
    let faults = records
        .iter()
        .map(|record| record_faults(resource, record.get()));
    // One record says what is wrong with the code.
    faults
        .into_iter()
        .find(|faults| !faults.is_empty())
        .unwrap_or_default()
}

/// The most faults that are told.
const MOST: usize = 20;

fn told(faults: &[Detail]) -> String {
    let told = faults.iter().take(MOST);
    let told: Vec<String> = told
        .map(|fault| format!("`{}` ({})", fault.field, fault.rule))
        .collect();
    told.join(", ")
}
