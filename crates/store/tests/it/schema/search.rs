//! Search that comes, changes and goes, with the records that are there.

use super::support::{Fixture, column, model, things};
use crate::database::on_both;
use carnet_expr::{Path, Predicate, SearchTerm};
use carnet_kernel::{Context, Id, Principal, TenantKey};
use carnet_model::ModelView;
use carnet_store::schema::Accept;
use carnet_store::{Count, Deleted, Order, Query, Seek, Window};
use carnet_testkit::tempfile::TempDir;
use std::sync::Arc;

on_both! {
    what_is_there_is_found,
    a_field_more_and_a_field_less,
    renames_keep_it,
    migrations_bring_and_take_it,
    another_hand_is_seen,
    a_reset_takes_it_away,
}

const LONG: &str = "a: { type: text, max: 40 }, b: { type: text, optional: true }";

fn searched(fields: &str, search: &str) -> String {
    format!("{}    search: [{search}]\n", things(fields))
}

/// How many records a word finds.
async fn found(fixture: &Fixture, yaml: &str, word: &str) -> usize {
    let view = ModelView::new(Arc::new(model(yaml)));
    let resource = view.model().resources.last().unwrap();
    let query = Query {
        resource: resource.index,
        predicate: Predicate::Search {
            fields: resource.search.as_ref().unwrap().fields.clone(),
            terms: vec![SearchTerm::Words {
                words: vec![word.to_owned()],
                prefix: false,
            }],
        },
        order: vec![Order::path(Path::own(resource.key), true)],
        ranked: true,
        window: Window {
            limit: 10,
            offset: 0,
        },
        fields: vec![resource.key],
        includes: Vec::new(),
        counts: Vec::new(),
        seek: Seek::default(),
        count: Count::Exact,
        deleted: Deleted::Hidden,
    };
    let principal = Principal::anonymous(TenantKey(1));
    let context = Context::new(TenantKey(1), principal, Id::from_u128(1));
    let scope = fixture.store.scope(&context).await.unwrap();
    let listing = scope.list(&view, &query).await.unwrap();
    assert_eq!(listing.total, Some(listing.rows as u64));
    listing.rows
}

async fn what_is_there_is_found(fixture: Fixture) {
    fixture.push(&things(LONG)).await.unwrap();
    let long = format!("'{} x'", "y".repeat(70));
    for (id, a, b) in [
        (1, "'Solar, (Panel)'", "null"),
        (2, "'Crème'", "'brûlée'"),
        (3, "'...'", "''"),
        (4, "'電池'", long.as_str()),
        (5, "'Crème'", "'tab\tand\nline'"),
    ] {
        fixture
            .insert("things", id, "a, b", &format!("{a}, {b}"))
            .await;
    }
    let yaml = searched(LONG, "a, b");
    fixture.push(&yaml).await.unwrap();
    fixture.fits(&yaml).await;
    assert_eq!(
        column(&fixture, "a_search").await,
        [" solar panel ", " creme ", " ", " 電 池 ", " creme "]
    );
    assert_eq!(
        column(&fixture, "b_search").await,
        [
            "null",
            " brulee ",
            " ",
            format!(" {} x ", "y".repeat(64)).as_str(),
            " tab and line "
        ]
    );
    for (word, count) in [
        ("panel", 1),
        ("creme", 2),
        ("brulee", 1),
        ("池", 1),
        ("line", 1),
    ] {
        assert_eq!(found(&fixture, &yaml, word).await, count, "{word}");
    }
    assert_eq!(fixture.push(&yaml).await.unwrap().applied, Vec::new());
    fixture.push(&things(LONG)).await.unwrap();
    fixture.fits(&things(LONG)).await;
    assert_eq!(column(&fixture, "a").await.len(), 5);
}

