//! Searches: the same set on every database, told by the evaluator; the best match first.

#![cfg(test)]

use crate::world::{World, told};
use carnet_expr::{Path, Predicate, RelationIndex, Row, Truth, evaluate};
use carnet_kernel::{Code, TenantKey, Value};
use carnet_model::Resource;
use carnet_records::parse::parse_list;
use carnet_records::{Answer, Command};
use serde_json::json;
use std::collections::BTreeSet;

crate::on_both!(
    the_same_set,
    hostile,
    ranked,
    weighed,
    fuzzy,
    fuzzy_is_asked_for,
    forms_of_words,
    accents_kept,
    cursors_of_sorted_searches,
    kept_by_writes,
    walled_by_tenant,
    bounded,
);

/// Title, body, contact.
const CORPUS: &[[&str; 3]] = &[
    [
        "Solar panel 300W",
        "Monocrystalline, for roofs.",
        "sales@solar.example",
    ],
    [
        "solar charger",
        "Folds small; charges a phone by the sun.",
        "",
    ],
    ["SOLAR-PANEL mounting kit", "", "kit@parts.example"],
    [
        "Panel of experts",
        "They speak about solar power. Solar, solar!",
        "",
    ],
    [
        "Crème brûlée torch",
        "Café-grade flambé",
        "chef@cafe\u{301}.example",
    ],
    ["creme brulee spoon", "CAFE", ""],
    ["Straße im Süden", "Maßband STRASSE", ""],
    ["İstanbul ılık Diyarbakır", "istanbul ISTANBUL", ""],
    ["ΟΔΟΣ ὁδός οδος", "Σίσυφος ΣΊΣΥΦΟΣ", ""],
    ["蓄電池パック", "電池 と 蓄電", ""],
    ["池電", "日本語", ""],
    ["배터리 팩", "한국어", ""],
    ["ไทยแลนด์", "हिन्दी भाषा", ""],
    ["שָׁלוֹם", "عَرَبِيّ", ""],
    ["Ёлка зелёная", "елка", ""],
    ["🔋 battery 🔥", "👩🏽\u{200D}🔧 repairs", ""],
    ["ＦＵＬＬＷＩＤＴＨ ﬁne ½", "x² ™", ""],
    [
        "SKU AB-12/3 v2.0",
        "o'brien's C++ & C# <b>",
        "o'brien+tag@x.example",
    ],
    ["AND OR NOT NEAR", "title : * ^ \"quoted\" (paren)", ""],
    ["a b c", "a-b", ""],
    ["...", "--", ""],
];

struct Article<'a>(&'a Resource, [&'a str; 3]);

impl Row for Article<'_> {
    fn value(&self, path: &Path) -> Value {
        let text = match self.0.field(path.field).name.as_str() {
            "title" => self.1[0],
            "body" => self.1[1],
            "contact" => self.1[2],
            _ => "",
        };
        match text {
            "" => Value::Null,
            text => Value::Text(text.to_owned()),
        }
    }

    fn exists(&self, _: &[RelationIndex], _: RelationIndex, _: &Predicate) -> bool {
        false
    }
}

async fn articles(world: &World) {
    let items: Vec<String> = CORPUS
        .iter()
        .map(|[title, body, contact]| {
            // The address rules of the API are stricter than this corpus.
            let contact = if contact.is_ascii() { *contact } else { "" };
            let text = |text: &str| match text {
                "" => serde_json::Value::Null,
                text => json!(text),
            };
            let data = json!({ "title": title, "body": text(body), "contact": text(contact) });
            json!({ "operation": "create", "data": data }).to_string()
        })
        .collect();
    world.batch("articles", &items).await.unwrap();
}

/// The titles that a list finds, in its order.
async fn titles(world: &World, pairs: &[(&str, &str)]) -> Vec<String> {
    named(world, ["articles", "title"], pairs).await
}

/// What a field holds in a list of a resource, in its order.
async fn named(world: &World, [resource, field]: [&str; 2], pairs: &[(&str, &str)]) -> Vec<String> {
    let listing = listed(world, resource, pairs).await.listing;
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&listing.json).unwrap();
    assert_eq!(listing.total, Some(rows.len() as u64), "{pairs:?}");
    rows.iter()
        .map(|row| row[field].as_str().unwrap().to_owned())
        .collect()
}

