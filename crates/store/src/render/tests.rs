//! Rendered statements as they are.

use super::fixture::Fixture;
use super::{load, load_records, select};
use crate::{Count, Dialect, Load, Query, Wall};
use carnet_expr::{CompareOp, Operand, Predicate, TextOp};
use carnet_kernel::{Decimal, Id, JsonText, PrincipalKind, PrincipalRef, Value};

/// A statement in lines, for people.
fn pretty(sql: &str) -> String {
    let mut text = sql.to_owned();
    for word in [
        " FROM ",
        " LEFT JOIN ",
        " WHERE ",
        " ORDER BY ",
        " LIMIT ",
        ", (SELECT ",
    ] {
        text = text.replace(word, &format!("\n{}", word.trim_start_matches(' ')));
    }
    text
}

fn both(fixture: &Fixture, query: &Query) -> String {
    let sqlite = select(fixture.frame(Dialect::Sqlite, Wall::Rls), query);
    let postgres = select(fixture.frame(Dialect::Postgres, Wall::Rls), query);
    format!(
        "{}\n{:?}\n--\n{}\n{:?}",
        pretty(&sqlite.main.sql),
        sqlite.main.params,
        pretty(&postgres.main.sql),
        postgres.main.params
    )
}

fn text(fixture: &Fixture, path: &str, op: TextOp, pattern: &str, caseless: bool) -> Predicate {
    Predicate::Text {
        op,
        path: fixture.path("goods", path),
        pattern: pattern.to_owned(),
        caseless,
    }
}

/// The conditions of both dialects for a predicate over goods.
fn conditions(fixture: &Fixture, predicate: Predicate) -> String {
    let mut query = fixture.query("goods", "id", "");
    query.predicate = predicate;
    let of = |dialect| {
        let statement = select(fixture.frame(dialect, Wall::Rls), &query).main;
        let from = statement.sql.split_once(" FROM ").unwrap().1.to_owned();
        let body = from.rsplit_once(" LIMIT ").unwrap().0.to_owned();
        let params = statement
            .params
            .get(1..)
            .unwrap_or_default()
            .iter()
            .filter(|param| **param != crate::Param::Integer(21))
            .map(|param| format!("{param:?}"))
            .collect::<Vec<_>>()
            .join("; ");
        format!("{body}\n  {params}")
    };
    format!("{}\n{}", of(Dialect::Sqlite), of(Dialect::Postgres))
}

