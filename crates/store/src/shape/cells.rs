//! The values of one row as a database gives them, native and without copies.

use crate::Error;
use carnet_kernel::Id;

/// One row. Columns count from 0; `None` is null. An adapter answers `Error::Internal` when a
/// column has not the asked type.
pub(crate) trait Cells {
    /// `bigint` / INTEGER: integer, decimal, time, duration, version, a count.
    fn integer(&self, column: usize) -> Result<Option<i64>, Error>;
    /// `float8` / REAL.
    fn float(&self, column: usize) -> Result<Option<f64>, Error>;
    /// `boolean` / INTEGER 0 or 1.
    fn boolean(&self, column: usize) -> Result<Option<bool>, Error>;
    /// `text` / TEXT.
    fn text(&self, column: usize) -> Result<Option<&str>, Error>;
    /// The same; whether the bytes are UTF-8 is still to be seen.
    fn text_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error>;
    /// `uuid` / 16-byte BLOB.
    fn id(&self, column: usize) -> Result<Option<Id>, Error>;
    /// `date` / INTEGER: days since 1970-01-01.
    fn date(&self, column: usize) -> Result<Option<i32>, Error>;
    /// `timestamptz` / INTEGER: microseconds since the epoch.
    fn date_time(&self, column: usize) -> Result<Option<i64>, Error>;
    /// `jsonb`, `json` or `text` / TEXT: the JSON text (of `jsonb` without its version byte).
    fn json(&self, column: usize) -> Result<Option<&str>, Error>;
    /// JSON that a function of ours made; BLOB, on SQLite alone.
    fn written(&self, column: usize) -> Result<Option<&[u8]>, Error>;
}
