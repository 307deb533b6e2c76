//! Beginnings of years, months, weeks, days and hours: `carnet_first_day(unit, days)` and
//! `carnet_first_moment(unit, microseconds)`. SQLite's own date functions read no such numbers.

use carnet_kernel::CalendarUnit;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, Error, Result};

/// Makes the functions known to a connection.
pub(super) fn install(raw: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    raw.create_scalar_function("carnet_first_day", 2, flags, |context| {
        let unit = unit(context)?;
        let day: Option<i32> = context.get(1)?;
        Ok(day.map(|day| unit.first_day(day)))
    })?;
    raw.create_scalar_function("carnet_first_moment", 2, flags, |context| {
        let unit = unit(context)?;
        let micros: Option<i64> = context.get(1)?;
        Ok(micros.map(|micros| unit.first_moment(micros)))
    })
}

fn unit(context: &Context<'_>) -> Result<CalendarUnit> {
    let word: String = context.get(0)?;
    CalendarUnit::parse(&word)
        .ok_or_else(|| Error::UserFunctionError(format!("no unit `{word}`").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_begin() {
        let raw = Connection::open_in_memory().unwrap();
        install(&raw).unwrap();
        let number =
            |sql: &str| -> Option<i64> { raw.query_row(sql, [], |row| row.get(0)).unwrap() };
        assert_eq!(number("SELECT carnet_first_day('month', 40)"), Some(31));
        assert_eq!(number("SELECT carnet_first_day('month', NULL)"), None);
        assert_eq!(
            number("SELECT carnet_first_moment('hour', 3600000001)"),
            Some(3_600_000_000)
        );
        assert!(
            raw.prepare("SELECT carnet_first_day('age', 1)")
                .unwrap()
                .query_row([], |_| Ok(()))
                .is_err()
        );
    }
}
