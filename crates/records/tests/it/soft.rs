//! Soft deletion: what is deleted is hidden everywhere, holds nothing, and comes back or goes.

#![cfg(test)]

use crate::rest::{Reply, send_json};
use crate::world::World;
use serde_json::{Value, json};
use tokio::task::JoinSet;

crate::on_both!(
    a_record_goes_and_comes_back,
    it_is_hidden_wherever_paths_lead,
    its_values_are_free,
    nothing_new_refers_to_it,
    its_children_follow_their_own_way,
    what_restricts_stays,
    a_purge_takes_all_with_it,
    trash_is_emptied_by_filter,
    races_leave_no_child_of_a_deleted_record,
);

async fn call(world: &World, method: &str, path: &str, body: &str) -> Reply {
    send_json(world, method, path, &[], body).await
}

async fn shelf(world: &World, name: &str) -> String {
    world
        .made("shelves", &json!({ "name": name }).to_string())
        .await
}

async fn put(world: &World, label: &str, shelf: &str) -> String {
    let body = json!({ "label": label, "shelfId": shelf }).to_string();
    world.made("boxes", &body).await
}

async fn remove(world: &World, resource: &str, id: &str) {
    world
        .delete(resource, id, None)
        .await
        .unwrap_or_else(|refusal| panic!("{}", crate::world::told(&refusal)));
}

async fn a_record_goes_and_comes_back(world: World) {
    let id = shelf(&world, "a").await;
    let path = format!("/shelves/{id}");
    let fresh = call(&world, "GET", &path, "").await;
    assert_eq!(fresh.body["data"]["deletedAt"], Value::Null);
    assert_eq!(call(&world, "DELETE", &path, "").await.status, 200);
    for (method, path, body) in [
        ("GET", path.clone(), ""),
        ("DELETE", path.clone(), ""),
        ("PATCH", path.clone(), r#"{"name":"b"}"#),
        ("PUT", path.clone(), r#"{"name":"b"}"#),
    ] {
        assert_eq!(
            call(&world, method, &path, body).await.status,
            404,
            "{method}"
        );
    }
    assert_eq!(world.list("shelves", "").await.unwrap().1, Some(0));
    assert_eq!(
        world.list("shelves", "deleted=only").await.unwrap().1,
        Some(1)
    );
    let shown = call(&world, "GET", &format!("{path}?deleted=with"), "").await;
    assert!(
        shown.body["data"]["deletedAt"].is_string(),
        "{}",
        shown.body
    );
    assert_eq!(shown.body["data"]["version"], 2);
    let restored = call(&world, "POST", &format!("{path}/restore"), "").await;
    assert_eq!(
        (restored.status, restored.header("etag")),
        (200, Some("\"3\""))
    );
    assert_eq!(restored.body["data"]["deletedAt"], Value::Null);
    // Once more changes nothing.
    let again = call(&world, "POST", &format!("{path}/restore"), "").await;
    assert_eq!((again.status, again.header("etag")), (200, Some("\"3\"")));
    assert_eq!(call(&world, "GET", &path, "").await.status, 200);
    assert_eq!(
        call(&world, "DELETE", &format!("{path}?purge=true"), "")
            .await
            .status,
        200
    );
    assert_eq!(
        call(&world, "GET", &format!("{path}?deleted=with"), "")
            .await
            .status,
        404
    );
    assert_eq!(
        call(&world, "POST", &format!("{path}/restore"), "")
            .await
            .status,
        404
    );
    assert_eq!(
        world.journal(9).await,
        [
            "shelves create 1",
            "shelves delete 2",
            "shelves restore 3",
            "shelves purge 4"
        ]
    );
    for (method, path) in [
        ("GET", "/stickers?deleted=with"),
        ("GET", "/shelves?deleted=all"),
        ("DELETE", "/stickers/00000000000000000000000001?purge=true"),
        ("DELETE", "/shelves?filter[name]=a&deleted=only"),
    ] {
        let reply = call(&world, method, path, "").await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, "INVALID_PARAMETER"),
            "{path}"
        );
    }
    let none = call(
        &world,
        "POST",
        "/stickers/00000000000000000000000001/restore",
        "",
    )
    .await;
    assert_eq!(none.status, 404);
}

