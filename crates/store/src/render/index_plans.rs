//! That every index which a shipped definition declares serves the list it was declared for, on both
//! databases; on PostgreSQL under the application's role. The lists are made from the model, so that
//! a new index is a new case.

use super::fixture::Fixture;
use super::plans::{plan, push};
use super::select;
use crate::schema::{Index, IndexKind, Kind, Layout, Table, desired, quote};
use crate::{Count, Deleted, Dialect, Namespace, Order, Placement, Query, Seek, Wall, Window};
use carnet_expr::{CompareOp, Path, Predicate, TextOp};
use carnet_kernel::{Decimal, Id, Value};
use carnet_model::{FieldIndex, FieldType, ModelView, Resource, Source, compile};
use carnet_testkit::tempfile;
use std::sync::Arc;

/// A definition of the repository, by its folder.
fn shipped(folder: &str) -> (Fixture, Layout) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![root.join(folder)];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // What a feature ships is not this crate's to read.
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.replace("use: [settings]\n", "");
            sources.push(Source::application(path.display().to_string(), text));
        }
    }
    let model = compile(&sources).unwrap().model;
    let layout = desired(&model);
    let fixture = Fixture {
        view: ModelView::new(Arc::new(model)),
        placement: Placement {
            namespace: Namespace::new("app").unwrap(),
        },
    };
    (fixture, layout)
}

/// The fields of an index, without the tenant before and the id after them.
fn fields(resource: &Resource, index: &Index) -> Vec<(FieldIndex, bool)> {
    let field = |column: &String| {
        let of = |field: &carnet_model::Field| {
            field.column == *column || field.companion.as_ref() == Some(column)
        };
        resource.each_field().find(|(_, field)| of(field))
    };
    let columns = index.columns.iter();
    let known = columns.filter_map(|(column, descending)| Some((field(column)?.0, *descending)));
    let mut known: Vec<_> = known.collect();
    if known.len() > 1 && !index.unique {
        known.retain(|(field, _)| *field != resource.key);
    }
    known
}

fn value(kind: &FieldType) -> Value {
    match kind {
        FieldType::Enum { values } => Value::Text(values[0].clone()),
        FieldType::Integer { .. } => Value::Integer(7),
        FieldType::Decimal { scale, .. } => Value::Decimal(Decimal {
            unscaled: 7,
            scale: *scale,
        }),
        FieldType::Float { .. } => Value::Float(7.0),
        FieldType::Boolean => Value::Boolean(true),
        FieldType::Date => Value::Date(7),
        FieldType::DateTime => Value::DateTime(7),
        FieldType::Time => Value::Time(7),
        FieldType::Duration => Value::Duration(7),
        FieldType::Id(_) | FieldType::Ref { .. } | FieldType::Uuid | FieldType::Ulid => {
            Value::Id(Id::from_u128(7))
        }
        _ => Value::Text("7".to_owned()),
    }
}

/// The list that an index is for: equal in all its fields but the last, and sorted by that; for a
/// unique one equal in all.
fn natural(resource: &Resource, index: &Index) -> Query {
    let fields = fields(resource, index);
    let sorted = if index.unique { None } else { fields.last() };
    let compared = match sorted {
        Some(_) => &fields[..fields.len() - 1],
        None => &fields[..],
    };
    let condition = |index: FieldIndex| {
        let field = resource.field(index);
        match value(&field.kind) {
            // Equality is of the text as it was written; the companion serves beginnings.
            Value::Text(pattern) if field.companion.is_some() => Predicate::Text {
                op: TextOp::StartsWith,
                path: Path::own(index),
                pattern,
                caseless: true,
            },
            value => Predicate::compare(index, CompareOp::Eq, value),
        }
    };
    let conditions = compared.iter().map(|(index, _)| condition(*index));
    let mut order: Vec<Order> = sorted
        .map(|(index, descending)| Order::path(Path::own(*index), *descending))
        .into_iter()
        .collect();
    let descending = order.last().is_none_or(|last| last.descending);
    order.push(Order::path(Path::own(resource.key), descending));
    Query {
        resource: resource.index,
        predicate: Predicate::And(conditions.collect()).simplify(),
        deleted: if index.unique {
            Deleted::Hidden
        } else {
            Deleted::With
        },
        order,
        ranked: false,
        window: Window {
            limit: 20,
            offset: 0,
        },
        fields: vec![resource.key],
        includes: Vec::new(),
        counts: Vec::new(),
        count: Count::None,
        seek: Seek::default(),
    }
}

