//! `aggregate=count,sum(price)`, `groupBy=status,createdAt.month`, `having[count][gt]=5` and
//! `distinct=status` to a `GroupRequest`.

use super::key::{FilterPair, Groups, split_list};
use super::target::{Form, Target, resolve};
use super::tree::Words;
use super::value::from_words;
use super::{Faults, shorten};
use carnet_expr::{CompareOp, Operand, Path, Predicate};
use carnet_kernel::{CalendarUnit, Code, MAX_PRECISION, Timestamp, Value, suggest};
use carnet_model::{FieldType, ModelView, Resource};
use carnet_store::{Deleted, GroupColumn, GroupOrder, Having, Made, average_scale, sum_scale};
use std::borrow::Cow;

/// What a request for groups asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRequest {
    /// Which records.
    pub predicate: Predicate,
    /// What is told of each group, in the order of the JSON.
    pub columns: Vec<GroupColumn>,
    /// Which groups.
    pub having: Having,
    /// In which order, without the final keys.
    pub sort: Vec<GroupOrder>,
    /// At most so many.
    pub limit: u32,
    /// After skipping so many.
    pub offset: u64,
    /// Whether the answer tells how it was made.
    pub explain: bool,
    /// Whether records that are deleted softly are among them.
    pub deleted: Deleted,
}

/// The most members of a group's object.
const MAX_COLUMNS: usize = 32;
/// The most conditions on groups.
const MAX_CONDITIONS: usize = 32;
/// The functions of `aggregate`.
pub(crate) const FUNCTIONS: &[&str] = &["count", "sum", "avg", "min", "max"];
const OPERATORS: &[&str] = &["eq", "ne", "gt", "gte", "lt", "lte", "between", "isNull"];
/// The parameters that ask for groups instead of records.
const ASKING: &[&str] = &["aggregate", "groupBy", "distinct"];

/// Whether the request asks for groups.
pub(super) fn asked(groups: &Groups<'_>) -> bool {
    !groups.having.is_empty() || ASKING.iter().any(|name| !groups.values(name).is_empty())
}

/// What groups are asked for, but for the records and the window.
pub(super) struct Asked {
    pub(super) columns: Vec<GroupColumn>,
    pub(super) having: Having,
    pub(super) sort: Vec<GroupOrder>,
}

impl Asked {
    /// Every path that is looked at.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let told = self.columns.iter().map(|column| &column.made);
        let sorted = self.sort.iter().map(|order| &order.by);
        told.chain(sorted)
            .chain(looked_at(&self.having))
            .filter_map(|made| match made {
                Made::Key { path, .. }
                | Made::Sum(path)
                | Made::Average(path)
                | Made::Min(path)
                | Made::Max(path) => Some(path),
                Made::Count(path) => path.as_ref(),
            })
    }
}

/// What conditions on groups look at.
fn looked_at(having: &Having) -> Vec<&Made> {
    match having {
        Having::All(list) | Having::Any(list) => list.iter().flat_map(looked_at).collect(),
        Having::Not(inner) => looked_at(inner),
        Having::Compare { made, .. } | Having::IsNull(made) => vec![made],
    }
}

pub(super) fn parse(
    view: &ModelView,
    resource: &Resource,
    groups: &Groups<'_>,
    now: Timestamp,
    faults: &mut Faults,
) -> Asked {
    let mut reader = Reader {
        view,
        resource,
        now,
        faults,
    };
    let members = |name: &str| -> Vec<String> {
        let values = groups.values(name).iter();
        values.flat_map(|value| split_list(value)).collect()
    };
    let distinct = members("distinct");
    let mut columns: Vec<GroupColumn> = Vec::new();
    for (place, names) in [("groupBy", members("groupBy")), ("distinct", distinct)] {
        for name in names {
            let made = reader.key(&name, place);
            reader.add(&mut columns, name, made, place);
        }
    }
    for name in members("aggregate") {
        let made = reader.function(&name, "aggregate");
        reader.add(&mut columns, name, made, "aggregate");
    }
    let has = |name: &str| !groups.values(name).is_empty();
    if has("distinct") && (has("aggregate") || has("groupBy") || !groups.having.is_empty()) {
        reader.conflict(
            "distinct",
            "`distinct` stands alone; `groupBy` with `aggregate` tells more of each combination",
        );
    }
    if !groups.having.is_empty() && !has("aggregate") && !has("groupBy") {
        reader.conflict(
            "having",
            "`having` chooses among groups: ask for some with `groupBy` or `aggregate`",
        );
    }
    for other in ["include", "fields", "cursor", "count"] {
        if has(other) {
            let message =
                format!("groups take no `{other}`; each tells what `groupBy` and `aggregate` name");
            reader.conflict(other, &message);
        }
    }
    if columns.is_empty() {
        // A group of no members at all: how many there are says at least something.
        columns.push(GroupColumn {
            name: "count".to_owned(),
            made: Made::Count(None),
        });
    }
    let sort = members("sort")
        .into_iter()
        .filter_map(|text| reader.sort(&text, &columns))
        .collect();
    let having = reader.having(&groups.having);
    Asked {
        columns,
        having,
        sort,
    }
}

