//! Columns whose type changes, with data: values follow, or the change is refused, or they are lost
//! when that is accepted.

use super::support::{Fixture, column, lossy, refused, things};
use crate::database::on_both;
use carnet_store::Error;

/// Pushes both definitions, with a row in between, and says what the column holds afterwards.
async fn convert(
    fixture: &Fixture,
    before: &str,
    values: &[&str],
    after: &str,
) -> Result<Vec<String>, Error> {
    fixture
        .push_accepting("  others: { fields: { name: text } }\n")
        .await?;
    fixture
        .push(&things(&format!("a: {before}")))
        .await
        .unwrap();
    for (id, value) in values.iter().enumerate() {
        fixture.insert("things", id as u8 + 1, "a", value).await;
    }
    let after = things(&format!("a: {after}"));
    fixture.push(&after).await?;
    fixture.fits(&after).await;
    Ok(column(fixture, "a").await)
}

on_both! {
    numbers_change_their_scale,
    types_change_where_values_can_follow,
    days_become_moments,
    incompatible_types_lose_the_values_or_are_refused,
    enum_words_go_only_when_unused,
}

async fn numbers_change_their_scale(fixture: Fixture) {
    let run = |before, values: &'static [&'static str], after| {
        let fixture = &fixture;
        async move { convert(fixture, before, values, after).await }
    };
    let narrow = "{ type: decimal, precision: 6, scale: 2, optional: true }";
    let wide = "{ type: decimal, precision: 9, scale: 4, optional: true }";
    let kept = run(narrow, &["123", "-150", "null"], wide).await.unwrap();
    assert_eq!(kept, ["12300", "-15000", "null"]);
    fixture
        .push_accepting("  others: { fields: { name: text } }\n")
        .await
        .unwrap();

    let message = lossy(run(wide, &["12345", "100"], narrow).await);
    assert!(
        message.contains("more than 2 digits after the point are rounded (1 case)"),
        "{message}"
    );
    fixture
        .push_accepting(&things(&format!("a: {narrow}")))
        .await
        .unwrap();
    assert_eq!(column(&fixture, "a").await, ["123", "1"]);
    fixture
        .push_accepting("  others: { fields: { name: text } }\n")
        .await
        .unwrap();

    let kept = run(
        "integer",
        &["7", "-8"],
        "{ type: decimal, precision: 6, scale: 3 }",
    )
    .await
    .unwrap();
    assert_eq!(kept, ["7000", "-8000"]);
    fixture
        .push_accepting("  others: { fields: { name: text } }\n")
        .await
        .unwrap();

    let message = refused(
        run(
            "integer",
            &["1000"],
            "{ type: decimal, precision: 6, scale: 3 }",
        )
        .await,
    );
    assert!(
        message.contains("more than 3 digits before the point"),
        "{message}"
    );
    fixture
        .push_accepting("  others: { fields: { name: text } }\n")
        .await
        .unwrap();

    let kept = run(
        "{ type: decimal, precision: 6, scale: 2 }",
        &["500", "-300"],
        "integer",
    )
    .await
    .unwrap();
    assert_eq!(kept, ["5", "-3"]);
}

async fn types_change_where_values_can_follow(fixture: Fixture) {
    let run = |before, values: &'static [&'static str], after| {
        let fixture = &fixture;
        async move { convert(fixture, before, values, after).await.unwrap() }
    };
    assert_eq!(run("integer", &["7"], "text").await, ["7"]);
    assert_eq!(run("integer", &["7"], "float").await, ["7"]);
    assert_eq!(run("{ type: text, max: 5 }", &["'x'"], "text").await, ["x"]);
    assert_eq!(
        run("text", &["'x'"], "{ type: enum, values: [x, y] }").await,
        ["x"]
    );
    assert_eq!(
        run("{ type: enum, values: [x] }", &["'x'"], "text").await,
        ["x"]
    );
    assert_eq!(
        run(
            "{ type: enum, values: [x] }",
            &["'x'"],
            "{ type: enum, values: [z, x] }"
        )
        .await,
        ["x"]
    );
    assert_eq!(run("time", &["5"], "duration").await, ["5"]);
}

async fn days_become_moments(fixture: Fixture) {
    let (day, micros) = match fixture.store.dialect() {
        carnet_store::Dialect::Sqlite => ("3", "cast(a as text)"),
        carnet_store::Dialect::Postgres => (
            "date '1970-01-04'",
            "(extract(epoch from a) * 1000000)::bigint::text",
        ),
    };
    fixture.push(&things("a: date")).await.unwrap();
    fixture.insert("things", 1, "a", day).await;
    fixture.push(&things("a: dateTime")).await.unwrap();
    let found = fixture
        .texts(&format!("select {micros} from {{records}}things"))
        .await;
    assert_eq!(found, ["259200000000"]);
    // Midnight loses nothing.
    fixture.push(&things("a: date")).await.unwrap();
    fixture.fits(&things("a: date")).await;
}

async fn incompatible_types_lose_the_values_or_are_refused(fixture: Fixture) {
    let optional = "{ type: text, optional: true, max: 20, unique: true }";
    let message = lossy(
        convert(
            &fixture,
            optional,
            &["'x'"],
            "{ type: date, optional: true, unique: true }",
        )
        .await,
    );
    assert!(
        message.contains("`things.a` cannot become date from text"),
        "{message}"
    );
    let after = things("a: { type: date, optional: true, unique: true }");
    fixture.push_accepting(&after).await.unwrap();
    fixture.fits(&after).await;
    assert_eq!(column(&fixture, "a").await, ["null"]);
    let message = refused(fixture.push_accepting(&things("a: boolean")).await);
    assert!(
        message.contains("required and without default"),
        "{message}"
    );
}

async fn enum_words_go_only_when_unused(fixture: Fixture) {
    let three = "{ type: enum, values: [x, y, z] }";
    let two = "{ type: enum, values: [x, y] }";
    assert_eq!(
        convert(&fixture, three, &["'x'"], two).await.unwrap(),
        ["x"]
    );
    let message = refused(convert(&fixture, three, &["'z'"], two).await);
    assert!(
        message.contains("records still have one of 'z' in `things.a`"),
        "{message}"
    );
    let with_default = things("a: { type: enum, values: [x, y], default: y }");
    let message = lossy(fixture.push(&with_default).await);
    assert!(
        message.contains("get its default `y` (1 case)"),
        "{message}"
    );
    fixture.push_accepting(&with_default).await.unwrap();
    fixture.fits(&with_default).await;
    assert_eq!(column(&fixture, "a").await, ["y"]);
    let outside = refused(convert(&fixture, "text", &["'q'"], two).await);
    assert!(
        outside.contains("values that the enum does not have"),
        "{outside}"
    );
}
