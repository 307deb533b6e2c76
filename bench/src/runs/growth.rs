//! Cost as work grows: how long single requests take over tables of more and more rows, which
//! indexes serve them, and what an include costs per record that it brings.

use crate::carnet::{self, Carnet};
use crate::load::{self, Load, Requests};
use crate::postgres::Scratch;
use crate::process::Process;
use crate::wire::{self, Connection};
use crate::{Database, data};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

/// The flags.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// On which database.
    #[arg(value_enum)]
    database: Database,
    /// How many products there are, one measurement each; ten million take about 7 GB.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    rows: Vec<u64>,
    /// How many of them are made through the API, in batches of a thousand and with a journal that
    /// sums up; the rest is put in by the owner, which is quicker.
    #[arg(long, default_value_t = 1_000_000)]
    through_api: u64,
    /// Seconds each request is repeated.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// This binary instead of building the shipped one.
    #[arg(long)]
    carnet: Option<PathBuf>,
}

/// How many products have reviews, the newest ones.
const REVIEWED: u64 = 10_000;

/// The largest number of products.
const MOST: u64 = 10_000_000;

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binary = carnet::binary(options.carnet.as_deref())?;
    println!("| rows | request | p50 ms | p99 ms |\n|---|---|---|---|");
    for rows in &options.rows {
        anyhow::ensure!((1..=MOST).contains(rows), "1 to {MOST} rows");
        let folder = tempfile::Builder::new().prefix("carnet-bench").tempdir()?;
        let scratch = match options.database {
            Database::Postgres => Some(Scratch::create("growth")?),
            Database::Sqlite => None,
        };
        let file = folder.path().join("carnet.sqlite");
        let carnet = Carnet {
            binary: binary.clone(),
            before: Vec::new(),
            database: match &scratch {
                Some(scratch) => scratch.url().to_owned(),
                None => format!("sqlite:{}", file.display()),
            },
            folder: folder.path().to_owned(),
            definitions: definition(folder.path())?,
            settings: Vec::new(),
        };
        let made = options.through_api.min(*rows);
        let filling = carnet.start()?;
        let rate = crate::postgres::run(make(&filling, made, *rows))?;
        filling.stop()?;
        println!("| {rows} | of them {made} through the API | {rate:.0} a second | |");
        match &scratch {
            Some(scratch) => load_postgres(scratch, made..*rows)?,
            None => load_sqlite(&file, made..*rows)?,
        }
        let process = carnet.start()?;
        measure(&process, *rows, options)?;
        if let Some(scratch) = &scratch {
            scans(scratch, *rows)?;
        }
        drop(process);
    }
    Ok(())
}

/// The measured definition, but that the ids are ours to choose and the journal sums up.
fn definition(folder: &Path) -> Result<PathBuf> {
    let text = std::fs::read_to_string(carnet::definitions().join("bench.yaml"))?;
    let fields = "    fields:\n";
    let more = format!("    id: {{ client: true }}\n    journal: summary\n{fields}");
    let path = folder.join("growth.yaml");
    std::fs::write(&path, text.replace(fields, &more))?;
    Ok(path)
}

/// Makes the categories, the first `made` products and the reviews of those through the API; how
/// many products a second.
async fn make(process: &Process, made: u64, rows: u64) -> Result<f64> {
    let mut connection = Connection::open(process.address).await?;
    let with_id = |kind, number, mut record: Value| {
        record["id"] = id(kind, number).into();
        record
    };
    let categories = (0..data::CATEGORIES).map(|number| with_id(1, number, data::category(number)));
    carnet::create(&mut connection, "categories", categories).await?;
    let started = Instant::now();
    for start in (0..made).step_by(1_000) {
        let products = (start..made.min(start + 1_000)).map(|number| {
            let category = id(1, data::spread(number) % data::CATEGORIES);
            with_id(2, number, data::product(number, &category))
        });
        carnet::create(&mut connection, "products", products).await?;
    }
    let rate = made as f64 / started.elapsed().as_secs_f64();
    let reviews = rows.saturating_sub(REVIEWED).min(made) * data::REVIEWS..made * data::REVIEWS;
    for start in reviews.clone().step_by(1_000) {
        let reviews = (start..reviews.end.min(start + 1_000)).map(|number| {
            let product = id(2, number / data::REVIEWS);
            with_id(3, number, data::review(number, &product))
        });
        carnet::create(&mut connection, "reviews", reviews).await?;
    }
    Ok(rate)
}

