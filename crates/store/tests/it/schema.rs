//! Schema sync against real databases.
