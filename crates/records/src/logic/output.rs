//! What logic gives, held against what the definition says of it. Pure.

use super::Reply;
use crate::command::Answer;
use crate::validate::{read_output, record_faults};
use carnet_kernel::Detail;
use carnet_model::{Action, ActionOutput, Operation, Resource};
use serde_json::value::RawValue;

/// The reply of an operation: a list where lists are answered, a record or nothing where a record
/// is. Which members a record has is the logic's affair.
pub(super) fn of_operation(operation: Operation, reply: Reply) -> Result<Reply, String> {
    if reply.is_streamed() {
        return match operation == Operation::List && reply.status.is_none() {
            true => Ok(reply),
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
    match fits {
        true => Ok(reply),
        false => Err(format!("it is not {wanted}")),
    }
}

/// The reply of an action in the form that its `output` declares.
///
/// Errors: everything that does not fit, by its place and the rule, without values.
pub(super) fn of_action(
    resource: &Resource,
    action: &Action,
    mut reply: Reply,
) -> Result<Reply, String> {
    if reply.is_streamed() {
        return Err("records are streamed by a list alone".to_owned());
    }
    let text = std::str::from_utf8(reply.bytes()).unwrap_or_default();
    let is_null = text.trim() == "null";
    // An answer without a body says nothing that could be wrong.
    if reply.status == Some(204) && is_null {
        return Ok(reply);
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
        [] => Ok(reply),
        faults => Err(told(faults)),
    }
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
