//! One request on both sides, with what must be so of its answers.

use super::oracle;
use super::reads::{Kind, Read};
use super::request::Request;
use super::run::Run;
use super::sides::{Answer, Both, Sides, shown};
use carnet_kernel::Clock;
use carnet_records::parse::{Given, Trees, Wanted, parse_read, parse_stream, parse_wanted};
use carnet_records::plan;
use carnet_store::{Count, Window};
use serde_json::Value;

type Pairs = Vec<(String, String)>;

/// The most pages of a walk.
const PAGES: usize = 80;

/// Whether the evaluator had a say; or what is wrong.
pub(super) async fn read(run: &mut Run, read: &Read<'_>) -> Result<bool, String> {
    if read.kind == Kind::Walk {
        return walk(run, read).await;
    }
    let mut both = run.sides.send(&read.request).await;
    if read.kind == Kind::Ranked {
        unordered(&mut both.first);
        unordered(&mut both.second);
    }
    if let Some(found) = both.difference() {
        return Err(found);
    }
    sound(&both.first)?;
    if let Some(twin) = &read.twin {
        self::twin(run, twin, &both, read.kind).await?;
    }
    if both.first.status != 200 || read.kind == Kind::Broken {
        return Ok(false);
    }
    let (found, total) = match read.kind {
        Kind::Stream => (
            both.sqlite
                .bytes
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(|line| serde_json::from_slice(line).unwrap())
                .collect(),
            None,
        ),
        Kind::Single => (vec![both.sqlite.body["data"].clone()], None),
        _ => (
            both.sqlite.body["data"]
                .as_array()
                .cloned()
                .unwrap_or_default(),
            both.sqlite.body["pagination"]["total"].as_u64(),
        ),
    };
    let (mut expected, expected_total) = expected(run, read)?;
    let mut found = found;
    if read.kind == Kind::Ranked {
        let text = |row: &Value| row.to_string();
        found.sort_by_key(text);
        expected.sort_by_key(text);
    }
    if found != expected {
        return Err(format!(
            "both answer\n{}\nbut the evaluator\n{}",
            shown(&Value::Array(found)),
            shown(&Value::Array(expected))
        ));
    }
    if expected_total.is_some() && total != expected_total {
        return Err(format!(
            "both count {total:?}, the evaluator {expected_total:?}"
        ));
    }
    Ok(true)
}

/// An answer that is a failure of the platform is wrong on one side already.
fn sound(answer: &Answer) -> Result<(), String> {
    if answer.status >= 500 {
        return Err(format!(
            "both answer {}: {}",
            answer.status,
            shown(&answer.told)
        ));
    }
    Ok(())
}

/// The same as a body: answered alike on both sides, and as the address is.
async fn twin(run: &mut Run, twin: &Request, address: &Both, kind: Kind) -> Result<(), String> {
    let mut both = run.sides.send(twin).await;
    if kind == Kind::Ranked {
        unordered(&mut both.first);
        unordered(&mut both.second);
    }
    if let Some(found) = both.difference() {
        return Err(format!("as {twin}\n{found}"));
    }
    sound(&both.first)?;
    let data = |answer: &Answer| answer.told["body"]["data"].clone();
    if both.first.status == 200
        && address.first.status == 200
        && data(&both.first) != data(&address.first)
    {
        return Err(format!(
            "the address is answered with\n{}\nthe body {twin} with\n{}",
            shown(&data(&address.first)),
            shown(&data(&both.first))
        ));
    }
    Ok(())
}

/// Rows in an order that the database did not choose.
fn unordered(answer: &mut Answer) {
    if let Some(rows) = answer.told["body"]["data"].as_array_mut() {
        rows.sort_by_key(Value::to_string);
    }
}

/// The pairs of an address as SQLite's side reads them.
fn own(run: &Run, request: &Request) -> Pairs {
    let side = &run.sides.sqlite;
    let pairs = request.pairs.iter();
    pairs
        .map(|(key, value)| (side.own(key), side.own(value)))
        .collect()
}

/// What the evaluator says.
fn expected(run: &Run, read: &Read<'_>) -> Result<(Vec<Value>, Option<u64>), String> {
    let pairs = own(run, &read.request);
    let (view, resource) = (&run.view, read.resource);
    let now = run.sides.sqlite.world.clock.now();
    let given = Given {
        pairs: &pairs,
        trees: Trees::default(),
        now,
    };
    let refused = |refusal: carnet_kernel::Refusal| {
        format!(
            "answered, but refused by the parser: {}",
            crate::words::told(&refusal)
        )
    };
    match read.kind {
        Kind::Single => {
            let request = parse_read(view, resource, &pairs, now).map_err(refused)?;
            let id = run.sides.sqlite.own(&read.request.path);
            let id = crate::world::key(id.rsplit('/').next().unwrap_or_default());
            let mut query = plan::read(view, resource, carnet_kernel::Value::Id(id), request);
            query.count = Count::None;
            Ok(oracle::list(&run.memory, &query))
        }
        Kind::Stream => {
            let (wanted, limit) = parse_stream(view, resource, given).map_err(refused)?;
            let window = Window {
                limit: limit.map_or(1_000, |limit| limit as u32),
                offset: 0,
            };
            Ok((whole(run, read, wanted, window), None))
        }
        _ => match parse_wanted(view, resource, given).map_err(refused)? {
            Wanted::Records(request) => {
                let query = plan::list(view, resource, request);
                Ok(oracle::list(&run.memory, &query))
            }
            Wanted::Groups(request) => {
                let grouping = plan::groups(resource, request);
                let (rows, total) = oracle::groups(&run.memory, &grouping);
                // The total of a page behind the last is not known.
                let total = (!rows.is_empty()).then_some(total as u64);
                Ok((rows, total))
            }
        },
    }
}

