//! What runs for one call, in its order: hooks, validation, logic or the default operation, hooks.

use super::{Call, Moment, Reply, Spot};
use crate::command::Command;
use crate::decide::Precondition;
use carnet_kernel::{Code, Id, Refusal};
use carnet_model::FieldType;
use futures_util::FutureExt;
use serde_json::Value;
use std::panic::AssertUnwindSafe;

/// Runs everything for a call but what comes after the commit. A panic is an error of its own.
pub(super) async fn run(call: &Call, logic: bool) -> Result<Reply, Refusal> {
    let running = AssertUnwindSafe(steps(call, logic)).catch_unwind();
    let outcome = running.await.unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        tracing::error!(
            correlation.id = %call.correlation(),
            resource = call.resource(),
            panic = said,
            "the code of an operation panicked"
        );
        Err(Refusal::new(
            Code::LogicPanicked,
            "the code of this operation failed",
        ))
    });
    call.end();
    outcome
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
    reply.ok_or_else(|| Refusal::new(Code::Internal, "an operation left no reply"))
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

/// Every broken rule of the body, before any code relies on it.
fn validate(call: &Call) -> Result<(), Refusal> {
    let shared = &call.shared;
    if !shared.spot.writes() || matches!(shared.spot, Spot::Action(_)) {
        return Ok(());
    }
    let command: Command = call.state().command.clone();
    shared.operations.check_body(&call.work(), &command)
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
