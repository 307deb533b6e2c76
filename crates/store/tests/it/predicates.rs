//! Random predicates over any model, for tests. Uses nothing of the store, so that the crate's own
//! tests include it as well.

use carnet_expr::{
    Aggregate, CompareOp, Function, JsonStep, Operand, Path, Predicate, RelationIndex, TextOp,
};
use carnet_kernel::{JsonText, Value, text};
use carnet_model::{Field, FieldIndex, FieldType, ModelView, RelationKind, Resource};
use proptest::prelude::*;
use proptest::sample::Index;

/// Where literals come from: one for a field, by a number.
pub(crate) type Literals<'a> = &'a dyn Fn(&Field, u8) -> Value;

/// A predicate of which only the form is known; [`plant`] makes one over a resource of it.
#[derive(Clone, Debug)]
pub(crate) enum Seed {
    Constant(bool),
    Compare(Vec<Index>, Index, u8, u8),
    Paths(Vec<Index>, Index, Vec<Index>, Index, u8),
    In(Vec<Index>, Index, Vec<u8>),
    Null(Vec<Index>, Index),
    Text(Vec<Index>, Index, u8, String, bool),
    Exists(Vec<Index>, Index, Box<Seed>),
    Every(Vec<Index>, Index, Box<Seed>),
    Holds(Box<Seed>),
    Has(Vec<Index>, Index, u8, bool, Vec<u8>),
    Made(OperandSeed, u8, Vec<u8>),
    Not(Box<Seed>),
    And(Vec<Seed>),
    Or(Vec<Seed>),
}

/// An operand that is no field as a whole.
#[derive(Clone, Debug)]
pub(crate) enum OperandSeed {
    /// A place inside a JSON field.
    Inside(Vec<Index>, Index, u8),
    /// A number made of related records.
    Aggregate(Vec<Index>, Index, u8, Index, Box<Seed>),
}

impl OperandSeed {
    /// The operand over `resource`, if it has what it takes.
    pub(crate) fn operand(
        &self,
        view: &ModelView,
        resource: &Resource,
        literals: Literals<'_>,
    ) -> Option<Operand> {
        match self {
            Self::Inside(steps, field, place) => {
                inside(view, resource, steps, *field, *place).map(Operand::Path)
            }
            Self::Aggregate(steps, relation, function, field, seed) => {
                let (steps, relation, target) = many(view, resource, steps, *relation)?;
                Some(Operand::Aggregate(Box::new(Aggregate {
                    steps,
                    relation,
                    predicate: plant(view, target, seed, literals),
                    function: self::function(target, *function, *field),
                })))
            }
        }
    }
}

fn function(target: &Resource, seed: u8, field: Index) -> Function {
    let exact = |field: &Field| {
        matches!(
            field.kind,
            FieldType::Integer { .. }
                | FieldType::Decimal { .. }
                | FieldType::Float { .. }
                | FieldType::Duration
        )
    };
    let sorted = |field: &Field| {
        let kind = &field.kind;
        kind.is_ordered() && !kind.is_id() && !matches!(kind, FieldType::Boolean)
    };
    let choose = |fits: &dyn Fn(&Field) -> bool| {
        let fields = target.each_field().filter(|(_, field)| fits(field));
        let fields: Vec<FieldIndex> = fields.map(|(index, _)| index).collect();
        *field.get(&fields)
    };
    match seed % 5 {
        0 => Function::Count,
        1 => Function::Sum(choose(&exact)),
        2 => Function::Average(choose(&exact)),
        3 => Function::Min(choose(&sorted)),
        _ => Function::Max(choose(&sorted)),
    }
}

