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
    likeness_comes_and_goes,
    another_language,
    other_rules_fill_anew,
    migrations_by_other_rules,
    weights_change_nothing,
}

const LONG: &str = "a: { type: text, max: 40 }, b: { type: text, optional: true }";

fn searched(fields: &str, search: &str) -> String {
    format!("{}    search: [{search}]\n", things(fields))
}

/// How many records a word finds.
async fn found(fixture: &Fixture, yaml: &str, word: &str) -> usize {
    let term = SearchTerm::Words {
        words: vec![word.to_owned()],
        prefix: false,
    };
    found_by(fixture, yaml, term).await
}

async fn found_by(fixture: &Fixture, yaml: &str, term: SearchTerm) -> usize {
    let view = ModelView::new(Arc::new(model(yaml)));
    let resource = view.model().resources.last().unwrap();
    let query = Query {
        resource: resource.index,
        predicate: Predicate::Search {
            fields: resource.search.as_ref().unwrap().fields.clone(),
            analysis: resource.analysis(),
            terms: vec![term],
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

/// A definition whose search is in the long form.
fn with(search: &str) -> String {
    format!("{}    search: {{ fields: [a, b]{search} }}\n", things(LONG))
}

/// How many records have a word like this one.
async fn alike(fixture: &Fixture, yaml: &str, word: &str) -> usize {
    let term = SearchTerm::Similar(word.to_owned());
    found_by(fixture, yaml, term).await
}

async fn likeness_comes_and_goes(fixture: Fixture) {
    let (plain, fuzzy) = (with(""), with(", fuzzy: true"));
    fixture.push(&plain).await.unwrap();
    fixture
        .insert("things", 1, "a, a_search", "'Solar', ' solar '")
        .await;
    assert_eq!(found(&fixture, &plain, "solar").await, 1);
    assert_eq!(alike(&fixture, &plain, "solr").await, 0);
    let report = fixture.push(&fuzzy).await.unwrap();
    assert!(!report.applied.is_empty());
    fixture.fits(&fuzzy).await;
    assert_eq!(found(&fixture, &fuzzy, "solar").await, 1);
    assert_eq!(alike(&fixture, &fuzzy, "solr").await, 1);
    fixture
        .insert("things", 2, "a, a_search", "'Polar', ' polar '")
        .await;
    assert_eq!(alike(&fixture, &fuzzy, "solr").await, 1);
    assert_eq!(alike(&fixture, &fuzzy, "polr").await, 1);
    fixture.push(&plain).await.unwrap();
    fixture.fits(&plain).await;
    assert_eq!(alike(&fixture, &plain, "solr").await, 0);
    assert_eq!(found(&fixture, &plain, "polar").await, 1);
    // The same by files.
    let folder = TempDir::new().unwrap();
    let schema = fixture.store.schema();
    schema
        .generate(&model(&plain), folder.path(), "plain")
        .unwrap();
    schema
        .generate(&model(&fuzzy), folder.path(), "fuzzy")
        .unwrap();
    schema.migrate(&model(&fuzzy), folder.path()).await.unwrap();
    fixture.fits(&fuzzy).await;
    assert_eq!(alike(&fixture, &fuzzy, "polr").await, 1);
    schema.rollback(folder.path()).await.unwrap();
    fixture.fits(&plain).await;
}

async fn another_language(fixture: Fixture) {
    let before = with("");
    fixture.push(&before).await.unwrap();
    let columns = "a, a_search, b, b_search";
    fixture
        .insert(
            "things",
            1,
            columns,
            "'Chargers', ' chargers ', 'Instalación', ' instalacion '",
        )
        .await;
    for (option, words) in [
        (", language: english", " chargers _charger "),
        (", language: german, accents: keep", " chargers _charg "),
        ("", " chargers "),
    ] {
        let after = with(option);
        fixture.push(&after).await.unwrap();
        fixture.fits(&after).await;
        assert_eq!(column(&fixture, "a_search").await, [words]);
        assert_eq!(found(&fixture, &after, "chargers").await, 1);
        let stem = words.split(' ').rfind(|word| !word.is_empty()).unwrap();
        let stem = SearchTerm::Stem(vec![stem.to_owned()]);
        assert_eq!(found_by(&fixture, &after, stem).await, 1);
    }
    let folder = TempDir::new().unwrap();
    let schema = fixture.store.schema();
    let spanish = with(", language: spanish");
    schema
        .generate(&model(&before), folder.path(), "none")
        .unwrap();
    schema
        .generate(&model(&spanish), folder.path(), "spanish")
        .unwrap();
    schema
        .migrate(&model(&spanish), folder.path())
        .await
        .unwrap();
    fixture.fits(&spanish).await;
    assert_eq!(
        column(&fixture, "b_search").await,
        [" instalacion _instalacion _instal "]
    );
    schema.rollback(folder.path()).await.unwrap();
    fixture.fits(&before).await;
    assert_eq!(column(&fixture, "b_search").await, [" instalacion "]);
}

const CASELESS: &str =
    "a: { type: text, max: 40, caseless: true, unique: true }, b: { type: text, optional: true }";

/// A database of an earlier release, whose words and folded texts were others.
async fn other_rules_fill_anew(fixture: Fixture) {
    let yaml = searched(CASELESS, "a, b");
    fixture.push(&yaml).await.unwrap();
    let columns = "a, a_key, a_search, b, b_search";
    for (id, values) in [
        (1, "'Solar', 'SOLAR', ' old ', 'Crème', ' old '"),
        (2, "'Lunar', 'LUNAR', ' older ', null, null"),
    ] {
        fixture.insert("things", id, columns, values).await;
    }
    assert_eq!(fixture.push(&yaml).await.unwrap().applied, Vec::new());
    fixture
        .execute("update {home}carnet_schemas set rules = 'fold 16.0 words 0+16.0'")
        .await;
    let schema = fixture.store.schema();
    let model = model(&yaml);
    assert!(matches!(
        schema.require_current(&model).await,
        Err(carnet_store::Error::SchemaPending(_))
    ));
    assert!(!schema.status(&model).await.unwrap().current);
    let report = fixture.push(&yaml).await.unwrap();
    assert!(!report.applied.is_empty());
    fixture.fits(&yaml).await;
    assert_eq!(column(&fixture, "a_key").await, ["solar", "lunar"]);
    assert_eq!(column(&fixture, "a_search").await, [" solar ", " lunar "]);
    assert_eq!(column(&fixture, "b_search").await, [" creme ", "null"]);
    assert_eq!(found(&fixture, &yaml, "creme").await, 1);
    assert_eq!(found(&fixture, &yaml, "old").await, 0);
    assert!(schema.require_current(&model).await.is_ok());
    assert_eq!(fixture.push(&yaml).await.unwrap().applied, Vec::new());
    // Only what is not recorded at all was made by the first rules.
    fixture
        .execute("update {home}carnet_schemas set rules = null")
        .await;
    assert_eq!(fixture.push(&yaml).await.unwrap().applied, Vec::new());
    // Where nothing is made of texts, other rules change nothing.
    let plain = things(LONG);
    fixture.push(&plain).await.unwrap();
    fixture
        .execute("update {home}carnet_schemas set rules = 'fold 16.0 words 0+16.0'")
        .await;
    assert!(schema.require_current(&self::model(&plain)).await.is_ok());
}

async fn migrations_by_other_rules(fixture: Fixture) {
    let folder = TempDir::new().unwrap();
    let schema = fixture.store.schema();
    let yaml = searched(LONG, "a");
    let model = model(&yaml);
    schema.generate(&model, folder.path(), "first").unwrap();
    std::fs::write(
        folder.path().join("0001_first/rules"),
        "fold 16.0 words 0+16.0",
    )
    .unwrap();
    assert!(matches!(
        schema.migrate(&model, folder.path()).await,
        Err(carnet_store::Error::SchemaPending(_))
    ));
    let second = schema.generate(&model, folder.path(), "rules").unwrap();
    assert!(second.is_some());
    assert!(
        schema
            .generate(&model, folder.path(), "none")
            .unwrap()
            .is_none()
    );
    schema.migrate(&model, folder.path()).await.unwrap();
    fixture.fits(&yaml).await;
    fixture
        .insert("things", 1, "a, a_search", "'Solar', ' old '")
        .await;
    schema.rollback(folder.path()).await.unwrap();
    assert!(!schema.status(&model).await.unwrap().current);
    schema.migrate(&model, folder.path()).await.unwrap();
    fixture.fits(&yaml).await;
    assert_eq!(found(&fixture, &yaml, "solar").await, 1);
}

async fn weights_change_nothing(fixture: Fixture) {
    fixture.push(&with("")).await.unwrap();
    let weighed = with(", weights: { a: 5 }");
    let report = fixture.push(&weighed).await.unwrap();
    assert_eq!(report.applied, Vec::new());
    fixture.fits(&weighed).await;
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
