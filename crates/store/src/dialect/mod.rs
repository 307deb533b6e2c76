//! The one home of what differs between databases in record SQL. Connections and errors differ in
//! the adapters.

use crate::Nulls;

/// Which SQL is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite 3.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

impl Dialect {
    /// Appends a quoted identifier, given in parts. Both databases know the standard's quotes.
    pub(crate) fn quote(self, parts: &[&str], out: &mut String) {
        out.push('"');
        for part in parts {
            let mut rest = *part;
            while let Some((clean, after)) = rest.split_once('"') {
                out.push_str(clean);
                out.push_str("\"\"");
                rest = after;
            }
            out.push_str(rest);
        }
        out.push('"');
    }

    /// Equality that is never unknown.
    pub(crate) fn same(self) -> &'static str {
        match self {
            Self::Sqlite => " IS ",
            Self::Postgres => " IS NOT DISTINCT FROM ",
        }
    }

    /// The opposite of [`Dialect::same`].
    pub(crate) fn differs(self) -> &'static str {
        match self {
            Self::Sqlite => " IS NOT ",
            Self::Postgres => " IS DISTINCT FROM ",
        }
    }

    /// What stands before and after a list's placeholder in a test of membership (or of its
    /// absence); the list holds no null.
    pub(crate) fn member(self, negated: bool, ids: bool) -> (&'static str, &'static str) {
        match (self, negated, ids) {
            (Self::Postgres, false, _) => (" = ANY(", ")"),
            (Self::Postgres, true, _) => (" <> ALL(", ")"),
            (Self::Sqlite, false, false) => (" IN (SELECT value FROM json_each(", "))"),
            (Self::Sqlite, false, true) => (" IN (SELECT unhex(value) FROM json_each(", "))"),
            (Self::Sqlite, true, false) => (" NOT IN (SELECT value FROM json_each(", "))"),
            (Self::Sqlite, true, true) => (" NOT IN (SELECT unhex(value) FROM json_each(", "))"),
        }
    }

    /// What stands between a column and a subquery that gives one column, and after that, for a test
    /// of membership. PostgreSQL runs a subquery made an array once and looks each member up.
    pub(crate) fn one_of_rows(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqlite => (" IN (", ")"),
            Self::Postgres => (" = ANY(ARRAY(", "))"),
        }
    }

    /// Whether a list of floats is bound as one parameter: JSON text would have to be read by the
    /// database exactly as it was written.
    pub(crate) fn binds_float_lists(self) -> bool {
        self == Self::Postgres
    }

    /// The test that a column contains a text: before the column, before the placeholder, after it.
    pub(crate) fn contains(self) -> [&'static str; 3] {
        match self {
            Self::Sqlite => ["instr(", ", ", ") > 0"],
            Self::Postgres => ["strpos(", ", ", ") > 0"],
        }
    }

    /// The test that a column ends with a text: before the column, before the placeholder, before
    /// the same placeholder again. `SQLite` and `PostgreSQL` both count code points here.
    pub(crate) fn ends_with(self) -> [&'static str; 3] {
        match self {
            Self::Sqlite => ["substr(", ", -length(", ")) = "],
            Self::Postgres => ["right(", ", length(", ")) = "],
        }
    }

    /// What stands between a column and a wildcard pattern, and after the pattern.
    pub(crate) fn matches(self) -> (&'static str, &'static str) {
        match self {
            // LIKE of SQLite ignores the case of ASCII letters.
            Self::Sqlite => (" GLOB ", ""),
            Self::Postgres => (" LIKE ", " ESCAPE '\\'"),
        }
    }

    /// Appends one piece of a wildcard pattern.
    pub(crate) fn wildcard(self, piece: Wildcard, out: &mut String) {
        match (self, piece) {
            (Self::Sqlite, Wildcard::Any) => out.push('*'),
            (Self::Sqlite, Wildcard::One) => out.push('?'),
            (Self::Sqlite, Wildcard::Character(one @ ('*' | '?' | '['))) => {
                out.extend(['[', one, ']']);
            }
            (Self::Postgres, Wildcard::Any) => out.push('%'),
            (Self::Postgres, Wildcard::One) => out.push('_'),
            (Self::Postgres, Wildcard::Character(one @ ('%' | '_' | '\\'))) => {
                out.extend(['\\', one]);
            }
            (_, Wildcard::Character(one)) => out.push(one),
        }
    }

    /// What an `ORDER BY` term needs for null to stand where it should.
    pub(crate) fn direction(self, descending: bool, nullable: bool, nulls: Nulls) -> &'static str {
        let first = match nulls {
            Nulls::Smallest => !descending,
            Nulls::First => true,
            Nulls::Last => false,
        };
        // Where the database puts null by itself.
        let by_itself = match self {
            Self::Sqlite => !descending,
            Self::Postgres => descending,
        };
        match (nullable && first != by_itself, first, descending) {
            (false, _, false) => "",
            (false, _, true) => " DESC",
            (true, true, false) => " NULLS FIRST",
            (true, true, true) => " DESC NULLS FIRST",
            (true, false, false) => " NULLS LAST",
            (true, false, true) => " DESC NULLS LAST",
        }
    }

    /// Whether functions of our own write related records as they are read. Else the database makes
    /// positional arrays of them.
    pub(crate) fn writes_related(self) -> bool {
        self == Self::Sqlite
    }

    /// Whether each list of related records is measured before it is handed over. SQLite's
    /// connections refuse a value that is too large by themselves.
    pub(crate) fn guards_lists(self) -> bool {
        self == Self::Postgres
    }

    /// What stands round a column that becomes a member of such an array.
    pub(crate) fn nested(self, form: NestedForm) -> (&'static str, &'static str) {
        match (self, form) {
            (Self::Sqlite, _) | (_, NestedForm::Plain) => ("", ""),
            (Self::Postgres, NestedForm::Id | NestedForm::Json) => ("", ""),
            (Self::Postgres, NestedForm::JsonText) => ("", "::json"),
            (Self::Postgres, NestedForm::Date) => ("(", " - date '1970-01-01')"),
            (Self::Postgres, NestedForm::DateTime) => {
                ("(extract(epoch from ", ") * 1000000)::bigint")
            }
        }
    }

    /// What locks the rows of a statement against other writers until the transaction ends.
    pub(crate) fn lock(self) -> &'static str {
        match self {
            // The only writer holds the whole file.
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }

    /// A constant that the planner may rely on in `LIMIT`: the smallest of a few steps that holds
    /// `rows`. PostgreSQL plans a bound limit as a tenth of the table, which loses the index walk
    /// of a sorted page or keeps every execution planning anew; a few steps keep the number of
    /// different statements small. `None` where a bound limit is as good.
    pub(crate) fn limit_step(self, rows: i64) -> Option<i64> {
        const STEPS: [i64; 9] = [1, 2, 11, 21, 51, 101, 201, 501, 1001];
        match self {
            Self::Sqlite => None,
            Self::Postgres => STEPS.into_iter().find(|step| *step >= rows),
        }
    }

    /// What stands round a bound limit. SQLite looks at a bare one and takes sorting everything for
    /// as cheap as the rows it keeps, instead of walking an index whose order fits in part (8 ms
    /// against 14 µs over 50,000 rows); it also prepares the statement anew for another limit.
    pub(crate) fn bound_limit(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqlite => ("(", " + 0)"),
            Self::Postgres => ("", ""),
        }
    }

    /// Whether a bounded count walks the primary key where nothing is more selective. PostgreSQL
    /// would rather scan the table for the first rows, through all of other tenants that come first.
    pub(crate) fn counts_in_order(self) -> bool {
        self == Self::Postgres
    }

    /// Whether the total stands in the page's own statement. SQLite has no round trip to save, and
    /// a second statement in the same snapshot is cheaper than a window function.
    pub(crate) fn counts_in_page(self) -> bool {
        self == Self::Postgres
    }

    /// Whether an outer query without a limit of its own would be merged into the limited one it
    /// reads from, so that what is nested would be made for rows that never reach the page.
    pub(crate) fn flattens(self) -> bool {
        self == Self::Sqlite
    }
}

