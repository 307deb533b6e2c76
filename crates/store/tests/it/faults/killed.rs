//! A process that is killed again and again while it writes, on both databases.
//! `CARNET_TEST_KILLS` sets how often (10).

use super::child::{Writing, again, wrote};
use super::ledger::{Ledger, sound};
use crate::database::Database;
use crate::writes::fixture::Fixture;

#[test]
fn on_sqlite() {
    a_killed_process_loses_nothing_it_acknowledged("on_sqlite", || Some(Database::sqlite()));
}

#[test]
fn on_postgres() {
    a_killed_process_loses_nothing_it_acknowledged("on_postgres", || Database::postgres("killed"));
}

fn a_killed_process_loses_nothing_it_acknowledged(
    test: &str,
    database: impl FnOnce() -> Option<Database>,
) {
    if wrote() {
        return;
    }
    let Some(database) = database() else {
        return;
    };
    let module = module_path!().split_once("::").unwrap().1;
    let test = format!("{module}::{test}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kills: usize = std::env::var("CARNET_TEST_KILLS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(10);
    let mut acknowledged = Ledger::new();
    for round in 0..kills {
        let mut child = Writing::start(again(&test), &database);
        child.until_acknowledged(45 + round % 10 * 30);
        let (told, failed) = child.kill();
        assert_eq!(failed, Vec::<String>::new());
        acknowledged.extend(told);
        if !database.is_sqlite() {
            // What the server was told before the kill it may still carry out.
            database.server().disconnect_all().unwrap();
        }
        runtime.block_on(async {
            let fixture = Fixture::at(database.beside()).await;
            sound(&fixture, &acknowledged).await;
            fixture.store.close().await;
        });
    }
    assert!(acknowledged.len() >= kills * 45);
}