async fn it_is_hidden_wherever_paths_lead(world: World) {
    let (good, gone) = (shelf(&world, "good").await, shelf(&world, "gone").await);
    let first = put(&world, "first", &good).await;
    put(&world, "second", &good).await;
    let spare = json!({ "spareId": good, "shelfId": gone, "label": "third" }).to_string();
    let third = world.made("boxes", &spare).await;
    let set = json!({ "spareId": gone }).to_string();
    world.patch("boxes", &first, &set, None).await.unwrap();
    remove(&world, "boxes", &third).await;
    // The shelf is marked behind the platform's back, so that references to it stay.
    mark(&world, "shelves", &gone).await;
    let labels = async |query: &str| world.names("boxes", query, "label").await;
    assert_eq!(labels("sort=label").await, ["first", "second"]);
    assert_eq!(labels("filter[spare.name]=gone").await, [""; 0]);
    assert_eq!(labels(&format!("filter[spare.id]={gone}")).await, [""; 0]);
    assert_eq!(
        labels("filter[spare.name][isNull]=true&sort=label").await,
        ["first", "second"]
    );
    assert_eq!(
        labels("filter[spare.name][ne]=gone&sort=spare.name,label").await,
        ["first", "second"]
    );
    let (rows, _) = world
        .list("boxes", "include=spare,shelf.boxes&sort=label")
        .await
        .unwrap();
    assert_eq!(rows[0]["spare"], Value::Null);
    assert_eq!(rows[0]["shelf"]["boxes"].as_array().unwrap().len(), 2);
    let (rows, _) = world
        .list("shelves", "deleted=with&include=boxes&sort=name")
        .await
        .unwrap();
    let sizes: Vec<usize> = rows
        .iter()
        .map(|row| row["boxes"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [0, 2]);
    let reply = call(
        &world,
        "PATCH",
        "/boxes?filter[spare.name]=gone",
        r#"{"label":"x"}"#,
    )
    .await;
    assert_eq!(reply.body["data"]["count"], 0);
    let reply = call(
        &world,
        "PATCH",
        "/boxes?filter[label][startsWith]=t",
        r#"{"label":"x"}"#,
    )
    .await;
    assert_eq!(reply.body["data"]["count"], 0, "a deleted one is not found");
}

/// Marks a record without its rules.
async fn mark(world: &World, table: &str, id: &str) {
    let at = if world.is_postgres() { "now()" } else { "1" };
    let sql = format!("update {{records}}{table} set deleted_at = {at} where id = $1");
    let param = carnet_store::Param::Value(carnet_kernel::Value::Id(crate::world::key(id)));
    let store = world.operations.store();
    store.system().execute(&[(&sql, &[param])]).await.unwrap();
}

async fn its_values_are_free(world: World) {
    let old = shelf(&world, "Name").await;
    remove(&world, "shelves", &old).await;
    let new = shelf(&world, "NAME").await;
    let path = format!("/shelves/{old}/restore");
    let refused = call(&world, "POST", &path, "").await;
    assert_eq!((refused.status, refused.code()), (409, "UNIQUE_VIOLATION"));
    remove(&world, "shelves", &new).await;
    assert_eq!(call(&world, "POST", &path, "").await.status, 200);
    // An upsert does not find what is deleted.
    remove(&world, "shelves", &old).await;
    let made = call(&world, "POST", "/shelves?upsert=name", r#"{"name":"name"}"#).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(
        world.list("shelves", "deleted=with").await.unwrap().1,
        Some(3)
    );
}

async fn nothing_new_refers_to_it(world: World) {
    let (good, gone) = (shelf(&world, "good").await, shelf(&world, "gone").await);
    let id = put(&world, "a", &good).await;
    remove(&world, "shelves", &gone).await;
    let refer = json!({ "label": "b", "shelfId": gone }).to_string();
    let reply = call(&world, "POST", "/boxes", &refer).await;
    assert_eq!((reply.status, reply.code()), (400, "REFERENCE_NOT_FOUND"));
    let path = format!("/boxes/{id}");
    for (method, body) in [
        ("PATCH", json!({ "spareId": gone })),
        ("PUT", json!({ "label": "b", "shelfId": gone })),
    ] {
        let reply = call(&world, method, &path, &body.to_string()).await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, "REFERENCE_NOT_FOUND"),
            "{method}"
        );
    }
    let reply = call(
        &world,
        "PATCH",
        "/boxes?filter[label]=a",
        &json!({ "spareId": gone }).to_string(),
    )
    .await;
    assert_eq!(reply.code(), "REFERENCE_NOT_FOUND");
    let items = [good.clone(), gone.clone()].map(|shelf| {
        let data = json!({ "label": "c", "shelfId": shelf });
        json!({ "operation": "create", "data": data }).to_string()
    });
    let refusal = world.batch("boxes", &items).await.unwrap_err();
    assert_eq!(refusal.details[0].field, "items[1].shelfId", "{refusal:?}");
    // A deleted record does not come back to a deleted parent.
    let lost = world
        .made(
            "boxes",
            &json!({ "label": "d", "shelfId": good }).to_string(),
        )
        .await;
    remove(&world, "boxes", &lost).await;
    remove(&world, "shelves", &good).await;
    let reply = call(&world, "POST", &format!("/boxes/{lost}/restore"), "").await;
    assert_eq!(reply.code(), "REFERENCE_NOT_FOUND");
}

