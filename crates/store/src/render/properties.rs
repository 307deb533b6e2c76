//! What holds for every rendered statement, tried with random queries.

use super::fixture::Fixture;
use super::{Select, select};
use crate::{Count, Counted, Dialect, Nulls, Order, Query, Statement, Wall};
use carnet_expr::Predicate;
use carnet_kernel::{Decimal, Id, JsonText, PrincipalKind, PrincipalRef, Value};
use carnet_model::{Field, FieldType};
use predicates::{OperandSeed, Seed, operands, plant, seeds};
use proptest::prelude::*;

#[path = "../../tests/it/predicates.rs"]
mod predicates;

/// Stands in every text literal and pattern.
const MARK: &str = "zqx";
/// Starts every number literal.
const NUMBER: i64 = 98_765_000;
const PATTERNS: &str = "[ab%_\\\\*?\\[\\]\u{10FFFF}é']{0,4}zqx";

fn literal(field: &Field, seed: u8) -> Value {
    let number = NUMBER + i64::from(seed);
    match seed % 7 {
        0 => return Value::Null,
        1 => return Value::Text(format!("{MARK}{seed}")),
        _ => {}
    }
    match &field.kind {
        FieldType::Integer { .. } => Value::Integer(number),
        FieldType::Decimal { scale, .. } => Value::Decimal(Decimal {
            unscaled: number,
            scale: *scale,
        }),
        FieldType::Float { .. } => Value::Float(number as f64 + 0.5),
        FieldType::Boolean => Value::Boolean(seed.is_multiple_of(2)),
        FieldType::Date => Value::Date(number as i32),
        FieldType::DateTime => Value::DateTime(number),
        FieldType::Time => Value::Time(number),
        FieldType::Duration => Value::Duration(number),
        FieldType::Json { .. } | FieldType::I18n { .. } | FieldType::List { .. } => {
            Value::Json(JsonText::parse(&format!("\"{MARK}\"")).unwrap())
        }
        FieldType::Principal => Value::Principal(PrincipalRef {
            kind: PrincipalKind::User,
            id: seed
                .is_multiple_of(2)
                .then(|| Id::from_u128(u128::from(seed))),
        }),
        FieldType::Id(_) | FieldType::Ref { .. } | FieldType::Uuid | FieldType::Ulid => {
            Value::Id(Id::from_u128(number as u128))
        }
        FieldType::Text { .. }
        | FieldType::Enum { .. }
        | FieldType::Email { .. }
        | FieldType::Url { .. } => Value::Text(format!("{MARK}'\"{seed}")),
    }
}

/// Placeholders first appear in the order of their numbers, and each is bound.
fn check_placeholders(statement: &Statement) {
    let mut seen = 0;
    for piece in statement.sql.split('$').skip(1) {
        let digits: String = piece.chars().take_while(char::is_ascii_digit).collect();
        let number: usize = digits.parse().unwrap();
        assert!(number <= seen + 1, "{}", statement.sql);
        seen = seen.max(number);
    }
    assert_eq!(seen, statement.params.len(), "{}", statement.sql);
}

fn check_text(statement: &Statement) {
    assert!(!statement.sql.contains(MARK), "{}", statement.sql);
    assert!(!statement.sql.contains("98765"), "{}", statement.sql);
    let depth = statement
        .sql
        .bytes()
        .filter(|byte| matches!(byte, b'(' | b')'))
        .try_fold(0_i32, |depth, byte| {
            let depth = if byte == b'(' { depth + 1 } else { depth - 1 };
            (depth >= 0).then_some(depth)
        });
    assert_eq!(depth, Some(0), "{}", statement.sql);
}

fn check(select: &Select) {
    for statement in std::iter::once(&select.main).chain(&select.fallback_count) {
        check_placeholders(statement);
        check_text(statement);
    }
}

fn queries(fixture: &Fixture, outer: &Seed, inner: &Seed, offset: u64, count: Count) -> Query {
    let mut parts = fixture.query("parts", "id,label,size", "good.maker.name,-id");
    parts.predicate = plant(&fixture.view, fixture.resource("parts"), inner, &literal);
    let mut query = fixture.query("goods", "id,name,extra,createdBy", "maker.name,amount,-id");
    query.predicate = plant(&fixture.view, fixture.resource("goods"), outer, &literal);
    query.window.offset = offset;
    query.count = count;
    query.includes = vec![fixture.include("goods", "parts", parts)];
    query.counts = vec![Counted {
        name: "labels".to_owned(),
        relation: fixture.resource("goods").relation_named("labels").unwrap(),
        predicate: Predicate::True,
    }];
    query
}

fn sorted(fixture: &Fixture, made: &OperandSeed) -> Option<Order> {
    let by = made.operand(&fixture.view, fixture.resource("goods"), &literal)?;
    Some(Order {
        by,
        descending: true,
        nulls: Nulls::First,
    })
}

/// Both databases read what is rendered; without rows the plan alone is what fails.
#[test]
fn sqlite_prepares_every_statement() {
    let fixture = Fixture::new();
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    crate::sqlite::exact::install(&connection).unwrap();
    crate::sqlite::nested::install(&connection, &Default::default()).unwrap();
    for resource in &fixture.view.resources {
        let mut columns: Vec<String> = Vec::new();
        if resource.is_tenant() {
            columns.push("\"tenant\" integer".to_owned());
        }
        for field in &resource.fields {
            for part in super::nest::parts(field) {
                columns.push(format!("\"{}{part}\"", field.column));
            }
            columns.extend(field.companion.as_ref().map(|name| format!("\"{name}\"")));
        }
        let sql = format!(
            "create table \"{}\" ({})",
            resource.table,
            columns.join(", ")
        );
        connection.execute(&sql, []).unwrap();
    }
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(
            &(seeds(PATTERNS), seeds(PATTERNS), operands()),
            |(outer, inner, made)| {
                let mut query = queries(&fixture, &outer, &inner, 1, Count::UpTo(10));
                query.order.splice(0..0, sorted(&fixture, &made));
                let select = select(fixture.frame(Dialect::Sqlite, Wall::Rls), &query);
                for statement in [&select.main, select.fallback_count.as_ref().unwrap()] {
                    let prepared = connection.prepare(&statement.sql);
                    prop_assert!(prepared.is_ok(), "{:?}\n{}", prepared.err(), statement.sql);
                }
                Ok(())
            },
        )
        .unwrap();
}

proptest! {
    #[test]
    fn literals_are_bound_and_placeholders_dense(
        outer in seeds(PATTERNS),
        inner in seeds(PATTERNS),
        offset in 0_u64..2,
        counted in 0_u8..3,
        made in operands(),
    ) {
        let fixture = Fixture::new();
        let count = [Count::None, Count::UpTo(1_000), Count::Exact][usize::from(counted)];
        let mut query = queries(&fixture, &outer, &inner, offset, count);
        query.order.splice(0..0, sorted(&fixture, &made));
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            check(&select(fixture.frame(dialect, Wall::Rls), &query));
        }
    }
}
