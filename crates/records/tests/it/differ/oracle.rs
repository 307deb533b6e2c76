//! What a read must answer, told from the records as they were answered last: parsed and planned as
//! the platform does, decided by the evaluator, sorted and grouped plainly.

use super::memory::Memory;
use carnet_expr::{CompareOp, FloatSum, Path, Row, Truth, compare};
use carnet_kernel::{
    Decimal, Id, JsonText, MAX_SAFE_INTEGER, PrincipalKind, PrincipalRef, Value, time,
};
use carnet_model::{FieldType, Resource};
use carnet_store::{
    Count, GroupColumn, Grouping, Having, Made, Query, Record, average_type, shape, sum_type,
};
use serde_json::Value as Json;
use std::cmp::Ordering;

/// A record from what it was answered as.
pub(super) fn record(resource: &Resource, row: &Json) -> Record {
    let fields = resource.fields.iter();
    Record {
        values: fields
            .map(|field| read(&field.kind, &row[&field.name]))
            .collect(),
    }
}

fn read(kind: &FieldType, json: &Json) -> Value {
    if json.is_null() {
        return Value::Null;
    }
    let text = || json.as_str().unwrap();
    match kind {
        FieldType::Id(_) | FieldType::Ref { .. } | FieldType::Uuid | FieldType::Ulid => {
            let id = Id::parse_uuid(text()).or_else(|_| text().parse());
            Value::Id(id.unwrap())
        }
        FieldType::Integer { .. } => Value::Integer(json.as_i64().unwrap()),
        FieldType::Decimal { scale, .. } => {
            Value::Decimal(Decimal::parse(text(), 18, *scale).unwrap())
        }
        FieldType::Float { .. } => Value::Float(json.as_f64().unwrap()),
        FieldType::Boolean => Value::Boolean(json.as_bool().unwrap()),
        FieldType::Date => Value::Date(time::parse_date(text()).unwrap()),
        FieldType::DateTime => Value::DateTime(time::parse_date_time(text()).unwrap()),
        FieldType::Time => Value::Time(time::parse_time(text()).unwrap()),
        FieldType::Duration => Value::Duration(time::parse_duration(text()).unwrap()),
        FieldType::Text { .. }
        | FieldType::Email { .. }
        | FieldType::Url { .. }
        | FieldType::Enum { .. } => Value::Text(text().to_owned()),
        FieldType::Json { .. } | FieldType::I18n { .. } | FieldType::List { .. } => {
            Value::Json(JsonText::from_value(json))
        }
        FieldType::Principal => Value::Principal(PrincipalRef {
            kind: PrincipalKind::parse(json["kind"].as_str().unwrap()).unwrap(),
            id: json["id"].as_str().map(|id| id.parse().unwrap()),
        }),
    }
}

/// The records of a list, and how many there are where that must be told.
pub(super) fn list(memory: &Memory, query: &Query) -> (Vec<Json>, Option<u64>) {
    let (json, _, total) = memory.list(query);
    let estimated = matches!(query.count, Count::Estimate(0));
    let rows = serde_json::from_str(&json).unwrap();
    (rows, total.filter(|_| !estimated))
}

/// The groups of a grouping, and how many there are in all.
pub(super) fn groups(memory: &Memory, grouping: &Grouping) -> (Vec<Json>, usize) {
    let resource = memory.view.resource(grouping.resource);
    let rows: Vec<&Record> = memory
        .shown(resource, grouping.deleted)
        .filter(|record| memory.holds(&grouping.predicate, resource, record))
        .collect();
    let keys: Vec<&Made> = grouping
        .columns
        .iter()
        .map(|column| &column.made)
        .filter(|made| matches!(made, Made::Key { .. }))
        .collect();
    let mut groups: Vec<Group<'_>> = Vec::new();
    if keys.is_empty() {
        groups.push(Group::new(memory, resource));
    }
    for row in rows {
        let told: Vec<Value> = keys
            .iter()
            .map(|made| key(memory, resource, row, made))
            .collect();
        match groups.iter_mut().find(|group| group.keys == told) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group {
                keys: told,
                rows: vec![row],
                ..Group::new(memory, resource)
            }),
        }
    }
    for group in &mut groups {
        group.made = keys.iter().map(|made| (*made).clone()).collect();
    }
    groups.retain(|group| group.chosen(&grouping.having) == Truth::True);
    groups.sort_by(|one, other| {
        let keys = grouping.order.iter().map(|key| {
            let order = smallest_null(&one.find(&key.by), &other.find(&key.by));
            if key.descending {
                order.reverse()
            } else {
                order
            }
        });
        keys.into_iter()
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    });
    let total = groups.len();
    let window = grouping.window;
    let shown = groups
        .iter()
        .skip(usize::try_from(window.offset).unwrap())
        .take(window.limit as usize);
    let rows = shown.map(|group| group.object(&grouping.columns)).collect();
    (rows, total)
}

