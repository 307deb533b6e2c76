//! What is generated into a project: definitions, code with its registration, tests. Pure: names
//! come in checked, texts go out.

use super::register::Registration;
use super::{File, fill, names};
use carnet_model::{Action, ActionMethod, ActionOn, ActionOutput, Operation, OperationSet};
use carnet_records::logic::Moment;

/// The widest arguments that rustfmt leaves in one line.
const WIDEST: usize = 60;

/// Where code stands.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// An operation of the platform.
    Operation(Operation),
    /// An action as it is declared, or will be.
    Action(Action),
}

impl Place {
    /// An action that is declared nowhere yet, as a short declaration makes it.
    pub(crate) fn new_action(name: &str) -> Self {
        Self::Action(Action {
            name: name.to_owned(),
            title: String::new(),
            description: None,
            on: ActionOn::Record,
            method: ActionMethod::Post,
            input: Vec::new(),
            output: ActionOutput::Record,
        })
    }

    /// Its word in the definition.
    fn word(&self) -> &str {
        match self {
            Self::Operation(operation) => operation.as_str(),
            Self::Action(action) => &action.name,
        }
    }

    /// The same in Rust.
    fn in_rust(&self) -> String {
        match self {
            Self::Operation(operation) => format!("Operation::{operation:?}"),
            Self::Action(action) => format!("\"{}\"", action.name),
        }
    }

    /// `POST /products/{id}/feature`
    fn address(&self, resource: &str) -> String {
        let (method, rest) = match self {
            Self::Operation(operation) => match operation {
                Operation::List => ("GET", String::new()),
                Operation::Create => ("POST", String::new()),
                Operation::Read => ("GET", "/{id}".to_owned()),
                Operation::Update => ("PUT", "/{id}".to_owned()),
                Operation::Patch => ("PATCH", "/{id}".to_owned()),
                Operation::Delete => ("DELETE", "/{id}".to_owned()),
                Operation::Batch => ("POST", "/batch".to_owned()),
            },
            Self::Action(action) => {
                let one = match action.on {
                    ActionOn::Record => "/{id}",
                    ActionOn::Collection => "",
                };
                (action.method.as_http(), format!("{one}/{}", action.name))
            }
        };
        format!("{method} /{resource}{rest}")
    }
}

/// The definition of a new resource.
pub(crate) fn resource(name: &str) -> File {
    File {
        path: format!("definitions/{name}.yaml"),
        text: fill(
            include_str!("template/resource.yaml.txt"),
            &[("resource", name)],
        ),
    }
}

/// Code that takes over an operation or an action in one version of the API.
pub(crate) fn logic(resource: &str, place: &Place, version: u16) -> (File, Registration) {
    let module = names::module(&[resource, place.word()]);
    let address = format!("`{}`.", place.address(resource));
    let text = match place {
        Place::Operation(operation) => fill(
            include_str!("template/operation.rs.txt"),
            &[
                (
                    "about",
                    &format!("What `{}` of `{resource}` does.", operation.as_str()),
                ),
                ("address", &address),
            ],
        ),
        Place::Action(action) => {
            let body = body(resource, action);
            let call = if body.contains("call.") {
                "call"
            } else {
                "_call"
            };
            fill(
                include_str!("template/action.rs.txt"),
                &[
                    (
                        "about",
                        &format!("What the action `{}` of `{resource}` does.", action.name),
                    ),
                    ("address", &address),
                    ("call", call),
                    ("body", &body),
                ],
            )
        }
    };
    // The prelude names the first two.
    let version = match version {
        1 | 2 => format!("v{version}"),
        other => other.to_string(),
    };
    let listed = Registration {
        call: call(
            "logic",
            &[
                &version,
                &format!("\"{resource}\""),
                &place.in_rust(),
                &format!("{module}::run"),
            ],
        ),
        module: format!("mod {module};"),
    };
    (code(&module, text), listed)
}

/// Code before or after an operation or an action.
pub(crate) fn hook(resource: &str, moment: Moment, place: &Place) -> (File, Registration) {
    let when = moment.as_str().replace(' ', "_");
    let module = format!(
        "{}_{when}_{}",
        names::module(&[resource]),
        names::module(&[place.word()])
    );
    let about = format!(
        "What happens {} `{}` of `{resource}`.",
        moment.as_str(),
        place.word()
    );
    let text = fill(
        include_str!("template/hook.rs.txt"),
        &[("about", &about), ("moment", explanation(moment))],
    );
    let listed = Registration {
        call: call(
            "hook",
            &[
                &format!("\"{resource}\""),
                &format!("{when}({})", place.in_rust()),
                &format!("{module}::run"),
            ],
        ),
        module: format!("mod {module};"),
    };
    (code(&module, text), listed)
}

