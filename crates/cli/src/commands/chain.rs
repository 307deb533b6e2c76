//! What a request passes on its way: stages and layers, validation, policies, hooks and logic, in
//! their order. `routes` prints it.

use crate::error::Error;
use crate::session::Session;
use carnet_model::{Model, Operation};
use carnet_records::logic::{Described, Logics, Moment};
use carnet_server::{Assembled, Listed};
use serde_json::{Value, json};
use std::sync::Arc;

/// Where requests pass.
pub(crate) struct Chain {
    model: Arc<Model>,
    /// What stands round operations; nothing when the definition is not the application's own.
    code: Option<Assembled>,
    stages: Vec<(String, bool)>,
    routes: Vec<Listed>,
}

/// What a request of one route passes, behind the stages.
pub(crate) struct Passed {
    /// Stages, and layers with `true`.
    stages: Vec<(String, bool)>,
    parameters: Vec<String>,
    body: Option<String>,
    described: Described,
    /// The function of a route of the application's own.
    pub(crate) handler: Option<&'static str>,
}

impl Chain {
    /// Of the configured definition and the application's code.
    pub(crate) fn of(session: &Session) -> Result<Self, Error> {
        let application = &session.application;
        let loaded = session.load_with(Vec::new())?;
        let model = Arc::new(carnet_server::compile(&loaded, application)?.model);
        // Another definition than the application's own is not what its code is for.
        let code = match loaded.config.definitions {
            None => Some(carnet_server::assemble(
                &loaded.config,
                application,
                &model,
            )?),
            Some(_) => None,
        };
        Ok(Self {
            model,
            code,
            stages: application.layers.describe(),
            routes: application.routes.list(),
        })
    }

    /// The code that stands round operations.
    pub(crate) fn logics(&self) -> Logics {
        let code = self.code.as_ref();
        code.map(|code| code.logics.clone()).unwrap_or_default()
    }

    /// The routes of the application's own.
    pub(crate) fn routes(&self) -> &[Listed] {
        &self.routes
    }

    /// Every stage and layer, from the outside in, for people.
    pub(crate) fn stages(&self) -> String {
        let shown = self.stages.iter().map(|(name, is_layer)| match is_layer {
            true => format!("[{name}]"),
            false => name.clone(),
        });
        shown.collect::<Vec<_>>().join(" → ")
    }

    /// What a request passes; `operation` is how the OpenAPI document describes it.
    pub(crate) fn passed(&self, method: &str, path: &str, operation: Option<&Value>) -> Passed {
        let is_method = |route: &&Listed| route.method == method || route.method == "ANY";
        let own = self.routes.iter().filter(|route| route.path == path);
        let handler = own.clone().find(is_method).map(|route| route.handler);
        let has_context = handler.is_some() || path.starts_with("/api/");
        let mut stages = self.stages.clone();
        if !has_context {
            // Pages of the platform need to know nobody, and nothing of an application's is there.
            let context = stages.iter().position(|(name, _)| name == "context");
            let end = stages.len().saturating_sub(1);
            stages.drain(context.unwrap_or(end)..end);
        }
        let described = Address::of(path).and_then(|address| {
            let resource = self.model.resource_named(address.resource)?;
            let logics = &self.code.as_ref()?.logics;
            let (version, index) = (address.version, resource.index);
            if let Some(operation) = address.operation(method) {
                return Some(logics.describe(version, index, operation));
            }
            let action = resource.action_named(address.rest.last()?)?;
            Some(logics.describe_action(version, index, action))
        });
        Passed {
            stages,
            parameters: operation.map(parameters).unwrap_or_default(),
            body: operation.and_then(body),
            described: described.unwrap_or_default(),
            handler,
        }
    }
}

