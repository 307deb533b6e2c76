//! The one home of what differs between databases in record SQL. Connections and errors differ in
//! the adapters.

/// Which SQL is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite 3.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}
