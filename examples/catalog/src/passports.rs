//! A passport begins as a draft, whatever its maker sends, and becomes public by an action.

use carnet::prelude::*;
use serde_json::json;

/// Before a passport is validated and made.
pub(crate) async fn only_as_draft(call: Call) -> Result<(), Refusal> {
    match call
        .input()
        .get("status")
        .and_then(|status| status.as_str())
    {
        None | Some("draft") => Ok(()),
        Some(other) => Err(
            Refusal::invalid_state("a passport is created as a draft").field(
                "status",
                "state",
                format!("`{other}` comes by an action; leave it out"),
            ),
        ),
    }
}

/// `POST /passports/{id}/publish`.
pub(crate) async fn publish(call: Call) -> Result<Reply, Refusal> {
    let id = call.require_id()?;
    let passports = call.repository("passports")?;
    let passport = passports.require(id).await?;
    if passport["status"] != "draft" {
        return Err(Refusal::invalid_state("only a draft can be published"));
    }
    Reply::json(
        &passports
            .patch(id, &json!({ "status": "published" }))
            .await?,
    )
}