struct Reader<'r> {
    view: &'r ModelView,
    resource: &'r Resource,
    now: Timestamp,
    faults: &'r mut Faults,
}

impl Reader<'_> {
    fn conflict(&mut self, place: &str, message: &str) {
        self.faults
            .push(Code::InvalidParameter, place, "conflict", message);
    }

    fn refuse(&mut self, place: &str, rule: &'static str, message: String) -> Option<Made> {
        self.faults
            .push(Code::InvalidParameter, place, rule, message);
        None
    }

    fn add(
        &mut self,
        columns: &mut Vec<GroupColumn>,
        name: String,
        made: Option<Made>,
        place: &str,
    ) {
        let Some(made) = made else { return };
        if columns.iter().any(|column| column.name == name) {
            let message = format!("`{}` stands twice", shorten(&name));
            self.refuse(place, "repeated", message);
        } else if columns.len() == MAX_COLUMNS {
            let message = format!("a group tells at most {MAX_COLUMNS} things");
            self.refuse(place, "max", message);
        } else {
            columns.push(GroupColumn { name, made });
        }
    }

    /// `status`, `category.name` or `createdAt.month`.
    fn key(&mut self, text: &str, place: &str) -> Option<Made> {
        if let Some((before, unit)) = text.rsplit_once('.')
            && let Some(unit) = CalendarUnit::parse(unit)
            && let Some((path, kind)) = self.quietly(before)
        {
            return match kind {
                FieldType::DateTime => Some(Made::Key {
                    path,
                    unit: Some(unit),
                }),
                FieldType::Date if unit != CalendarUnit::Hour => Some(Made::Key {
                    path,
                    unit: Some(unit),
                }),
                _ => {
                    let message = format!(
                        "`{}` is of type {}, which has no {}",
                        shorten(before),
                        kind.word(),
                        unit.as_str()
                    );
                    self.refuse(place, "type", message)
                }
            };
        }
        let (path, kind) = self.field(text, place)?;
        if !kind.is_ordered() {
            let message = format!(
                "`{}` is of type {}, by which nothing is grouped",
                shorten(text),
                kind.word()
            );
            return self.refuse(place, "type", message);
        }
        Some(Made::Key { path, unit: None })
    }

    /// `count`, `count(field)`, `sum(field)` and their like.
    fn function(&mut self, text: &str, place: &str) -> Option<Made> {
        if text == "count" {
            return Some(Made::Count(None));
        }
        let called = text
            .strip_suffix(')')
            .and_then(|open| open.split_once('('))
            .filter(|(name, _)| FUNCTIONS.contains(name));
        let Some((name, argument)) = called else {
            let name = text.split('(').next().unwrap_or_default();
            let message = format!(
                "`{}` is not `count`, `count(field)`, `sum(field)`, `avg(field)`, `min(field)` or `max(field)`{}",
                shorten(text),
                suggest::hint(name, FUNCTIONS.iter().copied())
            );
            return self.refuse(place, "function", message);
        };
        let (path, kind) = self.field(argument, place)?;
        let adds = sum_scale(&kind).is_some();
        let compares = kind.is_ordered() && !kind.is_id() && !matches!(kind, FieldType::Boolean);
        let fits = match name {
            "sum" | "avg" => adds,
            "min" | "max" => compares,
            _ => !matches!(kind, FieldType::Principal),
        };
        if !fits {
            let hint = match (&kind, name) {
                (FieldType::Float { .. }, _) => {
                    "; sums of floats depend on their order: declare the field as decimal"
                }
                (_, "sum" | "avg") => "; it is for integers and decimals",
                _ => "",
            };
            let message = format!(
                "`{name}` is not made of `{}`, which is of type {}{hint}",
                shorten(argument),
                kind.word()
            );
            return self.refuse(place, "type", message);
        }
        Some(match name {
            "sum" => Made::Sum(path),
            "avg" => Made::Average(path),
            "min" => Made::Min(path),
            "max" => Made::Max(path),
            _ => Made::Count(Some(path)),
        })
    }

    fn field(&mut self, text: &str, place: &str) -> Option<(Path, FieldType)> {
        if let Target::Subject(subject) =
            resolve(self.view, self.resource, text, place, self.faults)?
            && let (Operand::Path(path), Form::Field { kind, .. }) = (subject.operand, subject.form)
        {
            return Some((path, kind.clone()));
        }
        let message = format!(
            "`{}` is no field: groups are told by fields, own ones and over to-one relations",
            shorten(text)
        );
        self.refuse(place, "type", message);
        None
    }

    /// The same without a fault when there is none.
    fn quietly(&mut self, text: &str) -> Option<(Path, FieldType)> {
        let mut faults = Faults::default();
        let mut reader = Reader {
            view: self.view,
            resource: self.resource,
            now: self.now,
            faults: &mut faults,
        };
        reader.field(text, "")
    }

    /// `-count`, `category.name:desc`: what is told of groups, or any function.
    fn sort(&mut self, text: &str, columns: &[GroupColumn]) -> Option<GroupOrder> {
        let (name, descending) = match (text.strip_prefix('-'), text.rsplit_once(':')) {
            (Some(name), _) => (name, true),
            (None, Some((name, "asc"))) => (name, false),
            (None, Some((name, "desc"))) => (name, true),
            (None, _) => (text, false),
        };
        if let Some(column) = columns.iter().find(|column| column.name == name) {
            return Some(GroupOrder {
                by: column.made.clone(),
                descending,
            });
        }
        if name == "count" || name.ends_with(')') {
            let by = self.function(name, "sort")?;
            return Some(GroupOrder { by, descending });
        }
        let told: Vec<String> = columns
            .iter()
            .take(8)
            .map(|column| format!("`{}`", column.name))
            .collect();
        let message = format!(
            "groups are not sorted by `{}`, which is not told of them; they are by {} and by functions such as `count`",
            shorten(name),
            told.join(", ")
        );
        self.refuse("sort", "unknown", message);
        None
    }

    fn having(&mut self, pairs: &[FilterPair<'_>]) -> Having {
        if pairs.len() > MAX_CONDITIONS {
            let message = format!(
                "groups have at most {MAX_CONDITIONS} conditions, not {}",
                pairs.len()
            );
            self.refuse("having", "max", message);
            return Having::All(Vec::new());
        }
        let all = pairs.iter().filter_map(|pair| self.condition(pair));
        Having::All(all.collect())
    }

    fn condition(&mut self, pair: &FilterPair<'_>) -> Option<Having> {
        let place = shorten(pair.key);
        let (name, operator) = match pair.segments.as_slice() {
            [name] => (*name, "eq"),
            [name, operator] => (*name, *operator),
            _ => {
                let message = "a condition on groups is written `having[count][gt]=5`".to_owned();
                self.refuse(&place, "syntax", message);
                return None;
            }
        };
        let made = self.function(name, &place)?;
        if !OPERATORS.contains(&operator) {
            let hint = suggest::hint(operator, OPERATORS.iter().copied());
            let message = format!("there is no operator `{}` here{hint}", shorten(operator));
            self.faults
                .push(Code::UnknownOperator, place, "unknown", message);
            return None;
        }
        if operator == "isNull" {
            return match &*pair.value {
                "true" => Some(Having::IsNull(made)),
                "false" => Some(Having::Not(Box::new(Having::IsNull(made)))),
                _ => {
                    self.refuse(
                        &place,
                        "type",
                        "`isNull` takes `true` or `false`".to_owned(),
                    );
                    None
                }
            };
        }
        let kind = self.kind(&made)?;
        let values: Vec<Value> = if operator == "between" {
            let texts = split_list(&pair.value);
            if texts.len() != 2 {
                let message = "`between` takes two values, separated by a comma".to_owned();
                self.refuse(&place, "count", message);
                return None;
            }
            texts
                .iter()
                .filter_map(|text| self.value(&kind, text, &place))
                .collect()
        } else {
            self.value(&kind, &pair.value, &place).into_iter().collect()
        };
        let compare = |op, value: &Value| Having::Compare {
            made: made.clone(),
            op,
            value: value.clone(),
        };
        match (operator, values.as_slice()) {
            ("between", [low, high]) => Some(Having::All(vec![
                compare(CompareOp::Gte, low),
                compare(CompareOp::Lte, high),
            ])),
            ("between", _) | (_, []) => None,
            ("ne", [value, ..]) => Some(compare(CompareOp::Ne, value)),
            ("gt", [value, ..]) => Some(compare(CompareOp::Gt, value)),
            ("gte", [value, ..]) => Some(compare(CompareOp::Gte, value)),
            ("lt", [value, ..]) => Some(compare(CompareOp::Lt, value)),
            ("lte", [value, ..]) => Some(compare(CompareOp::Lte, value)),
            (_, [value, ..]) => Some(compare(CompareOp::Eq, value)),
        }
    }

    fn value(&mut self, kind: &FieldType, text: &str, place: &str) -> Option<Value> {
        let words = Words::Text(Cow::Borrowed(text));
        match from_words(kind, &words, self.now) {
            Ok(value) => Some(value),
            Err(why) => {
                self.refuse(place, "type", why);
                None
            }
        }
    }

    /// The type of what a function gives.
    fn kind(&mut self, made: &Made) -> Option<FieldType> {
        let of = |path: &Path| {
            let mut holder = self.resource;
            for step in &path.steps {
                holder = self.view.resource(holder.relation(*step).target);
            }
            holder.field(path.field).kind.clone()
        };
        let decimal = |scale| FieldType::Decimal {
            precision: MAX_PRECISION,
            scale,
            min: None,
            max: None,
        };
        match made {
            Made::Count(_) => Some(FieldType::Integer {
                min: None,
                max: None,
            }),
            Made::Sum(path) => sum_scale(&of(path)).map(decimal),
            Made::Average(path) => average_scale(&of(path)).map(decimal),
            Made::Key { path, .. } | Made::Min(path) | Made::Max(path) => Some(of(path)),
        }
    }
}
