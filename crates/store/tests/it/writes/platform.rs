//! Hand-written statements on platform tables, and definitions that a database does not know.

use super::fixture::Fixture;
use crate::database::on_both;
use carnet_store::Error;

on_both! {
    platform_statements_are_all_or_nothing,
    an_unknown_definition_is_not_written,
}

async fn platform_statements_are_all_or_nothing(fixture: Fixture) {
    let system = fixture.store.system();
    let now = if fixture.is_sqlite() { "0" } else { "now()" };
    let good = format!("insert into {{home}}carnet_migrations values ('x', 'y', {now})");
    let good = (good.as_str(), &[] as &[_]);
    let undo: (&str, &[_]) = ("delete from {home}carnet_migrations", &[]);
    assert_eq!(system.execute(&[good, undo]).await.unwrap(), [1, 1]);
    let failed = system.execute(&[good, good]).await;
    assert!(matches!(failed, Err(Error::Internal(_))), "{failed:?}");
    let known = "select count(*) from {home}carnet_migrations";
    assert_eq!(fixture.number(known).await, 0);
    assert_eq!(system.execute(&[good]).await.unwrap(), [1]);
    assert_eq!(fixture.number(known).await, 1);

    let written = system.rows(undo.0, &[]).await;
    assert!(written.is_err(), "{written:?}");
    assert_eq!(fixture.number(known).await, 1);
    let misspelt = "select \"nmae\" from {home}carnet_migrations";
    let misspelt = system.rows(misspelt, &[]).await;
    assert!(misspelt.is_err(), "{misspelt:?}");
    let pending = system.rows("select 1 from {home}carnet_nothing", &[]).await;
    assert!(
        matches!(pending, Err(Error::SchemaPending(_))),
        "{pending:?}"
    );
}

async fn an_unknown_definition_is_not_written(fixture: Fixture) {
    let cascade = if fixture.is_sqlite() { "" } else { " cascade" };
    for sql in [
        "update {home}carnet_schemas set hash = 'another'".to_owned(),
        format!("drop table {{records}}things{cascade}"),
    ] {
        fixture
            .store
            .system()
            .execute(&[(&sql, &[])])
            .await
            .unwrap();
        let pending = fixture.write_one(fixture.thing(fixture.id(), "x")).await;
        assert!(
            matches!(pending, Err(Error::SchemaPending(_))),
            "{sql}: {pending:?}"
        );
    }
}
