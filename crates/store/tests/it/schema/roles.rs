//! The application role: made where the login may, asked for where it may not.

use super::support::{Fixture, model};
use crate::database::Database;
use carnet_kernel::Secret;
use carnet_store::schema::Accept;
use carnet_store::{Error, Store};

const NOTES: &str = "  notes: { fields: { text: text } }\n";

/// A login that may make nothing but tables, and only in its own schemas.
async fn plain_login(fixture: &Fixture) -> (String, Store) {
    let database = fixture.database.server();
    let login = format!("{}_login", database.name());
    database
        .execute(&format!(
            "create role {login} login password 'secret' nocreaterole"
        ))
        .unwrap();
    let (scheme, rest) = database.url().split_once("://").unwrap();
    let address = rest.rsplit_once('@').map_or(rest, |(_, address)| address);
    let mut config = fixture.database.config.clone();
    config.url = Secret::new(format!("{scheme}://{login}:secret@{address}"));
    let store = Store::open(&config).await.unwrap();
    (login, store)
}

#[tokio::test]
async fn a_login_that_may_not_make_roles_is_told_what_to_run() {
    let Some(database) = Database::postgres("roles") else {
        return;
    };
    let fixture = Fixture::at(database).await;
    let database = fixture.database.server();
    let (login, store) = plain_login(&fixture).await;
    let schema = store.schema();
    let statements = schema.roles_sql().await.unwrap();

    match schema.push(&model(NOTES), Accept::default()).await {
        Err(Error::RoleMissing(message)) => {
            assert!(message.contains("carnet db roles --print"), "{message}");
            assert!(
                message.contains(&format!("create role \"{}\"", database.role())),
                "{message}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(schema.is_fresh().await.unwrap());

    database.execute(&statements).unwrap();
    schema.push(&model(NOTES), Accept::default()).await.unwrap();
    let status = schema.status(&model(NOTES)).await.unwrap();
    assert_eq!((status.drift, status.pending), (Vec::new(), Vec::new()));
    // The owner sees all rows, forced policies or not; the application role only its tenant's.
    let system = store.system();
    let add = "insert into {records}notes (tenant, id, text, created_at, updated_at, version) \
               values (2, gen_random_uuid(), 'x', now(), now(), 1)";
    system.execute(&[(add, &[])]).await.unwrap();
    let rows = system
        .rows("select text from {records}notes", &[])
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    let client = database.connect().await.unwrap();
    client
        .batch_execute(&format!(
            "set role \"{login}\"; set role \"{}\"; set carnet.tenant = 1",
            database.role()
        ))
        .await
        .unwrap();
    let walled = client
        .query_one("select count(*) from app.notes", &[])
        .await
        .unwrap();
    assert_eq!(walled.get::<_, i64>(0), 0);

    store.close().await;
    drop(client);
    database
        .execute(&format!("drop owned by {login} cascade; drop role {login}"))
        .unwrap();
}

#[tokio::test]
async fn sqlite_needs_no_role() {
    let fixture = Fixture::at(Database::sqlite()).await;
    let text = fixture.store.schema().roles_sql().await.unwrap();
    assert!(text.starts_with("-- "), "{text}");
}
