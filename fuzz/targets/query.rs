//! What a list is asked for, in an address or as a body, down to the statements for both databases.
//! Nothing of the request but names of the model stands in their text.
#![no_main]

use carnet_fuzz::VIEW;
use carnet_kernel::Timestamp;
use carnet_records::parse::{Given, Wanted, parse_wanted, read_body};
use carnet_records::plan;
use carnet_store::{Dialect, Statement, rendered, rendered_groups};
use carnet_web::query_string::{self, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (pairs, filter) = if text.starts_with('{') {
        match read_body(text) {
            Ok(body) => (body.pairs, body.filter),
            Err(_) => return,
        }
    } else {
        match query_string::parse(Some(text), Limits::default()) {
            Ok(pairs) => (pairs, None),
            Err(_) => return,
        }
    };
    for resource in &VIEW.resources {
        let given = Given {
            pairs: &pairs,
            filter: filter.as_ref(),
            now: Timestamp(0),
        };
        let Ok(wanted) = parse_wanted(&VIEW, resource, given) else {
            continue;
        };
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let statements = match wanted.clone() {
                Wanted::Records(request) => {
                    rendered(&VIEW, &plan::list(&VIEW, resource, request), dialect)
                }
                Wanted::Groups(request) => {
                    rendered_groups(&VIEW, &plan::groups(resource, request), dialect)
                }
            };
            statements.iter().for_each(check);
        }
    }
});

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
