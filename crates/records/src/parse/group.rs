//! `aggregate=count,sum(price)`, `groupBy=status,createdAt.month` and `distinct=status` to a
//! `GroupRequest`. Conditions on groups are read by `having`.

use super::key::{Groups, split_list};
use super::target::{Form, Target, resolve};
use super::tree::Node;
use super::{Faults, shorten};
use crate::cursor::Binding;
use carnet_expr::{Operand, Path, Predicate};
use carnet_kernel::{CalendarUnit, Code, Timestamp, suggest};
use carnet_model::{FieldType, ModelView, Resource};
use carnet_store::{Deleted, GroupColumn, GroupOrder, Having, Made, average_type, sum_type};

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
    /// Where the page begins, as an answer told it; not together with an offset.
    pub cursor: Option<String>,
    /// What a cursor of these groups is bound to.
    pub binding: Binding,
    /// Whether the answer tells how it was made.
    pub explain: bool,
    /// Whether records that are deleted softly are among them.
    pub deleted: Deleted,
}

/// The most members of a group's object.
const MAX_COLUMNS: usize = 32;
/// The functions of `aggregate`.
pub(crate) const FUNCTIONS: &[&str] = &["count", "sum", "avg", "min", "max"];
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
    (groups, having): (&Groups<'_>, &Node<'_>),
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
    let chosen = having.conditions() > 0;
    if has("distinct") && (has("aggregate") || has("groupBy") || chosen) {
        reader.conflict(
            "distinct",
            "`distinct` stands alone; `groupBy` with `aggregate` tells more of each combination",
        );
    }
    if chosen && !has("aggregate") && !has("groupBy") {
        reader.conflict(
            "having",
            "`having` chooses among groups: ask for some with `groupBy` or `aggregate`",
        );
    }
    for other in ["include", "fields", "count"] {
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
    let having = reader.having(having, &columns);
    Asked {
        columns,
        having,
        sort,
    }
}

pub(super) struct Reader<'r> {
    view: &'r ModelView,
    resource: &'r Resource,
    pub(super) now: Timestamp,
    pub(super) faults: &'r mut Faults,
}

impl Reader<'_> {
    fn conflict(&mut self, place: &str, message: &str) {
        self.faults
            .push(Code::InvalidParameter, place, "conflict", message);
    }

    pub(super) fn refuse(
        &mut self,
        place: &str,
        rule: &'static str,
        message: String,
    ) -> Option<Made> {
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
    pub(super) fn function(&mut self, text: &str, place: &str) -> Option<Made> {
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
        let adds = sum_type(&kind).is_some();
        let compares = kind.is_ordered() && !kind.is_id() && !matches!(kind, FieldType::Boolean);
        let fits = match name {
            "sum" | "avg" => adds,
            "min" | "max" => compares,
            _ => !matches!(kind, FieldType::Principal),
        };
        if !fits {
            let hint = match name {
                "sum" | "avg" => "; it is for numbers and durations",
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
        if let Target::Subject(subject) = resolve(
            self.view,
            self.resource,
            (text, place),
            self.now,
            self.faults,
        )? && let (Operand::Path(path), Form::Field { kind, .. }) =
            (subject.operand, subject.form)
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

    /// The type of what a group is told by, or of what a function gives.
    pub(super) fn kind(&mut self, made: &Made) -> Option<FieldType> {
        let of = |path: &Path| {
            let mut holder = self.resource;
            for step in &path.steps {
                holder = self.view.resource(holder.relation(*step).target);
            }
            holder.field(path.field).kind.clone()
        };
        match made {
            Made::Count(_) => Some(FieldType::Integer {
                min: None,
                max: None,
            }),
            Made::Sum(path) => sum_type(&of(path)),
            Made::Average(path) => average_type(&of(path)),
            Made::Key { path, .. } | Made::Min(path) | Made::Max(path) => Some(of(path)),
        }
    }
}