async fn listed(
    world: &World,
    resource: &str,
    pairs: &[(&str, &str)],
) -> carnet_records::ListAnswer {
    let resource = world.view.resource_named(resource).unwrap();
    let pairs: Vec<(String, String)> = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let request = parse_list(&world.view, resource, &pairs, carnet_kernel::Timestamp(0))
        .unwrap_or_else(|refusal| panic!("{pairs:?}: {}", told(&refusal)));
    let command = Command::List {
        resource: resource.index,
        request: std::sync::Arc::new(request.into()),
    };
    let answer = world.run(command).await;
    let Answer::List(answer) = answer.unwrap_or_else(|refusal| panic!("{}", told(&refusal))) else {
        panic!("a list answers with a list");
    };
    *answer
}

/// What the evaluator says of the corpus; `None` when the search is refused.
fn expected(world: &World, key: &str, text: &str) -> Option<BTreeSet<String>> {
    let resource = world.view.resource_named("articles").unwrap();
    let request = parse_list(
        &world.view,
        resource,
        &[(key.to_owned(), text.to_owned())],
        carnet_kernel::Timestamp(0),
    )
    .ok()?;
    let found = CORPUS.iter().filter(|[title, body, contact]| {
        let contact = if contact.is_ascii() { *contact } else { "" };
        let row = Article(resource, [title, body, contact]);
        evaluate(&request.predicate, &row) == Truth::True
    });
    Some(found.map(|[title, ..]| (*title).to_owned()).collect())
}

async fn check(world: &World, key: &str, text: &str) {
    match expected(world, key, text) {
        Some(expected) => {
            for sort in [None, Some(("sort", "title"))] {
                let mut pairs = vec![(key, text), ("limit", "100")];
                pairs.extend(sort);
                let found = titles(world, &pairs).await;
                let set: BTreeSet<String> = found.iter().cloned().collect();
                assert_eq!(set, expected, "{key}={text}");
                assert_eq!(set.len(), found.len(), "{key}={text}");
            }
        }
        None => {
            let resource = world.view.resource_named("articles").unwrap();
            let pairs = [(key.to_owned(), text.to_owned())];
            assert!(
                parse_list(&world.view, resource, &pairs, carnet_kernel::Timestamp(0)).is_err()
            );
        }
    }
}

/// So many of the corpus a search finds.
#[track_caller]
fn finds(world: &World, text: &str, count: usize) {
    let found = expected(world, "search", text).unwrap();
    assert_eq!(found.len(), count, "{text}: {found:?}");
}

async fn the_same_set(world: World) {
    let world = &world;
    articles(world).await;
    for (text, count) in [
        ("solar", 4),
        ("solar panel", 3),
        ("\"solar panel\"", 2),
        ("\"panel solar\"", 0),
        ("panel -solar", 0),
        ("solar -\"solar panel\"", 2),
        ("pan*", 3),
        ("\"solar pan\"*", 2),
        ("-solar", 17),
        ("creme brulee", 2),
        ("CAFÉ", 2),
        ("cafe", 2),
        ("strasse", 1),
        ("STRAẞE massband", 1),
        ("istanbul", 1),
        ("ilik", 0),
        ("ılık", 1),
        ("diyarbakır", 1),
        ("οδος", 1),
        ("ΣΙΣΥΦΟΣ", 1),
        ("電池", 1),
        ("池電", 1),
        ("電", 2),
        ("蓄電*", 1),
        ("배터*", 1),
        ("ไทย", 1),
        ("हिन्दी", 1),
        ("שלום", 1),
        ("عربي", 1),
        ("елка", 1),
        ("🔋", 1),
        ("👩🔧", 1),
        ("fullwidth fine", 1),
        ("x2 tm", 1),
        ("ab-12", 1),
        ("ab-12/3", 1),
        ("v2.0", 1),
        ("o'brien", 1),
        ("c++", 2),
        ("not near", 1),
        ("solar.example", 1),
        ("sales@solar.example", 1),
        ("solar power experts", 1),
        ("nothing", 0),
    ] {
        finds(world, text, count);
        check(world, "search", text).await;
    }
}