impl Passed {
    /// What follows the stages, for people; empty when there is nothing to say.
    pub(crate) fn text(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.hooks(Moment::BeforeValidate));
        let mut checked = Vec::new();
        checked.extend(self.body.as_ref().map(|name| format!("body {name}")));
        match self.parameters.as_slice() {
            [] => {}
            [one] => checked.push(format!("parameter {one}")),
            many => checked.push(format!("{} parameters", many.len())),
        }
        if !checked.is_empty() {
            parts.push(format!("validate {}", checked.join(", ")));
        }
        parts.extend(self.hooks(Moment::AfterValidate));
        parts.extend(self.hooks(Moment::Before));
        if let Some(logic) = self.described.logic {
            let late = if self.described.late { "late " } else { "" };
            parts.push(format!("{late}logic {logic}"));
        }
        parts.extend(self.handler.map(|handler| format!("handler {handler}")));
        parts.extend(self.hooks(Moment::After));
        parts.extend(self.hooks(Moment::AfterCommit));
        let mut text = parts.join(" → ");
        if !self.described.codes.is_empty() {
            text.push_str(&format!("; refuses with {}", self.codes().join(", ")));
        }
        text
    }

    /// What the code names beside what the operation refuses with.
    fn codes(&self) -> Vec<&'static str> {
        let codes = self.described.codes.iter();
        codes.map(|code| code.as_str()).collect()
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        let stages = self.stages.iter().map(|(name, is_layer)| match is_layer {
            true => json!({ "layer": name }),
            false => json!({ "stage": name }),
        });
        let hooks = self.described.hooks.iter();
        let hooks = hooks.map(|(moment, name)| json!({ "when": moment.as_str(), "name": name }));
        let logic = self.described.logic;
        json!({
            "middleware": stages.collect::<Vec<_>>(),
            "validation": { "body": self.body, "parameters": self.parameters },
            "policies": [],
            "logic": logic.map(|name| json!({ "name": name, "late": self.described.late })),
            "hooks": hooks.collect::<Vec<_>>(),
            "codes": self.codes(),
            "handler": self.handler,
        })
    }

    fn hooks(&self, wanted: Moment) -> impl Iterator<Item = String> {
        let hooks = self.described.hooks.iter();
        hooks
            .filter(move |(moment, _)| *moment == wanted)
            .map(|(moment, name)| format!("{} {name}", moment.as_str()))
    }
}

/// An address of a resource, taken apart.
struct Address<'p> {
    version: u16,
    resource: &'p str,
    rest: Vec<&'p str>,
}

impl<'p> Address<'p> {
    fn of(path: &'p str) -> Option<Self> {
        let mut segments = path.strip_prefix("/api/v")?.split('/');
        Some(Self {
            version: segments.next()?.parse().ok()?,
            resource: segments.next()?,
            rest: segments.collect(),
        })
    }

    /// The operation that is behind it.
    fn operation(&self, method: &str) -> Option<Operation> {
        Some(match (method, self.rest.as_slice()) {
            ("GET", []) | ("POST", ["query"]) => Operation::List,
            ("POST", []) => Operation::Create,
            ("GET", ["{id}"]) => Operation::Read,
            ("PUT", ["{id}"]) => Operation::Update,
            ("PATCH", ["{id}"]) => Operation::Patch,
            ("DELETE", ["{id}"]) => Operation::Delete,
            _ => return None,
        })
    }
}

/// The names of an operation's parameters.
fn parameters(operation: &Value) -> Vec<String> {
    let all = operation.get("parameters").and_then(Value::as_array);
    let name = |one: &Value| {
        let name = one.get("name").or_else(|| one.get("$ref"))?.as_str()?;
        Some(last(name))
    };
    all.into_iter().flatten().filter_map(name).collect()
}

/// The name of the schema of an operation's body, or its media type.
fn body(operation: &Value) -> Option<String> {
    let content = operation.pointer("/requestBody/content")?.as_object()?;
    let (media, first) = content.iter().next()?;
    let schema = first.pointer("/schema/$ref").and_then(Value::as_str);
    Some(schema.map_or_else(|| media.clone(), last))
}

