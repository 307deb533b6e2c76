//! Postrust (Cargo package `postrust-server`) on a PostgreSQL database of its own, on the same
//! server as Carnet's, with its commits awaited by the disk like Carnet's.

use super::{Peer, folder, run};
use crate::data;
use crate::postgres::Scratch;
use crate::process::{Process, free_port};
use crate::wire;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const VERSION: &str = "3.1.0";

fn install() -> Result<PathBuf> {
    let home = folder().join("postrust");
    let binary = home.join("bin/postrust");
    if !binary.is_file() {
        run(
            Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
                .args(["install", "postrust-server", "--version", VERSION, "--root"])
                .arg(&home)
                .arg("--target-dir")
                .arg(folder().join("build")),
        )?;
    }
    Ok(binary)
}

/// Installs, fills and starts it.
pub fn start(scratch: &Path, database: &Scratch, products: u64) -> Result<Peer> {
    let binary = install()?;
    let role = format!("{}_anon", database.name());
    database.execute(&[
        "create schema api",
        "create table api.categories (
             id uuid primary key default gen_random_uuid(),
             name text not null unique check (length(name) <= 100),
             region text not null check (length(region) <= 40),
             created_at timestamptz not null default now(),
             updated_at timestamptz not null default now())",
        "create table api.products (
             id uuid primary key default gen_random_uuid(),
             name text not null check (length(name) between 1 and 200),
             sku text not null unique check (length(sku) between 1 and 64),
             price numeric(12, 2) not null check (price >= 0),
             stock bigint not null default 0 check (stock >= 0),
             status text not null default 'draft'
                 check (status in ('draft', 'published', 'archived')),
             description text check (length(description) <= 1000),
             category_id uuid not null references api.categories,
             created_at timestamptz not null default now(),
             updated_at timestamptz not null default now())",
        "create table api.reviews (
             id uuid primary key default gen_random_uuid(),
             author text not null check (length(author) <= 100),
             rating bigint not null check (rating between 1 and 5),
             comment text not null check (length(comment) <= 500),
             product_id uuid not null references api.products,
             created_at timestamptz not null default now(),
             updated_at timestamptz not null default now())",
        "create index on api.products (category_id)",
        "create index on api.products (status, name)",
        "create index on api.reviews (product_id)",
    ])?;
    database.fill(
        "api.categories (id, name, region)",
        (0..data::CATEGORIES).map(|number| {
            let row = data::category(number);
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            format!("{}\t{}\t{}", id(1, number), text("name"), text("region"))
        }),
    )?;
    database.fill(
        "api.products (id, name, sku, price, stock, status, description, category_id)",
        (0..products).map(|number| {
            let category = id(1, data::spread(number) % data::CATEGORIES);
            let row = data::product(number, &category);
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            format!(
                "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{category}",
                id(2, number),
                text("name"),
                text("sku"),
                text("price"),
                row["stock"],
                text("status"),
                text("description"),
            )
        }),
    )?;
    database.fill(
        "api.reviews (id, author, rating, comment, product_id)",
        (0..products * data::REVIEWS).map(|number| {
            let product = id(2, number / data::REVIEWS);
            let row = data::review(number, &product);
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            format!(
                "{}\t{}\t{}\t{}\t{product}",
                id(3, number),
                text("author"),
                row["rating"],
                text("comment"),
            )
        }),
    )?;
    database.execute(&[
        &format!("create role {role} nologin"),
        &format!("grant usage on schema api to {role}"),
        &format!("grant select, insert on all tables in schema api to {role}"),
    ])?;
    database.settle()?;
    let port = free_port()?;
    let mut command = Command::new(binary);
    command
        .env("DATABASE_URL", database.url())
        .env("PGRST_DB_SCHEMAS", "api")
        .env("PGRST_DB_ANON_ROLE", &role)
        .env("PGRST_DB_POOL", "20")
        .env("PGRST_DB_POOL_SIZE", "20")
        .env("PGRST_SERVER_HOST", "127.0.0.1")
        .env("PGRST_SERVER_PORT", port.to_string())
        .env("PGRST_LOG_LEVEL", "error");
    let process = Process::start("postrust", command, port, &scratch.join("postrust.log"))?;
    let fixed = |target: &str| -> crate::load::Requests {
        let request = wire::get(target);
        Arc::new(move |_| request.clone())
    };
    Ok(Peer {
        process,
        name: "Postrust",
        list: fixed("/api/products?order=id.desc&limit=20"),
        include: fixed(
            "/api/products?select=*,reviews(*)&order=id.desc&limit=20&reviews.limit=5&reviews.order=id.desc",
        ),
        get: Arc::new(move |number| {
            let number = data::spread(number) % products;
            wire::get(&format!("/api/products?id=eq.{}", id(2, number)))
        }),
        create: Arc::new(|number| {
            let number = 1_000_000_000 + number;
            let category = id(1, number % data::CATEGORIES);
            let mut body = data::product(number, &category);
            if let Some(body) = body.as_object_mut() {
                body.remove("categoryId");
                body.insert("category_id".to_owned(), category.into());
            }
            wire::request(
                "POST",
                "/api/products",
                &[("prefer", "return=representation")],
                Some(&body.to_string()),
            )
        }),
        records: "",
        reviews: "/reviews",
    })
}

/// A uuid in the order of its number.
fn id(kind: u64, number: u64) -> String {
    format!("{kind:08x}-0000-7000-8000-{number:012x}")
}