async fn hostile(world: World) {
    let world = &world;
    articles(world).await;
    let texts = [
        "",
        " ",
        "*",
        "-",
        "\"",
        "\"\"",
        "'",
        "''",
        "\\",
        "\\'",
        "a\\",
        "a'b",
        "a\"b",
        "(",
        ")",
        "a)",
        "(a",
        "a & b",
        "a | b",
        "!a",
        "a:*",
        "a:B",
        "a <-> b",
        "a<2>b",
        "<->",
        "& | !",
        ":*",
        "a OR",
        "OR a",
        "NOT",
        "NOT a",
        "a AND",
        "NEAR(a b, 2)",
        "NEAR(",
        "title:a",
        "{title body}:a",
        "- title:a",
        "^a",
        "a^",
        "a + b",
        "a *",
        "* a",
        "**",
        "\"a\" *",
        "\"a *",
        "\"a\"\"b\"",
        "--a",
        "-\"a b\"",
        "-*",
        "a;drop table articles",
        "%",
        "_",
        "%a%",
        "a_b",
        "1_solar",
        "1-sol",
        "0_solar",
        "\u{0}a",
        "\u{FEFF}",
        "\u{202E}a",
        "\u{1F}",
        "é\u{301}\u{301}",
        "\u{301}",
        "\u{FFFF}",
        "🏳️‍🌈",
        "$1",
        "$$",
        "?1",
        ":a",
        "@a",
        "#",
        "[a]",
        "a\nb",
        "a\tb",
        "\r\n",
        "`a`",
        "/*",
        "--",
        "a'::tsquery",
        "null",
    ];
    for text in texts {
        check(world, "search", text).await;
        check(world, "search[fuzzy]", text).await;
    }
    let long = "x".repeat(1_000);
    check(world, "search", &long).await;
    check(world, "search[fuzzy]", &long).await;
    let many = "'\"".repeat(500);
    check(world, "search", &many).await;
}

async fn ranked(world: World) {
    let world = &world;
    for (title, body) in [
        ("lamp", "a lamp, a lamp and another lamp: lamp"),
        (
            "table",
            "stands beside a lamp, somewhere in a long text about rooms and what is in them",
        ),
        ("chair", "no light"),
        ("lamp two", "lamp"),
    ] {
        world
            .made(
                "articles",
                &json!({ "title": title, "body": body }).to_string(),
            )
            .await;
    }
    let found = titles(world, &[("search", "lamp")]).await;
    assert_eq!(found.len(), 3);
    assert_eq!(found.last().map(String::as_str), Some("table"), "{found:?}");
    let found = titles(world, &[("search", "lamp"), ("sort", "title")]).await;
    assert_eq!(found, ["lamp", "lamp two", "table"]);
    let found = titles(world, &[("search", "lamp"), ("filter[title][ne]", "lamp")]).await;
    assert_eq!(found, ["lamp two", "table"]);
    // Equal matches come newest first, as lists do.
    for number in 0..5 {
        let body = json!({ "title": "same", "rank": number }).to_string();
        world.made("articles", &body).await;
    }
    let ranks = world.names("articles", "search=same", "rank").await;
    assert_eq!(ranks, ["4", "3", "2", "1", "0"]);
    let ranks = world
        .names("articles", "search=same&limit=2&offset=1", "rank")
        .await;
    assert_eq!(ranks, ["3", "2"]);
}

/// Records with a name and a body, as the evaluator sees them.
struct Worded<'a>(&'a Resource, [&'a str; 2]);

impl Row for Worded<'_> {
    fn value(&self, path: &Path) -> Value {
        let text = match self.0.field(path.field).name.as_str() {
            "name" => self.1[0],
            "body" => self.1[1],
            _ => "",
        };
        Value::Text(text.to_owned())
    }

    fn exists(&self, _: &[RelationIndex], _: RelationIndex, _: &Predicate) -> bool {
        false
    }
}

async fn worded(world: &World, resource: &str, rows: &[[&str; 2]]) {
    let items: Vec<String> = rows
        .iter()
        .map(|[name, body]| {
            let data = json!({ "name": name, "body": body });
            json!({ "operation": "create", "data": data }).to_string()
        })
        .collect();
    world.batch(resource, &items).await.unwrap();
}

