//! `kill`: a server killed without warning while many clients write, again and again. Afterwards
//! every acknowledged write is there, every batch is whole or absent, each version of each record has
//! exactly one journal row, and a write that is repeated under its key has one effect and one answer.

use crate::product::{self, Profile};
use crate::{postgres, shell, signals};
use anyhow::{Context as _, Result, bail};
use carnet_testkit::binary::{Launch, Process};
use carnet_testkit::http::Client;
use carnet_testkit::postgres::TestDatabase;
use carnet_testkit::scenario::Engine;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many clients write at once.
const CLIENTS: usize = 8;

/// How many records a batch creates.
const BATCH: usize = 3;

/// How many writes are acknowledged in a round before the server is killed.
const WRITES: u64 = 60;

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The flags of `kill`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How often the server is killed on each database.
    #[arg(long, default_value_t = 10)]
    pub rounds: u64,
    /// Only on this database: `sqlite`, `postgres`.
    #[arg(long)]
    pub database: Option<String>,
    /// Run the shipped build instead of the quick one.
    #[arg(long)]
    pub release: bool,
    /// Take the binary as it is instead of building it.
    #[arg(long)]
    pub no_build: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rounds: 10,
            database: None,
            release: false,
            no_build: false,
        }
    }
}

/// Kills the server on both databases.
pub(crate) fn run(options: &Options) -> Result<()> {
    signals::watch()?;
    let profile = if options.release {
        Profile::Release
    } else {
        Profile::Dev
    };
    let server = postgres::provide()?;
    let binaries = if options.no_build {
        product::folder(profile)
    } else {
        product::build(profile)
    };
    let binary = binaries?.join("carnet");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    for engine in Engine::ALL {
        let word = match engine {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        };
        if options.database.as_ref().is_some_and(|only| only != word) {
            continue;
        }
        let database = match (engine, &server) {
            (Engine::Sqlite, _) => None,
            (Engine::Postgres, Some(server)) => Some(TestDatabase::create(server.url(), "kill")?),
            (Engine::Postgres, None) => continue,
        };
        let told = runtime
            .block_on(rounds(&binary, database.as_ref(), options.rounds))
            .with_context(|| format!("on {}", engine.name()))?;
        println!("killed on {}: {told}", engine.name());
    }
    Ok(())
}

async fn rounds(binary: &Path, database: Option<&TestDatabase>, rounds: u64) -> Result<String> {
    let definitions = shell::root().join("examples/shop/definitions");
    let launch = Launch::new(binary)?;
    let address = match database {
        Some(database) => database.url().to_owned(),
        None => launch.folder().join("kill.sqlite").display().to_string(),
    };
    let mut server = launch.serve(&definitions, &address).await?;
    let category = server
        .client()
        .json("POST", "/api/v1/categories", &json!({"name": "Things"}))
        .await?
        .expect(201)?;
    let category = text_at(&category, "/data/id")?;
    let ledger = Arc::new(Ledger::default());
    for round in 1..=rounds {
        if signals::interrupted() {
            bail!("interrupted");
        }
        write_until_killed(&mut server, &category, &ledger, round).await?;
        if let Some(database) = database {
            wait_until_alone(database).await?;
        }
        server = launch.serve(&definitions, &address).await?;
        let client = server.client();
        let told = || format!("after kill {round}:\n{}", server.logs());
        repeat(&client, &ledger).await.with_context(told)?;
        verify(&client, &ledger).await.with_context(told)?;
    }
    server.terminate().await?;
    let acknowledged = ledger.acknowledged();
    if acknowledged.is_empty() {
        bail!("no write was acknowledged; nothing was shown");
    }
    let (keys, unknown) = ledger.repeated();
    if keys == 0 {
        bail!("no write had a key; nothing was shown about repeating");
    }
    Ok(format!(
        "{rounds} times, {} acknowledged writes of {} records, none lost, none half done; {keys} writes \
         repeated under their keys, {unknown} of them after a lost answer, each with one effect",
        ledger.acknowledgements(),
        acknowledged.len()
    ))
}