/// Every record or group of a list, within a window.
fn whole(run: &Run, read: &Read<'_>, wanted: Wanted, window: Window) -> Vec<Value> {
    match wanted {
        Wanted::Records(request) => {
            let mut query = plan::list(&run.view, read.resource, request);
            query.window = window;
            oracle::list(&run.memory, &query).0
        }
        Wanted::Groups(request) => {
            let mut grouping = plan::groups(read.resource, request);
            grouping.window = window;
            oracle::groups(&run.memory, &grouping).0
        }
    }
}

/// A walk over all pages and back again.
async fn walk(run: &mut Run, read: &Read<'_>) -> Result<bool, String> {
    let mut both = run.sides.send(&read.request).await;
    if let Some(found) = both.difference() {
        return Err(found);
    }
    sound(&both.first)?;
    if both.first.status != 200 {
        return Ok(false);
    }
    let pairs = own(run, &read.request);
    let given = Given {
        pairs: &pairs,
        trees: Trees::default(),
        now: run.sides.sqlite.world.clock.now(),
    };
    let Ok(wanted) = parse_wanted(&run.view, read.resource, given) else {
        return Err("answered, but refused by the parser".to_owned());
    };
    let window = Window {
        limit: 1_000,
        offset: 0,
    };
    let all = whole(run, read, wanted, window);
    let mut met = rows(&both);
    let mut last = met.len();
    for _ in 0..PAGES {
        match follow(run, &read.request, &both, "nextCursor").await? {
            Some(next) => both = next,
            None => break,
        }
        let page = rows(&both);
        last = page.len();
        met.extend(page);
    }
    if met != all {
        return Err(format!("page by page {}", told(&met, &all)));
    }
    let mut back: Vec<Value> = Vec::new();
    for _ in 0..PAGES {
        match follow(run, &read.request, &both, "prevCursor").await? {
            Some(before) => both = before,
            None => break,
        }
        back.splice(0..0, rows(&both));
    }
    let before = &all[..all.len() - last];
    if back != before {
        return Err(format!("back again {}", told(&back, before)));
    }
    Ok(true)
}

/// The page that a cursor leads to, on each side by its own.
async fn follow(
    run: &mut Run,
    request: &Request,
    from: &Both,
    name: &str,
) -> Result<Option<Both>, String> {
    let cursor =
        |reply: &crate::rest::Reply| reply.body["pagination"][name].as_str().map(str::to_owned);
    let (Some(first), Some(second)) = (cursor(&from.sqlite), cursor(&from.postgres)) else {
        return Ok(None);
    };
    let one = request.clone().with("cursor", first);
    let other = request.clone().with("cursor", second);
    let both = run.sides.send_each(&one, &other).await;
    match both.difference() {
        Some(found) => Err(format!("at a later page\n{found}")),
        None if both.first.status != 200 => Err(format!(
            "a cursor is answered with {}",
            shown(&both.first.told)
        )),
        None => Ok(Some(both)),
    }
}

fn rows(both: &Both) -> Vec<Value> {
    both.sqlite.body["data"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

fn told(found: &[Value], expected: &[Value]) -> String {
    format!(
        "both answer {} records\n{}\nbut the evaluator {}\n{}",
        found.len(),
        shown(&Value::Array(found.to_vec())),
        expected.len(),
        shown(&Value::Array(expected.to_vec()))
    )
}

/// The request with everything left out that the failure does not need.
pub(super) async fn smallest(run: &mut Run, read: &Read<'_>, found: String) -> (Request, String) {
    let (mut request, mut found) = (read.request.clone(), found);
    let mut at = 0;
    while at < request.pairs.len() {
        let mut less = request.clone();
        less.pairs.remove(at);
        let smaller = Read {
            resource: read.resource,
            request: less,
            twin: None,
            kind: read.kind,
        };
        match self::read(run, &smaller).await {
            Err(still) => {
                request = smaller.request;
                found = still;
            }
            Ok(_) => at += 1,
        }
    }
    (request, found)
}

/// The answer to a write, the same on both sides.
pub(super) async fn write(sides: &mut Sides, request: &Request) -> Result<Answer, String> {
    let both = sides.send(request).await;
    match both.difference() {
        Some(found) => Err(found),
        None => sound(&both.first).map(|()| both.first),
    }
}

/// The same write again under its key: the same answer.
pub(super) async fn again(
    sides: &mut Sides,
    request: &Request,
    before: &Answer,
) -> Result<(), String> {
    let mut again = write(sides, request).await?;
    if again.told["code"] == "REPLAY_UNAVAILABLE" {
        return Ok(());
    }
    if let Some(told) = again.told.as_object_mut() {
        told.remove("idempotency-replayed");
    }
    if again == *before {
        return Ok(());
    }
    Err(format!(
        "first answered with\n{}\nand again with\n{}",
        shown(&before.told),
        shown(&again.told)
    ))
}