/// Finds what the evaluator finds, or is refused as there; answers how many.
async fn check_worded(world: &World, name: &str, rows: &[[&str; 2]], pair: (&str, &str)) -> usize {
    let resource = world.view.resource_named(name).unwrap();
    let pairs = [(pair.0.to_owned(), pair.1.to_owned())];
    let Ok(request) = parse_list(&world.view, resource, &pairs, carnet_kernel::Timestamp(0)) else {
        return 0;
    };
    let found = rows
        .iter()
        .filter(|row| evaluate(&request.predicate, &Worded(resource, **row)) == Truth::True);
    let mut expected: Vec<String> = found.map(|[name, _]| (*name).to_owned()).collect();
    let mut found = named(world, [name, "name"], &[pair, ("limit", "100")]).await;
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "{name} {pair:?}");
    found.len()
}

const HOSTILE: &[&str] = &[
    "",
    "*",
    "-",
    "\"",
    "'",
    "\\",
    "a'b",
    "a\"b",
    "(",
    "a & b",
    "!a",
    "a:*",
    "<->",
    "NEAR(a b, 2)",
    "_charg",
    "1__charg",
    "7_-x",
    "__",
    "a'::tsquery",
    "ing",
    "s",
    "ed",
    "'s",
    "sses",
    "ies",
    "\u{0}a",
    "\u{301}",
    "\u{202E}a",
    "é\u{301}\u{301}",
    "ñandúes",
    "ßßß",
    "电池s",
    "🔋ing",
    "İSTANBULS",
    "ſses",
    "ﬁshing",
    "ｃｈａｒｇｅｒｓ",
    "x\u{AD}ing",
    "charg'ers",
    "$1",
    "?1",
    "{name}:charger",
];

async fn forms_of_words(world: World) {
    let world = &world;
    let english: &[[&str; 2]] = &[
        ["Solar charger", "charges a phone"],
        ["Charging cables", "for phones and batteries"],
        ["University press", "universal"],
        ["Batteries", "AB-12 running shoes"],
        ["Crème brûlées", "cafés"],
        ["charg", "蓄電池"],
    ];
    worded(world, "manuals", english).await;
    for (text, count) in [
        ("charge", 3),
        ("chargers", 1),
        ("CHARGED", 3),
        ("\"charging\"", 1),
        ("\"charge\"", 0),
        ("chargi*", 1),
        ("charg*", 3),
        ("battery", 2),
        ("batteries phone", 1),
        ("-battery", 4),
        ("universities", 1),
        ("ab-12 shoe", 1),
        ("\"running shoes\"", 1),
        ("\"run shoe\"", 0),
        ("creme brulee", 1),
        ("café", 1),
        ("電池", 1),
        ("電", 1),
    ] {
        let found = check_worded(world, "manuals", english, ("search", text)).await;
        assert_eq!(found, count, "{text}");
    }
    for text in ["chargr", "batery", "_charg", "univers"] {
        check_worded(world, "manuals", english, ("search[fuzzy]", text)).await;
    }
    let spanish: &[[&str; 2]] = &[
        ["Instalación solar", "fácil"],
        ["Instalaciones", "fáciles de montar"],
        ["INSTALACION", "sin acento"],
        ["Año nuevo", "canciones"],
        ["ano", "canción"],
    ];
    worded(world, "notices", spanish).await;
    for (text, count) in [
        ("instalación", 3),
        ("instalaciones", 2),
        ("instalacion", 2),
        ("fácil", 2),
        ("facil", 2),
        ("canciones", 2),
        ("año", 2),
        ("\"instalación\"", 2),
        ("instalaci*", 3),
    ] {
        let found = check_worded(world, "notices", spanish, ("search", text)).await;
        assert_eq!(found, count, "{text}");
    }
    for text in HOSTILE {
        check_worded(world, "manuals", english, ("search", text)).await;
        check_worded(world, "manuals", english, ("search[fuzzy]", text)).await;
        check_worded(world, "notices", spanish, ("search", text)).await;
    }
}