/// Every declared index with its list; search has tests of its own.
fn cases<'a>(
    fixture: &'a Fixture,
    layout: &'a Layout,
) -> impl Iterator<Item = (&'a Index, Query)> + 'a {
    layout.tables.iter().flat_map(|table| {
        let resource = fixture.resource(&table.resource);
        let indexes = table
            .indexes
            .iter()
            .filter(|index| index.kind == IndexKind::Btree);
        indexes.map(|index| (index, natural(resource, index)))
    })
}

/// Those indexes of the table that begin with the same column: of a small table the planner takes
/// whichever it likes.
fn serving<'a>(table: &'a Table, index: &'a Index) -> impl Iterator<Item = &'a Index> {
    let wanted = |other: &&Index| {
        other.kind == IndexKind::Btree && other.columns.first() == index.columns.first()
    };
    table.indexes.iter().filter(wanted)
}

fn check(layout: &Layout, index: &Index, sql: &str, plan: &str) {
    let holds = |table: &&Table| table.indexes.iter().any(|other| other.name == index.name);
    let table = layout.tables.iter().find(holds).unwrap();
    let used = serving(table, index).any(|index| plan.contains(&index.name));
    assert!(used, "`{}` serves nothing:\n{sql}\n{plan}", index.name);
}

#[tokio::test]
async fn sqlite_uses_every_declared_index() {
    for folder in ["examples/shop/definitions", "apps/passport/definitions"] {
        let (fixture, layout) = shipped(folder);
        let files = tempfile::tempdir().unwrap();
        let path = files.path().join("t.sqlite");
        push(format!("sqlite:{}", path.display()), &fixture).await;
        let connection = rusqlite::Connection::open(&path).unwrap();
        let mut seen = 0;
        for (index, query) in cases(&fixture, &layout) {
            let select = select(fixture.frame(Dialect::Sqlite, Wall::Rls), &query);
            let sql = format!("EXPLAIN QUERY PLAN {}", select.main.sql);
            let mut statement = connection.prepare(&sql).unwrap();
            let mut rows = statement.raw_query();
            let mut plan = String::new();
            while let Some(row) = rows.next().unwrap() {
                plan.push_str(&row.get::<_, String>(3).unwrap());
                plan.push('\n');
            }
            check(&layout, index, &sql, &plan);
            seen += 1;
        }
        assert!(seen > 5, "{folder} declares {seen} indexes");
    }
}

/// A row of a table for each number of `i`, as far as its columns have to have a value.
fn rows(table: &Table) -> String {
    let cell = |kind: &Kind| match kind {
        Kind::Id => "lpad(to_hex(i), 32, '0')::uuid".to_owned(),
        Kind::Text => "md5(i::text)".to_owned(),
        Kind::Enum(values) => {
            let values: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
            let count = values.len();
            format!("(array[{}])[1 + i % {count}]", values.join(", "))
        }
        Kind::Integer | Kind::Decimal { .. } | Kind::Time | Kind::Duration => "i".to_owned(),
        Kind::Float => "i::float8".to_owned(),
        Kind::Boolean => "i % 2 = 0".to_owned(),
        Kind::Date => "date '2026-01-01' + (i % 1000)::int".to_owned(),
        Kind::DateTime => "now() - i * interval '1 minute'".to_owned(),
        Kind::Json => "'{}'::jsonb".to_owned(),
    };
    let columns = table.columns.iter();
    let columns: Vec<_> = columns
        .filter(|column| column.name != "deleted_at")
        .map(|column| {
            let cell = match column.name.as_str() {
                "tenant" => "7".to_owned(),
                _ => cell(&column.kind),
            };
            (quote(&column.name), cell)
        })
        .collect();
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let cells: Vec<&str> = columns.iter().map(|(_, cell)| cell.as_str()).collect();
    format!(
        "insert into app.{} ({}) select {} from generate_series(1, 5000) i;",
        quote(&table.name),
        names.join(", "),
        cells.join(", ")
    )
}

#[tokio::test]
async fn postgres_uses_every_declared_index_behind_its_walls() {
    for (name, folder) in [
        ("shopplans", "examples/shop/definitions"),
        ("passportplans", "apps/passport/definitions"),
    ] {
        let (fixture, layout) = shipped(folder);
        let Some(database) = carnet_testkit::postgres::database(name) else {
            return;
        };
        push(database.url().to_owned(), &fixture).await;
        let client = database.connect().await.unwrap();
        let inserts: String = layout.tables.iter().map(rows).collect();
        let role = database.role();
        // Rows of any kind do here: references need not lead anywhere.
        let fill = format!(
            "set session_replication_role = replica; set carnet.tenant = '7'; {inserts} analyze;
             set role {role}; set plan_cache_mode = force_generic_plan;
             set max_parallel_workers_per_gather = 0"
        );
        client.batch_execute(&fill).await.unwrap();
        let mut seen = 0;
        for (index, query) in cases(&fixture, &layout) {
            let select = select(fixture.frame(Dialect::Postgres, Wall::Rls), &query);
            let plan = plan(&client, &select.main.sql, &select.main.params).await;
            check(&layout, index, &select.main.sql, &plan);
            seen += 1;
        }
        assert!(seen > 5, "{folder} declares {seen} indexes");
    }
}