/// `Product` of `#/components/schemas/Product`.
fn last(reference: &str) -> String {
    reference.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Global;
    use crate::console::{Choice, Console};
    use carnet_kernel::{ApplicationCode, Code, Refusal};
    use carnet_model::Source;
    use carnet_records::logic::{Call, Reply, after_commit, before_validate, late, refusing};
    use carnet_server::{Application, Routes};

    async fn create(call: Call) -> Result<Reply, Refusal> {
        call.proceed().await
    }

    async fn note(_: Call) -> Result<(), Refusal> {
        Ok(())
    }

    async fn report() {}

    const TAKEN: ApplicationCode = ApplicationCode::new("TAKEN", 409, "It is taken");

    #[test]
    fn routes_tell_what_requests_pass() {
        let text = "carnet: 1\nservice: s\nresources:\n  notes:\n    fields:\n      title: { type: text, max: 9 }\n    actions: { pin: {} }\n";
        let mut application = Application {
            definitions: vec![Source::application("a.yaml", text)],
            routes: Routes::new().get("/reports", report),
            codes: vec![&TAKEN],
            ..Application::default()
        };
        let logic = &mut application.logic;
        let create = refusing(late(create), [&TAKEN]);
        logic.logic(1, "notes", Operation::Create, create);
        logic.logic(1, "notes", "pin", refusing(note, [Code::Gone]));
        logic.hook("notes", after_commit(Operation::Create), note);
        logic.hook("notes", before_validate(Operation::Create), note);
        let console = Console::new(Choice::Never);
        let session = Session::new(application, Global::default(), console);
        let chain = Chain::of(&session).unwrap();
        assert_eq!(
            chain.stages(),
            "ids → cors → compression → problems → context → routes"
        );
        let module = module_path!();
        let operation = json!({ "requestBody": { "content": { "application/json": {} } } });
        let create = chain.passed("POST", "/api/v1/notes", Some(&operation));
        assert_eq!(
            create.text(),
            format!(
                "before validate {module}::note → validate body application/json → \
                 late logic {module}::create → after commit {module}::note; refuses with TAKEN"
            )
        );
        let pin = chain.passed("POST", "/api/v1/notes/{id}/pin", None);
        assert_eq!(
            pin.text(),
            format!("logic {module}::note; refuses with GONE")
        );
        let told = create.json();
        assert_eq!(told["logic"]["late"], true);
        assert_eq!(told["codes"], json!(["TAKEN"]));
        assert_eq!(told["hooks"][0]["when"], "before validate");
        assert_eq!(told["middleware"][4]["stage"], "context");
        let report = chain.passed("GET", "/reports", None);
        assert_eq!(report.text(), format!("handler {module}::report"));
        let health = chain.passed("GET", "/health", None);
        assert_eq!(health.text(), "");
        assert_eq!(health.json()["middleware"][4]["stage"], "routes");
    }

    #[test]
    fn addresses_are_operations() {
        let found = |method, path| Address::of(path)?.operation(method);
        assert_eq!(found("GET", "/api/v1/notes"), Some(Operation::List));
        assert_eq!(found("PATCH", "/api/v2/notes/{id}"), Some(Operation::Patch));
        assert_eq!(found("POST", "/api/v1/notes/batch"), None);
        assert_eq!(found("GET", "/health"), None);
        let address = Address::of("/api/v2/notes/{id}/pin").unwrap();
        assert_eq!((address.version, address.resource), (2, "notes"));
    }

    #[test]
    fn validation_is_what_the_document_says() {
        let operation = json!({
            "parameters": [{ "name": "id" }, { "$ref": "#/components/parameters/include" }],
            "requestBody": { "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/NotesNew" },
            } } },
        });
        assert_eq!(parameters(&operation), ["id", "include"]);
        assert_eq!(body(&operation).as_deref(), Some("NotesNew"));
    }
}