fn key(memory: &Memory, resource: &Resource, row: &Record, made: &Made) -> Value {
    let Made::Key { path, unit } = made else {
        return Value::Null;
    };
    match (memory.seen(resource, row).value(path), unit) {
        (Value::Date(day), Some(unit)) => Value::Date(unit.first_day(day)),
        (Value::DateTime(micros), Some(unit)) => Value::DateTime(unit.first_moment(micros)),
        (value, _) => value,
    }
}

/// What is told of a group: a value, or an exact number in units of its last digit.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Value(Value),
    Exact(i128),
}

struct Group<'w> {
    memory: &'w Memory,
    resource: &'w Resource,
    keys: Vec<Value>,
    made: Vec<Made>,
    rows: Vec<&'w Record>,
}

impl<'w> Group<'w> {
    fn new(memory: &'w Memory, resource: &'w Resource) -> Self {
        Self {
            memory,
            resource,
            keys: Vec::new(),
            made: Vec::new(),
            rows: Vec::new(),
        }
    }

    fn kind(&self, path: &Path) -> &'w FieldType {
        let mut holder = self.resource;
        for step in &path.steps {
            holder = self.memory.view.resource(holder.relation(*step).target);
        }
        &holder.field(path.field).kind
    }

    /// The values of a path that are not null.
    fn values(&self, path: &Path) -> Vec<Value> {
        let rows = self.rows.iter();
        rows.map(|row| self.memory.seen(self.resource, row).value(path))
            .filter(|value| *value != Value::Null)
            .collect()
    }

    fn numbers(&self, path: &Path) -> Vec<i128> {
        let values = self.values(path).into_iter();
        values
            .map(|value| match value {
                Value::Integer(number) => i128::from(number),
                Value::Decimal(decimal) => i128::from(decimal.unscaled),
                Value::Duration(micros) => i128::from(micros),
                other => panic!("{other:?} cannot be added"),
            })
            .collect()
    }

    /// The same of a field of floats.
    fn floats(&self, path: &Path) -> Option<FloatSum> {
        if !matches!(self.kind(path), FieldType::Float { .. }) {
            return None;
        }
        let mut sum = FloatSum::default();
        for value in self.values(path) {
            if let Value::Float(number) = value {
                sum.add(number);
            }
        }
        Some(sum)
    }

    fn find(&self, made: &Made) -> Told {
        match made {
            Made::Key { .. } => {
                let place = self.made.iter().position(|known| known == made).unwrap();
                Told::Value(self.keys[place].clone())
            }
            Made::Count(None) => Told::Exact(self.rows.len() as i128),
            Made::Count(Some(path)) => Told::Exact(self.values(path).len() as i128),
            Made::Sum(path) => match self.floats(path) {
                Some(floats) => float(floats.sum()),
                None => {
                    let numbers = self.numbers(path);
                    match numbers.is_empty() {
                        true => Told::Value(Value::Null),
                        false => Told::Exact(numbers.iter().sum()),
                    }
                }
            },
            Made::Average(path) => match self.floats(path) {
                Some(floats) => float(floats.average()),
                None => {
                    let numbers = self.numbers(path);
                    let scale = |kind: Option<FieldType>| match kind {
                        Some(FieldType::Decimal { scale, .. }) => scale,
                        _ => 0,
                    };
                    let kind = self.kind(path);
                    let digits = scale(average_type(kind)) - scale(sum_type(kind));
                    let count = numbers.len() as u64;
                    let mean = carnet_expr::average(numbers.iter().sum(), count, digits);
                    mean.map_or(Told::Value(Value::Null), Told::Exact)
                }
            },
            Made::Min(path) => self.best(path, Ordering::Less),
            Made::Max(path) => self.best(path, Ordering::Greater),
        }
    }

    fn best(&self, path: &Path, keep: Ordering) -> Told {
        let best = self.values(path).into_iter().reduce(|best, value| {
            if compare(&value, &best) == Some(keep) {
                value
            } else {
                best
            }
        });
        Told::Value(best.unwrap_or(Value::Null))
    }

    fn chosen(&self, having: &Having) -> Truth {
        match having {
            Having::All(list) => {
                let all = list.iter().map(|one| self.chosen(one));
                all.min().unwrap_or(Truth::True)
            }
            Having::Any(list) => {
                let all = list.iter().map(|one| self.chosen(one));
                all.max().unwrap_or(Truth::False)
            }
            Having::Not(inner) => match self.chosen(inner) {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                Truth::Unknown => Truth::Unknown,
            },
            Having::IsNull(made) => truth(self.find(made) == Told::Value(Value::Null)),
            Having::Compare { made, op, value } => {
                let order = order(&self.find(made), &Told::Value(value.clone()));
                let Some(order) = order else {
                    return match op {
                        CompareOp::Eq => Truth::False,
                        CompareOp::Ne => Truth::True,
                        _ => Truth::Unknown,
                    };
                };
                truth(match op {
                    CompareOp::Eq => order == Ordering::Equal,
                    CompareOp::Ne => order != Ordering::Equal,
                    CompareOp::Gt => order == Ordering::Greater,
                    CompareOp::Gte => order != Ordering::Less,
                    CompareOp::Lt => order == Ordering::Less,
                    CompareOp::Lte => order != Ordering::Greater,
                })
            }
        }
    }

    fn object(&self, columns: &[GroupColumn]) -> Json {
        let mut out = serde_json::Map::new();
        for column in columns {
            let kind = match &column.made {
                Made::Key { path, .. } | Made::Min(path) | Made::Max(path) => {
                    Some(self.kind(path).clone())
                }
                Made::Count(_) => None,
                Made::Sum(path) => sum_type(self.kind(path)),
                Made::Average(path) => average_type(self.kind(path)),
            };
            let value = match (self.find(&column.made), kind) {
                (Told::Exact(number), kind) => exact(number, kind.as_ref()),
                (Told::Value(value), Some(kind)) => {
                    let mut text = String::new();
                    shape::write_value(&kind, &value, &mut text);
                    serde_json::from_str(&text).unwrap()
                }
                (Told::Value(_), None) => Json::Null,
            };
            out.insert(column.name.clone(), value);
        }
        Json::Object(out)
    }
}

