//! The OpenAPI document of a whole deployment: what each crate contributes, and the addresses of
//! the server itself.

use crate::application::Application;
use crate::error::Failure;
use carnet_model::ModelView;
use carnet_records::logic::Logics;
use carnet_web::openapi::{Document, Fragment, Info, Tag};
use serde_json::{Value, json};

/// The document (OpenAPI 3.1) of one version of the API, with what code says that it refuses with.
pub fn openapi(
    view: &ModelView,
    application: &Application,
    logics: &Logics,
) -> Result<Value, Failure> {
    let info = Info {
        title: application.name.clone(),
        version: application.version.clone(),
        description: Some(
            "Every failure has a stable code; its page is `/docs/errors/<CODE>`.".to_owned(),
        ),
        servers: Vec::new(),
        codes: application.codes()?,
    };
    let mut document = Document::new(info);
    let failed = |error: carnet_web::Error| Failure::Setup(error.to_string());
    document
        .merge("records", carnet_records::openapi::fragment(view, logics))
        .map_err(failed)?;
    document.merge("server", own()).map_err(failed)?;
    for fragment in application.routes.fragments() {
        document
            .merge("the application's routes", fragment)
            .map_err(failed)?;
    }
    Ok(document.render())
}

fn own() -> Fragment {
    let mut fragment = Fragment::default();
    fragment.tags.push(Tag {
        name: "health".to_owned(),
        description: Some("Whether the service is well.".to_owned()),
    });
    let health = json!({
        "type": "object",
        "required": ["status", "ready", "uptime", "checks"],
        "properties": {
            "status": { "type": "string", "enum": ["healthy", "unhealthy"] },
            "ready": { "type": "boolean" },
            "uptime": { "type": "number" },
            "checks": { "type": "array", "items": {
                "type": "object",
                "required": ["name", "healthy", "responseTime"],
                "properties": {
                    "name": { "type": "string" },
                    "healthy": { "type": "boolean" },
                    "error": { "type": "string" },
                    "responseTime": { "type": "number", "description": "Milliseconds." },
                },
            } },
        },
    });
    fragment.schemas.insert("Health".to_owned(), health);
    let report = json!({ "description": "The state of the service.", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Health" } } } });
    let plain = json!({ "description": "The state in one word.", "content": { "application/json": { "schema": { "type": "object", "required": ["status"], "properties": { "status": { "type": "string" } } } } } });
    let mut path = |path: &str, id: &str, summary: &str, answer: &Value| {
        let item = json!({ "get": {
            "operationId": id,
            "summary": summary,
            "description": "For who watches the service; it answers without credentials.",
            "tags": ["health"],
            "responses": { "200": answer, "503": answer },
        } });
        fragment.paths.insert(path.to_owned(), item);
    };
    path("/health", "readHealth", "All checks", &report);
    path(
        "/health/ready",
        "readReadiness",
        "Whether requests are taken",
        &plain,
    );
    path(
        "/health/live",
        "readLiveness",
        "Whether the process lives",
        &plain,
    );
    fragment
}
