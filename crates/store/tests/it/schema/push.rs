//! Push: from nothing, again, and with every type of field.

use super::support::{Fixture, model, summaries};
use crate::database::on_both;
use carnet_store::schema::Accept;

/// Every type of field, optional and required, with every kind of constraint.
pub(crate) const EVERYTHING: &str = r#"
  units:
    tenancy: platform
    shared: true
    fields: { code: { type: text, max: 10, unique: true }, parent: { type: ref, to: units, optional: true } }
  categories:
    fields:
      name: { type: text, max: 100, caseless: true, unique: true }
      parent: { type: ref, to: categories, optional: true }
  things:
    fields:
      aText: { type: text, max: 100 }
      aLongText: text
      aCaseless: { type: text, max: 50, caseless: true, optional: true }
      anInteger: { type: integer, default: 7 }
      aDecimal: { type: decimal, precision: 12, scale: 2, optional: true }
      aFloat: { type: float, optional: true }
      aBoolean: { type: boolean, default: false }
      aDate: { type: date, optional: true }
      aMoment: { type: dateTime, optional: true }
      aTime: { type: time, optional: true }
      aDuration: { type: duration, optional: true }
      anEnum: { type: enum, values: [draft, "in-review", done.2], default: draft }
      aJson: { type: json, default: {} }
      anI18n: { type: i18n, optional: true }
      aList: { type: list, of: text, optional: true }
      anEmail: { type: email, optional: true }
      anUrl: { type: url, optional: true }
      anUuid: { type: uuid, optional: true }
      anUlid: { type: ulid, optional: true }
      category: { type: ref, to: categories }
      unit: { type: ref, to: units, optional: true }
      other: { type: ref, to: things, optional: true }
    unique: [[category, aText], anEmail, [aDate, aTime]]
    indexes: [[anEnum, -createdAt], [aCaseless], [category, aMoment], [aText, -aDate]]
"#;

on_both! {
    every_type_is_found_again,
    a_second_push_does_nothing,
    concurrent_pushes_agree,
    tables_that_were_never_measured_are,
}

/// What a database says of itself after a push is what the definition wants, whatever the type.
async fn every_type_is_found_again(fixture: Fixture) {
    let schema = fixture.store.schema();
    assert!(schema.is_fresh().await.unwrap());
    let report = fixture.push(EVERYTHING).await.unwrap();
    assert_eq!(report.version, 1);
    assert!(summaries(&report).contains(&"create table things"));
    fixture.fits(EVERYTHING).await;
    assert!(!schema.is_fresh().await.unwrap());
    assert_eq!(schema.drift().await.unwrap(), Vec::<String>::new());
    assert_eq!(schema.require_current(&model(EVERYTHING)).await.unwrap(), 1);
}

async fn a_second_push_does_nothing(fixture: Fixture) {
    let first = fixture.push(EVERYTHING).await.unwrap();
    let second = fixture.push(EVERYTHING).await.unwrap();
    assert_eq!(second.applied, Vec::new());
    assert_eq!(second.version, first.version);
}

/// Two at once: one does it, the other finds it done.
async fn concurrent_pushes_agree(fixture: Fixture) {
    let schema = fixture.store.schema();
    let model = model(EVERYTHING);
    let push = || schema.push(&model, Accept::default());
    let (one, two, three) = tokio::join!(push(), push(), push());
    let versions = [
        one.unwrap().version,
        two.unwrap().version,
        three.unwrap().version,
    ];
    assert_eq!(versions, [1, 1, 1]);
    fixture.fits(EVERYTHING).await;
}

/// Rows that came before anybody looked at them: PostgreSQL would plan for a table of a few.
async fn tables_that_were_never_measured_are(fixture: Fixture) {
    let things = super::support::things("name: { type: text, max: 20 }");
    fixture.push(&things).await.unwrap();
    for id in 1..=3 {
        fixture.insert("things", id, "name", "'a'").await;
    }
    let measured = "select reltuples::text from pg_catalog.pg_class where relname = 'things' and relkind = 'r'";
    let on_postgres = fixture.store.dialect() == carnet_store::Dialect::Postgres;
    if on_postgres {
        assert_eq!(fixture.texts(measured).await, ["-1"]);
    }
    // Nothing differs; the look is taken all the same.
    let report = fixture.push(&things).await.unwrap();
    assert_eq!(report.applied, Vec::new());
    if on_postgres {
        assert_eq!(fixture.texts(measured).await, ["3"]);
    }
    assert_eq!(
        fixture
            .texts("select name from {records}things")
            .await
            .len(),
        3
    );
}
