//! A tenant in a schema of its own: made, changed with the others, walled like the others.

use super::support::{Fixture, model, summaries};
use crate::database::{Database, on_both};
use carnet_kernel::{Id, TenantKey};
use carnet_store::schema::{NewTenant, SchemaStep, StepAt};
use carnet_store::{Error, Namespace};
use carnet_testkit::tempfile::TempDir;

const FIRST: &str = r#"
  units:
    tenancy: platform
    shared: true
    fields: { code: { type: text, max: 10, unique: true } }
  secrets:
    tenancy: platform
    fields: { word: text }
  things:
    fields:
      name: { type: text, max: 40, optional: true }
      unit: { type: ref, to: units, optional: true }
"#;

const SECOND: &str = r#"
  units:
    tenancy: platform
    shared: true
    fields: { code: { type: text, max: 10, unique: true }, symbol: { type: text, optional: true } }
  secrets:
    tenancy: platform
    fields: { word: text }
  items:
    was: things
    fields:
      title: { type: text, max: 40, optional: true, was: name, caseless: true }
      unit: { type: ref, to: units, optional: true }
  parts:
    fields: { item: { type: ref, to: items } }
"#;

fn tenant(key: i64, name: &str, namespace: Option<&str>) -> NewTenant {
    NewTenant {
        key: Some(TenantKey(key)),
        id: Id::from_u128(key as u128),
        name: name.to_owned(),
        namespace: namespace.map(|name| Namespace::new(name).unwrap()),
    }
}

async fn with_own_schema(hint: &str) -> Option<Fixture> {
    let fixture = Fixture::at(Database::postgres(hint)?).await;
    fixture.push(FIRST).await.unwrap();
    let schema = fixture.store.schema();
    let model = model(FIRST);
    let key = schema
        .create_tenant(&model, &tenant(7, "large", Some("large")))
        .await
        .unwrap();
    assert_eq!(key, TenantKey(7));
    fixture.fits(FIRST).await;
    Some(fixture)
}

async fn add_things(fixture: &Fixture) {
    for (schema, tenant) in [("app", 1), ("large", 7)] {
        fixture
            .execute(&format!(
                "insert into {schema}.things (tenant, id, name, created_at, updated_at, version) \
                 values ({tenant}, gen_random_uuid(), 'Ä{tenant}', now(), now(), 1)"
            ))
            .await;
    }
}

