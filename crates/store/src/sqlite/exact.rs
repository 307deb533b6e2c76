//! Sums and means that neither overflow nor round on the way: `carnet_sum(number)` and
//! `carnet_average(number, digits)`. Their answer is a blob of 16 bytes that sorts as the number
//! does; null for no number. `carnet_float_sum(number)` and `carnet_float_average(number)` are the
//! same for floats and give one.

use carnet_expr::{FloatSum, average};
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::{Connection, Result};

/// The blob of a number: big-endian with the sign turned, so that bytes compare as numbers do.
pub(crate) fn sortable(number: i128) -> [u8; 16] {
    ((number as u128) ^ (1 << 127)).to_be_bytes()
}

/// Makes the functions known to a connection.
pub(crate) fn install(raw: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    raw.create_aggregate_function("carnet_sum", 1, flags, Sum)?;
    raw.create_aggregate_function("carnet_average", 2, flags, Average)?;
    raw.create_aggregate_function("carnet_float_sum", 1, flags, Floats(FloatSum::sum))?;
    raw.create_aggregate_function("carnet_float_average", 1, flags, Floats(FloatSum::average))
}

/// What was added so far.
#[derive(Default)]
struct Added {
    sum: i128,
    count: u64,
    digits: u8,
}

impl Added {
    fn take(&mut self, context: &Context<'_>) -> Result<()> {
        if let Some(number) = context.get::<Option<i64>>(0)? {
            // At most 2^63 numbers of 63 bits.
            self.sum += i128::from(number);
            self.count += 1;
        }
        Ok(())
    }
}

struct Sum;

impl Aggregate<Added, Option<Vec<u8>>> for Sum {
    fn init(&self, _: &mut Context<'_>) -> Result<Added> {
        Ok(Added::default())
    }

    fn step(&self, context: &mut Context<'_>, added: &mut Added) -> Result<()> {
        added.take(context)
    }

    fn finalize(&self, _: &mut Context<'_>, added: Option<Added>) -> Result<Option<Vec<u8>>> {
        let added = added.filter(|added| added.count > 0);
        Ok(added.map(|added| sortable(added.sum).to_vec()))
    }
}

struct Average;

impl Aggregate<Added, Option<Vec<u8>>> for Average {
    fn init(&self, _: &mut Context<'_>) -> Result<Added> {
        Ok(Added::default())
    }

    fn step(&self, context: &mut Context<'_>, added: &mut Added) -> Result<()> {
        added.digits = context.get(1)?;
        added.take(context)
    }

    fn finalize(&self, _: &mut Context<'_>, added: Option<Added>) -> Result<Option<Vec<u8>>> {
        let mean = added.and_then(|added| average(added.sum, added.count, added.digits));
        Ok(mean.map(|mean| sortable(mean).to_vec()))
    }
}

/// Floats, and what is told of them.
struct Floats(fn(&FloatSum) -> Option<f64>);

impl Aggregate<FloatSum, Option<f64>> for Floats {
    fn init(&self, _: &mut Context<'_>) -> Result<FloatSum> {
        Ok(FloatSum::default())
    }

    fn step(&self, context: &mut Context<'_>, added: &mut FloatSum) -> Result<()> {
        if let Some(number) = context.get::<Option<f64>>(0)? {
            added.add(number);
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, added: Option<FloatSum>) -> Result<Option<f64>> {
        Ok(added.as_ref().and_then(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blobs_sort_as_numbers_do(left in any::<i128>(), right in any::<i128>()) {
            prop_assert_eq!(left.cmp(&right), sortable(left).cmp(&sortable(right)));
        }
    }

    #[track_caller]
    fn check(sql: &str, expected: Option<i128>) {
        let raw = Connection::open_in_memory().unwrap();
        install(&raw).unwrap();
        let found: Option<Vec<u8>> = raw.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(
            found,
            expected.map(|number| sortable(number).to_vec()),
            "{sql}"
        );
    }

    #[test]
    fn sums_do_not_overflow_and_means_are_rounded_once() {
        let most = i128::from(i64::MAX);
        check("SELECT carnet_sum(1) WHERE false", None);
        check("SELECT carnet_sum(NULL)", None);
        check(
            "SELECT carnet_sum(column1) FROM (VALUES (9223372036854775807), (NULL), (9223372036854775807))",
            Some(2 * most),
        );
        check(
            "SELECT carnet_average(column1, 0) FROM (VALUES (1), (2))",
            Some(2),
        );
        check(
            "SELECT carnet_average(column1, 0) FROM (VALUES (-1), (-2))",
            Some(-2),
        );
        check(
            "SELECT carnet_average(column1, 4) FROM (VALUES (1), (1), (NULL), (2))",
            Some(13_333),
        );
        check(
            "SELECT carnet_average(column1, 4) FROM (VALUES (-1), (-1), (0))",
            Some(-6_667),
        );
        check("SELECT carnet_average(NULL, 4)", None);
    }
}