fn measure(process: &Process, rows: u64, options: &Options) -> Result<()> {
    let products = "/api/v1/products?count=none&limit=20";
    let middle = id(2, rows / 2);
    let mut cases = vec![
        ("list, newest".to_owned(), products.to_owned()),
        (
            "list, default count".to_owned(),
            "/api/v1/products?limit=20".to_owned(),
        ),
        (
            "list, filtered and sorted by a declared index".to_owned(),
            format!("{products}&filter[status][eq]=published&sort=name"),
        ),
        (
            "list of one category".to_owned(),
            format!("{products}&filter[categoryId][eq]={}", id(1, 7)),
        ),
        (
            "list, filtered through a relation".to_owned(),
            format!("{products}&filter[category.region][eq]=south"),
        ),
        (
            "one by its unique field".to_owned(),
            format!("{products}&filter[sku][eq]=SKU-{:010}", rows / 2),
        ),
        (
            "page by key, in the middle".to_owned(),
            format!("{products}&filter[id][lt]={middle}"),
        ),
    ];
    let deep = format!("{products}&filter[status][eq]=published&sort=name");
    if let Some(cursor) = crate::postgres::run(walk(process, &deep))? {
        cases.push((
            "page by cursor, 20,000 rows in".to_owned(),
            format!("{deep}&cursor={cursor}"),
        ));
    }
    cases.push(("get".to_owned(), format!("/api/v1/products/{middle}")));
    for limit in [10, 20, 40, 80, 160] {
        cases.push((
            format!("include: {limit} records with 5 each"),
            format!("/api/v1/products?count=none&limit={limit}&include=reviews(limit:5)"),
        ));
    }
    for (name, target) in cases {
        let request = wire::get(&target);
        let requests: Requests = Arc::new(move |_| request.clone());
        let ask = |seconds: f64| {
            load::run(&Load {
                address: process.address,
                connections: 2,
                time: Duration::from_secs_f64(seconds),
                rate: None,
                requests: Arc::clone(&requests),
                counter: Arc::new(AtomicU64::new(0)),
            })
        };
        ask(options.seconds / 4.0)?;
        let outcome = ask(options.seconds)?;
        if outcome.failed > 0 {
            bail!("{name}: {}", outcome.trouble.unwrap_or_default());
        }
        let at = |share| outcome.latencies.quantile(share) as f64 / 1e3;
        println!("| {rows} | {name} | {:.3} | {:.3} |", at(0.5), at(0.99));
    }
    Ok(())
}