/// A path inside a JSON field, if the resource has one.
fn inside(
    view: &ModelView,
    resource: &Resource,
    steps: &[Index],
    field: Index,
    place: u8,
) -> Option<Path> {
    let (steps, holder) = walk(view, resource, steps);
    let fields = holder
        .each_field()
        .filter(|(_, field)| field.kind.is_json());
    let fields: Vec<FieldIndex> = fields.map(|(index, _)| index).collect();
    if fields.is_empty() {
        return None;
    }
    let key = |key: &str| JsonStep::Key(key.to_owned());
    let inside = match place % 10 {
        0 => vec![],
        1 => vec![key("a")],
        2 => vec![key("b")],
        3 => vec![JsonStep::Index(0)],
        4 => vec![key("a"), JsonStep::Index(0)],
        5 => vec![key("a"), JsonStep::Index(1)],
        6 => vec![key("a"), JsonStep::Index(2)],
        7 => vec![key("a"), JsonStep::Index(3)],
        8 => vec![key("é.'[0]"), key("0")],
        _ => vec![
            JsonStep::Index(0),
            JsonStep::Index(0),
            JsonStep::Index(0),
            key("k"),
        ],
    };
    Some(Path {
        steps,
        field: *field.get(&fields),
        inside,
    })
}

/// A value that stands inside JSON.
fn json(seed: u8) -> JsonText {
    let all = [
        "1",
        "2.5",
        "true",
        "false",
        r#""text""#,
        r#""a""#,
        "1e-7",
        r#""]}""#,
        "0",
        "[1,2.5,null,true]",
    ];
    let text = all[usize::from(seed) % all.len()];
    JsonText::from_value(&serde_json::from_str(text).unwrap_or_default())
}

fn many<'v>(
    view: &'v ModelView,
    resource: &'v Resource,
    steps: &[Index],
    relation: Index,
) -> Option<(Vec<RelationIndex>, RelationIndex, &'v Resource)> {
    let (steps, holder) = walk(view, resource, steps);
    let ways: Vec<usize> = (0..holder.relations.len())
        .filter(|way| holder.relations[*way].kind.is_many())
        .collect();
    if ways.is_empty() {
        return None;
    }
    let relation = RelationIndex(*relation.get(&ways) as u16);
    let target = view.resource(holder.relation(relation).target);
    Some((steps, relation, target))
}

/// A field over at most as many to-one steps as there are.
pub(crate) fn path<'v>(
    view: &'v ModelView,
    resource: &'v Resource,
    steps: &[Index],
    field: Index,
) -> (Path, &'v Field) {
    let (steps, holder) = walk(view, resource, steps);
    let place = FieldIndex(field.index(holder.fields.len()) as u16);
    (Path::over(steps, place), holder.field(place))
}

fn walk<'v>(
    view: &'v ModelView,
    resource: &'v Resource,
    steps: &[Index],
) -> (Vec<RelationIndex>, &'v Resource) {
    let mut holder = resource;
    let mut taken = Vec::new();
    for step in steps {
        let ways: Vec<usize> = (0..holder.relations.len())
            .filter(|way| matches!(holder.relations[*way].kind, RelationKind::ToOne { .. }))
            .collect();
        if ways.is_empty() {
            break;
        }
        let relation = RelationIndex(*step.get(&ways) as u16);
        taken.push(relation);
        holder = view.resource(holder.relation(relation).target);
    }
    (taken, holder)
}

fn compare_op(seed: u8, ordered: bool) -> CompareOp {
    let all = [
        CompareOp::Eq,
        CompareOp::Ne,
        CompareOp::Gt,
        CompareOp::Gte,
        CompareOp::Lt,
        CompareOp::Lte,
    ];
    all[usize::from(seed) % if ordered { 6 } else { 2 }]
}

