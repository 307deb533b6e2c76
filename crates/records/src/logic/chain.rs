//! What runs for one call, in its order: hooks, validation, logic or the default operation, hooks.

use super::{Call, Moment, Reply, Spot, output};
use crate::fault::guarded;
use carnet_kernel::{Code, Id, Refusal};
use carnet_model::{ActionIndex, FieldType};
use serde_json::Value;
use std::pin::pin;

/// Runs everything for a call but what comes after the commit. A panic is an error of its own.
pub(super) async fn run(call: &Call) -> Result<Reply, Refusal> {
    let outcome = guarded(pin!(steps(call))).await;
    call.end();
    outcome
}

async fn steps(call: &Call) -> Result<Reply, Refusal> {
    let entry = call.entry();
    // Boxed, like what follows the logic, because most reads need neither, and this future is as
    // large as its largest step.
    if call.spot().writes() || entry.is_hooked() {
        Box::pin(before(call)).await?;
    }
    let mut reply = match entry.logic.as_ref().filter(|_| call.shared.coded.logic) {
        Some(logic) => {
            let reply = logic.call(call.clone()).await?;
            call.hold_version().await?;
            reply
        }
        None => call.proceed().await?,
    };
    if entry.has_hooks(Moment::After) {
        reply = Box::pin(after(call, reply)).await?;
    }
    held(call, &mut reply)?;
    Ok(reply)
}

/// Everything that comes before the logic or the default operation.
async fn before(call: &Call) -> Result<(), Refusal> {
    hooks(call, Moment::BeforeValidate).await?;
    validate(call)?;
    hooks(call, Moment::AfterValidate).await?;
    if call.spot().writes() && call.declared().lock.is_some() {
        Box::pin(lock_parent(call)).await?;
    }
    let stated = call.state().command.stated().cloned();
    if let Some(stated) = stated {
        Box::pin(call.take_stated(stated)).await?;
    }
    hooks(call, Moment::Before).await
}

/// The reply as the hooks after the operation leave it.
async fn after(call: &Call, reply: Reply) -> Result<Reply, Refusal> {
    call.set_reply(reply);
    hooks(call, Moment::After).await?;
    let reply = call.state().reply.take();
    let reply = reply.ok_or_else(|| Refusal::new(Code::Internal, "an operation left no reply"))?;
    Ok(*reply)
}

/// Brings the reply into the form that the definition says it has.
pub(super) fn held(call: &Call, reply: &mut Reply) -> Result<(), Refusal> {
    let resource = call.declared();
    let held = match call.spot() {
        Spot::Action(index) => {
            output::of_action(resource, resource.action(ActionIndex(index)), reply)
        }
        Spot::Operation(operation) => output::of_operation(resource, operation, reply),
    };
    held.map_err(output::misfit)
}

/// Locks the rows that the resource's `lock` names, of the record as it is and as it will be, so
/// that what is counted over them stays so until the end.
async fn lock_parent(call: &Call) -> Result<(), Refusal> {
    let shared = &call.shared;
    let resource = call.declared();
    let Some(field) = resource.lock else {
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

async fn hooks(call: &Call, moment: Moment) -> Result<(), Refusal> {
    for hook in call.entry().hooks(moment) {
        hook.call(call.clone()).await?;
    }
    Ok(())
}

/// Every broken rule of the body, before any code relies on it. From here on a body that code puts
/// in its place is validated when it does.
fn validate(call: &Call) -> Result<(), Refusal> {
    let spot = call.spot();
    let wants = match spot {
        // The body of an action was read by whoever made the command.
        Spot::Action(_) => call.entry().has_hooks(Moment::BeforeValidate),
        Spot::Operation(_) => spot.writes(),
    };
    if wants {
        let mut command = call.state().command.clone();
        let prepared = call.check_input(&mut command)?;
        let mut state = call.state();
        (state.command, state.prepared) = (command, prepared);
    }
    call.state().validated = true;
    Ok(())
}

/// Runs the hooks after the commit; what they fail with is told to the log alone.
pub(super) async fn committed(call: &Call) {
    for hook in call.entry().hooks(Moment::AfterCommit) {
        if let Err(refusal) = guarded(pin!(async { hook.call(call.clone()).await })).await {
            tracing::warn!(
                correlation.id = %call.correlation(),
                resource = call.resource(),
                hook = hook.name(),
                code = refusal.code.as_str(),
                cause = refusal.cause.as_deref(),
                "a hook after the commit failed: {}",
                refusal.message
            );
        }
    }
    call.end();
}
