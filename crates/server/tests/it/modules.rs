//! Modules: their settings, their life and what the server makes of their mistakes.

use crate::{Story, application, mistakes, start, start_with};
use carnet_kernel::{Code, Refusal, Secret};
use carnet_model::Operation;
use carnet_records::logic::{Call, Component, Reply, Request, before};
use carnet_server::{Failure, Handle, Module, Routes};
use carnet_web::Stage;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::layer::util::Identity;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Signs {
    sign: String,
    most: u32,
    key: Option<Secret>,
}

impl Default for Signs {
    fn default() -> Self {
        Self {
            sign: "!".to_owned(),
            most: 2,
            key: None,
        }
    }
}

/// A service of the module, made from its settings.
struct Signer(String);

fn signs() -> Module<Signs> {
    async fn create(
        call: Call,
        config: Component<Signs>,
        signer: Component<Signer>,
    ) -> Result<Reply, Refusal> {
        let notes = call.repository("notes")?;
        if notes.find().count().await? >= u64::from(config.most) {
            return Err(Refusal::limit_exceeded("there are enough notes"));
        }
        call.change_input(|input| {
            let title = input["title"].as_str().unwrap_or_default();
            input["title"] = json!(format!("{title}{}", signer.0.0));
        })?;
        call.proceed().await
    }
    Module::with_config::<Signs>("signs")
        .component_from(|config: &Signs| Ok::<_, String>(Signer(config.sign.repeat(2))))
        .logic(1, "notes", Operation::Create, create)
}

#[tokio::test]
async fn settings_reach_components_and_logic() {
    let mut application = application();
    application.add_module(signs());
    let settings = [("modules.signs.sign", "?"), ("modules.signs.most", "1")];
    let server = start_with(application, &settings, None).await.unwrap();
    let body = json!({ "title": "Why" });
    let made = server.client.json("POST", "/api/v1/notes", &body).await;
    assert_eq!(made.unwrap().expect(201).unwrap()["data"]["title"], "Why??");
    let more = server.client.json("POST", "/api/v1/notes", &body).await;
    let more = more.unwrap().expect(409).unwrap();
    assert_eq!(more["error"]["code"], "LIMIT_EXCEEDED");
    server.stop().await;
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_told_before_anything_starts() {
    let mut application = application();
    application.add_module(signs());
    let settings = [("modules.signs.most", "-1")];
    let told = mistakes(start_with(application.clone(), &settings, None).await);
    assert!(told[0].starts_with("modules.signs: "), "{told:?}");
    let settings = [("modules.signs.sgin", "?")];
    let told = mistakes(start_with(application, &settings, None).await);
    assert!(
        told[0].contains("did you mean `modules.signs.sign`?"),
        "{told:?}"
    );
}

fn living(name: &'static str, story: &Story) -> Module {
    let (starts, stops) = (story.clone(), story.clone());
    Module::new(name)
        .on_start(move |_, _| {
            let story = starts.clone();
            async move {
                story.tell(format!("{name} starts"));
                Ok::<_, String>(())
            }
        })
        .on_stop(move |_, _| {
            let story = stops.clone();
            async move {
                story.tell(format!("{name} stops"));
                Err("badly")
            }
        })
}

#[tokio::test]
async fn modules_start_in_order_before_listening_and_stop_in_reverse() {
    let story = Story::default();
    let mut application = application();
    application.add_module(living("first", &story));
    application.add_module(living("second", &story).health(|_, _| async { Ok::<_, String>(()) }));
    let seeder = story.clone();
    application.add_module(Module::new("seeder").on_start(move |platform: Handle, _| {
        let story = seeder.clone();
        async move {
            let request = Request::Create {
                resource: "notes".to_owned(),
                body: json!({ "title": "From the start" }).to_string(),
            };
            let made: Value = platform.perform(request).await?.read()?;
            story.tell(format!("made by {}", made["createdBy"]["kind"]));
            Ok::<_, Refusal>(())
        }
    }));
    let server = start(application).await.unwrap();
    let begun = ["first starts", "second starts", "made by \"system\""];
    assert_eq!(story.told(), begun);
    let notes = server.client.get("/api/v1/notes").await.unwrap();
    let notes = notes.expect(200).unwrap();
    assert_eq!(notes["data"][0]["title"], "From the start");
    let health = server.client.get("/health").await.unwrap();
    let health = health.expect(200).unwrap();
    assert_eq!(health["checks"][1]["name"], "second", "{health}");
    server.stop().await;
    assert_eq!(story.told()[3..], ["second stops", "first stops"]);
}

#[tokio::test]
async fn a_module_that_does_not_start_stops_the_others() {
    for panics in [false, true] {
        let story = Story::default();
        let mut application = application();
        application.add_module(living("first", &story));
        application.add_module(Module::new("second").on_start(move |_, _| async move {
            assert!(!panics, "a bug");
            Err("its service is away")
        }));
        application.add_module(living("third", &story));
        let failure = start(application).await.err().unwrap();
        assert_eq!(failure.code(), Code::ModuleFailed);
        let Failure::Module { name, message } = failure else {
            panic!("{failure}");
        };
        let expected = if panics {
            "it panicked"
        } else {
            "its service is away"
        };
        assert_eq!((name.as_str(), message.as_str()), ("second", expected));
        assert_eq!(story.told(), ["first starts", "first stops"]);
    }
}

#[tokio::test]
async fn a_check_that_fails_is_shown() {
    let mut application = application();
    application.add_module(Module::new("mail").health(|_, _| async { Err("no answer") }));
    let server = start(application).await.unwrap();
    let health = server.client.get("/health").await.unwrap();
    let health = health.expect(503).unwrap();
    assert_eq!(health["checks"][1]["name"], "mail");
    assert_eq!(health["checks"][1]["error"], "no answer");
    server.stop().await;
}

#[tokio::test]
async fn every_mistake_is_told_at_once() {
    async fn nothing() {}
    async fn lacking(_: Call, _: Component<Signer>) -> Result<(), Refusal> {
        Ok(())
    }
    let mut application = application();
    application.add_module(Module::new("one").component(Signer(String::new())));
    application.add_module(
        Module::new("one")
            .component(Signer(String::new()))
            .layer(Stage::after("rotues"), Identity::new()),
    );
    application.add_module(Module::new("Big").routes(Routes::new().get("/health/x", nothing)));
    application
        .add_module(Module::new("database").component_from(|()| Err::<u8, _>("there is no disk")));
    application.add_module(Module::new("late").hook("ntoes", before(Operation::Create), lacking));
    let told = mistakes(start(application).await);
    let wanted = [
        "component `it::modules::Signer` was added twice",
        "module `one`: there is another one of that name",
        "there is no stage `rotues` (did you mean `routes`?)",
        "module `Big`: a name is of",
        "route `GET /health/x`: the platform itself",
        "module `database`: the platform has a check of that name",
        "module `database`: there is no disk",
        "there is no such resource (did you mean `notes`?)",
    ];
    for one in wanted {
        assert!(
            told.iter().any(|line| line.contains(one)),
            "{one}: {told:#?}"
        );
    }
    assert_eq!(told.len(), wanted.len(), "{told:#?}");
}
