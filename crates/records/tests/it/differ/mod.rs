//! The same answers on SQLite and PostgreSQL: random definitions with random records, and random
//! requests over HTTP, compared with each other and, where they read, with the evaluator.
//!
//! `CARNET_DIFFER_MODELS` and `CARNET_DIFFER_REQUESTS` say how many of them (few, when they do
//! not), `CARNET_DIFFER_SEED` where chance begins. A failure tells its seed, the definition, and
//! the request as small as it could be made.

#![cfg(test)]

mod chance;
mod check;
mod conditions;
mod definition;
#[path = "../../../../store/tests/it/reads/memory.rs"]
mod memory;
mod oracle;
mod reads;
mod request;
mod run;
mod sides;
mod values;
mod writes;

use crate::world::World;
use run::Run;

fn setting(name: &str, default: u64) -> u64 {
    let given = std::env::var(format!("CARNET_DIFFER_{name}")).ok();
    given.map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_answer_as_the_evaluator_does() {
    let (models, requests) = (setting("MODELS", 3), setting("REQUESTS", 120));
    let first = setting("SEED", 1);
    let mut found = Vec::new();
    let mut counts = [0_usize; 3];
    for seed in first..first + models {
        let definition = definition::definition(&mut chance::Chance::new(seed));
        let Some(postgres) = World::postgres_with("differ", &definition).await else {
            return;
        };
        let sqlite = World::sqlite_with(&definition).await;
        let mut run = Run::new(sqlite, postgres, seed);
        run.load().await;
        run.ask(usize::try_from(requests).unwrap()).await;
        for (count, more) in counts.iter_mut().zip(run.counts) {
            *count += more;
        }
        let [reads, checked, writes] = counts;
        eprintln!("seed {seed}: {reads} reads, {checked} checked, {writes} writes so far");
        for failure in &run.failures {
            found.push(format!("seed {seed}: {failure}"));
        }
        if !run.failures.is_empty() {
            found.push(format!("with the definition\n{definition}"));
        }
    }
    assert!(counts[1] > 0 && counts[2] > 0, "nothing was compared");
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}