async fn its_children_follow_their_own_way(world: World) {
    let (top, other) = (shelf(&world, "top").await, shelf(&world, "other").await);
    let below = world
        .made(
            "shelves",
            &json!({ "name": "below", "parentId": top }).to_string(),
        )
        .await;
    let inner = put(&world, "inner", &below).await;
    world
        .made(
            "stickers",
            &json!({ "text": "s", "boxId": inner }).to_string(),
        )
        .await;
    let keeps = json!({ "label": "keeps", "shelfId": other, "spareId": below }).to_string();
    let keeps = world.made("boxes", &keeps).await;
    let before = world.journal(100).await.len();
    remove(&world, "shelves", &top).await;
    let mut rows = world.journal(100).await.split_off(before);
    rows.sort();
    assert_eq!(
        rows,
        [
            "boxes delete 2",
            "boxes update 2",
            "shelves delete 2",
            "shelves delete 2",
            "stickers delete 2"
        ]
    );
    assert_eq!(
        world.read("boxes", &keeps, "").await.unwrap()["spareId"],
        Value::Null
    );
    assert_eq!(world.list("stickers", "").await.unwrap().1, Some(0));
    assert_eq!(
        world.names("boxes", "deleted=only", "label").await,
        ["inner"]
    );
    assert_eq!(
        world
            .names("shelves", "deleted=only&sort=name", "name")
            .await,
        ["below", "top"]
    );
}

async fn what_restricts_stays(world: World) {
    let (home, held) = (shelf(&world, "home").await, shelf(&world, "held").await);
    let keeper = json!({ "label": "k", "shelfId": home, "keeperId": held }).to_string();
    let keeper = world.made("boxes", &keeper).await;
    let reply = call(&world, "DELETE", &format!("/shelves/{held}"), "").await;
    assert_eq!((reply.status, reply.code()), (409, "RECORD_IN_USE"));
    let reply = call(&world, "DELETE", &format!("/shelves/{held}?purge=true"), "").await;
    assert_eq!((reply.status, reply.code()), (409, "RECORD_IN_USE"));
    // What goes along restricts nothing.
    let both = call(&world, "DELETE", "/shelves?filter[name][in]=home,held", "").await;
    assert_eq!(both.body["data"]["count"], 2, "{}", both.body);
    assert_eq!(world.list("boxes", "").await.unwrap().1, Some(0));
    // Its row is still there, and only a purge of it lets the other go for good.
    let reply = call(&world, "DELETE", &format!("/shelves/{held}?purge=true"), "").await;
    assert_eq!(reply.code(), "RECORD_IN_USE");
    let purged = call(&world, "DELETE", &format!("/boxes/{keeper}?purge=true"), "").await;
    assert_eq!(purged.status, 200);
    let reply = call(&world, "DELETE", &format!("/shelves/{held}?purge=true"), "").await;
    assert_eq!(reply.status, 200);
}

async fn a_purge_takes_all_with_it(world: World) {
    let (top, other) = (shelf(&world, "top").await, shelf(&world, "other").await);
    let gone = put(&world, "gone", &top).await;
    put(&world, "there", &top).await;
    let clears = json!({ "label": "c", "shelfId": other, "spareId": top }).to_string();
    let clears = world.made("boxes", &clears).await;
    remove(&world, "boxes", &clears).await;
    remove(&world, "boxes", &gone).await;
    let reply = call(&world, "DELETE", &format!("/shelves/{top}?purge=true"), "").await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let (left, _) = world.list("boxes", "deleted=with").await.unwrap();
    assert_eq!((left.len(), &left[0]["spareId"]), (1, &Value::Null));
}

async fn trash_is_emptied_by_filter(world: World) {
    for name in ["a", "b", "c"] {
        let id = shelf(&world, name).await;
        if name != "c" {
            remove(&world, "shelves", &id).await;
        }
    }
    let path = "/shelves?filter[name][lte]=z&deleted=only&purge=true";
    let reply = call(&world, "DELETE", path, "").await;
    assert_eq!(reply.body["data"]["count"], 2, "{}", reply.body);
    assert_eq!(world.names("shelves", "deleted=with", "name").await, ["c"]);
    let reply = call(&world, "DELETE", "/shelves?filter[name][lte]=z", "").await;
    assert_eq!(reply.body["data"]["count"], 1, "{}", reply.body);
    assert_eq!(world.names("shelves", "deleted=only", "name").await, ["c"]);
}

async fn races_leave_no_child_of_a_deleted_record(world: World) {
    for round in 0..4 {
        let id = shelf(&world, &round.to_string()).await;
        let mut tasks = JoinSet::new();
        for number in 0..16 {
            let (world, id) = (world.clone(), id.clone());
            tasks.spawn(async move {
                if number == 5 {
                    return world
                        .delete("shelves", &id, None)
                        .await
                        .map_err(|refusal| refusal.code);
                }
                let body = json!({ "label": number.to_string(), "shelfId": id }).to_string();
                let made = world.create("boxes", &body).await;
                made.map(|_| ()).map_err(|refusal| refusal.code)
            });
        }
        let results = tasks.join_all().await;
        for result in &results {
            if let Err(code) = result {
                assert_eq!(code.as_str(), "REFERENCE_NOT_FOUND");
            }
        }
    }
    assert_eq!(world.list("shelves", "").await.unwrap().1, Some(0));
    assert_eq!(world.list("boxes", "").await.unwrap().1, Some(0));
}
