//! What runs for one call, in its order: hooks, validation, logic or the default operation, hooks.

use super::{Call, Moment, Reply, Spot, output};
use crate::command::Command;
use crate::decide::Precondition;
use carnet_kernel::{Code, Id, Refusal};
use carnet_model::{ActionIndex, FieldType};
use futures_util::FutureExt;
use serde_json::Value;
use std::any::Any;
use std::panic::AssertUnwindSafe;

/// Runs everything for a call but what comes after the commit. A panic is an error of its own.
pub(super) async fn run(call: &Call, logic: bool) -> Result<Reply, Refusal> {
    let running = AssertUnwindSafe(steps(call, logic)).catch_unwind();
    let outcome = running
        .await
        .unwrap_or_else(|panic| Err(panicked(call.correlation(), call.resource(), &*panic)));
    call.end();
    outcome
}

/// What a client is told of a panic; the log is told what it said.
pub(super) fn panicked(correlation: Id, resource: &str, panic: &(dyn Any + Send)) -> Refusal {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(
        correlation.id = %correlation,
        resource,
        panic = said,
        "the code of an operation panicked"
    );
    Refusal::new(Code::LogicPanicked, "the code of this operation failed")
}

async fn steps(call: &Call, logic: bool) -> Result<Reply, Refusal> {
    hooks(call, Moment::BeforeValidate).await?;
    validate(call)?;
    hooks(call, Moment::AfterValidate).await?;
    lock_parent(call).await?;
    check_stated(call).await?;
    hooks(call, Moment::Before).await?;
    let entry = &call.shared.entry;
    let reply = match entry.logic.as_ref().filter(|_| logic) {
        Some(logic) => logic.call(call.clone()).await?,
        None => call.proceed().await?,
    };
    call.set_reply(reply);
    hooks(call, Moment::After).await?;
    let reply = call.state().reply.take();
    let reply = reply.ok_or_else(|| Refusal::new(Code::Internal, "an operation left no reply"))?;
    held(call, reply)
}

/// The reply as the definition says that it is. What does not fit is a mistake of the code: the log
/// is told what, and the caller sees nothing of it.
fn held(call: &Call, reply: Reply) -> Result<Reply, Refusal> {
    let resource = call.declared();
    let (point, held) = match call.shared.spot {
        Spot::Action(index) => {
            let action = resource.action(ActionIndex(index));
            let held = output::of_action(resource, action, reply);
            (action.name.as_str(), held)
        }
        Spot::Operation(operation) => {
            let held = output::of_operation(resource, operation, reply);
            (operation.as_str(), held)
        }
    };
    held.map_err(|faults| {
        tracing::error!(
            correlation.id = %call.correlation(),
            resource = resource.name,
            point,
            faults,
            "the reply of logic is not what its definition declares"
        );
        let message = format!(
            "the reply of `{point}` of `{}` is not what its definition declares",
            resource.name
        );
        Refusal::new(Code::LogicMisused, message)
    })
}

/// Locks the rows that the resource's `lock` names, of the record as it is and as it will be, so
/// that what is counted over them stays so until the end.
async fn lock_parent(call: &Call) -> Result<(), Refusal> {
    let shared = &call.shared;
    let resource = call.declared();
    let (true, Some(field)) = (shared.spot.writes(), resource.lock) else {
        return Ok(());
    };
    let field = resource.field(field);
    let FieldType::Ref { to, .. } = &field.kind else {
        return Ok(());
    };
    let mut parents: Vec<Id> = Vec::new();
    let mut add = |record: &Value| {
        let text = record.get(&field.name).and_then(Value::as_str);
        parents.extend(text.and_then(|text| text.parse::<Id>().ok()));
    };
    add(&call.input());
    if let Some(id) = call.id() {
        // It must not move to another parent between being read and being locked.
        call.lock(&resource.name, vec![id]).await?;
        if let Some(record) = call.repository(&resource.name)?.get(id).await? {
            add(&record);
        }
    }
    let parent = shared.view.resource(*to);
    call.lock(&parent.name, parents).await
}

/// An action is based on the version that its caller states, whatever its code does.
async fn check_stated(call: &Call) -> Result<(), Refusal> {
    let stated = match &call.state().command {
        Command::Action { precondition, .. } => precondition.clone(),
        _ => None,
    };
    let Some(stated) = stated else {
        return Ok(());
    };
    let record = call.record().await?;
    let version = record.get("version").and_then(Value::as_i64);
    Precondition::check(Some(&stated), version.unwrap_or_default())
}

async fn hooks(call: &Call, moment: Moment) -> Result<(), Refusal> {
    for hook in call.shared.entry.hooks(moment) {
        hook.call(call.clone()).await?;
    }
    Ok(())
}

/// Every broken rule of the body, before any code relies on it. From here on a body that code puts
/// in its place is validated when it does.
fn validate(call: &Call) -> Result<(), Refusal> {
    check_version(call)?;
    let spot = call.shared.spot;
    let wants = match spot {
        // The body of an action was read by whoever made the command.
        Spot::Action(_) => call
            .shared
            .entry
            .hooks(Moment::BeforeValidate)
            .next()
            .is_some(),
        Spot::Operation(_) => spot.writes(),
    };
    if wants {
        let mut command: Command = call.state().command.clone();
        call.check_input(&mut command)?;
        call.state().command = command;
    }
    call.state().validated = true;
    Ok(())
}

/// A record that is nowhere has no version that a write could be based on.
fn check_version(call: &Call) -> Result<(), Refusal> {
    let state = call.state();
    let stated = match &state.command {
        Command::Update { precondition, .. }
        | Command::Patch { precondition, .. }
        | Command::Delete { precondition, .. } => precondition.as_ref(),
        _ => None,
    };
    let of_version = matches!(stated, Some(Precondition::Versions(_)));
    if call.declared().has_table() || !of_version {
        return Ok(());
    }
    let message = format!("records of `{}` have no version", call.resource());
    Err(Refusal::new(Code::PreconditionFailed, message))
}

/// Runs the hooks after the commit; what they fail with is told to the log alone.
pub(super) async fn committed(call: &Call) {
    for hook in call.shared.entry.hooks(Moment::AfterCommit) {
        let running = AssertUnwindSafe(hook.call(call.clone())).catch_unwind();
        match running.await {
            Ok(Ok(_)) => {}
            Ok(Err(refusal)) => tracing::warn!(
                correlation.id = %call.correlation(),
                resource = call.resource(),
                hook = hook.name(),
                code = refusal.code.as_str(),
                "a hook after the commit failed: {}",
                refusal.message
            ),
            Err(_) => tracing::error!(
                correlation.id = %call.correlation(),
                resource = call.resource(),
                hook = hook.name(),
                "a hook after the commit panicked"
            ),
        }
    }
    call.end();
}
