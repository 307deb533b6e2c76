//! Operations and their REST adapter against real databases: SQLite always, PostgreSQL where there
//! is a server. One module for each thing that is promised.

mod actions;
mod atomic;
mod batches;
mod bodies;
mod costs;
mod cursors;
mod deletes;
mod differ;
mod dry_runs;
mod faults;
mod groups;
mod hostile;
mod idempotency;
mod items;
mod journal;
mod links;
mod lists;
mod logic;
mod matching;
mod nested;
mod nested_items;
mod parts;
mod queries;
mod races;
mod replies;
mod rest;
mod searches;
mod seeds;
mod soft;
mod stated;
mod streams;
mod summaries;
mod tableless;
mod transactions;
mod upserts;
mod versions;
mod words;
mod world;
mod writes;

/// Runs each async function once for each database.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    super::$name($crate::world::World::sqlite().await).await;
                }
            )*
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    if let Some(world) = $crate::world::World::postgres(stringify!($name)).await {
                        super::$name(world).await;
                    }
                }
            )*
        }
    };
}
