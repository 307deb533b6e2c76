//! Which plans searches come to, on both databases; on PostgreSQL under the application's role.

use super::fixture::{DEFINITION, Fixture};
use super::plans::{check_plan, plan, push};
use super::select;
use crate::{Count, Dialect, Namespace, Placement, Query, Wall};
use carnet_expr::{CompareOp, Operand, Predicate, SearchTerm};
use carnet_kernel::Value;
use carnet_model::{ModelView, Source, compile};
use carnet_testkit::tempfile;
use std::sync::Arc;

fn fixture() -> Fixture {
    let definition = DEFINITION.replace(
        "\n  parts:",
        "\n    search: { fields: [name, note], fuzzy: true }\n  parts:",
    );
    let compiled = compile(&[Source::application("goods.yaml", definition)]).unwrap();
    Fixture {
        view: ModelView::new(Arc::new(compiled.model)),
        placement: Placement {
            namespace: Namespace::new("app").unwrap(),
        },
    }
}

/// A search for words, a beginning, or what is like a word; `!` before it leaves the rank out, `^`
/// before all looks in the first of the fields alone, as where a version hides the others.
fn query(fixture: &Fixture, text: &str) -> Query {
    let (narrow, text) = match text.strip_prefix('^') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (ranked, text) = match text.strip_prefix('!') {
        Some(text) => (false, text),
        None => (true, text),
    };
    let words = |text: &str, prefix| SearchTerm::Words {
        words: text.split(' ').map(str::to_owned).collect(),
        prefix,
    };
    let term = match (text.strip_suffix('*'), text.strip_prefix('~')) {
        (Some(text), _) => words(text, true),
        (None, Some(text)) => SearchTerm::Similar(text.to_owned()),
        (None, None) => words(text, false),
    };
    let search = fixture.resource("goods").search.clone().unwrap();
    let mut query = fixture.query("goods", "id,name", "-id");
    query.count = Count::UpTo(1_000);
    query.ranked = ranked;
    let active = Predicate::Compare {
        op: CompareOp::Ne,
        left: Operand::Path(fixture.path("goods", "amount")),
        right: Operand::Value(Value::Integer(-1)),
    };
    assert!(search.fields.len() > 1);
    query.predicate = active.and(Predicate::Search {
        analysis: search.analysis,
        fields: match narrow {
            true => search.fields[..1].to_vec(),
            false => search.fields,
        },
        terms: vec![term],
    });
    query
}

#[tokio::test]
async fn sqlite_searches_by_the_index() {
    let fixture = fixture();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.sqlite");
    push(format!("sqlite:{}", path.display()), &fixture).await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    let flags = rusqlite::functions::FunctionFlags::default();
    connection
        .create_scalar_function("carnet_similarity", -1, flags, |_| Ok(0_i64))
        .unwrap();
    for (text, with) in [
        (
            "solar",
            ["VIRTUAL TABLE INDEX", "USING INTEGER PRIMARY KEY"],
        ),
        (
            "!solar",
            ["VIRTUAL TABLE INDEX", "USING INTEGER PRIMARY KEY"],
        ),
        (
            "~solr",
            ["VIRTUAL TABLE INDEX", "USING INTEGER PRIMARY KEY"],
        ),
        (
            "^solar",
            ["VIRTUAL TABLE INDEX", "USING INTEGER PRIMARY KEY"],
        ),
        (
            "solar pan*",
            ["VIRTUAL TABLE INDEX", "USING INTEGER PRIMARY KEY"],
        ),
    ] {
        let select = select(
            fixture.frame(Dialect::Sqlite, Wall::Rls),
            &query(&fixture, text),
        );
        for sql in [select.main.sql, select.fallback_count.unwrap().sql] {
            let mut statement = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap();
            let mut rows = statement.raw_query();
            let mut plan = format!("{sql}\n");
            while let Some(row) = rows.next().unwrap() {
                plan.push_str(&row.get::<_, String>(3).unwrap());
                plan.push('\n');
            }
            check_plan(text, &plan, &with, &["goods__id (tenant=?)", "SCAN t0"]);
        }
    }
}

/// Two tenants' rows, those of the other one first.
const ROWS: &str = "
    set carnet.tenant = '0';
    create function pg_temp.key(number bigint) returns uuid immutable language sql
        return lpad(to_hex(number), 32, '0')::uuid;
    insert into app.countries (id, code, name, version, created_at, updated_at)
        values (pg_temp.key(1), '1', 'n', 1, now(), now());
    insert into app.makers
        (tenant, id, name, name_key, country_id, version, created_at, updated_at)
        select t, pg_temp.key(1), 'm', 'm', pg_temp.key(1), 1, now(), now()
        from generate_series(6, 7) t;
    insert into app.goods (tenant, id, name, name_key, name_search, note, note_search, amount,
        kind, maker_id, version, created_at, updated_at)
        select t, pg_temp.key(i), i::text, i::text, ' ' || i || ' ', 'n',
            ' note' || i || ' ' || left(md5(i::text), 6) || ' common ', i, 'a', pg_temp.key(1), 1,
            now(), now()
        from generate_series(6, 7) t, generate_series(1, 10000) i;
    analyze;";

#[tokio::test]
async fn postgres_searches_by_the_index_behind_its_walls() {
    let fixture = fixture();
    let Some(database) = carnet_testkit::postgres::database("searchplans") else {
        return;
    };
    push(database.url().to_owned(), &fixture).await;
    let client = database.connect().await.unwrap();
    client.batch_execute(ROWS).await.unwrap();
    let role = format!(
        "set role {}; set carnet.tenant = '7'; set plan_cache_mode = force_generic_plan;
         set max_parallel_workers_per_gather = 0",
        database.role()
    );
    client.batch_execute(&role).await.unwrap();
    for text in [
        "note77",
        "!note77",
        "note77 common",
        "note123*",
        "~zzqqx",
        "!~zzqqx",
        "^note77",
        "^!note77 common",
        "^note123*",
        "^~zzqqx",
    ] {
        let select = select(
            fixture.frame(Dialect::Postgres, Wall::Rls),
            &query(&fixture, text),
        );
        let plan = plan(&client, &select.main.sql, &select.main.params).await;
        let plan = format!("{}\n{plan}", select.main.sql);
        check_plan(
            text,
            &plan,
            &["Bitmap Index Scan on goods__search"],
            &["Seq Scan on goods"],
        );
    }
}
