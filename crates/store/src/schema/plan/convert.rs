//! From one kind of column to another: whether the stored values stay, are rewritten, or cannot
//! follow.

use super::Hazard;
use crate::Dialect;
use crate::schema::layout::{Column, Kind};
use crate::schema::names::{literal, quote};

const DAY: i64 = 86_400_000_000;

/// How stored values follow a change of kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conversion {
    /// The new value as an expression over the old column; without one the value stays.
    pub(super) expression: Option<String>,
    /// The rows that need it; without a condition all do.
    pub(super) only: Option<String>,
    pub(super) hazards: Vec<Hazard>,
}

/// Where the values are.
pub(super) struct Source<'a> {
    pub(super) dialect: Dialect,
    /// The table before any change.
    pub(super) table: &'a str,
    /// The column before any change.
    pub(super) column: &'a str,
    /// `products.price`, for messages.
    pub(super) label: &'a str,
}

impl Source<'_> {
    /// Counts the rows for which `condition` holds.
    pub(super) fn count(&self, condition: &str) -> String {
        format!(
            "select count(*) from {{records}}{} where {condition}",
            quote(self.table)
        )
    }
}

/// The way from `from` to the column `to`, whose name `column` is quoted at the time the values are
/// rewritten; `None` when there is none and the column must be made anew.
pub(super) fn convert(
    source: &Source<'_>,
    from: &Kind,
    to: &Column,
    column: &str,
) -> Option<Conversion> {
    let before = quote(source.column);
    let keep = Some(Conversion::default());
    let postgres = source.dialect == Dialect::Postgres;
    match (from, &to.kind) {
        (Kind::Enum(old), Kind::Enum(new)) => Some(narrow_enum(source, old, new, to, column)),
        (Kind::Text, Kind::Enum(values)) => {
            let outside = format!("{before} not in ({})", list(values));
            Some(Conversion {
                hazards: vec![Hazard::refused(
                    format!(
                        "`{}` holds values that the enum does not have",
                        source.label
                    ),
                    source.count(&outside),
                )],
                ..Conversion::default()
            })
        }
        (Kind::Enum(_), Kind::Text) => keep,
        (from, to) if from == to => keep,
        (Kind::Integer, Kind::Decimal { precision, scale }) => {
            Some(rescale(source, (16, 0), (*precision, *scale), column))
        }
        (
            Kind::Decimal { precision, scale },
            Kind::Decimal {
                precision: new_precision,
                scale: new_scale,
            },
        ) => Some(rescale(
            source,
            (*precision, *scale),
            (*new_precision, *new_scale),
            column,
        )),
        (Kind::Decimal { precision, scale }, Kind::Integer) => {
            Some(rescale(source, (*precision, *scale), (15, 0), column))
        }
        (Kind::Integer, Kind::Float) => Some(rewrite(if postgres {
            format!("{column}::double precision")
        } else {
            format!("cast({column} as real)")
        })),
        (Kind::Integer, Kind::Text) => Some(rewrite(format!("cast({column} as text)"))),
        (Kind::Boolean, Kind::Integer) if postgres => {
            Some(rewrite(format!("{column}::integer::bigint")))
        }
        (Kind::Boolean, Kind::Integer) => keep,
        (Kind::Boolean, Kind::Text) => Some(rewrite(format!(
            "case when {column} then 'true' when not {column} then 'false' end"
        ))),
        (Kind::Date, Kind::DateTime) => Some(rewrite(if postgres {
            format!("{column}::timestamp at time zone 'UTC'")
        } else {
            format!("{column} * {DAY}")
        })),
        (Kind::DateTime, Kind::Date) => Some(to_date(source, column)),
        (Kind::Time, Kind::Duration) => keep,
        (Kind::Duration, Kind::Time) => Some(Conversion {
            hazards: vec![Hazard::refused(
                format!("`{}` holds durations that are no time of day", source.label),
                source.count(&format!("{before} < 0 or {before} >= {DAY}")),
            )],
            ..Conversion::default()
        }),
        _ => None,
    }
}

fn rewrite(expression: String) -> Conversion {
    Conversion {
        expression: Some(expression),
        ..Conversion::default()
    }
}

