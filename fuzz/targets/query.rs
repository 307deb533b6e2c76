//! What a list is asked for, in an address or as a body, down to the statements for both databases.
//! Nothing of the request but names of the model stands in their text.
#![no_main]

use carnet_fuzz::VIEW;
use carnet_kernel::{JsonText, Timestamp, Value};
use carnet_records::parse::{Given, QueryBody, Wanted, parse_wanted, read_body};
use carnet_records::plan;
use carnet_store::{Dialect, Statement, rendered, rendered_groups};
use carnet_web::query_string::{self, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let body = if text.starts_with('{') {
        match read_body(text) {
            Ok(body) => body,
            Err(_) => return,
        }
    } else {
        match query_string::parse(Some(text), Limits::default()) {
            Ok(pairs) => QueryBody {
                pairs,
                ..QueryBody::default()
            },
            Err(_) => return,
        }
    };
    for resource in &VIEW.resources {
        let given = Given {
            pairs: &body.pairs,
            trees: body.trees(),
            now: Timestamp(0),
        };
        let Ok(wanted) = parse_wanted(&VIEW, resource, given) else {
            continue;
        };
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let statements = match wanted.clone() {
                Wanted::Records(request) => {
                    let mut query = plan::list(&VIEW, resource, request);
                    let mut statements = rendered(&VIEW, &query, dialect);
                    for after in places(query.order.len()) {
                        query.seek.after = Some(after);
                        statements.extend(rendered(&VIEW, &query, dialect));
                    }
                    statements
                }
                Wanted::Groups(request) => {
                    let mut groups = plan::groups(resource, request);
                    let mut statements = rendered_groups(&VIEW, &groups, dialect);
                    for after in places(groups.order.len()) {
                        groups.seek.after = Some(after);
                        statements.extend(rendered_groups(&VIEW, &groups, dialect));
                    }
                    statements
                }
            };
            statements.iter().for_each(check);
        }
    }
});

/// Places in an order of so many keys, of values that fit some of them.
fn places(keys: usize) -> impl Iterator<Item = Vec<Value>> {
    let values = [
        Value::Null,
        Value::Text("7".to_owned()),
        Value::Integer(7),
        JsonText::parse("7").map_or(Value::Null, Value::Json),
    ];
    values.into_iter().map(move |value| vec![value; keys])
}

fn check(statement: &Statement) {
    let sql = &statement.sql;
    assert!(sql.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{sql}");
    for forbidden in [";", "--", "/*"] {
        assert!(!sql.contains(forbidden), "`{forbidden}` in {sql}");
    }
    let mut seen = 0;
    for piece in sql.split('$').skip(1) {
        let digits: String = piece.chars().take_while(char::is_ascii_digit).collect();
        // JSON paths of the platform's own (`'$'`) are no placeholders.
        let Ok(number) = digits.parse::<usize>() else {
            continue;
        };
        assert!(number <= seen + 1, "{sql}");
        seen = seen.max(number);
    }
    assert_eq!(seen, statement.params.len(), "{sql}");
}