/// The predicate of a seed over `resource`.
pub(crate) fn plant(
    view: &ModelView,
    resource: &Resource,
    seed: &Seed,
    literals: Literals<'_>,
) -> Predicate {
    let inner = |seed: &Seed| plant(view, resource, seed, literals);
    match seed {
        Seed::Constant(true) => Predicate::True,
        Seed::Constant(false) => Predicate::False,
        Seed::Compare(steps, field, op, literal) => {
            let (path, field) = path(view, resource, steps, *field);
            let sides = (
                Operand::Path(path),
                Operand::Value(literals(field, *literal)),
            );
            let (left, right) = if op & 64 == 0 {
                sides
            } else {
                (sides.1, sides.0)
            };
            Predicate::Compare {
                op: compare_op(*op, field.kind.is_ordered()),
                left,
                right,
            }
        }
        Seed::Paths(steps, field, others, other, op) => {
            let (left, first) = path(view, resource, steps, *field);
            let (right, second) = path(view, resource, others, *other);
            let ordered = first.kind.is_ordered() && second.kind.is_ordered();
            Predicate::Compare {
                op: compare_op(*op, ordered),
                left: Operand::Path(left),
                right: Operand::Path(right),
            }
        }
        Seed::In(steps, field, list) => {
            let (path, field) = path(view, resource, steps, *field);
            Predicate::In {
                operand: Operand::Path(path),
                list: list
                    .iter()
                    .map(|literal| literals(field, *literal))
                    .collect(),
            }
        }
        Seed::Null(steps, field) => {
            Predicate::IsNull(Operand::Path(path(view, resource, steps, *field).0))
        }
        Seed::Text(steps, field, op, pattern, caseless) => {
            let (path, field) = path(view, resource, steps, *field);
            let caseless = *caseless && field.caseless();
            let ops = [
                TextOp::Contains,
                TextOp::StartsWith,
                TextOp::EndsWith,
                TextOp::Like,
            ];
            Predicate::Text {
                op: ops[usize::from(op % 4)],
                path,
                pattern: if caseless {
                    text::fold(pattern)
                } else {
                    pattern.clone()
                },
                caseless,
            }
        }
        Seed::Exists(steps, relation, seed) => match many(view, resource, steps, *relation) {
            Some((steps, relation, target)) => {
                Predicate::some(steps, relation, plant(view, target, seed, literals))
            }
            None => Predicate::False,
        },
        Seed::Every(steps, relation, seed) => match many(view, resource, steps, *relation) {
            Some((steps, relation, target)) => {
                Predicate::every(steps, relation, plant(view, target, seed, literals))
            }
            None => Predicate::True,
        },
        Seed::Holds(seed) => Predicate::Holds(Box::new(inner(seed))),
        Seed::Has(steps, field, place, all, list) => {
            match inside(view, resource, steps, *field, *place) {
                Some(path) => Predicate::Has {
                    path,
                    all: *all,
                    list: list.iter().map(|literal| json(*literal)).collect(),
                },
                None => Predicate::False,
            }
        }
        Seed::Made(operand, op, list) => made(view, resource, operand, *op, list, literals),
        Seed::Not(seed) => Predicate::Not(Box::new(inner(seed))),
        Seed::And(list) => Predicate::And(list.iter().map(inner).collect()),
        Seed::Or(list) => Predicate::Or(list.iter().map(inner).collect()),
    }
}

/// A test of an operand that is no field as a whole.
fn made(
    view: &ModelView,
    resource: &Resource,
    seed: &OperandSeed,
    op: u8,
    list: &[u8],
    literals: Literals<'_>,
) -> Predicate {
    let Some(operand) = seed.operand(view, resource, literals) else {
        return Predicate::False;
    };
    let first = list.first().copied().unwrap_or(7);
    let literal = |seed: u8| match &operand {
        _ if seed.is_multiple_of(11) => Value::Null,
        Operand::Path(_) => Value::Json(json(seed)),
        Operand::Aggregate(aggregate) => {
            let (_, holder) = (
                &aggregate.steps,
                aggregate.steps.iter().fold(resource, |holder, step| {
                    view.resource(holder.relation(*step).target)
                }),
            );
            let target = view.resource(holder.relation(aggregate.relation).target);
            match aggregate.function {
                Function::Count => Value::Integer(i64::from(seed % 4)),
                Function::Sum(field) | Function::Average(field) => {
                    literals(target.field(field), seed)
                }
                Function::Min(field) | Function::Max(field) => literals(target.field(field), seed),
            }
        }
        Operand::Value(value) => value.clone(),
    };
    match (op % 5, &operand) {
        (0, _) => Predicate::IsNull(operand),
        (1, _) => Predicate::In {
            list: list.iter().map(|seed| literal(*seed)).collect(),
            operand,
        },
        (2, Operand::Path(path)) => Predicate::Text {
            op: [
                TextOp::Contains,
                TextOp::StartsWith,
                TextOp::EndsWith,
                TextOp::Like,
            ][usize::from(first % 4)],
            path: path.clone(),
            pattern: ["", "e", "t%", "%a_", "text"][usize::from(first) % 5].to_owned(),
            caseless: false,
        },
        _ => Predicate::Compare {
            op: compare_op(op / 5, true),
            right: Operand::Value(literal(first)),
            left: operand,
        },
    }
}