fn float(number: Option<f64>) -> Told {
    Told::Value(number.map_or(Value::Null, Value::Float))
}

/// An exact number of a type, or a count.
fn exact(number: i128, kind: Option<&FieldType>) -> Json {
    match kind {
        Some(FieldType::Decimal { scale, .. }) => Json::String(written(number, *scale)),
        Some(FieldType::Duration) => {
            let mut text = String::new();
            time::write_long_duration(number, &mut text);
            Json::String(text)
        }
        _ if number.unsigned_abs() <= u128::from(MAX_SAFE_INTEGER.unsigned_abs()) => {
            Json::from(number as i64)
        }
        _ => Json::String(number.to_string()),
    }
}

fn truth(holds: bool) -> Truth {
    if holds { Truth::True } else { Truth::False }
}

fn order(one: &Told, other: &Told) -> Option<Ordering> {
    let number = |told: &Told| match told {
        Told::Exact(number) => Some(*number),
        Told::Value(Value::Integer(number) | Value::Duration(number)) => Some(i128::from(*number)),
        Told::Value(Value::Decimal(decimal)) => Some(i128::from(decimal.unscaled)),
        Told::Value(_) => None,
    };
    match (one, other) {
        (Told::Value(one), Told::Value(other)) => compare(one, other),
        _ => Some(number(one)?.cmp(&number(other)?)),
    }
}

fn smallest_null(one: &Told, other: &Told) -> Ordering {
    let null = Told::Value(Value::Null);
    match (*one == null, *other == null) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => order(one, other).unwrap_or(Ordering::Equal),
    }
}

/// A number with so many fraction digits.
fn written(number: i128, scale: u8) -> String {
    let digits = format!(
        "{:0>width$}",
        number.unsigned_abs(),
        width = usize::from(scale) + 1
    );
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if number < 0 { "-" } else { "" };
    match scale {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction}"),
    }
}