fn list(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| literal(value)).collect();
    values.join(", ")
}

/// Words that go away become the default or null where they are used.
fn narrow_enum(
    source: &Source<'_>,
    old: &[String],
    new: &[String],
    to: &Column,
    column: &str,
) -> Conversion {
    let gone: Vec<String> = old
        .iter()
        .filter(|word| !new.contains(word))
        .cloned()
        .collect();
    if gone.is_empty() {
        return Conversion::default();
    }
    let words = list(&gone);
    let probe = source.count(&format!("{} in ({words})", quote(source.column)));
    let fallback = match to.default.as_ref().and_then(|value| value.as_text()) {
        Some(word) => Some((literal(word), format!("its default `{word}`"))),
        None if to.nullable => Some(("null".to_owned(), "null".to_owned())),
        None => None,
    };
    match fallback {
        Some((value, named)) => Conversion {
            expression: Some(value),
            only: Some(format!("{column} in ({words})")),
            hazards: vec![Hazard::loss(
                format!(
                    "records whose `{}` is one of {words} get {named}",
                    source.label
                ),
                probe,
            )],
        },
        None => Conversion {
            hazards: vec![Hazard::refused(
                format!(
                    "records still have one of {words} in `{}`; change them first, or give the \
                     field a default",
                    source.label
                ),
                probe,
            )],
            ..Conversion::default()
        },
    }
}

/// Between scaled integers. Digits that no longer fit after the point are rounded half away from
/// zero, the same on both databases.
fn rescale(source: &Source<'_>, from: (u8, u8), to: (u8, u8), column: &str) -> Conversion {
    let before = quote(source.column);
    let mut conversion = Conversion::default();
    let (whole_before, whole_after) = (from.0 - from.1.min(from.0), to.0 - to.1.min(to.0));
    if to.1 >= from.1 {
        if to.1 > from.1 {
            let factor = power(to.1 - from.1);
            conversion.expression = Some(format!("{column} * {factor}"));
        }
        if whole_after < whole_before {
            // As many digits before the point as fit afterwards, at the scale of before.
            let bound = power(whole_after.saturating_add(from.1).min(18));
            conversion.hazards.push(Hazard::refused(
                format!(
                    "`{}` holds numbers with more than {whole_after} digits before the point",
                    source.label
                ),
                source.count(&format!("{before} >= {bound} or {before} <= -{bound}")),
            ));
        }
        return conversion;
    }
    let divisor = power(from.1 - to.1);
    let half = divisor / 2;
    conversion.expression = Some(format!(
        "case when {column} >= 0 then ({column} + {half}) / {divisor} \
         else ({column} - {half}) / {divisor} end"
    ));
    conversion.hazards.push(Hazard::loss(
        format!(
            "numbers of `{}` with more than {} digits after the point are rounded",
            source.label, to.1
        ),
        source.count(&format!("{before} % {divisor} <> 0")),
    ));
    if whole_after < whole_before {
        let bound = power(whole_after.saturating_add(from.1).min(18));
        let bound = bound - half;
        conversion.hazards.push(Hazard::refused(
            format!(
                "`{}` holds numbers with more than {whole_after} digits before the point",
                source.label
            ),
            source.count(&format!("{before} >= {bound} or {before} <= -{bound}")),
        ));
    }
    conversion
}

/// 10 to the power of at most 18.
fn power(exponent: u8) -> i64 {
    10_i64.pow(u32::from(exponent.min(18)))
}

fn to_date(source: &Source<'_>, column: &str) -> Conversion {
    let before = quote(source.column);
    let (expression, has_time) = match source.dialect {
        Dialect::Postgres => (
            format!("({column} at time zone 'UTC')::date"),
            format!("({before} at time zone 'UTC')::time <> time '00:00'"),
        ),
        Dialect::Sqlite => (
            format!("({column} - (({column} % {DAY}) + {DAY}) % {DAY}) / {DAY}"),
            format!("{before} % {DAY} <> 0"),
        ),
    };
    Conversion {
        expression: Some(expression),
        only: None,
        hazards: vec![Hazard::loss(
            format!("the time of day of `{}` is cut off", source.label),
            source.count(&has_time),
        )],
    }
}
