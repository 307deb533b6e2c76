//! Reads on both databases against the evaluator and plain sorting: predicates, orders, windows,
//! counts, includes.

use super::place::Place;
use super::values::value;
use super::world::{World, soft_sources, sources};
use crate::predicates::{OperandSeed, Seed, operands, path, plant, seeds};
use carnet_kernel::{TenantKey, Value};
use carnet_model::Field;
use carnet_store::{Count, Deleted, Dialect, Nulls, Order, Query, Wall, Window};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config as Cases, TestRunner};

/// A place with two tenants' worlds.
struct Worlds {
    place: Place,
    worlds: (World, World),
}

impl Worlds {
    /// The second tenant may live in a namespace of its own.
    fn new(place: Place, own: Option<&str>) -> Self {
        let second = place.tenant(own);
        let worlds = (
            World::new(&place.view, TenantKey::DEFAULT, 1),
            World::new(&place.view, second, 2),
        );
        worlds.0.store(&place);
        worlds.1.store(&place);
        place.settle();
        Self { place, worlds }
    }

    /// The list in its place against the list in memory.
    fn check(&self, world: &World, query: &Query) -> Result<(), TestCaseError> {
        let listing = match self.place.list(world.tenant, query) {
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
        if self.place.store.dialect() == Dialect::Sqlite {
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
    made: Vec<(OperandSeed, u8)>,
    second: bool,
    deleted: u8,
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
        proptest::collection::vec((operands(), any::<u8>()), 0..2),
        any::<bool>(),
        any::<u8>(),
    )
        .prop_map(
            |(predicate, inner, order, window, count, includes, made, second, deleted)| Chance {
                predicate,
                inner,
                order,
                window,
                count,
                includes,
                made,
                second,
                deleted,
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
        field
            .kind
            .is_ordered()
            .then_some(Order::path(path, *descending))
    });
    query.order.splice(0..0, keys.flatten());
    let made = chance.made.iter().filter_map(|(seed, nulls)| {
        let by = seed.operand(&world.view, goods, &literal)?;
        Some(Order {
            by,
            descending: nulls % 2 == 0,
            nulls: [Nulls::Smallest, Nulls::First, Nulls::Last][usize::from(nulls / 2 % 3)],
        })
    });
    query.order.splice(0..0, made);
    query.window = Window {
        limit: chance.window.0,
        offset: chance.window.1,
    };
    if goods.deleted().is_some() {
        query.deleted =
            [Deleted::Hidden, Deleted::With, Deleted::Only][usize::from(chance.deleted % 3)];
    }
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
    if chance.includes & 16 != 0 {
        let mut labels = world.query("labels");
        labels.predicate = plant(
            &world.view,
            world.resource("labels"),
            &chance.inner,
            &literal,
        );
        labels.window = Window {
            limit: 2,
            offset: u64::from(chance.includes & 4 != 0),
        };
        let counted = plant(&world.view, goods, &chance.inner, &literal);
        labels.counts = vec![world.counted("labels", "goods", counted)];
        query
            .includes
            .push(world.include("goods", "labels", labels));
    }
    if chance.includes & 32 != 0 {
        query.counts = ["labels", "parts", "children"]
            .map(|name| {
                let target = goods.relation(world.relation("goods", name)).target;
                let target = world.view.resource(target);
                // Without a condition for every other one.
                let predicate = match chance.includes & 64 == 0 {
                    true => carnet_expr::Predicate::True,
                    false => plant(&world.view, target, &chance.inner, &literal),
                };
                world.counted("goods", name, predicate)
            })
            .to_vec();
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

/// Walks a whole list by keyset pages, there and back, against the list as one page.
fn walk(place: &Worlds, world: &World, mut query: Query, size: u32) -> Result<(), TestCaseError> {
    query.window = Window {
        limit: 1_000,
        offset: 0,
    };
    query.count = Count::None;
    let rows = |json: &[u8]| serde_json::from_slice::<Vec<serde_json::Value>>(json).unwrap();
    let all = rows(world.list(&query).0.as_bytes());
    query.seek.marks = true;
    query.window.limit = size;
    for backwards in [false, true] {
        query.seek.backwards = backwards;
        let mut met: Vec<serde_json::Value> = Vec::new();
        loop {
            let listing = match place.place.list(world.tenant, &query) {
                Ok(listing) => listing,
                Err(error) => return Err(TestCaseError::fail(format!("{error}"))),
            };
            let page = rows(&listing.json);
            prop_assert_eq!(page.len(), listing.rows);
            let next = if backwards {
                met.splice(0..0, page);
                listing.first
            } else {
                met.extend(page);
                listing.last
            };
            prop_assert_eq!(listing.more, next.is_some());
            prop_assert!(met.len() <= all.len(), "{:?} {:?}", query.order, query.seek);
            match next {
                Some(values) => query.seek.after = Some(values),
                None => break,
            }
        }
        if backwards {
            // The walk back began before the last row that the walk there ended with.
            let kept = all.len().saturating_sub(met.len());
            prop_assert_eq!(&met, &all[..met.len()], "{:?}", query.order);
            prop_assert!(kept >= 1 && kept <= size as usize || all.is_empty());
        } else {
            prop_assert_eq!(&met, &all, "{:?}", query.order);
            // Back from the first row of the last page.
            query.seek.after = match place.place.list(world.tenant, &query) {
                Ok(listing) => listing.first,
                Err(error) => return Err(TestCaseError::fail(format!("{error}"))),
            };
            if query.seek.after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

fn walks(place: &Worlds, cases: u32) {
    let mut runner = TestRunner::new(Cases {
        cases,
        failure_persistence: None,
        ..Cases::default()
    });
    let result = runner.run(&chances(), |chance| {
        let world = &place.worlds.0;
        let mut query = query(world, &chance);
        if chance.second {
            // Most predicates leave few rows.
            query.predicate = carnet_expr::Predicate::True;
        }
        walk(place, world, query, 1 + chance.window.0 % 9)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn a_walk_by_sort_keys_meets_every_record_once_on_sqlite() {
    walks(&Worlds::new(Place::sqlite(&sources()), None), 150);
}

#[test]
fn a_walk_by_sort_keys_meets_every_record_once_on_postgres() {
    if let Some(place) = Place::postgres("reads walk", Wall::Rls, &sources()) {
        walks(&Worlds::new(place, None), 60);
    }
}

fn agree(place: &Worlds, cases: u32) {
    let mut runner = TestRunner::new(Cases {
        cases,
        failure_persistence: None,
        // A failure that is slow is slow each time: the runner would end it before it is told.
        max_shrink_time: 20_000,
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
    agree(&Worlds::new(Place::sqlite(&sources()), None), 300);
}

#[test]
fn sqlite_hides_what_is_deleted_as_the_evaluator_does() {
    let worlds = Worlds::new(Place::sqlite(&soft_sources()), None);
    agree(&worlds, 200);
    walks(&worlds, 60);
}

#[test]
fn postgres_hides_what_is_deleted_as_the_evaluator_does() {
    if let Some(place) = Place::postgres("reads soft", Wall::Rls, &soft_sources()) {
        let worlds = Worlds::new(place, None);
        agree(&worlds, 80);
        walks(&worlds, 20);
    }
    if let Some(place) = Place::postgres("reads soft view", Wall::View, &soft_sources()) {
        agree(&Worlds::new(place, Some("second")), 50);
    }
}

#[track_caller]
fn agree_on_postgres(hint: &str, wall: Wall, own: Option<&str>, cases: u32) {
    if let Some(place) = Place::postgres(hint, wall, &sources()) {
        agree(&Worlds::new(place, own), cases);
    }
}

#[test]
fn postgres_answers_as_the_evaluator_does() {
    agree_on_postgres("reads", Wall::Rls, None, 150);
}

#[test]
fn postgres_answers_the_same_through_views_and_from_another_namespace() {
    agree_on_postgres("reads view", Wall::View, Some("second"), 80);
}

#[test]
fn postgres_answers_the_same_without_walls() {
    agree_on_postgres("reads none", Wall::None, None, 40);
}
