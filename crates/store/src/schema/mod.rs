//! The physical schema: what a model wants, what a database has, and the way from one to the other.
//! Not record SQL.