/// Follows the cursors of a list for 20 pages of 1,000; nothing where cursors are not offered.
async fn walk(process: &Process, target: &str) -> Result<Option<String>> {
    let mut connection = Connection::open(process.address).await?;
    let wide = target.replace("limit=20", "limit=1000");
    let mut cursor: Option<String> = None;
    for _ in 0..20 {
        let target = match &cursor {
            Some(cursor) => format!("{wide}&cursor={cursor}"),
            None => wide.clone(),
        };
        let answer = connection.exchange(&wire::get(&target)).await?;
        let text = connection.text(&answer)?;
        anyhow::ensure!(answer.status == 200, "{text}");
        let body: Value = serde_json::from_str(&text)?;
        match body["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    Ok(cursor)
}

/// What the server itself counted: how often each index served, and whole tables that were read.
fn scans(scratch: &Scratch, rows: u64) -> Result<()> {
    let counted = crate::postgres::run(async {
        let client = crate::postgres::connect(scratch.url()).await?;
        // Backends report when they end or about every second.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let sql = "select indexrelname::text, idx_scan from pg_stat_user_indexes \
             where schemaname = 'app' and relname in ('products', 'categories', 'reviews') \
             union all select relname::text || ' (whole table)', seq_scan from \
             pg_stat_user_tables where schemaname = 'app' and relname in ('products', 'reviews') \
             order by 1";
        Ok(client.query(sql, &[]).await?)
    })?;
    for row in counted {
        let (name, count): (String, i64) = (row.get(0), row.get(1));
        println!("| {rows} | scans of {name} | {count} | |");
    }
    Ok(())
}

/// The bits of an id: in the order of its number, away from other kinds.
fn bits(kind: u128, number: u64) -> u128 {
    (kind << 112) | (0x7000_8000 << 48) | u128::from(number)
}

/// Its text.
fn id(kind: u128, number: u64) -> String {
    crate::hand::ulid(bits(kind, number))
}

/// The reviews of those of the products that have some.
fn reviews(products: &Range<u64>) -> Range<u64> {
    let first = products.end.saturating_sub(REVIEWED).max(products.start);
    first * data::REVIEWS..products.end * data::REVIEWS
}

fn load_sqlite(path: &Path, rows: Range<u64>) -> Result<()> {
    let mut connection = rusqlite::Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "off")?;
    connection.pragma_update(None, "cache_size", -400_000)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    let key = |kind, number| bits(kind, number).to_be_bytes();
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare(
            "insert into products (tenant, id, name, sku, price, stock, status, description, \
             category_id, created_at, updated_at, version) \
             values (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, 1)",
        )?;
        for number in rows.clone() {
            let category = data::spread(number) % data::CATEGORIES;
            insert.execute((
                key(2, number),
                format!("Product {number:08}"),
                format!("SKU-{number:010}"),
                (number % 100_000) as i64,
                (number % 500) as i64,
                data::status(number),
                data::description(number),
                key(1, category),
                number as i64,
            ))?;
        }
        let mut insert = transaction.prepare(
            "insert into reviews (tenant, id, author, rating, comment, product_id, created_at, \
             updated_at, version) values (1, ?1, ?2, ?3, ?4, ?5, 0, 0, 1)",
        )?;
        for number in reviews(&rows) {
            insert.execute((
                key(3, number),
                format!("Author {:05}", number % 10_000),
                (1 + number % 5) as i64,
                data::comment(number),
                key(2, number / data::REVIEWS),
            ))?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn load_postgres(scratch: &Scratch, rows: Range<u64>) -> Result<()> {
    let uuid = |kind, number| format!("{:032x}", bits(kind, number));
    let zero = "1970-01-01T00:00:00Z";
    scratch.execute(&[
        "alter table app.products disable trigger all",
        "alter table app.reviews disable trigger all",
    ])?;
    scratch.fill(
        "app.products (tenant, id, name, sku, price, stock, status, description, category_id, \
         created_at, updated_at, version)",
        rows.clone().map(|number| {
            let category = uuid(1, data::spread(number) % data::CATEGORIES);
            format!(
                "1\t{}\tProduct {number:08}\tSKU-{number:010}\t{}\t{}\t{}\t{}\t{category}\t{zero}\t{zero}\t1",
                uuid(2, number),
                number % 100_000,
                number % 500,
                data::status(number),
                data::description(number),
            )
        }),
    )?;
    scratch.fill(
        "app.reviews (tenant, id, author, rating, comment, product_id, created_at, updated_at, \
         version)",
        reviews(&rows).map(|number| {
            format!(
                "1\t{}\tAuthor {:05}\t{}\t{}\t{}\t{zero}\t{zero}\t1",
                uuid(3, number),
                number % 10_000,
                1 + number % 5,
                data::comment(number),
                uuid(2, number / data::REVIEWS),
            )
        }),
    )?;
    scratch.execute(&[
        "alter table app.products enable trigger all",
        "alter table app.reviews enable trigger all",
    ])?;
    scratch.settle().context("statistics")?;
    scratch.execute(&["select pg_stat_reset()"])
}