/// What the clients were told: the newest version of each record that was acknowledged.
#[derive(Default)]
struct Ledger {
    versions: Mutex<BTreeMap<String, i64>>,
    /// Records whose deletion was acknowledged.
    gone: Mutex<BTreeSet<String>>,
    /// Writes with a key, by their number.
    keyed: Mutex<BTreeMap<u64, Keyed>>,
    numbers: AtomicU64,
    acknowledgements: AtomicU64,
}

/// A write with a key.
#[derive(Clone)]
struct Keyed {
    body: Value,
    /// The record that it changes beside the one that it makes.
    changes: String,
    /// The price of that afterwards.
    price: String,
    /// What was answered, as far as it is known.
    answer: Option<Value>,
    /// The answer was lost with a server.
    lost: bool,
    /// It was repeated after a restart.
    repeated: bool,
}

impl Ledger {
    fn keyed(&self) -> MutexGuard<'_, BTreeMap<u64, Keyed>> {
        self.keyed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gone(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many writes were repeated, and how many of them because their answer was lost.
    fn repeated(&self) -> (usize, usize) {
        let keyed = self.keyed();
        let all = keyed.values().filter(|one| one.repeated);
        let (count, lost): (Vec<()>, Vec<bool>) = all.map(|one| ((), one.lost)).unzip();
        (count.len(), lost.into_iter().filter(|lost| *lost).count())
    }

    fn acknowledge(&self, id: String, version: i64) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = versions.entry(id).or_default();
        *newest = version.max(*newest);
        self.acknowledgements.fetch_add(1, Ordering::Relaxed);
    }

    fn acknowledgements(&self) -> u64 {
        self.acknowledgements.load(Ordering::Relaxed)
    }

