//! Plans as text, on both databases.
