//! Carnet beside another server: the same records, no counts, equal durability.

use crate::carnet::{self, Carnet};
use crate::compare::{Plan, Side, compare, print_head, print_row};
use crate::load::Requests;
use crate::peers::{Peer, pocketbase, postrust};
use crate::postgres::Scratch;
use crate::process::Process;
use crate::wire::Connection;
use crate::{Measure, workload};
use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// On SQLite; both with `synchronous=normal`.
    Pocketbase,
    /// On PostgreSQL; both with the server's own `synchronous_commit`.
    Postrust,
}

/// The flags.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Beside which one.
    #[arg(value_enum)]
    peer: Which,
    #[command(flatten)]
    measure: Measure,
    /// How many products there are, with five reviews each.
    #[arg(long, default_value_t = 10_000)]
    products: u64,
}

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binary = carnet::binary(options.measure.carnet.as_deref())?;
    let folder = tempfile::Builder::new().prefix("carnet-bench").tempdir()?;
    let mut databases = Vec::new();
    let (database, settings) = match options.peer {
        Which::Pocketbase => (
            format!("sqlite:{}", folder.path().join("carnet.sqlite").display()),
            vec!["database.synchronous=normal".to_owned()],
        ),
        Which::Postrust => {
            databases.push(Scratch::create("carnet")?);
            databases.push(Scratch::create("peer")?);
            (databases[0].url().to_owned(), Vec::new())
        }
    };
    let carnet = Carnet {
        binary,
        before: Vec::new(),
        database,
        folder: folder.path().to_owned(),
        definitions: carnet::definitions(),
        settings,
    };
    let process = carnet.start()?;
    let known = carnet::fill(&process, options.products)?;
    let peer = match options.peer {
        Which::Pocketbase => pocketbase::start(folder.path(), options.products)?,
        Which::Postrust => {
            databases[0].settle()?;
            postrust::start(folder.path(), &databases[1], options.products)?
        }
    };
    let cases = workload::cases(&known, options.measure.connections);
    let own = |name: &str| {
        cases
            .iter()
            .find(|case| case.name == name)
            .map(|case| Arc::clone(&case.requests))
            .context("a case is missing")
    };
    let pairs: [(&str, Requests, &Requests); 4] = [
        ("get by id", own("get by id")?, &peer.get),
        ("list 20", own("list 20")?, &peer.list),
        (
            "list 20, include to-many",
            own("list 20, include to-many")?,
            &peer.include,
        ),
        ("create", own("create")?, &peer.create),
    ];
    same(&process, &pairs[1].1, &pairs[2].1, &peer)?;
    print_head("carnet", peer.name);
    let counter = Arc::new(AtomicU64::new(0));
    for (case, own, other) in pairs {
        if options
            .measure
            .only
            .as_deref()
            .is_some_and(|part| !case.contains(part))
        {
            continue;
        }
        let compared = compare(
            case,
            options.measure.connections,
            &Side {
                name: "carnet",
                process: &process,
                requests: own,
            },
            &Side {
                name: peer.name,
                process: &peer.process,
                requests: Arc::clone(other),
            },
            &counter,
            Plan::from(&options.measure),
        )?;
        print_row(&compared);
    }
    if let (Some(own), Some(other)) = (process.resident(), peer.process.resident()) {
        println!(
            "\nResident memory after it: carnet {own:.0} MiB, {} {other:.0} MiB.",
            peer.name
        );
    }
    drop(peer);
    drop(process);
    Ok(())
}

/// Both sides show the same products with the same reviews.
fn same(process: &Process, list: &Requests, include: &Requests, peer: &Peer) -> Result<()> {
    crate::postgres::run(async {
        let mut own = Connection::open(process.address).await?;
        let mut other = Connection::open(peer.process.address).await?;
        for (ours, theirs) in [(list, &peer.list), (include, &peer.include)] {
            let ours = shown(&mut own, ours, "/data", "/reviews").await?;
            let theirs = shown(&mut other, theirs, peer.records, peer.reviews).await?;
            if ours != theirs {
                bail!("the sides show different records:\n{ours:?}\n{theirs:?}");
            }
        }
        let asked = other.exchange(&(peer.get)(1)).await?;
        anyhow::ensure!(asked.status == 200, "{}", other.text(&asked)?);
        Ok(())
    })
}

/// The keys of the products of a list, each with the authors of its reviews in any order.
async fn shown(
    connection: &mut Connection,
    request: &Requests,
    records: &str,
    reviews: &str,
) -> Result<Vec<(String, Vec<String>)>> {
    let answer = connection.exchange(&request(0)).await?;
    let text = connection.text(&answer)?;
    anyhow::ensure!(answer.status == 200, "{}: {text}", answer.status);
    let body: Value = serde_json::from_str(&text)?;
    let list = body
        .pointer(records)
        .and_then(Value::as_array)
        .context("an answer without records")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(list
        .iter()
        .map(|record| {
            let reviews = record.pointer(reviews).and_then(Value::as_array);
            let mut authors: Vec<String> = reviews
                .into_iter()
                .flatten()
                .map(|review| text(&review["author"]))
                .collect();
            authors.sort();
            (text(&record["sku"]), authors)
        })
        .collect())
}
