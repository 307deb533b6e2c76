//! The query string of a list, down to the statements for both databases. Nothing of the request
//! but names of the model stands in their text.
#![no_main]

use carnet_fuzz::VIEW;
use carnet_kernel::Timestamp;
use carnet_records::parse::parse_list;
use carnet_records::plan;
use carnet_store::{Dialect, Statement, rendered};
use carnet_web::query_string::{self, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(pairs) = query_string::parse(Some(text), Limits::default()) else {
        return;
    };
    for resource in &VIEW.resources {
        let Ok(request) = parse_list(&VIEW, resource, &pairs, Timestamp(0)) else {
            continue;
        };
        let query = plan::list(&VIEW, resource, request);
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            for statement in rendered(&VIEW, &query, dialect) {
                check(&statement);
            }
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