/// A piece of a wildcard pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wildcard {
    /// Any characters, or none.
    Any,
    /// One character.
    One,
    /// This character.
    Character(char),
}

/// How a column enters a JSON array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NestedForm {
    /// As it is.
    Plain,
    /// As hexadecimal text.
    Id,
    /// As the JSON it holds.
    Json,
    /// As the JSON that a text column holds.
    JsonText,
    /// As days.
    Date,
    /// As microseconds.
    DateTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn pattern(dialect: Dialect, pieces: &[Wildcard], expected: &str) {
        let mut out = String::new();
        for piece in pieces {
            dialect.wildcard(*piece, &mut out);
        }
        assert_eq!(out, expected);
    }

    #[test]
    fn wildcards_are_escaped() {
        let pieces: Vec<Wildcard> = "a%_\\*?[]^-"
            .chars()
            .map(Wildcard::Character)
            .chain([Wildcard::Any, Wildcard::One])
            .collect();
        pattern(Dialect::Postgres, &pieces, "a\\%\\_\\\\*?[]^-%_");
        pattern(Dialect::Sqlite, &pieces, "a%_\\[*][?][[]]^-*?");
    }

    #[test]
    fn identifiers_cannot_end_their_quotes() {
        let mut out = String::new();
        Dialect::Postgres.quote(&["a\"b", "_c"], &mut out);
        assert_eq!(out, "\"a\"\"b_c\"");
    }

    #[test]
    fn limits_are_rounded_up_to_steps() {
        assert_eq!(Dialect::Postgres.limit_step(21), Some(21));
        assert_eq!(Dialect::Postgres.limit_step(22), Some(51));
        assert_eq!(Dialect::Postgres.limit_step(1_002), None);
        assert_eq!(Dialect::Sqlite.limit_step(21), None);
    }
}