/// How an action is declared: lines for the resource in its definition file, whose `actions` are
/// there already or not.
pub(crate) fn declaration(name: &str, has_actions: bool) -> String {
    let first = if has_actions { "" } else { "    actions:\n" };
    format!("{first}      {name}:\n        output: record\n")
}

/// Tests of a resource; nothing where it offers nothing that could be asked.
pub(crate) fn test(library: &str, resource: &str, offered: OperationSet) -> Option<File> {
    let mut tests = String::new();
    let mut test = |name: &str, asked: &str, expected: &str| {
        tests.push_str(&format!(
            "\n#[tokio::test]\nasync fn {name}() {{\n    \
             let platform = TestPlatform::new({library}::app()).await;\n    \
             let ada = platform.as_user(\"ada\", &[\"admin\"]);\n    \
             let reply = ada.{asked}.await;\n    reply.{expected};\n}}\n"
        ));
    };
    if offered.contains(Operation::List) {
        let asked = format!("get(\"/{resource}\")");
        test("they_are_listed", &asked, "assert_status(200)");
    }
    if offered.contains(Operation::Read) {
        let asked = format!("get(\"/{resource}/00000000000000000000000000\")");
        test(
            "an_unknown_one_is_not_found",
            &asked,
            "assert_code(\"NOT_FOUND\")",
        );
    }
    let creates = offered.contains(Operation::Create);
    if creates {
        let asked = format!("post(\"/{resource}\", json!({{ \"nonsense\": true }}))");
        test(
            "nonsense_is_refused",
            &asked,
            "assert_code(\"VALIDATION_FAILED\")",
        );
    }
    let imports = if creates {
        "use serde_json::json;\n"
    } else {
        ""
    };
    (!tests.is_empty()).then(|| File {
        path: format!("tests/{}.rs", names::module(&[resource])),
        text: fill(
            include_str!("template/test.rs.txt"),
            &[
                ("resource", resource),
                ("imports", imports),
                ("tests", tests.trim_end()),
            ],
        ),
    })
}

fn code(module: &str, text: String) -> File {
    File {
        path: format!("src/logic/{module}.rs"),
        text,
    }
}

/// A call as rustfmt writes it.
fn call(name: &str, arguments: &[&str]) -> String {
    let line = arguments.join(", ");
    if line.len() <= WIDEST {
        format!(".{name}({line})")
    } else {
        format!(".{name}(\n    {},\n)", arguments.join(",\n    "))
    }
}

/// The smallest body that gives what the action declares.
fn body(resource: &str, action: &Action) -> String {
    let find = format!("call.repository(\"{resource}\")?.find()");
    match (&action.output, action.on) {
        (ActionOutput::Record, ActionOn::Record) => {
            "    let record = call.record().await?;\n    Reply::json(&record)".to_owned()
        }
        (ActionOutput::Record, ActionOn::Collection) => format!(
            "    let found = {find}.first().await?;\n    \
             let record = found.ok_or_else(|| Refusal::not_found(\"{resource}\"))?;\n    \
             Reply::json(&record)"
        ),
        (ActionOutput::Records, _) => {
            format!("    let records = {find}.all().await?;\n    Reply::json(&records)")
        }
        (ActionOutput::None, ActionOn::Record) => {
            "    call.record().await?;\n    Ok(Reply::none())".to_owned()
        }
        (ActionOutput::None, ActionOn::Collection) => "    Ok(Reply::none())".to_owned(),
        (ActionOutput::Fields(fields), _) => {
            let fields: String = fields
                .iter()
                .map(|field| format!("        \"{}\": null,\n", field.name))
                .collect();
            format!("    Reply::json(&serde_json::json!({{\n{fields}    }}))")
        }
    }
}

