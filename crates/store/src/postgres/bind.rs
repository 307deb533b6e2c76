//! Values to the binary form of the type the server asks for. Decoding is in `cells`.

use crate::Param;
use bytes::{BufMut, BytesMut};
use carnet_kernel::{Id, TenantKey, Timestamp, Value};
use std::error::Error;
use std::fmt;
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};

/// Days from 1970-01-01 to 2000-01-01, where the server counts from.
pub(super) const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
pub(super) const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A bound value; borrows what it can.
#[derive(Clone)]
pub(super) enum Bind<'a> {
    /// A field's value.
    Value(&'a Value),
    /// A number of any integer type, or what is stored as one.
    Integer(i64),
    /// A text.
    Text(&'a str),
    /// A text of our own making.
    Owned(String),
    /// An id or null.
    Id(Option<Id>),
    /// Null of any type.
    Null,
    /// A moment.
    At(Timestamp),
    /// An array of the rest.
    Array(Vec<Bind<'a>>),
}

impl<'a> Bind<'a> {
    pub(super) fn tenant(tenant: TenantKey) -> Self {
        Self::Integer(tenant.0)
    }

    pub(super) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    pub(super) fn param(param: &'a Param) -> Self {
        match param {
            Param::Value(value) => Self::Value(value),
            Param::Integer(integer) => Self::Integer(*integer),
            Param::Exact(number) => Self::Owned(number.to_string()),
            Param::Text(text) => Self::Text(text),
            Param::List(_, values) => Self::Array(values.iter().map(Self::Value).collect()),
        }
    }

    pub(super) fn params(params: &'a [Param]) -> Vec<Self> {
        params.iter().map(Self::param).collect()
    }
}

impl fmt::Debug for Bind<'_> {
    /// The driver writes parameters into its debug log; values do not belong there.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[bound]")
    }
}

type Failure = Box<dyn Error + Sync + Send>;

impl ToSql for Bind<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self {
            Self::Value(value) => write_value(value, kind, out),
            Self::Integer(integer) => write_integer(*integer, kind, out),
            Self::Text(text) => write_text(text, kind, out),
            Self::Owned(text) => write_text(text, kind, out),
            Self::Id(Some(id)) => write_id(*id, kind, out),
            Self::Id(None) | Self::Null => Ok(IsNull::Yes),
            Self::At(moment) => write_moment(moment.0, kind, out),
            Self::Array(members) => write_array(members, kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // What does not fit is an error of `to_sql`, which knows the value as well.
        true
    }

    to_sql_checked!();
}

fn write_value(value: &Value, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
    match value {
        Value::Null => Ok(IsNull::Yes),
        Value::Boolean(boolean) if *kind == Type::BOOL => {
            out.put_u8(u8::from(*boolean));
            Ok(IsNull::No)
        }
        Value::Integer(integer) | Value::Time(integer) | Value::Duration(integer) => {
            write_integer(*integer, kind, out)
        }
        Value::Decimal(decimal) => write_integer(decimal.unscaled, kind, out),
        Value::Float(float) if *kind == Type::FLOAT8 => {
            out.put_f64(*float);
            Ok(IsNull::No)
        }
        Value::Text(text) => write_text(text, kind, out),
        Value::Id(id) => write_id(*id, kind, out),
        Value::Date(days) if *kind == Type::DATE => {
            out.put_i32(days.checked_sub(EPOCH_DAYS).ok_or("a date out of range")?);
            Ok(IsNull::No)
        }
        Value::DateTime(micros) => write_moment(*micros, kind, out),
        Value::Json(json) => write_text(json.as_str(), kind, out),
        Value::Boolean(_) | Value::Float(_) | Value::Date(_) | Value::Principal(_) => misfit(kind),
    }
}

fn write_integer(integer: i64, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
    match *kind {
        Type::INT8 => out.put_i64(integer),
        Type::INT4 => out.put_i32(i32::try_from(integer)?),
        Type::INT2 => out.put_i16(i16::try_from(integer)?),
        Type::OID => out.put_u32(u32::try_from(integer)?),
        Type::XID8 => out.put_u64(u64::try_from(integer)?),
        Type::FLOAT8 => out.put_f64(integer as f64),
        _ => return misfit(kind),
    }
    Ok(IsNull::No)
}

fn write_text(text: &str, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
    match *kind {
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::JSON => {}
        // The version of the binary form.
        Type::JSONB => out.put_u8(1),
        _ => return misfit(kind),
    }
    out.put_slice(text.as_bytes());
    Ok(IsNull::No)
}

