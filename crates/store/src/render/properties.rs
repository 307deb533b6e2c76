//! What holds for every rendered statement, tried with random queries.

use super::fixture::Fixture;
use super::{Select, select};
use crate::{Count, Dialect, Query, Statement, Wall};
use carnet_expr::{CompareOp, Operand, Path, Predicate, RelationIndex, TextOp};
use carnet_kernel::{Decimal, Id, JsonText, PrincipalKind, PrincipalRef, Value};
use carnet_model::{FieldIndex, FieldType, RelationKind};
use proptest::prelude::*;
use proptest::sample::Index;

/// Stands in every text literal.
const MARK: &str = "zqx";
/// Starts every number literal.
const NUMBER: i64 = 98_765_000;

fn value(kind: &FieldType, seed: u8) -> Value {
    let number = NUMBER + i64::from(seed);
    match seed % 7 {
        0 => return Value::Null,
        1 => return Value::Text(format!("{MARK}{seed}")),
        _ => {}
    }
    match kind {
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

/// A predicate of which only the form is known; `plant` makes one over a resource of it.
#[derive(Clone, Debug)]
enum Seed {
    Constant(bool),
    Compare(Vec<Index>, Index, u8, u8),
    Paths(Vec<Index>, Index, Vec<Index>, Index, u8),
    In(Vec<Index>, Index, Vec<u8>),
    Null(Vec<Index>, Index),
    Text(Vec<Index>, Index, u8, String, bool),
    Exists(Vec<Index>, Index, Box<Seed>),
    Not(Box<Seed>),
    And(Vec<Seed>),
    Or(Vec<Seed>),
}

fn path(fixture: &Fixture, resource: &str, steps: &[Index], field: Index) -> (Path, FieldType) {
    let mut holder = fixture.resource(resource);
    let mut taken = Vec::new();
    for step in steps {
        let ways: Vec<usize> = (0..holder.relations.len())
            .filter(|way| matches!(holder.relations[*way].kind, RelationKind::ToOne { .. }))
            .collect();
        if ways.is_empty() {
            break;
        }
        let relation = RelationIndex(*step.get(&ways) as u16);
        taken.push(relation);
        holder = fixture.view.resource(holder.relation(relation).target);
    }
    let place = field.index(holder.fields.len());
    let path = Path {
        steps: taken,
        field: FieldIndex(place as u16),
    };
    (path, holder.fields[place].kind.clone())
}

fn compare_op(seed: u8) -> CompareOp {
    [
        CompareOp::Eq,
        CompareOp::Ne,
        CompareOp::Gt,
        CompareOp::Gte,
        CompareOp::Lt,
        CompareOp::Lte,
    ][usize::from(seed % 6)]
}

fn text_op(seed: u8) -> TextOp {
    [
        TextOp::Contains,
        TextOp::StartsWith,
        TextOp::EndsWith,
        TextOp::Like,
    ][usize::from(seed % 4)]
}

fn plant(fixture: &Fixture, resource: &str, seed: &Seed) -> Predicate {
    let many = |list: &[Seed]| {
        list.iter()
            .map(|one| plant(fixture, resource, one))
            .collect()
    };
    match seed {
        Seed::Constant(true) => Predicate::True,
        Seed::Constant(false) => Predicate::False,
        Seed::Compare(steps, field, op, literal) => {
            let (path, kind) = path(fixture, resource, steps, *field);
            Predicate::Compare {
                op: compare_op(*op),
                left: Operand::Path(path),
                right: Operand::Value(value(&kind, *literal)),
            }
        }
        Seed::Paths(steps, field, others, other, op) => Predicate::Compare {
            op: compare_op(*op),
            left: Operand::Path(path(fixture, resource, steps, *field).0),
            right: Operand::Path(path(fixture, resource, others, *other).0),
        },
        Seed::In(steps, field, list) => {
            let (path, kind) = path(fixture, resource, steps, *field);
            Predicate::In {
                operand: Operand::Path(path),
                list: list.iter().map(|literal| value(&kind, *literal)).collect(),
            }
        }
        Seed::Null(steps, field) => {
            Predicate::IsNull(Operand::Path(path(fixture, resource, steps, *field).0))
        }
        Seed::Text(steps, field, op, pattern, caseless) => Predicate::Text {
            op: text_op(*op),
            path: path(fixture, resource, steps, *field).0,
            pattern: format!("{pattern}{MARK}"),
            caseless: *caseless,
        },
        Seed::Exists(steps, relation, inner) => {
            let (path, _) = path(fixture, resource, steps, *relation);
            let mut holder = fixture.resource(resource);
            for step in &path.steps {
                holder = fixture.view.resource(holder.relation(*step).target);
            }
            if holder.relations.is_empty() {
                return Predicate::False;
            }
            let relation = RelationIndex(relation.index(holder.relations.len()) as u16);
            let target = fixture.view.resource(holder.relation(relation).target);
            Predicate::Exists {
                steps: path.steps,
                relation,
                predicate: Box::new(plant(fixture, &target.name, inner)),
            }
        }
        Seed::Not(inner) => Predicate::Not(Box::new(plant(fixture, resource, inner))),
        Seed::And(list) => Predicate::And(many(list)),
        Seed::Or(list) => Predicate::Or(many(list)),
    }
}

fn seeds() -> impl Strategy<Value = Seed> {
    let steps = || proptest::collection::vec(any::<Index>(), 0..3);
    let leaf = prop_oneof![
        any::<bool>().prop_map(Seed::Constant),
        (steps(), any::<Index>(), any::<u8>(), any::<u8>())
            .prop_map(|(steps, field, op, value)| Seed::Compare(steps, field, op, value)),
        (
            steps(),
            any::<Index>(),
            steps(),
            any::<Index>(),
            any::<u8>()
        )
            .prop_map(|(a, b, c, d, op)| Seed::Paths(a, b, c, d, op)),
        (
            steps(),
            any::<Index>(),
            proptest::collection::vec(any::<u8>(), 0..4)
        )
            .prop_map(|(steps, field, list)| Seed::In(steps, field, list)),
        (steps(), any::<Index>()).prop_map(|(steps, field)| Seed::Null(steps, field)),
        (
            steps(),
            any::<Index>(),
            any::<u8>(),
            "[ab%_\\\\*?\\[\\]\u{10FFFF}é']{0,4}",
            any::<bool>()
        )
            .prop_map(|(steps, field, op, pattern, caseless)| Seed::Text(
                steps, field, op, pattern, caseless
            )),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let steps = proptest::collection::vec(any::<Index>(), 0..3);
        prop_oneof![
            inner.clone().prop_map(|one| Seed::Not(Box::new(one))),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Seed::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Seed::Or),
            (steps, any::<Index>(), inner).prop_map(|(steps, relation, one)| Seed::Exists(
                steps,
                relation,
                Box::new(one)
            )),
        ]
    })
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
    parts.predicate = plant(fixture, "parts", inner);
    let mut query = fixture.query("goods", "id,name,extra,createdBy", "maker.name,amount,-id");
    query.predicate = plant(fixture, "goods", outer);
    query.window.offset = offset;
    query.count = count;
    query.includes = vec![fixture.include("goods", "parts", parts)];
    query
}

/// Both databases read what is rendered; without rows the plan alone is what fails.
#[test]
fn sqlite_prepares_every_statement() {
    let fixture = Fixture::new();
    let connection = rusqlite::Connection::open_in_memory().unwrap();
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
        .run(&(seeds(), seeds()), |(outer, inner)| {
            let query = queries(&fixture, &outer, &inner, 1, Count::UpTo(10));
            let select = select(fixture.frame(Dialect::Sqlite, Wall::Rls), &query);
            for statement in [&select.main, select.fallback_count.as_ref().unwrap()] {
                let prepared = connection.prepare(&statement.sql);
                prop_assert!(prepared.is_ok(), "{:?}\n{}", prepared.err(), statement.sql);
            }
            Ok(())
        })
        .unwrap();
}

proptest! {
    #[test]
    fn literals_are_bound_and_placeholders_dense(
        outer in seeds(),
        inner in seeds(),
        offset in 0_u64..2,
        counted in 0_u8..3,
    ) {
        let fixture = Fixture::new();
        let count = [Count::None, Count::UpTo(1_000), Count::Exact][usize::from(counted)];
        let query = queries(&fixture, &outer, &inner, offset, count);
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            check(&select(fixture.frame(dialect, Wall::Rls), &query));
        }
    }
}