fn explanation(moment: Moment) -> &'static str {
    match moment {
        Moment::BeforeValidate => {
            "Before the body is validated: `call.change_input(…)` may still change it."
        }
        Moment::AfterValidate => "The body was found valid: `call.input()` is what it says.",
        Moment::Before => "In the transaction; an error undoes everything.",
        Moment::After => {
            "In the transaction: `call.reply()` is the answer, `call.set_reply(…)` gives another one."
        }
        Moment::AfterCommit => {
            "Nothing can be refused any more, and a crash right after the commit loses it."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_model::{Model, Source, compile};

    fn model(text: &str) -> Model {
        let mut sources = carnet_records::definitions();
        sources.push(Source::application("app.yaml", text));
        compile(&sources).unwrap().model
    }

    #[test]
    fn a_new_resource_compiles_without_a_warning() {
        let file = resource("products");
        let mut sources = carnet_records::definitions();
        sources.push(Source::application(file.path, file.text));
        assert_eq!(compile(&sources).unwrap().warnings, []);
    }

    #[test]
    fn a_declaration_can_be_put_below_a_resource() {
        let mut text = resource("products").text;
        text.push_str(&declaration("feature", false));
        text.push_str(&declaration("markAsSold", true));
        let model = model(&text);
        let actions = &model.resource_named("products").unwrap().actions;
        let names: Vec<&str> = actions.iter().map(|action| action.name.as_str()).collect();
        assert_eq!(names, ["feature", "markAsSold"]);
        let Place::Action(expected) = Place::new_action("feature") else {
            unreachable!("an action");
        };
        assert_eq!(actions[0].on, expected.on);
        assert_eq!(actions[0].method, expected.method);
        assert_eq!(actions[0].output.as_str(), expected.output.as_str());
    }

    #[test]
    fn code_and_its_registration_name_each_other() {
        let (file, listed) = logic("productSources", &Place::Operation(Operation::Create), 1);
        assert_eq!(file.path, "src/logic/product_sources_create.rs");
        assert!(
            file.text.contains("/// `POST /productSources`."),
            "{}",
            file.text
        );
        assert_eq!(listed.module, "mod product_sources_create;");
        assert_eq!(
            listed.call,
            ".logic(\n    v1,\n    \"productSources\",\n    Operation::Create,\n    \
             product_sources_create::run,\n)"
        );
        let (file, listed) = logic("notes", &Place::new_action("move"), 3);
        assert!(
            file.text.contains("/// `POST /notes/{id}/move`."),
            "{}",
            file.text
        );
        assert_eq!(
            listed.call,
            ".logic(3, \"notes\", \"move\", notes_move::run)"
        );
        let (file, listed) = hook("notes", Moment::AfterCommit, &Place::new_action("move"));
        assert_eq!(file.path, "src/logic/notes_after_commit_move.rs");
        assert_eq!(
            listed.call,
            ".hook(\"notes\", after_commit(\"move\"), notes_after_commit_move::run)"
        );
    }

    #[test]
    fn actions_begin_with_what_they_declare() {
        let model = model(
            "carnet: 1\nresources:\n  notes:\n    fields:\n      title: { type: text }\n    \
             actions:\n      all: { on: collection, output: records }\n      \
             any: { on: collection, output: record }\n      \
             count: { on: collection, method: put, output: { made: integer } }\n      \
             ping: { on: collection }\n      publish:\n",
        );
        let notes = model.resource_named("notes").unwrap();
        for (name, address, body) in [
            ("all", "`POST /notes/all`", "Reply::json(&records)"),
            ("any", "`POST /notes/any`", "Refusal::not_found(\"notes\")"),
            ("count", "`PUT /notes/count`", "\"made\": null,\n"),
            ("ping", "run(_call: Call)", "Ok(Reply::none())"),
            (
                "publish",
                "`POST /notes/{id}/publish`",
                "call.record().await?;\n    Ok(",
            ),
        ] {
            let index = notes.action_named(name).unwrap();
            let (file, _) = logic("notes", &Place::Action(notes.action(index).clone()), 1);
            assert!(file.text.contains(address), "{}", file.text);
            assert!(file.text.contains(body), "{}", file.text);
            assert!(!file.text.contains("{{"), "{}", file.text);
        }
    }

    #[test]
    fn tests_ask_what_is_offered() {
        let file = test("shop", "productSources", OperationSet::all()).unwrap();
        assert_eq!(file.path, "tests/product_sources.rs");
        assert_eq!(file.text.matches("#[tokio::test]").count(), 3);
        let list = [Operation::List].into_iter().collect();
        let file = test("shop", "notes", list).unwrap();
        assert!(!file.text.contains("json"), "{}", file.text);
        assert_eq!(test("shop", "notes", OperationSet::default()), None);
    }
}
