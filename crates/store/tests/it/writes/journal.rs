//! The journal's tail beside those who write it.

use super::fixture::Fixture;
use crate::database::on_both;
use carnet_store::JournalCursor;
use std::sync::Arc;

on_both! {
    the_tail_loses_nothing_and_repeats_nothing,
}

async fn the_tail_loses_nothing_and_repeats_nothing(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move { fixture.write_things(task, 25).await })
        })
        .collect();
    let system = fixture.store.system();
    let mut cursor = JournalCursor::Start;
    let mut seen = Vec::new();
    while seen.len() < 200 {
        let (rows, next) = system.tail(&cursor, 7).await.unwrap();
        seen.extend(rows.into_iter().map(|row| row.record));
        // A reader that starts again takes up its cursor as text.
        cursor = next.to_string().parse().unwrap();
    }
    for task in tasks {
        task.await.unwrap();
    }
    let (rest, _) = system.tail(&cursor, 7).await.unwrap();
    assert_eq!(rest, Vec::new());
    seen.sort_unstable();
    let all = seen.len();
    seen.dedup();
    assert_eq!((seen.len(), all), (200, 200));
}