    fn acknowledged(&self) -> BTreeMap<String, i64> {
        self.versions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn next(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

async fn write_until_killed(
    server: &mut Process,
    category: &str,
    ledger: &Arc<Ledger>,
    round: u64,
) -> Result<()> {
    let before = ledger.acknowledgements();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (client, category, ledger) = (server.client(), category.to_owned(), Arc::clone(ledger));
        // Every client ends when its server is gone.
        clients.spawn(async move { while write(&client, &category, &ledger).await.is_ok() {} });
    }
    // The moment of the kill differs from round to round, but lies where much is under way.
    let deadline = Instant::now() + PATIENCE;
    while ledger.acknowledgements() < before + WRITES {
        if Instant::now() > deadline {
            bail!(
                "{WRITES} writes were not acknowledged within {PATIENCE:?}:\n{}",
                server.logs()
            );
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(Duration::from_millis((round * 7) % 40)).await;
    server.kill9()?;
    while clients.join_next().await.is_some() {}
    Ok(())
}

/// One record created, then changed; then a batch created, a transaction under a key, and a record
/// created and deleted.
async fn write(client: &Client, category: &str, ledger: &Ledger) -> Result<()> {
    let number = ledger.next();
    let product = json!({
        "name": format!("single {number}"),
        "sku": format!("s-{number}"),
        "price": "1.00",
        "categoryId": category,
    });
    let created = client
        .json("POST", "/api/v1/products", &product)
        .await?
        .expect(201)?;
    let id = text_at(&created, "/data/id")?;
    ledger.acknowledge(id.clone(), 1);

    let change = json!({"price": format!("2.{:02}", number % 100)});
    client
        .json("PATCH", &format!("/api/v1/products/{id}"), &change)
        .await?
        .expect(200)?;
    ledger.acknowledge(id.clone(), 2);
    let single = (id, format!("3.{:02}", number % 100));

    let number = ledger.next();
    let items: Vec<Value> = (0..BATCH)
        .map(|item| {
            json!({"operation": "create", "data": {
                "name": format!("batch {number}"),
                "sku": format!("b-{number}-{item}"),
                "price": "3.00",
                "categoryId": category,
            }})
        })
        .collect();
    let answer = client
        .json("POST", "/api/v1/products/batch", &json!({"items": items}))
        .await?;
    if !(200..300).contains(&answer.status) {
        bail!("status {}: {}", answer.status, answer.text());
    }
    write_keyed(client, category, ledger, single).await?;

    let number = ledger.next();
    let product = json!({
        "name": format!("gone {number}"),
        "sku": format!("g-{number}"),
        "price": "1.00",
        "categoryId": category,
    });
    let created = client
        .json("POST", "/api/v1/products", &product)
        .await?
        .expect(201)?;
    let id = text_at(&created, "/data/id")?;
    let path = format!("/api/v1/products/{id}");
    client.delete(&path).await?.expect(200)?;
    ledger.gone().insert(id);
    Ok(())
}

/// Under a key: a record made, changed by a filter, and another one changed.
async fn write_keyed(
    client: &Client,
    category: &str,
    ledger: &Ledger,
    (changes, price): (String, String),
) -> Result<()> {
    let number = ledger.next();
    let sku = format!("k-{number}");
    let more = json!({"price": {"$inc": "1.00"}});
    let items = json!([
        {"operation": "create", "resourceName": "products", "data": {
            "name": format!("keyed {number}"), "sku": sku, "price": "1.00", "categoryId": category,
        }},
        {"operation": "patch", "resourceName": "products", "where": {"sku": sku}, "data": more},
        {"operation": "patch", "resourceName": "products", "id": changes, "data": more},
    ]);
    let keyed = Keyed {
        body: json!({"items": items}),
        changes: changes.clone(),
        price,
        answer: None,
        lost: true,
        repeated: false,
    };
    ledger.keyed().insert(number, keyed.clone());
    let (answer, replayed) = send_keyed(client, number, &keyed.body).await?;
    if replayed {
        bail!("the first request under key {number} was answered as a repeated one");
    }
    ledger.acknowledge(changes, 3);
    if let Some(known) = ledger.keyed().get_mut(&number) {
        known.answer = Some(answer);
        known.lost = false;
    }
    Ok(())
}

/// Sends a write under its key. Its answer, and whether it had been done before.
async fn send_keyed(client: &Client, number: u64, body: &Value) -> Result<(Value, bool)> {
    let key = format!("kill-{number}");
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", key.as_str()),
    ];
    let reply = client
        .send("POST", "/api/v1/transactions", &headers, body.to_string())
        .await?;
    let replayed = reply.header("idempotency-replayed") == Some("true");
    let mut answer = reply.expect(200)?;
    let data = answer.get_mut("data").map(Value::take).unwrap_or_default();
    Ok((data, replayed))
}

/// Repeats every write with a key that was sent since the last restart, twice where its answer was
/// lost: what was done is answered as it was, what was not is done now.
async fn repeat(client: &Client, ledger: &Ledger) -> Result<()> {
    let sent: Vec<(u64, Keyed)> = ledger
        .keyed()
        .iter()
        .filter(|(_, keyed)| !keyed.repeated)
        .map(|(number, keyed)| (*number, keyed.clone()))
        .collect();
    for (number, keyed) in sent {
        let (answer, replayed) = send_keyed(client, number, &keyed.body)
            .await
            .with_context(|| format!("repeating the write under key {number}"))?;
        match &keyed.answer {
            Some(_) if !replayed => bail!("the write under key {number} was done twice"),
            Some(known) if *known != answer => {
                bail!("key {number} was answered {known} before and {answer} now")
            }
            Some(_) => {}
            None => {
                let (again, replayed) = send_keyed(client, number, &keyed.body).await?;
                if !replayed || again != answer {
                    bail!("key {number} was answered {answer} before and {again} now");
                }
            }
        }
        ledger.acknowledge(keyed.changes.clone(), 3);
        if let Some(known) = ledger.keyed().get_mut(&number) {
            known.answer = Some(answer);
            known.repeated = true;
        }
    }
    Ok(())
}

/// Another session may still be finishing what its killed client asked for.
async fn wait_until_alone(database: &TestDatabase) -> Result<()> {
    let watcher = database.connect().await?;
    let others = "select count(*) from pg_stat_activity \
                  where datname = current_database() and pid <> pg_backend_pid() \
                  and backend_type = 'client backend'";
    for _ in 0..3_000 {
        let row = watcher.query_one(others, &[]).await?;
        if row.get::<_, i64>(0) == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("sessions of the killed server are still there after 30 s");
}

async fn verify(client: &Client, ledger: &Ledger) -> Result<()> {
    let products = all(client, "products?sort=id").await?;
    let journal = all(
        client,
        "journal?sort=sequence&filter[resource][eq]=products",
    )
    .await?;
    let mut journalled: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut deleted = BTreeSet::new();
    for row in &journal {
        if text_at(row, "/kind")? == "delete" {
            deleted.insert(text_at(row, "/record")?);
        }
        let versions = journalled.entry(text_at(row, "/record")?).or_default();
        versions.push(number_at(row, "/version")?);
    }
    let mut batches: BTreeMap<String, usize> = BTreeMap::new();
    let mut present = BTreeMap::new();
    let (mut prices, mut keyed) = (BTreeMap::new(), BTreeMap::new());
    for product in &products {
        let id = text_at(product, "/id")?;
        let version = number_at(product, "/version")?;
        let name = text_at(product, "/name")?;
        if name.starts_with("batch ") {
            *batches.entry(name).or_default() += 1;
        }
        let mut rows = journalled.remove(&id).unwrap_or_default();
        rows.sort_unstable();
        if !rows.iter().copied().eq(1..=version) {
            bail!("record {id} has version {version}, but its journal rows are {rows:?}");
        }
        let price = text_at(product, "/price")?;
        if let Some(number) = text_at(product, "/name")?.strip_prefix("keyed ") {
            keyed.insert(number.to_owned(), (version, price.clone()));
        }
        prices.insert(id.clone(), price);
        present.insert(id, version);
    }
    for (id, rows) in &journalled {
        // What was deleted has the row that made it and the one that removed it.
        if !deleted.contains(id) || *rows != [1, 2] {
            bail!("the journal has {rows:?} of record {id}, which is not there");
        }
    }
    if let Some(id) = ledger
        .gone()
        .iter()
        .find(|id| !journalled.contains_key(*id))
    {
        bail!("the deletion of record {id} was acknowledged, and its journal says otherwise");
    }
    let expected = ledger.keyed().clone();
    if keyed.len() != expected.len() {
        bail!("{} keys made {} records", expected.len(), keyed.len());
    }
    for (number, one) in expected {
        let made = keyed.get(&number.to_string());
        if made != Some(&(2, "2.00".to_owned())) {
            bail!("key {number} left {made:?} of the record that it makes");
        }
        let price = prices.get(&one.changes);
        if price != Some(&one.price) {
            bail!("key {number} left the price {price:?}, not {}", one.price);
        }
    }
    for (id, version) in ledger.acknowledged() {
        match present.get(&id) {
            Some(present) if *present >= version => {}
            Some(present) => {
                bail!("record {id}: version {version} was acknowledged, {present} is there")
            }
            None => bail!("record {id} was acknowledged and is not there"),
        }
    }
    for (name, count) in batches {
        if count != BATCH {
            bail!("{count} of {BATCH} records of `{name}` are there");
        }
    }
    Ok(())
}

/// Every row of a list, page by page.
async fn all(client: &Client, list: &str) -> Result<Vec<Value>> {
    const PAGE: usize = 1_000;
    let mut rows = Vec::new();
    for page in 1.. {
        let path = format!("/api/v1/{list}&limit={PAGE}&page={page}&count=none");
        let mut answer = client.get(&path).await?.expect(200)?;
        let Some(Value::Array(found)) = answer.get_mut("data").map(Value::take) else {
            bail!("`GET {path}` has no list in `data`");
        };
        let is_last = found.len() < PAGE;
        rows.extend(found);
        if is_last {
            break;
        }
    }
    Ok(rows)
}

fn text_at(value: &Value, pointer: &str) -> Result<String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    Ok(text
        .with_context(|| format!("no text at `{pointer}`: {value}"))?
        .to_owned())
}

fn number_at(value: &Value, pointer: &str) -> Result<i64> {
    let number = value.pointer(pointer).and_then(Value::as_i64);
    number.with_context(|| format!("no number at `{pointer}`: {value}"))
}