async fn accents_kept(world: World) {
    let world = &world;
    let rows: &[[&str; 2]] = &[
        ["Käse", "schöne Bäume"],
        ["Kase", "ein schoner Baum"],
        ["STRASSE", "Straße"],
        ["cafe\u{301}", "CAFÉ"],
        ["co\u{AD}op", "שָׁלוֹם"],
    ];
    worded(world, "exacts", rows).await;
    for (text, count) in [
        ("KÄSE", 1),
        ("ka\u{308}se", 1),
        ("kase", 1),
        ("baum", 1),
        ("straße", 1),
        ("strasse", 1),
        ("café", 1),
        ("cafe", 0),
        ("\"caf\"*", 1),
        ("coop", 1),
        ("שלום", 0),
        ("שָׁלוֹם", 1),
    ] {
        let found = check_worded(world, "exacts", rows, ("search", text)).await;
        assert_eq!(found, count, "{text}");
    }
    worded(world, "sayings", rows).await;
    // The rules of German take umlauts off a stem; quotes ask for the word.
    for (text, count) in [
        ("KÄSE", 2),
        ("\"KÄSE\"", 1),
        ("baum", 2),
        ("\"baum\"", 1),
        ("käs*", 1),
        ("straßen", 1),
    ] {
        let found = check_worded(world, "sayings", rows, ("search", text)).await;
        assert_eq!(found, count, "{text}");
    }
    for text in HOSTILE {
        check_worded(world, "exacts", rows, ("search", text)).await;
        check_worded(world, "sayings", rows, ("search", text)).await;
    }
}

async fn weighed(world: World) {
    let world = &world;
    let rows: &[[&str; 2]] = &[
        ["table", "lamp lamp lamp lamp and more lamps: lamp, lamp"],
        ["lamp", "gives light"],
        ["chair", "stands beside a lamp"],
    ];
    worded(world, "manuals", rows).await;
    let found = named(world, ["manuals", "name"], &[("search", "lamp")]).await;
    assert_eq!(found.first().map(String::as_str), Some("lamp"), "{found:?}");
    assert_eq!(found.len(), 3);
    let both = [("search", "lamp"), ("search[fuzzy]", "lamb")];
    let found = named(world, ["manuals", "name"], &both).await;
    assert_eq!(found.first().map(String::as_str), Some("lamp"), "{found:?}");
}

async fn fuzzy_is_asked_for(world: World) {
    let refused = world.list("notices", "search[fuzzy]=instal").await;
    let refusal = refused.map(|_| ()).unwrap_err();
    assert_eq!(refusal.code, Code::UnknownParameter);
    assert!(
        told(&refusal).contains("`fuzzy: true`"),
        "{}",
        told(&refusal)
    );
}

async fn cursors_of_sorted_searches(world: World) {
    let world = &world;
    articles(world).await;
    let all = titles(world, &[("search", "solar"), ("sort", "title")]).await;
    assert_eq!(all.len(), 4);
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut pairs = vec![("search", "solar"), ("sort", "title"), ("limit", "1")];
        pairs.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let answer = listed(world, "articles", &pairs).await;
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&answer.listing.json).unwrap();
        let titles = rows
            .iter()
            .map(|row| row["title"].as_str().unwrap().to_owned());
        seen.extend(titles);
        assert!(seen.len() < 10);
        cursor = answer.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    let ranked = listed(world, "articles", &[("search", "solar"), ("limit", "1")]).await;
    assert_eq!(ranked.next, None);
}

