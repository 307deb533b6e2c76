//! Links over a many-to-many relation, by addresses of their own and in nested bodies.

#![cfg(test)]

use crate::rest::send_json;
use crate::world::World;
use serde_json::{Value, json};
use tokio::task::JoinSet;

crate::on_both!(
    links_come_and_go,
    a_deleted_link_links_nothing,
    nowhere_to_link,
    links_in_bodies,
    one_link_whoever_comes_first,
);

async fn a_box(world: &World) -> String {
    let shelf = world.made("shelves", r#"{"name":"s"}"#).await;
    let body = json!({ "label": "b", "shelfId": shelf }).to_string();
    world.made("boxes", &body).await
}

async fn mark(world: &World, text: &str) -> String {
    world
        .made("marks", &json!({ "text": text }).to_string())
        .await
}

async fn marks(world: &World, id: &str) -> Vec<String> {
    let record = world.read("boxes", id, "include=marks").await.unwrap();
    let mut texts: Vec<String> = record["marks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mark| mark["text"].as_str().unwrap().to_owned())
        .collect();
    texts.sort();
    texts
}

async fn links_come_and_go(world: World) {
    let (id, red, blue) = (
        a_box(&world).await,
        mark(&world, "red").await,
        mark(&world, "blue").await,
    );
    let path = |mark: &str| format!("/boxes/{id}/marks/{mark}");
    for (mark, status) in [(&red, 201), (&blue, 201), (&red, 200)] {
        let reply = send_json(&world, "PUT", &path(mark), &[], "").await;
        assert_eq!(reply.status, status, "{}", reply.body);
        assert_eq!(reply.body["data"]["markId"].as_str(), Some(mark.as_str()));
    }
    assert_eq!(marks(&world, &id).await, ["blue", "red"]);
    // The same link from its other end.
    let back = format!("/marks/{blue}/boxes/{id}");
    assert_eq!(send_json(&world, "PUT", &back, &[], "").await.status, 200);
    assert_eq!(
        send_json(&world, "DELETE", &back, &[], "").await.status,
        200
    );
    assert_eq!(
        send_json(&world, "DELETE", &path(&blue), &[], "")
            .await
            .status,
        404
    );
    assert_eq!(marks(&world, &id).await, ["red"]);
    assert_eq!(
        world.journal(3).await,
        [
            "boxMarks create 1",
            "boxMarks create 1",
            "boxMarks delete 2"
        ]
    );
    let dry = format!("{}?dryRun=true", path(&blue));
    assert_eq!(send_json(&world, "PUT", &dry, &[], "").await.status, 201);
    assert_eq!(marks(&world, &id).await, ["red"]);
}

async fn a_deleted_link_links_nothing(world: World) {
    let (id, red) = (a_box(&world).await, mark(&world, "red").await);
    let path = format!("/boxes/{id}/marks/{red}");
    let made = send_json(&world, "PUT", &path, &[], "").await;
    let link = made.body["data"]["id"].as_str().unwrap().to_owned();
    let found = |query: &'static str| world.names("boxes", query, "label");
    assert_eq!(found("filter[marks][some][text]=red").await, ["b"]);
    assert_eq!(found("filter[marks.count]=1").await, ["b"]);
    world.delete("boxMarks", &link, None).await.unwrap();
    assert_eq!(marks(&world, &id).await, [""; 0]);
    assert_eq!(found("filter[marks][some][text]=red").await, [""; 0]);
    assert_eq!(found("filter[marks.count]=0").await, ["b"]);
    assert_eq!(
        send_json(&world, "DELETE", &path, &[], "").await.status,
        404
    );
    // A new link beside the deleted one.
    assert_eq!(send_json(&world, "PUT", &path, &[], "").await.status, 201);
    assert_eq!(marks(&world, &id).await, ["red"]);
}

async fn nowhere_to_link(world: World) {
    let (id, red) = (a_box(&world).await, mark(&world, "red").await);
    let nowhere = "00000000000000000000000001";
    for (method, path, status) in [
        ("PUT", format!("/boxes/{nowhere}/marks/{red}"), 404),
        ("PUT", format!("/boxes/{id}/marks/{nowhere}"), 404),
        ("PUT", format!("/boxes/{id}/stickers/{red}"), 404),
        ("PUT", format!("/boxes/{id}/nothing/{red}"), 404),
        ("PUT", format!("/boxes/{id}/marks/x"), 400),
        ("POST", format!("/boxes/{id}/marks/{red}"), 405),
        ("GET", format!("/boxes/{id}/marks/{red}"), 405),
    ] {
        let reply = send_json(&world, method, &path, &[], "").await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
    }
    let near = format!("/boxes/{id}/mark/{red}");
    let reply = send_json(&world, "PUT", &near, &[], "").await;
    let told = reply
        .refusal
        .as_ref()
        .map(|refusal| refusal.message.as_str());
    assert_eq!(
        told,
        Some(
            "`boxes` has no relation `mark` that links records (did you mean `marks`?); they are linked over: marks"
        )
    );
    world.delete("boxes", &id, None).await.unwrap();
    let path = format!("/boxes/{id}/marks/{red}");
    assert_eq!(send_json(&world, "PUT", &path, &[], "").await.status, 404);
}

async fn links_in_bodies(world: World) {
    let (red, blue) = (mark(&world, "red").await, mark(&world, "blue").await);
    let shelf = world.made("shelves", r#"{"name":"s"}"#).await;
    let body = json!({ "label": "b", "shelfId": shelf, "marks": { "link": [red, blue] } });
    let made = world.create("boxes", &body.to_string()).await.unwrap();
    let id = made["id"].as_str().unwrap();
    assert_eq!(marks(&world, id).await, ["blue", "red"]);
    let body = json!({ "label": "c", "marks": { "link": [red], "unlink": [blue] } });
    let changed = world
        .patch("boxes", id, &body.to_string(), None)
        .await
        .unwrap();
    assert_eq!(changed["label"], "c");
    assert_eq!(marks(&world, id).await, ["red"]);
    let nowhere = "00000000000000000000000001";
    let body = json!({ "marks": { "link": [red, nowhere] } }).to_string();
    let reply = send_json(&world, "PATCH", &format!("/boxes/{id}"), &[], &body).await;
    assert_eq!((reply.status, reply.code()), (400, "REFERENCE_NOT_FOUND"));
    assert_eq!(reply.fields(), ["marks.link[1].markId"]);
    for (words, field) in [
        (json!({ "link": [red, red] }), "marks.link[1]"),
        (json!({ "link": [5] }), "marks.link[0]"),
        (json!({ "create": [] }), "marks.create"),
        (json!([red]), "marks"),
    ] {
        let body = json!({ "marks": words }).to_string();
        let reply = send_json(&world, "PATCH", &format!("/boxes/{id}"), &[], &body).await;
        assert_eq!(
            (reply.status, reply.fields()),
            (400, vec![field.to_owned()]),
            "{body}"
        );
    }
}

async fn one_link_whoever_comes_first(world: World) {
    let (id, red) = (a_box(&world).await, mark(&world, "red").await);
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (world, path) = (world.clone(), format!("/boxes/{id}/marks/{red}"));
        tasks.spawn(async move { send_json(&world, "PUT", &path, &[], "").await.status });
    }
    let mut replies = tasks.join_all().await;
    replies.sort_unstable();
    assert_eq!(
        (replies[0], replies[14], replies[15]),
        (200, 200, 201),
        "{replies:?}"
    );
    let (links, _) = world.list("boxMarks", "deleted=with").await.unwrap();
    assert_eq!(links.len(), 1, "{:?}", Value::from(links));
}