async fn a_field_more_and_a_field_less(fixture: Fixture) {
    let one = searched(LONG, "a");
    fixture.push(&one).await.unwrap();
    fixture
        .insert("things", 1, "a, a_search, b", "'Solar', ' solar ', 'Panel'")
        .await;
    assert_eq!(found(&fixture, &one, "solar").await, 1);
    let both = searched(LONG, "a, b");
    fixture.push(&both).await.unwrap();
    fixture.fits(&both).await;
    assert_eq!(found(&fixture, &both, "panel").await, 1);
    let other = searched(LONG, "b");
    fixture.push(&other).await.unwrap();
    fixture.fits(&other).await;
    assert_eq!(found(&fixture, &other, "solar").await, 0);
    assert_eq!(found(&fixture, &other, "panel").await, 1);
    // A change that makes the table anew on SQLite keeps the index.
    let wider = searched(&format!("{LONG}, c: {{ type: integer, default: 3 }}"), "b");
    fixture.push(&wider).await.unwrap();
    fixture.fits(&wider).await;
    assert_eq!(found(&fixture, &wider, "panel").await, 1);
    // Without the field its words go too.
    let gone = searched("b: { type: text, optional: true }", "b");
    fixture.push_accepting(&gone).await.unwrap();
    fixture.fits(&gone).await;
    assert_eq!(found(&fixture, &gone, "panel").await, 1);
    fixture
        .push_accepting("  others: { fields: { a: text } }\n")
        .await
        .unwrap();
    fixture.fits("  others: { fields: { a: text } }\n").await;
}

async fn renames_keep_it(fixture: Fixture) {
    let before = searched(LONG, "a, b");
    fixture.push(&before).await.unwrap();
    let columns = "a, a_search, b, b_search";
    fixture
        .insert(
            "things",
            1,
            columns,
            "'Solar', ' solar ', 'Panel', ' panel '",
        )
        .await;
    let after = "  items:\n    was: things\n    fields: { name: { type: text, max: 40, was: a }, b: { type: text, optional: true } }\n    search: [name, b]\n";
    fixture.push(after).await.unwrap();
    fixture.fits(after).await;
    assert_eq!(found(&fixture, after, "solar").await, 1);
    assert_eq!(found(&fixture, after, "panel").await, 1);
    fixture
        .execute("update {records}items set name_search = ' lunar '")
        .await;
    assert_eq!(found(&fixture, after, "solar").await, 0);
    assert_eq!(found(&fixture, after, "lunar").await, 1);
    fixture.execute("delete from {records}items").await;
    assert_eq!(found(&fixture, after, "lunar").await, 0);
}

async fn migrations_bring_and_take_it(fixture: Fixture) {
    let folder = TempDir::new().unwrap();
    let schema = fixture.store.schema();
    let (first, second) = (things(LONG), searched(LONG, "a"));
    schema
        .generate(&model(&first), folder.path(), "first")
        .unwrap();
    schema.migrate(&model(&first), folder.path()).await.unwrap();
    fixture.insert("things", 1, "a", "'Crème Solar'").await;
    schema
        .generate(&model(&second), folder.path(), "search")
        .unwrap();
    schema
        .migrate(&model(&second), folder.path())
        .await
        .unwrap();
    fixture.fits(&second).await;
    assert_eq!(found(&fixture, &second, "creme").await, 1);
    schema.rollback(folder.path()).await.unwrap();
    fixture.fits(&first).await;
    schema
        .migrate(&model(&second), folder.path())
        .await
        .unwrap();
    assert_eq!(found(&fixture, &second, "solar").await, 1);
}

async fn another_hand_is_seen(fixture: Fixture) {
    let yaml = searched(LONG, "a");
    fixture.push(&yaml).await.unwrap();
    let drop = match fixture.store.dialect() {
        carnet_store::Dialect::Sqlite => "drop trigger \"things__search__update\"",
        carnet_store::Dialect::Postgres => "drop index {records}things__search",
    };
    fixture.execute(drop).await;
    assert_eq!(fixture.store.schema().drift().await.unwrap().len(), 1);
    fixture.push(&yaml).await.unwrap();
    fixture.fits(&yaml).await;
}

async fn a_reset_takes_it_away(fixture: Fixture) {
    let yaml = searched(LONG, "a");
    fixture.push(&yaml).await.unwrap();
    fixture.store.schema().reset().await.unwrap();
    let fixture = Fixture::at(fixture.database).await;
    assert!(fixture.store.schema().is_fresh().await.unwrap());
    fixture
        .store
        .schema()
        .push(&model(&yaml), Accept::default())
        .await
        .unwrap();
    fixture.fits(&yaml).await;
}