async fn check_second(fixture: &Fixture) {
    fixture.fits(SECOND).await;
    for (schema, key) in [("app", "ä1"), ("large", "ä7")] {
        let sql = format!("select title_key from {schema}.items");
        assert_eq!(fixture.texts(&sql).await, [key]);
    }
    let tables = fixture
        .texts(
            "select relname::text from pg_class where relnamespace = 'large'::regnamespace \
             and relkind = 'r' order by 1",
        )
        .await;
    let own = [
        "carnet_idempotency",
        "carnet_journal_records",
        "carnet_steps",
        "items",
        "parts",
    ];
    assert_eq!(tables, own);
    // Shared platform tables are seen, others are not.
    let views = fixture
        .texts(
            "select relname::text from pg_class where relnamespace = 'large'::regnamespace \
             and relkind = 'v' order by 1",
        )
        .await;
    assert_eq!(views, ["units"]);
    assert!(
        fixture
            .texts("select symbol from large.units")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_push_reaches_every_placement() {
    let Some(fixture) = with_own_schema("placements").await else {
        return;
    };
    add_things(&fixture).await;
    let report = fixture.push(SECOND).await.unwrap();
    let renames = summaries(&report)
        .into_iter()
        .filter(|summary| summary.starts_with("rename table"))
        .count();
    assert_eq!(renames, 1, "{report:?}");
    check_second(&fixture).await;
    fixture
        .execute("drop index large.parts__item_id__index")
        .await;
    let drift = fixture.store.schema().drift().await.unwrap();
    assert_eq!(
        drift,
        ["in large: index `parts__item_id__index` of `parts` is missing"]
    );
}

#[tokio::test]
async fn a_migration_reaches_every_placement() {
    let Some(fixture) = with_own_schema("placements_files").await else {
        return;
    };
    add_things(&fixture).await;
    let folder = TempDir::new().unwrap();
    let schema = fixture.store.schema();
    schema
        .generate(&model(FIRST), folder.path(), "first")
        .unwrap()
        .unwrap();
    schema
        .generate(&model(SECOND), folder.path(), "second")
        .unwrap()
        .unwrap();
    schema.migrate(&model(SECOND), folder.path()).await.unwrap();
    check_second(&fixture).await;
    schema.rollback(folder.path()).await.unwrap();
    fixture.fits(FIRST).await;
    let names = fixture.texts("select name from large.things").await;
    assert_eq!(names, ["Ä7"]);
}

#[tokio::test]
async fn a_placement_is_made_once_and_never_over_ours() {
    let Some(fixture) = with_own_schema("placement_again").await else {
        return;
    };
    let schema = fixture.store.schema();
    let model = model(FIRST);
    let large = Namespace::new("large").unwrap();
    schema.create_placement(&model, &large).await.unwrap();
    schema.create_placement(&model, &large).await.unwrap();
    fixture.fits(FIRST).await;
    for taken in ["app", "app_find", "carnet"] {
        let namespace = Namespace::new(taken).unwrap();
        let refused = schema.create_placement(&model, &namespace).await;
        assert!(
            matches!(refused, Err(Error::Configuration(_))),
            "{taken}: {refused:?}"
        );
    }
    let same_name = schema
        .create_tenant(&model, &tenant(8, "large", None))
        .await;
    assert!(
        matches!(same_name, Err(Error::Migration(_))),
        "{same_name:?}"
    );
    // A reset takes the placement along.
    schema.reset().await.unwrap();
    let left = fixture
        .texts("select nspname::text from pg_namespace where nspname like 'large%'")
        .await;
    assert_eq!(left, Vec::<String>::new());
}

const EXTRA: &[SchemaStep] = &[
    SchemaStep {
        name: "test/0001",
        at: StepAt::Home,
        sqlite: "create table carnet_extra (key integer primary key, word text); \
                 insert into carnet_extra values (1, 'a;b');",
        postgres: "create table {home}carnet_extra (key bigint primary key, word text); \
                   insert into {home}carnet_extra values (1, 'a;b');",
    },
    SchemaStep {
        name: "test/0002",
        at: StepAt::Placement,
        sqlite: "create table carnet_extra_rows (key integer primary key);",
        postgres: "create table {records}carnet_extra_rows (key bigint primary key);",
    },
];

on_both! {
    platform_steps_are_applied_once_by_however_many,
    tenants_get_the_next_key,
    a_large_definition,
}

async fn platform_steps_are_applied_once_by_however_many(fixture: Fixture) {
    let schema = fixture.store.schema();
    let other = carnet_store::Store::open(&fixture.database.config)
        .await
        .unwrap();
    let (one, two) = tokio::join!(schema.prepare(&[]), async {
        other.schema().prepare(&[]).await
    });
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.len() + two.len(), 9, "{one:?} {two:?}");
    assert_eq!(
        schema.pending_steps(EXTRA).await.unwrap(),
        ["test/0001", "test/0002"]
    );
    let (one, two) = tokio::join!(schema.prepare(EXTRA), async {
        other.schema().prepare(EXTRA).await
    });
    assert_eq!(one.unwrap().len() + two.unwrap().len(), 2);
    assert_eq!(schema.prepare(EXTRA).await.unwrap(), Vec::<String>::new());
    assert_eq!(
        fixture.texts("select word from {home}carnet_extra").await,
        ["a;b"]
    );
    assert_eq!(
        fixture
            .texts("select name from {home}carnet_tenants order by key")
            .await,
        ["platform", "default"]
    );
    fixture
        .push("  notes: { fields: { text: text } }\n")
        .await
        .unwrap();
    assert_eq!(schema.drift().await.unwrap(), Vec::<String>::new());
    other.close().await;
}

async fn tenants_get_the_next_key(fixture: Fixture) {
    fixture.push(FIRST).await.unwrap();
    let schema = fixture.store.schema();
    let unnumbered = NewTenant {
        key: None,
        ..tenant(5, "five", None)
    };
    assert_eq!(
        schema
            .create_tenant(&model(FIRST), &unnumbered)
            .await
            .unwrap(),
        TenantKey(2)
    );
    if fixture.database.is_sqlite() {
        let own = schema
            .create_tenant(&model(FIRST), &tenant(6, "six", Some("six")))
            .await;
        assert!(matches!(own, Err(Error::Configuration(_))), "{own:?}");
    }
}

/// Prints how long a large definition takes; nothing depends on it.
async fn a_large_definition(fixture: Fixture) {
    // PostgreSQL takes about five milliseconds for a table with its indexes.
    let many = if fixture.database.is_sqlite() {
        500
    } else {
        100
    };
    let mut yaml = String::new();
    for number in 0..many {
        yaml.push_str(&format!(
            "  things{number}:\n    fields:\n      name: {{ type: text, max: 100, unique: true }}\n      \
             status: {{ type: enum, values: [a, b], default: a }}\n      \
             other: {{ type: ref, to: things{}, optional: true }}\n    indexes: [[status, name]]\n",
            (number + 1) % many
        ));
    }
    let model = model(&yaml);
    let schema = fixture.store.schema();
    let begun = std::time::Instant::now();
    schema
        .push(&model, carnet_store::schema::Accept::default())
        .await
        .unwrap();
    let pushed = begun.elapsed();
    let begun = std::time::Instant::now();
    assert_eq!(schema.require_current(&model).await.unwrap(), 1);
    let required = begun.elapsed();
    let begun = std::time::Instant::now();
    let status = schema.status(&model).await.unwrap();
    let compared = begun.elapsed();
    assert_eq!((status.drift, status.pending), (Vec::new(), Vec::new()));
    println!(
        "{many} resources: push {pushed:?}, require_current {required:?}, status {compared:?}"
    );
}