#[test]
fn a_flat_page() {
    let fixture = Fixture::new();
    let query = fixture.query("goods", "id,name,createdBy,extra", "-name,-id,name");
    insta::assert_snapshot!(both(&fixture, &query), @r#"
SELECT t0."id", t0."name", t0."created_by_kind", t0."created_by_id", t0."extra"
FROM "goods" t0
WHERE t0."tenant" = $1
ORDER BY t0."name_key" DESC, t0."name" DESC, t0."id" DESC
LIMIT ($2 + 0)
[Integer(7), Integer(21)]
--
SELECT t0."id", t0."name", t0."created_by_kind", t0."created_by_id", t0."extra"
FROM "app"."goods" t0
WHERE t0."tenant" = $1
ORDER BY t0."name_key" DESC, t0."name" DESC, t0."id" DESC
LIMIT 21
[Integer(7)]
"#);
}

#[test]
fn a_page_of_another_size_with_a_count() {
    let fixture = Fixture::new();
    let mut query = fixture.query("goods", "id", "maker.country.name,amount,-weight,id");
    query.window.limit = 30;
    query.window.offset = 60;
    query.count = Count::UpTo(1_000);
    query.predicate = Predicate::Compare {
        op: CompareOp::Eq,
        left: Operand::Path(fixture.path("goods", "maker.rank")),
        right: Operand::Value(Value::Integer(3)),
    };
    insta::assert_snapshot!(both(&fixture, &query), @r#"
SELECT t0."id"
FROM "goods" t0
LEFT JOIN "makers" t1 ON t1."tenant" = $1 AND t1."id" = t0."maker_id"
LEFT JOIN "countries" t2 ON t2."id" = t1."country_id"
WHERE t0."tenant" = $1 AND t1."rank" = $2
ORDER BY t2."name", t0."amount", t0."weight" DESC, t0."id"
LIMIT ($3 + 0) OFFSET $4
[Integer(7), Value(Integer(3)), Integer(31), Integer(60)]
--
SELECT t0."id", CASE WHEN row_number() OVER () = $1 THEN (SELECT count(*)
FROM (SELECT 1
FROM "app"."goods" t1
LEFT JOIN "app"."makers" t2 ON t2."tenant" = $2 AND t2."id" = t1."maker_id"
WHERE t1."tenant" = $2 AND t2."rank" = $3
ORDER BY t1."id"
LIMIT 1001) t3) END
FROM (SELECT t1."id"
FROM "app"."goods" t1
LEFT JOIN "app"."makers" t2 ON t2."tenant" = $2 AND t2."id" = t1."maker_id"
LEFT JOIN "app"."countries" t4 ON t4."id" = t2."country_id"
WHERE t1."tenant" = $2 AND t2."rank" = $3
ORDER BY t4."name", t1."amount" NULLS FIRST, t1."weight" DESC NULLS LAST, t1."id"
LIMIT 51 OFFSET $4) t0
LIMIT $1
[Integer(31), Integer(7), Value(Integer(3)), Integer(60)]
"#);
    let counts = [Dialect::Sqlite, Dialect::Postgres].map(|dialect| {
        let counted = select(fixture.frame(dialect, Wall::Rls), &query);
        pretty(&counted.fallback_count.unwrap().sql)
    });
    insta::assert_snapshot!(counts.join("\n--\n"), @r#"
SELECT count(*)
FROM (SELECT 1
FROM "goods" t0
LEFT JOIN "makers" t1 ON t1."tenant" = $1 AND t1."id" = t0."maker_id"
WHERE t0."tenant" = $1 AND t1."rank" = $2
LIMIT ($3 + 0)) t2
--
SELECT count(*)
FROM (SELECT 1
FROM "app"."goods" t0
LEFT JOIN "app"."makers" t1 ON t1."tenant" = $1 AND t1."id" = t0."maker_id"
WHERE t0."tenant" = $1 AND t1."rank" = $2
ORDER BY t0."id"
LIMIT 1001) t2
"#);
    query.window.offset = 0;
    assert_eq!(
        select(fixture.frame(Dialect::Postgres, Wall::Rls), &query).fallback_count,
        None
    );
}

#[test]
fn includes_of_three_levels() {
    let fixture = Fixture::new();
    let mut marks = fixture.query("marks", "id,text", "text,id");
    marks.window.limit = 3;
    let mut parts = fixture.query("parts", "id,size", "-id");
    parts.window.offset = 1;
    parts.includes = vec![fixture.include("parts", "marks", marks)];
    let mut maker = fixture.query("makers", "name,createdAt,createdBy", "");
    maker.includes =
        vec![fixture.include("makers", "country", fixture.query("countries", "code", ""))];
    let mut query = fixture.query("goods", "name", "-id");
    query.includes = vec![
        fixture.include("goods", "maker", maker),
        fixture.include("goods", "parts", parts),
    ];
    insta::assert_snapshot!(both(&fixture, &query), @r#"
SELECT t0."name"
, (SELECT carnet_object(0, CAST(t1."name" AS BLOB), t1."created_at", CAST(t1."created_by_kind" AS BLOB), t1."created_by_id"
, (SELECT carnet_object(1, CAST(t2."code" AS BLOB))
FROM "countries" t2
WHERE t2."id" = t1."country_id"))
FROM "makers" t1
WHERE t1."tenant" = $1 AND t1."id" = t0."maker_id")
, (SELECT carnet_list(2, t3."id", t3."size"
, (SELECT carnet_list(3, t4."id", t4."text")
FROM (SELECT t5."id", t5."text"
FROM "marks" t5
WHERE t5."tenant" = $1 AND t5."part_id" = t3."id"
ORDER BY t5."text", t5."id"
LIMIT ($2 + 0)) t4))
FROM (SELECT t6."id", t6."size"
FROM "parts" t6
WHERE t6."tenant" = $1 AND t6."good_id" = t0."id"
ORDER BY t6."id" DESC
LIMIT ($3 + 0) OFFSET $4) t3)
FROM (SELECT t7."name", t7."maker_id", t7."id"
FROM "goods" t7
WHERE t7."tenant" = $1
ORDER BY t7."id" DESC
LIMIT ($5 + 0)) t0
LIMIT ($5 + 0)
[Integer(7), Integer(3), Integer(20), Integer(1), Integer(21)]
--
SELECT t0."name"
, (SELECT json_build_array(t1."name", (extract(epoch from t1."created_at") * 1000000)::bigint, t1."created_by_kind", t1."created_by_id"
, (SELECT json_build_array(t2."code")
FROM "app"."countries" t2
WHERE t2."id" = t1."country_id"))
FROM "app"."makers" t1
WHERE t1."tenant" = $1 AND t1."id" = t0."maker_id")
, (SELECT coalesce(json_agg(json_build_array(t3."id", t3."size"
, (SELECT coalesce(json_agg(json_build_array(t4."id", t4."text")), '[]')
FROM (SELECT t5."id", t5."text"
FROM "app"."marks" t5
WHERE t5."tenant" = $1 AND t5."part_id" = t3."id"
ORDER BY t5."text", t5."id"
LIMIT $2) t4))), '[]')
FROM (SELECT t6."id", t6."size"
FROM "app"."parts" t6
WHERE t6."tenant" = $1 AND t6."good_id" = t0."id"
ORDER BY t6."id" DESC
LIMIT $3 OFFSET $4) t3)
FROM (SELECT t7."name", t7."maker_id", t7."id"
FROM "app"."goods" t7
WHERE t7."tenant" = $1
ORDER BY t7."id" DESC
LIMIT 21) t0
[Integer(7), Integer(3), Integer(20), Integer(1)]
"#);
}

#[test]
fn comparisons() {
    let fixture = Fixture::new();
    let path = |words: &str| fixture.path("goods", words);
    let compare = |words: &str, op: CompareOp, value: Value| Predicate::Compare {
        op,
        left: Operand::Path(path(words)),
        right: Operand::Value(value),
    };
    let paths = |left: &str, op: CompareOp, right: &str| Predicate::Compare {
        op,
        left: Operand::Path(path(left)),
        right: Operand::Path(path(right)),
    };
    let user = PrincipalRef {
        kind: PrincipalKind::User,
        id: Some(Id::from_u128(5)),
    };
    let member = |words: &str, list: Vec<Value>| Predicate::In {
        operand: Operand::Path(path(words)),
        list,
    };
    let not = |inner: Predicate| Predicate::Not(Box::new(inner));
    let cases = [
        compare("amount", CompareOp::Eq, Value::Integer(1)),
        compare("amount", CompareOp::Ne, Value::Integer(1)),
        compare("kind", CompareOp::Ne, Value::Text("a".to_owned())),
        compare("amount", CompareOp::Eq, Value::Null),
        compare("amount", CompareOp::Gt, Value::Null),
        compare("name", CompareOp::Gte, Value::Text("ABC".to_owned())),
        compare("name", CompareOp::Eq, Value::Text("ABC".to_owned())),
        compare(
            "price",
            CompareOp::Lt,
            Value::Decimal(Decimal {
                unscaled: 5,
                scale: 2,
            }),
        ),
        compare(
            "extra",
            CompareOp::Eq,
            Value::Json(JsonText::parse("{}").unwrap()),
        ),
        compare("createdBy", CompareOp::Eq, Value::Principal(user)),
        compare("createdBy", CompareOp::Ne, Value::Principal(user)),
        compare("maker.id", CompareOp::Eq, Value::Id(Id::from_u128(9))),
        compare(
            "maker.country.code",
            CompareOp::Ne,
            Value::Text("FI".to_owned()),
        ),
        compare("amount", CompareOp::Eq, Value::Text("no number".to_owned())),
        Predicate::Compare {
            op: CompareOp::Lt,
            left: Operand::Value(Value::Integer(3)),
            right: Operand::Path(path("amount")),
        },
        paths("amount", CompareOp::Eq, "parent.amount"),
        paths("name", CompareOp::Lt, "maker.name"),
        member("amount", vec![Value::Integer(1), Value::Integer(2)]),
        member(
            "amount",
            vec![Value::Integer(1), Value::Integer(2), Value::Null],
        ),
        not(member("amount", vec![Value::Integer(1), Value::Integer(2)])),
        not(member(
            "amount",
            vec![Value::Integer(1), Value::Integer(2), Value::Null],
        )),
        not(member(
            "kind",
            vec![Value::Text("a".to_owned()), Value::Text("b".to_owned())],
        )),
        member(
            "id",
            vec![Value::Id(Id::from_u128(1)), Value::Id(Id::from_u128(2))],
        ),
        member("amount", vec![Value::Null]),
        member("weight", vec![Value::Float(0.1), Value::Float(0.2)]),
        not(member(
            "createdBy",
            vec![Value::Principal(user), Value::Null],
        )),
    ];
    let all: Vec<String> = cases
        .into_iter()
        .map(|case| conditions(&fixture, case))
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
"goods" t0 WHERE t0."tenant" = $1 AND t0."amount" = $2
  Value(Integer(1))
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."amount" = $2
  Value(Integer(1))
"goods" t0 WHERE t0."tenant" = $1 AND t0."amount" IS NOT $2
  Value(Integer(1))
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."amount" IS DISTINCT FROM $2
  Value(Integer(1))
"goods" t0 WHERE t0."tenant" = $1 AND t0."kind" <> $2
  Value(Text("a"))
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."kind" <> $2
  Value(Text("a"))
"goods" t0 WHERE t0."tenant" = $1 AND t0."amount" IS NULL
  
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."amount" IS NULL
  
"goods" t0 WHERE t0."tenant" = $1 AND false
  
"app"."goods" t0 WHERE t0."tenant" = $1 AND false
  
"goods" t0 WHERE t0."tenant" = $1 AND t0."name_key" >= $2
  Text("abc")
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."name_key" >= $2
  Text("abc")
"goods" t0 WHERE t0."tenant" = $1 AND t0."name" = $2
  Value(Text("ABC"))
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."name" = $2
  Value(Text("ABC"))
"goods" t0 WHERE t0."tenant" = $1 AND t0."price" < $2
  Value(Decimal(Decimal { unscaled: 5, scale: 2 }))
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."price" < $2
  Value(Decimal(Decimal { unscaled: 5, scale: 2 }))
"goods" t0 WHERE t0."tenant" = $1 AND t0."extra" = $2
  Value(Json(JsonText("{}")))
"app_find"."goods" t0 WHERE t0."tenant" = $1 AND t0."extra" = $2
  Value(Json(JsonText("{}")))
"goods" t0 WHERE t0."tenant" = $1 AND (t0."created_by_kind" = $2 AND t0."created_by_id" = $3)
  Text("user"); Value(Id(00000000000000000000000005))
"app"."goods" t0 WHERE t0."tenant" = $1 AND (t0."created_by_kind" = $2 AND t0."created_by_id" = $3)
  Text("user"); Value(Id(00000000000000000000000005))
"goods" t0 WHERE t0."tenant" = $1 AND (t0."created_by_kind" IS NOT $2 OR t0."created_by_id" IS NOT $3)
  Text("user"); Value(Id(00000000000000000000000005))
"app"."goods" t0 WHERE t0."tenant" = $1 AND (t0."created_by_kind" IS DISTINCT FROM $2 OR t0."created_by_id" IS DISTINCT FROM $3)
  Text("user"); Value(Id(00000000000000000000000005))
"goods" t0 WHERE t0."tenant" = $1 AND t0."maker_id" = $2
  Value(Id(00000000000000000000000009))
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."maker_id" = $2
  Value(Id(00000000000000000000000009))
"goods" t0 LEFT JOIN "makers" t1 ON t1."tenant" = $1 AND t1."id" = t0."maker_id" LEFT JOIN "countries" t2 ON t2."id" = t1."country_id" WHERE t0."tenant" = $1 AND t2."code" IS NOT $2
  Value(Text("FI"))
"app"."goods" t0 LEFT JOIN "app"."makers" t1 ON t1."tenant" = $1 AND t1."id" = t0."maker_id" LEFT JOIN "app"."countries" t2 ON t2."id" = t1."country_id" WHERE t0."tenant" = $1 AND t2."code" IS DISTINCT FROM $2
  Value(Text("FI"))
"goods" t0 WHERE t0."tenant" = $1 AND false
  
"app"."goods" t0 WHERE t0."tenant" = $1 AND false
  
"goods" t0 WHERE t0."tenant" = $1 AND t0."amount" > $2
  Value(Integer(3))
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."amount" > $2
  Value(Integer(3))
"goods" t0 LEFT JOIN "goods" t1 ON t1."tenant" = $1 AND t1."id" = t0."parent_id" WHERE t0."tenant" = $1 AND t0."amount" IS t1."amount"
  
"app"."goods" t0 LEFT JOIN "app"."goods" t1 ON t1."tenant" = $1 AND t1."id" = t0."parent_id" WHERE t0."tenant" = $1 AND t0."amount" IS NOT DISTINCT FROM t1."amount"
  
"goods" t0 LEFT JOIN "makers" t1 ON t1."tenant" = $1 AND t1."id" = t0."maker_id" WHERE t0."tenant" = $1 AND t0."name_key" < t1."name_key"
  
"app"."goods" t0 LEFT JOIN "app"."makers" t1 ON t1."tenant" = $1 AND t1."id" = t0."maker_id" WHERE t0."tenant" = $1 AND t0."name_key" < t1."name_key"
  
"goods" t0 WHERE t0."tenant" = $1 AND t0."amount" IN (SELECT value FROM json_each($2))
  List(Integer, [Integer(1), Integer(2)])
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."amount" = ANY($2)
  List(Integer, [Integer(1), Integer(2)])
"goods" t0 WHERE t0."tenant" = $1 AND (t0."amount" IN (SELECT value FROM json_each($2)) OR t0."amount" IS NULL)
  List(Integer, [Integer(1), Integer(2)])
"app"."goods" t0 WHERE t0."tenant" = $1 AND (t0."amount" = ANY($2) OR t0."amount" IS NULL)
  List(Integer, [Integer(1), Integer(2)])
"goods" t0 WHERE t0."tenant" = $1 AND (t0."amount" NOT IN (SELECT value FROM json_each($2)) OR t0."amount" IS NULL)
  List(Integer, [Integer(1), Integer(2)])
"app"."goods" t0 WHERE t0."tenant" = $1 AND (t0."amount" <> ALL($2) OR t0."amount" IS NULL)
  List(Integer, [Integer(1), Integer(2)])
"goods" t0 WHERE t0."tenant" = $1 AND t0."amount" NOT IN (SELECT value FROM json_each($2))
  List(Integer, [Integer(1), Integer(2)])
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."amount" <> ALL($2)
  List(Integer, [Integer(1), Integer(2)])
"goods" t0 WHERE t0."tenant" = $1 AND t0."kind" NOT IN (SELECT value FROM json_each($2))
  List(Text, [Text("a"), Text("b")])
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."kind" <> ALL($2)
  List(Text, [Text("a"), Text("b")])
"goods" t0 WHERE t0."tenant" = $1 AND t0."id" IN (SELECT unhex(value) FROM json_each($2))
  List(Id, [Id(00000000000000000000000001), Id(00000000000000000000000002)])
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."id" = ANY($2)
  List(Id, [Id(00000000000000000000000001), Id(00000000000000000000000002)])
"goods" t0 WHERE t0."tenant" = $1 AND t0."amount" IS NULL
  
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."amount" IS NULL
  
"goods" t0 WHERE t0."tenant" = $1 AND (t0."weight" = $2 OR t0."weight" = $3)
  Value(Float(0.1)); Value(Float(0.2))
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."weight" = ANY($2)
  List(Float, [Float(0.1), Float(0.2)])
"goods" t0 WHERE t0."tenant" = $1 AND ((t0."created_by_kind" IS NOT $2 OR t0."created_by_id" IS NOT $3) AND t0."created_by_kind" IS NOT NULL)
  Text("user"); Value(Id(00000000000000000000000005))
"app"."goods" t0 WHERE t0."tenant" = $1 AND ((t0."created_by_kind" IS DISTINCT FROM $2 OR t0."created_by_id" IS DISTINCT FROM $3) AND t0."created_by_kind" IS NOT NULL)
  Text("user"); Value(Id(00000000000000000000000005))
"#);
}

#[test]
fn text_tests() {
    let fixture = Fixture::new();
    let not = |inner: Predicate| Predicate::Not(Box::new(inner));
    let cases = [
        text(&fixture, "note", TextOp::Contains, "x", false),
        not(text(&fixture, "note", TextOp::Contains, "x", false)),
        text(&fixture, "note", TextOp::Contains, "", false),
        not(text(&fixture, "note", TextOp::Contains, "", false)),
        text(&fixture, "note", TextOp::StartsWith, "ab", false),
        not(text(&fixture, "name", TextOp::StartsWith, "ab", true)),
        text(&fixture, "note", TextOp::StartsWith, "\u{10FFFF}", false),
        text(&fixture, "note", TextOp::EndsWith, "ab", false),
        text(&fixture, "note", TextOp::Like, "a_%*", false),
        not(text(&fixture, "note", TextOp::Like, "a_%*", false)),
        text(&fixture, "note", TextOp::Like, "%[x]_", false),
        text(&fixture, "note", TextOp::Contains, "x", true),
        text(&fixture, "amount", TextOp::Contains, "x", false),
    ];
    let all: Vec<String> = cases
        .into_iter()
        .map(|case| conditions(&fixture, case))
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
"goods" t0 WHERE t0."tenant" = $1 AND instr(t0."note", $2) > 0
  Text("x")
"app_find"."goods" t0 WHERE t0."tenant" = $1 AND strpos(t0."note", $2) > 0
  Text("x")
"goods" t0 WHERE t0."tenant" = $1 AND NOT instr(t0."note", $2) > 0
  Text("x")
"app_find"."goods" t0 WHERE t0."tenant" = $1 AND NOT strpos(t0."note", $2) > 0
  Text("x")
"goods" t0 WHERE t0."tenant" = $1 AND t0."note" IS NOT NULL
  
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."note" IS NOT NULL
  
"goods" t0 WHERE t0."tenant" = $1 AND false
  
"app"."goods" t0 WHERE t0."tenant" = $1 AND false
  
"goods" t0 WHERE t0."tenant" = $1 AND (t0."note" >= $2 AND t0."note" < $3)
  Text("ab"); Text("ac")
"app"."goods" t0 WHERE t0."tenant" = $1 AND (t0."note" >= $2 AND t0."note" < $3)
  Text("ab"); Text("ac")
"goods" t0 WHERE t0."tenant" = $1 AND (t0."name_key" < $2 OR t0."name_key" >= $3)
  Text("ab"); Text("ac")
"app"."goods" t0 WHERE t0."tenant" = $1 AND (t0."name_key" < $2 OR t0."name_key" >= $3)
  Text("ab"); Text("ac")
"goods" t0 WHERE t0."tenant" = $1 AND t0."note" >= $2
  Text("\u{10ffff}")
"app"."goods" t0 WHERE t0."tenant" = $1 AND t0."note" >= $2
  Text("\u{10ffff}")
"goods" t0 WHERE t0."tenant" = $1 AND substr(t0."note", -length($2)) = $2
  Text("ab")
"app_find"."goods" t0 WHERE t0."tenant" = $1 AND right(t0."note", length($2)) = $2
  Text("ab")
"goods" t0 WHERE t0."tenant" = $1 AND ((t0."note" >= $2 AND t0."note" < $3) AND t0."note" GLOB $4)
  Text("a"); Text("b"); Text("a?*[*]")
"app_find"."goods" t0 WHERE t0."tenant" = $1 AND ((t0."note" >= $2 AND t0."note" < $3) AND t0."note" LIKE $4 ESCAPE '\')
  Text("a"); Text("b"); Text("a_%*")
"goods" t0 WHERE t0."tenant" = $1 AND NOT t0."note" GLOB $2
  Text("a?*[*]")
"app_find"."goods" t0 WHERE t0."tenant" = $1 AND NOT t0."note" LIKE $2 ESCAPE '\'
  Text("a_%*")
"goods" t0 WHERE t0."tenant" = $1 AND t0."note" GLOB $2
  Text("*[[]x]?")
"app_find"."goods" t0 WHERE t0."tenant" = $1 AND t0."note" LIKE $2 ESCAPE '\'
  Text("%[x]_")
"goods" t0 WHERE t0."tenant" = $1 AND false
  
"app_find"."goods" t0 WHERE t0."tenant" = $1 AND false
  
"goods" t0 WHERE t0."tenant" = $1 AND false
  
"app_find"."goods" t0 WHERE t0."tenant" = $1 AND false
"#);
}

#[test]
fn relations_in_predicates() {
    let fixture = Fixture::new();
    let goods = fixture.resource("goods");
    let parts = goods.relation_named("parts").unwrap();
    let label = fixture.path("parts", "label");
    let inner = Predicate::compare(label.field, CompareOp::Eq, Value::Text("x".to_owned()));
    let exists = |steps: Vec<carnet_expr::RelationIndex>, inner: Predicate| Predicate::Exists {
        steps,
        relation: parts,
        predicate: Box::new(inner),
    };
    let parent = goods.relation_named("parent").unwrap();
    let cases = [
        exists(Vec::new(), inner.clone()),
        Predicate::Not(Box::new(exists(Vec::new(), Predicate::True))),
        exists(vec![parent], inner),
        Predicate::Or(vec![
            Predicate::IsNull(Operand::Path(fixture.path("goods", "parent.maker.name"))),
            Predicate::IsNull(Operand::Path(fixture.path("goods", "parent.note"))),
        ]),
    ];
    let all: Vec<String> = cases
        .into_iter()
        .map(|case| conditions(&fixture, case))
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
"goods" t0 WHERE t0."tenant" = $1 AND EXISTS (SELECT 1 FROM "parts" t1 WHERE t1."tenant" = $1 AND t1."good_id" = t0."id" AND t1."label" = $2)
  Value(Text("x"))
"app"."goods" t0 WHERE t0."tenant" = $1 AND EXISTS (SELECT 1 FROM "app"."parts" t1 WHERE t1."tenant" = $1 AND t1."good_id" = t0."id" AND t1."label" = $2)
  Value(Text("x"))
"goods" t0 WHERE t0."tenant" = $1 AND NOT (EXISTS (SELECT 1 FROM "parts" t1 WHERE t1."tenant" = $1 AND t1."good_id" = t0."id"))
  
"app"."goods" t0 WHERE t0."tenant" = $1 AND NOT (EXISTS (SELECT 1 FROM "app"."parts" t1 WHERE t1."tenant" = $1 AND t1."good_id" = t0."id"))
  
"goods" t0 LEFT JOIN "goods" t1 ON t1."tenant" = $1 AND t1."id" = t0."parent_id" WHERE t0."tenant" = $1 AND EXISTS (SELECT 1 FROM "parts" t2 WHERE t2."tenant" = $1 AND t2."good_id" = t1."id" AND t2."label" = $2)
  Value(Text("x"))
"app"."goods" t0 LEFT JOIN "app"."goods" t1 ON t1."tenant" = $1 AND t1."id" = t0."parent_id" WHERE t0."tenant" = $1 AND EXISTS (SELECT 1 FROM "app"."parts" t2 WHERE t2."tenant" = $1 AND t2."good_id" = t1."id" AND t2."label" = $2)
  Value(Text("x"))
"goods" t0 LEFT JOIN "goods" t1 ON t1."tenant" = $1 AND t1."id" = t0."parent_id" LEFT JOIN "makers" t2 ON t2."tenant" = $1 AND t2."id" = t1."maker_id" WHERE t0."tenant" = $1 AND (t2."name" IS NULL OR t1."note" IS NULL)
  
"app"."goods" t0 LEFT JOIN "app"."goods" t1 ON t1."tenant" = $1 AND t1."id" = t0."parent_id" LEFT JOIN "app"."makers" t2 ON t2."tenant" = $1 AND t2."id" = t1."maker_id" WHERE t0."tenant" = $1 AND (t2."name" IS NULL OR t1."note" IS NULL)
"#);
}

#[test]
fn one_leaky_test_anywhere_moves_every_relation_to_the_views() {
    let fixture = Fixture::new();
    let mut parts = fixture.query("parts", "label", "-id");
    parts.predicate = Predicate::Text {
        op: TextOp::Contains,
        path: fixture.path("parts", "label"),
        pattern: "x".to_owned(),
        caseless: false,
    };
    let mut query = fixture.query("goods", "name", "maker.country.name,-id");
    query.includes = vec![fixture.include("goods", "parts", parts)];
    let rls = select(fixture.frame(Dialect::Postgres, Wall::Rls), &query)
        .main
        .sql;
    insta::assert_snapshot!(pretty(&rls), @r#"
SELECT t0."name"
, (SELECT coalesce(json_agg(json_build_array(t1."label")), '[]')
FROM (SELECT t2."label"
FROM "app_find"."parts" t2
WHERE t2."tenant" = $1 AND t2."good_id" = t0."id" AND strpos(t2."label", $2) > 0
ORDER BY t2."id" DESC
LIMIT $3) t1)
FROM (SELECT t3."name", t3."id"
FROM "app_find"."goods" t3
LEFT JOIN "app_find"."makers" t4 ON t4."tenant" = $1 AND t4."id" = t3."maker_id"
LEFT JOIN "app"."countries" t5 ON t5."id" = t4."country_id"
WHERE t3."tenant" = $1
ORDER BY t5."name", t3."id" DESC
LIMIT 21) t0
"#);
    let view = select(fixture.frame(Dialect::Postgres, Wall::View), &query)
        .main
        .sql;
    assert_eq!(rls, view);
    let none = select(fixture.frame(Dialect::Postgres, Wall::None), &query)
        .main
        .sql;
    assert!(!none.contains("app_find"), "{none}");
    query.includes.clear();
    let strict = select(fixture.frame(Dialect::Postgres, Wall::Rls), &query)
        .main
        .sql;
    assert!(!strict.contains("app_find"), "{strict}");
}

#[test]
fn loads() {
    let fixture = Fixture::new();
    let marks = fixture.resource("marks");
    let record = Load::Record {
        resource: marks.index,
        id: Id::from_u128(1),
    };
    let referencing = Load::Referencing {
        resource: marks.index,
        field: marks.field_named("partId").unwrap(),
        id: Id::from_u128(2),
        limit: 1_001,
    };
    let countries = fixture.resource("countries").index;
    let mut all = String::new();
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let frame = fixture.frame(dialect, Wall::Rls);
        for statement in [
            load(frame, &record, true).statement,
            load(frame, &referencing, true).statement,
            load_records(frame, countries, &[Id::from_u128(3)], false).statement,
        ] {
            all.push_str(&format!(
                "{}\n{:?}\n",
                pretty(&statement.sql),
                statement.params
            ));
        }
    }
    insta::assert_snapshot!(all, @r#"
SELECT t0."id", t0."text", t0."part_id", t0."price", t0."version", t0."created_at", t0."updated_at", t0."created_by_kind", t0."created_by_id", t0."updated_by_kind", t0."updated_by_id"
FROM "marks" t0
WHERE t0."tenant" = $1 AND t0."id" = $2
[Integer(7), Value(Id(00000000000000000000000001))]
SELECT t0."id", t0."text", t0."part_id", t0."price", t0."version", t0."created_at", t0."updated_at", t0."created_by_kind", t0."created_by_id", t0."updated_by_kind", t0."updated_by_id"
FROM "marks" t0
WHERE t0."tenant" = $1 AND t0."part_id" = $2
ORDER BY t0."id"
LIMIT ($3 + 0)
[Integer(7), Value(Id(00000000000000000000000002)), Integer(1001)]
SELECT t0."id", t0."code", t0."name", t0."version", t0."created_at", t0."updated_at", t0."created_by_kind", t0."created_by_id", t0."updated_by_kind", t0."updated_by_id"
FROM "countries" t0
WHERE t0."id" IN (SELECT unhex(value)
FROM json_each($1))
ORDER BY t0."id"
[List(Id, [Id(00000000000000000000000003)])]
SELECT t0."id", t0."text", t0."part_id", t0."price", t0."version", t0."created_at", t0."updated_at", t0."created_by_kind", t0."created_by_id", t0."updated_by_kind", t0."updated_by_id"
FROM "app"."marks" t0
WHERE t0."tenant" = $1 AND t0."id" = $2 FOR UPDATE
[Integer(7), Value(Id(00000000000000000000000001))]
SELECT t0."id", t0."text", t0."part_id", t0."price", t0."version", t0."created_at", t0."updated_at", t0."created_by_kind", t0."created_by_id", t0."updated_by_kind", t0."updated_by_id"
FROM "app"."marks" t0
WHERE t0."tenant" = $1 AND t0."part_id" = $2
ORDER BY t0."id"
LIMIT $3 FOR UPDATE
[Integer(7), Value(Id(00000000000000000000000002)), Integer(1001)]
SELECT t0."id", t0."code", t0."name", t0."version", t0."created_at", t0."updated_at", t0."created_by_kind", t0."created_by_id", t0."updated_by_kind", t0."updated_by_id"
FROM "app"."countries" t0
WHERE t0."id" = ANY($1)
ORDER BY t0."id"
[List(Id, [Id(00000000000000000000000003)])]
"#);
}