/// Operands that are no field as a whole.
pub(crate) fn operands() -> impl Strategy<Value = OperandSeed> {
    operands_over(Just(Seed::Constant(true)))
}

fn operands_over(
    inner: impl Strategy<Value = Seed> + 'static,
) -> impl Strategy<Value = OperandSeed> {
    let steps = || proptest::collection::vec(any::<Index>(), 0..2);
    prop_oneof![
        (steps(), any::<Index>(), any::<u8>())
            .prop_map(|(steps, field, place)| OperandSeed::Inside(steps, field, place)),
        (steps(), any::<Index>(), any::<u8>(), any::<Index>(), inner).prop_map(
            |(steps, relation, function, field, seed)| {
                OperandSeed::Aggregate(steps, relation, function, field, Box::new(seed))
            }
        ),
    ]
}

/// Seeds of every form, a few levels deep; text patterns match the regular expression `patterns`.
pub(crate) fn seeds(patterns: &'static str) -> impl Strategy<Value = Seed> {
    let steps = || proptest::collection::vec(any::<Index>(), 0..3);
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Seed::Constant),
        4 => (steps(), any::<Index>(), any::<u8>(), any::<u8>())
            .prop_map(|(steps, field, op, value)| Seed::Compare(steps, field, op, value)),
        2 => (steps(), any::<Index>(), steps(), any::<Index>(), any::<u8>())
            .prop_map(|(a, b, c, d, op)| Seed::Paths(a, b, c, d, op)),
        3 => (steps(), any::<Index>(), proptest::collection::vec(any::<u8>(), 0..4))
            .prop_map(|(steps, field, list)| Seed::In(steps, field, list)),
        1 => (steps(), any::<Index>()).prop_map(|(steps, field)| Seed::Null(steps, field)),
        4 => (steps(), any::<Index>(), any::<u8>(), patterns, any::<bool>()).prop_map(
            |(steps, field, op, pattern, caseless)| Seed::Text(steps, field, op, pattern, caseless)
        ),
        1 => (steps(), any::<Index>(), any::<u8>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..3))
            .prop_map(|(steps, field, place, all, list)| Seed::Has(steps, field, place, all, list)),
    ];
    leaf.prop_recursive(3, 16, 3, move |inner| {
        let steps = proptest::collection::vec(any::<Index>(), 0..3);
        prop_oneof![
            inner.clone().prop_map(|one| Seed::Not(Box::new(one))),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Seed::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Seed::Or),
            inner.clone().prop_map(|one| Seed::Holds(Box::new(one))),
            (steps.clone(), any::<Index>(), inner.clone()).prop_map(|(steps, relation, one)| {
                Seed::Exists(steps, relation, Box::new(one))
            }),
            (steps, any::<Index>(), inner.clone())
                .prop_map(|(steps, relation, one)| { Seed::Every(steps, relation, Box::new(one)) }),
            (
                operands_over(inner),
                any::<u8>(),
                proptest::collection::vec(any::<u8>(), 0..3)
            )
                .prop_map(|(operand, op, list)| Seed::Made(operand, op, list)),
        ]
    })
}