async fn fuzzy(world: World) {
    let world = &world;
    articles(world).await;
    for text in [
        "solr",
        "panle",
        "solr panle",
        "creme",
        "brule",
        "batery",
        "strase",
        "電池",
        "배터라",
        "🔋",
        "a",
        "ab",
        "monocristaline",
        "sysyphos",
        "Σισυφοσ",
        "елко",
        "xyzzy",
    ] {
        check(world, "search[fuzzy]", text).await;
    }
    let found = titles(world, &[("search[fuzzy]", "solr"), ("limit", "100")]).await;
    assert_eq!(found.len(), 4, "{found:?}");
    let found = titles(world, &[("search[fuzzy]", "solr"), ("search", "kit")]).await;
    assert_eq!(found, ["SOLAR-PANEL mounting kit"]);
    // The likest first, the same on both.
    world.made("articles", r#"{"title":"panels"}"#).await;
    let found = titles(world, &[("search[fuzzy]", "panels"), ("search", "pan*")]).await;
    assert_eq!(
        found.first().map(String::as_str),
        Some("panels"),
        "{found:?}"
    );
}

async fn kept_by_writes(world: World) {
    let world = &world;
    let id = world
        .made("articles", r#"{"title":"first words","body":"alpha"}"#)
        .await;
    let found = async |text: &str| titles(world, &[("search", text)]).await.len();
    assert_eq!(found("first alpha").await, 1);
    world
        .patch("articles", &id, r#"{"title":"second words"}"#, None)
        .await
        .unwrap();
    assert_eq!(found("first").await, 0);
    assert_eq!(found("second alpha").await, 1);
    world
        .patch("articles", &id, r#"{"rank":7}"#, None)
        .await
        .unwrap();
    assert_eq!(found("second").await, 1);
    world
        .patch("articles", &id, r#"{"body":null}"#, None)
        .await
        .unwrap();
    assert_eq!(found("alpha").await, 0);
    world
        .update("articles", &id, r#"{"title":"third","body":"beta"}"#)
        .await
        .unwrap();
    assert_eq!(found("third beta").await, 1);
    assert_eq!(found("second").await, 0);
    let other = world.made("articles", r#"{"title":"third too"}"#).await;
    let items: Vec<String> = [&id, &other]
        .into_iter()
        .map(|id| {
            json!({ "operation": "patch", "id": id, "data": { "title": "fourth" } }).to_string()
        })
        .collect();
    world.batch("articles", &items).await.unwrap();
    assert_eq!(found("fourth").await, 2);
    assert_eq!(found("third").await, 0);
    world.delete("articles", &id, None).await.unwrap();
    assert_eq!(found("fourth").await, 1);
    let removal = json!({ "operation": "delete", "id": other }).to_string();
    world.batch("articles", &[removal]).await.unwrap();
    assert_eq!(found("fourth").await, 0);
}

async fn walled_by_tenant(world: World) {
    let world = &world;
    articles(world).await;
    // The shared tier, and on PostgreSQL a schema of its own.
    let namespace = carnet_store::Namespace::new("apart").filter(|_| world.is_postgres());
    for (key, name, namespace) in [(2, "second", None), (3, "third", namespace)] {
        let tenant = carnet_store::schema::NewTenant {
            key: Some(TenantKey(key)),
            id: world.operations.next_id(),
            name: name.to_owned(),
            namespace,
        };
        let schema = world.operations.store().schema();
        schema
            .create_tenant(world.view.model(), &tenant)
            .await
            .unwrap();
        let mut other = world.clone();
        other.context.tenant = TenantKey(key);
        for text in ["solar", "1_solar", "pan*", "-solar"] {
            assert_eq!(titles(&other, &[("search", text)]).await, [""; 0], "{text}");
        }
        let fuzzy = [("search[fuzzy]", "solr")];
        assert_eq!(titles(&other, &fuzzy).await, [""; 0]);
        other.made("articles", r#"{"title":"Solar sail"}"#).await;
        assert_eq!(titles(&other, &[("search", "solar")]).await, ["Solar sail"]);
        assert_eq!(titles(&other, &fuzzy).await, ["Solar sail"]);
        assert_eq!(titles(world, &[("search", "solar")]).await.len(), 4);
    }
}

async fn bounded(world: World) {
    let world = &world;
    // Far more words than an index entry may hold, all different.
    let han: String = (0..30_000_u32)
        .filter_map(|one| char::from_u32(0x2_0000 + one))
        .collect();
    let latin: String = (0..20_000).map(|one| format!("w{one:x} ")).collect();
    for (title, body) in [("han", &han), ("latin", &latin)] {
        world
            .made(
                "articles",
                &json!({ "title": title, "body": body }).to_string(),
            )
            .await;
    }
    assert_eq!(titles(world, &[("search", "w0")]).await, ["latin"]);
    assert_eq!(titles(world, &[("search", "w4e1f")]).await, [""; 0]);
    assert_eq!(titles(world, &[("search", "𠀀")]).await, ["han"]);
    for query in [
        format!("search={}", "a ".repeat(17)),
        format!("search={}", "x".repeat(1_001)),
        format!("search[fuzzy]={}", "ab ac ad ae af ag ah ai aj"),
        "search=…".to_owned(),
    ] {
        let refused = world.list("articles", &query).await;
        assert_eq!(
            refused.map_err(|refusal| refusal.code),
            Err(Code::InvalidParameter)
        );
    }
}
