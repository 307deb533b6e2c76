//! One definition on both databases: records are loaded, then reads and writes take turns.

use super::chance::Chance;
use super::check;
use super::conditions::Maker;
use super::memory::Memory;
use super::oracle;
use super::reads::Read;
use super::request::Request;
use super::sides::{Side, Sides, shown};
use crate::world::World;
use carnet_model::ModelView;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;

/// How many failures of reads are told of one definition.
const MOST: usize = 4;
/// How many writes follow each other before the records are looked at.
const WRITES: usize = 8;

pub(super) struct Run {
    pub(super) sides: Sides,
    pub(super) view: ModelView,
    chance: Chance,
    /// The records as they were answered last, by resource, deleted ones among them.
    rows: HashMap<String, Vec<Value>>,
    pub(super) memory: Memory,
    pub(super) failures: Vec<String>,
    /// Reads, reads that the evaluator checked, writes.
    pub(super) counts: [usize; 3],
    /// A write with its key, to be repeated.
    kept: Option<(Request, super::sides::Answer)>,
    broken: bool,
}

impl Run {
    pub(super) fn new(sqlite: World, postgres: World, seed: u64) -> Self {
        let view = sqlite.view.clone();
        Self {
            sides: Sides {
                sqlite: Side::new(sqlite),
                postgres: Side::new(postgres),
            },
            memory: Memory {
                view: view.clone(),
                records: HashMap::new(),
            },
            view,
            chance: Chance::new(seed ^ 0xA5A5_0000),
            rows: HashMap::new(),
            failures: Vec::new(),
            counts: [0; 3],
            kept: None,
            broken: false,
        }
    }

    /// First records of every resource, those first that others refer to.
    pub(super) async fn load(&mut self) {
        let view = self.view.clone();
        let resources: Vec<_> = view
            .model()
            .resources
            .iter()
            .filter(|one| one.standard.is_some())
            .collect();
        let platform = |one: &&&std::sync::Arc<carnet_model::Resource>| !one.is_tenant();
        let tenant = |one: &&&std::sync::Arc<carnet_model::Resource>| one.is_tenant();
        let order: Vec<_> = resources
            .iter()
            .filter(platform)
            .chain(resources.iter().filter(tenant))
            .collect();
        for resource in order {
            for _ in 0..self.chance.between(8, 26) {
                let body = self.maker(&view).body(resource, true, 1);
                let request = Request::new("POST", format!("/{}", resource.name)).body(body);
                self.write(request).await;
                if self.broken {
                    return;
                }
                if self.chance.one_in(3) {
                    self.refresh_one(resource).await;
                }
            }
            self.refresh_one(resource).await;
        }
        self.sides.postgres.world.settle();
    }

    fn maker<'a, 's>(&'s mut self, view: &'a ModelView) -> Maker<'a, 's> {
        Maker {
            view,
            rows: &self.rows,
            chance: &mut self.chance,
        }
    }

    /// Reads and writes in turn, so many in all.
    pub(super) async fn ask(&mut self, requests: usize) {
        let view = self.view.clone();
        let mut asked = 0;
        while asked < requests && !self.broken && self.failures.len() < MOST {
            for _ in 0..self.chance.between(WRITES, WRITES * 4) {
                let read = self.maker(&view).read();
                self.read(&read).await;
                asked += 1;
            }
            for _ in 0..self.chance.between(1, WRITES) {
                let mut request = self.maker(&view).write();
                if self.chance.one_in(4) {
                    let key = format!("key-{}", self.counts[2]);
                    request = request.header("idempotency-key", key);
                }
                self.write(request).await;
                asked += 1;
                if self.broken {
                    return;
                }
            }
            for resource in &view.model().resources {
                if resource.standard.is_some() {
                    self.refresh_one(resource).await;
                }
            }
        }
        if !self.broken {
            self.journal().await;
        }
    }

    async fn read(&mut self, read: &Read<'_>) {
        self.counts[0] += 1;
        if self.failures.len() >= MOST {
            return;
        }
        match check::read(self, read).await {
            Ok(checked) => self.counts[1] += usize::from(checked),
            Err(found) => {
                let (request, found) = check::smallest(self, read, found).await;
                self.failures.push(format!("{request}\n{found}"));
            }
        }
    }

    /// A write on both sides, and again under its key.
    async fn write(&mut self, request: Request) {
        self.counts[2] += 1;
        self.sides.advance(Duration::from_millis(1_500));
        match check::write(&mut self.sides, &request).await {
            Err(found) => self.stop(&request, &found),
            Ok(answer) => {
                let keyed = request
                    .headers
                    .iter()
                    .any(|(name, _)| *name == "idempotency-key");
                let dry = request.pairs.iter().any(|(name, _)| name == "dryRun");
                if keyed && answer.status < 400 && !dry {
                    self.kept = Some((request, answer));
                }
            }
        }
        // At once, or after other writes.
        if !self.broken
            && self.chance.one_in(2)
            && let Some((request, answer)) = self.kept.take()
            && let Err(found) = check::again(&mut self.sides, &request, &answer).await
        {
            self.stop(&request, &found);
        }
    }

    fn stop(&mut self, request: &Request, found: &str) {
        self.failures.push(format!("{request}\n{found}"));
        // What is stored may differ from now on.
        self.broken = true;
    }

    /// All records of a resource as they are now.
    async fn refresh_one(&mut self, resource: &carnet_model::Resource) {
        if self.broken {
            return;
        }
        let mut request = Request::new("GET", format!("/{}", resource.name))
            .with("limit", "1000")
            .with("sort", "id")
            .with("count", "none");
        if resource.deleted().is_some() {
            request = request.with("deleted", "with");
        }
        let both = self.sides.send(&request).await;
        if let Some(found) = both.difference() {
            let found = format!("what is stored differs after the writes before\n{found}");
            self.stop(&request, &found);
            return;
        }
        let rows = both.first.told["body"]["data"].as_array().cloned();
        let Some(rows) = rows else {
            self.stop(&request, &shown(&both.first.told));
            return;
        };
        self.rows.insert(resource.name.clone(), rows);
        let own = both.sqlite.body["data"].as_array().cloned();
        let records = own.into_iter().flatten();
        let records = records.map(|row| oracle::record(resource, &row)).collect();
        self.memory.records.insert(resource.index, records);
    }

    /// The whole journal.
    async fn journal(&mut self) {
        let mut offset = 0;
        loop {
            let request = Request::new("GET", "/journal")
                .with("sort", "sequence")
                .with("count", "none")
                .with("limit", "500")
                .with("offset", offset.to_string());
            let both = self.sides.send(&request).await;
            if let Some(found) = both.difference() {
                self.stop(&request, &found);
                return;
            }
            match both.first.told["body"]["data"].as_array() {
                Some(rows) if rows.len() == 500 => offset += 500,
                Some(_) => return,
                None => {
                    self.stop(&request, &shown(&both.first.told));
                    return;
                }
            }
        }
    }
}
