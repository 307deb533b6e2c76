//! Reads on both databases against the evaluator and plain sorting: predicates, orders, windows,
//! counts, includes.

#![cfg(test)]

use crate::predicates::{Seed, path, plant, seeds};
use crate::reads_world::{World, context, settle, value};

use carnet_kernel::{Period, Secret, Value};
use carnet_model::Field;
use carnet_store::{Config, Count, Dialect, Order, Query, Store, Wall, Window};
use carnet_testkit::postgres::TestDatabase;
use carnet_testkit::tempfile::TempDir;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config as Cases, TestRunner};

/// A store with both worlds, and what keeps its database.
struct Place {
    store: Store,
    worlds: (World, World),
    runtime: tokio::runtime::Runtime,
    _folder: Option<TempDir>,
    _database: Option<TestDatabase>,
}

impl Place {
    fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let config = Config {
            url: Secret::new(format!(
                "sqlite:{}",
                folder.path().join("t.sqlite").display()
            )),
            readers: 2,
            ..Config::default()
        };
        Self::open(&config, None, Some(folder), None)
    }

    #[track_caller]
    fn postgres(hint: &str, wall: Wall, own: Option<&str>) -> Option<Self> {
        let database = carnet_testkit::postgres::database(hint)?;
        let config = Config {
            url: Secret::new(database.url()),
            wall,
            pool_min: 0,
            pool_max: 4,
            connect_timeout: Period::seconds(5),
            ..Config::default()
        };
        Some(Self::open(&config, own, None, Some(database)))
    }

    fn open(
        config: &Config,
        own: Option<&str>,
        folder: Option<TempDir>,
        database: Option<TestDatabase>,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (store, worlds) = runtime.block_on(async {
            let store = Store::open(config).await.unwrap();
            let worlds = settle(&store, own).await;
            (store, worlds)
        });
        Self {
            store,
            worlds,
            runtime,
            _folder: folder,
            _database: database,
        }
    }

    /// The list in its place against the list in memory.
    fn check(&self, world: &World, query: &Query) -> Result<(), TestCaseError> {
        let listing = self.runtime.block_on(async {
            let scope = self.store.scope(&context(world.tenant)).await.unwrap();
            scope.list(&world.view, query).await
        });
        let listing = match listing {
            Ok(listing) => listing,
            Err(error) => return Err(TestCaseError::fail(format!("{error}"))),
        };
        let (json, more, total) = world.list(query);
        let found = String::from_utf8(listing.json).unwrap();
        let rows = |text: &str| serde_json::from_str::<Vec<serde_json::Value>>(text).unwrap();
        let (found_rows, rows) = (rows(&found), rows(&json));
        for (found, expected) in found_rows.iter().zip(&rows) {
            prop_assert_eq!(found, expected, "{:?}", query.predicate);
        }
        prop_assert_eq!(found_rows.len(), rows.len(), "{:?}", query.predicate);
        if self.store.dialect() == Dialect::Sqlite {
            // To the byte; jsonb has its own order of keys and its own spaces.
            prop_assert_eq!(&found, &json);
        }
        prop_assert_eq!(listing.more, more);
        prop_assert_eq!(listing.total, total);
        prop_assert_eq!(listing.rows, rows.len());
        Ok(())
    }
}

/// Everything of a query that is left to chance.
#[derive(Clone, Debug)]
struct Chance {
    predicate: Seed,
    inner: Seed,
    order: Vec<(Vec<Index>, Index, bool)>,
    window: (u32, u64),
    count: u8,
    includes: u8,
    second: bool,
}

fn chances() -> impl Strategy<Value = Chance> {
    const PATTERNS: &str = "[abAB%_\\\\*?\\[\\]éß]{0,3}";
    let steps = proptest::collection::vec(any::<Index>(), 0..3);
    let order = proptest::collection::vec((steps, any::<Index>(), any::<bool>()), 0..3);
    (
        seeds(PATTERNS),
        seeds(PATTERNS),
        order,
        (0_u32..30, prop_oneof![3 => Just(0_u64), 1 => 0_u64..60]),
        any::<u8>(),
        any::<u8>(),
        any::<bool>(),
    )
        .prop_map(
            |(predicate, inner, order, window, count, includes, second)| Chance {
                predicate,
                inner,
                order,
                window,
                count,
                includes,
                second,
            },
        )
}

fn literal(field: &Field, seed: u8) -> Value {
    match seed % 16 {
        0 => Value::Null,
        1 => Value::Text("of another type".to_owned()),
        _ => value(&field.kind, usize::from(seed / 3)),
    }
}

fn query(world: &World, chance: &Chance) -> Query {
    let goods = world.resource("goods");
    let mut query = world.query("goods");
    query.predicate = plant(&world.view, goods, &chance.predicate, &literal);
    let keys = chance.order.iter().map(|(steps, field, descending)| {
        let (path, field) = path(&world.view, goods, steps, *field);
        field.kind.is_ordered().then_some(Order {
            path,
            descending: *descending,
        })
    });
    query.order.splice(0..0, keys.flatten());
    query.window = Window {
        limit: chance.window.0,
        offset: chance.window.1,
    };
    query.count = match chance.count % 4 {
        0 => Count::None,
        1 => Count::Exact,
        bound => Count::UpTo(u32::from(bound) * 15),
    };
    if chance.includes & 1 != 0 {
        let mut maker = world.query("makers");
        maker.includes = vec![world.include("makers", "country", world.query("countries"))];
        query.includes.push(world.include("goods", "maker", maker));
    }
    if chance.includes & 2 != 0 {
        let mut marks = world.query("marks");
        marks.window.limit = 2;
        let mut parts = world.query("parts");
        parts.predicate = plant(
            &world.view,
            world.resource("parts"),
            &chance.inner,
            &literal,
        );
        parts.window = Window {
            limit: 3,
            offset: u64::from(chance.includes & 4 != 0),
        };
        parts.includes = vec![
            world.include("parts", "marks", marks),
            world.include("parts", "good", world.query("goods")),
        ];
        query.includes.push(world.include("goods", "parts", parts));
    }
    if chance.includes & 8 != 0 {
        let mut parent = world.query("goods");
        parent.predicate = plant(&world.view, goods, &chance.inner, &literal);
        query
            .includes
            .push(world.include("goods", "parent", parent));
        let mut children = world.query("goods");
        children.fields.truncate(2);
        query
            .includes
            .push(world.include("goods", "children", children));
    }
    query
}

fn agree(place: &Place, cases: u32) {
    let mut runner = TestRunner::new(Cases {
        cases,
        failure_persistence: None,
        ..Cases::default()
    });
    let result = runner.run(&chances(), |chance| {
        let world = if chance.second {
            &place.worlds.1
        } else {
            &place.worlds.0
        };
        place.check(world, &query(world, &chance))
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn sqlite_answers_as_the_evaluator_does() {
    agree(&Place::sqlite(), 300);
}

#[test]
fn postgres_answers_as_the_evaluator_does() {
    if let Some(place) = Place::postgres("reads", Wall::Rls, None) {
        agree(&place, 150);
    }
}

#[test]
fn postgres_answers_the_same_through_views_and_from_another_namespace() {
    if let Some(place) = Place::postgres("reads view", Wall::View, Some("second")) {
        agree(&place, 80);
    }
}

#[test]
fn postgres_answers_the_same_without_walls() {
    if let Some(place) = Place::postgres("reads none", Wall::None, None) {
        agree(&place, 40);
    }
}