fn write_id(id: Id, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
    match *kind {
        Type::UUID | Type::BYTEA => out.put_slice(&id.to_bytes()),
        _ => return misfit(kind),
    }
    Ok(IsNull::No)
}

fn write_moment(micros: i64, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
    match *kind {
        Type::TIMESTAMPTZ | Type::TIMESTAMP => {
            let micros = micros.checked_sub(EPOCH_MICROS);
            out.put_i64(micros.ok_or("a moment out of range")?);
        }
        Type::INT8 => out.put_i64(micros),
        _ => return misfit(kind),
    }
    Ok(IsNull::No)
}

fn write_array(members: &[Bind<'_>], kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
    let Kind::Array(member) = kind.kind() else {
        return misfit(kind);
    };
    out.put_i32(i32::from(!members.is_empty()));
    // Whether there are nulls; the server looks at the members itself.
    out.put_i32(1);
    out.put_u32(member.oid());
    if members.is_empty() {
        return Ok(IsNull::No);
    }
    out.put_i32(i32::try_from(members.len())?);
    out.put_i32(1);
    for bind in members {
        let start = out.len();
        out.put_i32(-1);
        if let IsNull::No = bind.to_sql(member, out)? {
            let size = i32::try_from(out.len() - start - 4)?;
            if let Some(slot) = out.get_mut(start..start + 4) {
                slot.copy_from_slice(&size.to_be_bytes());
            }
        }
    }
    Ok(IsNull::No)
}

fn misfit<T>(kind: &Type) -> Result<T, Failure> {
    Err(format!("a value of another type is bound to `{kind}`").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_kernel::{Decimal, JsonText};

    #[track_caller]
    fn check(bind: &Bind<'_>, kind: &Type, expected: Option<&[u8]>) {
        let mut out = BytesMut::new();
        let found = match bind.to_sql(kind, &mut out).unwrap() {
            IsNull::Yes => None,
            IsNull::No => Some(out.to_vec()),
        };
        assert_eq!(found.as_deref(), expected, "{kind}");
    }

    #[test]
    fn values_have_the_servers_binary_form() {
        let id = Id::from_u128(7);
        check(&Bind::Value(&Value::Null), &Type::UUID, None);
        check(
            &Bind::Value(&Value::Id(id)),
            &Type::UUID,
            Some(&id.to_bytes()),
        );
        check(&Bind::Value(&Value::Boolean(true)), &Type::BOOL, Some(&[1]));
        check(
            &Bind::Value(&Value::DateTime(EPOCH_MICROS + 1)),
            &Type::TIMESTAMPTZ,
            Some(&1_i64.to_be_bytes()),
        );
        check(
            &Bind::Value(&Value::Date(EPOCH_DAYS - 1)),
            &Type::DATE,
            Some(&(-1_i32).to_be_bytes()),
        );
        let decimal = Value::Decimal(Decimal {
            unscaled: -5,
            scale: 2,
        });
        check(
            &Bind::Value(&decimal),
            &Type::INT8,
            Some(&(-5_i64).to_be_bytes()),
        );
        let json = Value::Json(JsonText::parse("{}").unwrap());
        check(&Bind::Value(&json), &Type::JSONB, Some(b"\x01{}"));
    }

    #[test]
    fn arrays_have_nulls() {
        let array = Bind::Array(vec![Bind::Text("a"), Bind::Null]);
        let mut expected = Vec::new();
        for number in [1_i32, 1, 25, 2, 1, 1] {
            expected.extend(number.to_be_bytes());
        }
        expected.push(b'a');
        expected.extend((-1_i32).to_be_bytes());
        check(&array, &Type::TEXT_ARRAY, Some(&expected));
        let empty: Vec<u8> = [0_i32, 1, 2950]
            .into_iter()
            .flat_map(i32::to_be_bytes)
            .collect();
        check(&Bind::Array(Vec::new()), &Type::UUID_ARRAY, Some(&empty));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut out = BytesMut::new();
        assert!(Bind::Text("1").to_sql(&Type::INT8, &mut out).is_err());
        assert!(
            Bind::Integer(1 << 40)
                .to_sql(&Type::INT4, &mut out)
                .is_err()
        );
        assert!(
            Bind::Value(&Value::Boolean(true))
                .to_sql(&Type::TEXT, &mut out)
                .is_err()
        );
        assert!(
            Bind::Array(Vec::new())
                .to_sql(&Type::TEXT, &mut out)
                .is_err()
        );
    }
}
