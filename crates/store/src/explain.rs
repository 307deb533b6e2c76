//! How a read would be carried out, for people: the statements and the database's own plans.
//! Values stay out of it; statements hold placeholders.

use crate::render::Select;
use crate::{Dialect, Statement};

/// A read as the database carries it out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// In the order in which they run; a later one only when those before did not tell all.
    pub statements: Vec<Explained>,
}

/// One statement with its plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// What it is for: `page`, `count`, `groups`.
    pub purpose: &'static str,
    /// With placeholders.
    pub sql: String,
    /// The database's plan, line by line.
    pub plan: Vec<String>,
}

/// What explains a statement.
pub(crate) fn explaining(dialect: Dialect, statement: &Statement) -> Statement {
    let word = match dialect {
        Dialect::Sqlite => "EXPLAIN QUERY PLAN ",
        Dialect::Postgres => "EXPLAIN ",
    };
    Statement {
        sql: format!("{word}{}", statement.sql).into(),
        ..statement.clone()
    }
}

/// The statements of a read that are worth explaining.
pub(crate) fn statements(select: Select) -> Vec<(&'static str, Statement)> {
    let count = select.fallback_count.map(|count| ("count", count));
    std::iter::once(("page", select.main))
        .chain(count)
        .collect()
}

/// A line of a plan of SQLite, indented below the line it belongs to.
pub(crate) fn indented(lines: &[(i64, i64, String)]) -> Vec<String> {
    let depth = |mut parent: i64| {
        let mut depth = 0;
        while let Some(line) = lines.iter().find(|line| line.0 == parent && depth < 64) {
            depth += 1;
            parent = line.1;
        }
        depth
    };
    lines
        .iter()
        .map(|(_, parent, text)| format!("{}{text}", "  ".repeat(depth(*parent))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_indented() {
        let lines = [
            (2, 0, "a".to_owned()),
            (5, 2, "b".to_owned()),
            (9, 5, "c".to_owned()),
        ];
        assert_eq!(indented(&lines), ["a", "  b", "    c"]);
    }
}
