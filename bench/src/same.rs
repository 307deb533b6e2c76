//! Before anything is timed: both sides give the same answers, byte by byte. What cannot be equal
//! (ids of requests, ids and moments of new records) is masked, with its length kept.

use crate::process::Process;
use crate::wire::Connection;
use crate::workload::Case;
use anyhow::{Result, bail};

/// How many requests of a case that reads are compared.
const PROBES: u64 = 7;

/// Fails with the first difference.
pub fn check(case: &Case, first: &Process, second: &Process) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut left = Connection::open(first.address).await?;
        let mut right = Connection::open(second.address).await?;
        let probes = if case.writes { 1 } else { PROBES };
        for number in 0..probes {
            // Each side gets a record of its own where both write to one database.
            let (one, other) = if case.writes {
                (u64::from(u32::MAX) - 1, u64::from(u32::MAX))
            } else {
                (number, number)
            };
            let asked = ask(&mut left, &(case.requests)(one), case.writes).await?;
            let told = ask(&mut right, &(case.requests)(other), case.writes).await?;
            if asked != told {
                bail!(
                    "{}: the answers differ\n{}",
                    case.name,
                    difference(&asked, &told)
                );
            }
        }
        Ok(())
    })
}

async fn ask(connection: &mut Connection, request: &[u8], writes: bool) -> Result<String> {
    let answer = connection.exchange(request).await?;
    let head = connection.head(&answer);
    let whole = connection.text(&answer)?;
    let body = without_cursors(&whole);
    let had_cursors = body.len() < whole.len();
    let mut lines: Vec<String> = head
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| match line.split_once(": ") {
            Some((name @ ("x-request-id" | "x-correlation-id" | "date"), value)) => {
                format!("{name}: {}", "?".repeat(value.len()))
            }
            // The records differ in what they hold; the bodies are compared below.
            Some((name @ "content-length", _)) if writes => format!("{name}: ?"),
            Some((name @ "content-length", _)) if had_cursors => {
                format!("{name}: {}", body.len())
            }
            Some((name @ "location", value)) => format!("{name}: {}", "?".repeat(value.len())),
            _ => line.to_owned(),
        })
        .collect();
    // Their order means nothing.
    lines[1..].sort();
    let body = if writes { masked(&body) } else { body };
    Ok(format!("{}\n{body}", lines.join("\n")))
}

/// A list without its signed cursors: the other side makes none.
fn without_cursors(body: &str) -> String {
    let mut out = body.to_owned();
    for key in [",\"nextCursor\":\"", ",\"prevCursor\":\""] {
        if let Some(start) = out.rfind(key) {
            let value = start + key.len();
            let end = out[value..]
                .find('"')
                .map_or(out.len(), |length| value + length + 1);
            out.replace_range(start..end, "");
        }
    }
    out
}

/// A body without the values that only its server knows: what follows `"id":"` and the moments,
/// and the numbers of the records asked for.
fn masked(body: &str) -> String {
    let mut out = body.to_owned();
    for key in [
        "\"id\":\"",
        "At\":\"",
        "\"name\":\"",
        "\"sku\":\"",
        "\"price\":\"",
        "\"stock\":",
        "\"status\":\"",
        "\"description\":\"",
        "\"categoryId\":\"",
    ] {
        let mut at = 0;
        while let Some(found) = out[at..].find(key) {
            let start = at + found + key.len();
            let end = out[start..]
                .find(['"', ','])
                .map_or(out.len(), |length| start + length);
            let keeps = matches!(key, "\"id\":\"" | "At\":\"" | "\"name\":\"" | "\"sku\":\"");
            let mask = if keeps {
                "?".repeat(end - start)
            } else {
                "?".to_owned()
            };
            out.replace_range(start..end, &mask);
            at = start + mask.len();
        }
    }
    out
}

fn difference(left: &str, right: &str) -> String {
    let common = left
        .bytes()
        .zip(right.bytes())
        .take_while(|(one, other)| one == other)
        .count();
    let around = |text: &str| {
        let from = common.saturating_sub(200);
        let bytes = text.as_bytes();
        let to = (common + 200).min(bytes.len());
        String::from_utf8_lossy(&bytes[from.min(to)..to]).into_owned()
    };
    format!("--- first\n{}\n--- second\n{}", around(left), around(right))
}
