//! Random predicates over any model, for tests. Uses nothing of the store, so that the crate's own
//! tests include it as well.

use carnet_expr::{CompareOp, Operand, Path, Predicate, RelationIndex, TextOp};
use carnet_kernel::{Value, text};
use carnet_model::{Field, FieldIndex, ModelView, RelationKind, Resource};
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
    Not(Box<Seed>),
    And(Vec<Seed>),
    Or(Vec<Seed>),
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
    let path = Path {
        steps,
        field: place,
    };
    (path, holder.field(place))
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
        Seed::Exists(steps, relation, seed) => {
            let (steps, holder) = walk(view, resource, steps);
            let ways: Vec<usize> = (0..holder.relations.len())
                .filter(|way| matches!(holder.relations[*way].kind, RelationKind::ToMany { .. }))
                .collect();
            if ways.is_empty() {
                return Predicate::False;
            }
            let relation = RelationIndex(*relation.get(&ways) as u16);
            let target = view.resource(holder.relation(relation).target);
            Predicate::Exists {
                steps,
                relation,
                predicate: Box::new(plant(view, target, seed, literals)),
            }
        }
        Seed::Not(seed) => Predicate::Not(Box::new(inner(seed))),
        Seed::And(list) => Predicate::And(list.iter().map(inner).collect()),
        Seed::Or(list) => Predicate::Or(list.iter().map(inner).collect()),
    }
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
    ];
    leaf.prop_recursive(3, 16, 3, move |inner| {
        let steps = proptest::collection::vec(any::<Index>(), 0..3);
        prop_oneof![
            inner.clone().prop_map(|one| Seed::Not(Box::new(one))),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Seed::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Seed::Or),
            (steps, any::<Index>(), inner).prop_map(|(steps, relation, one)| Seed::Exists(
                steps,
                relation,
                Box::new(one)
            )),
        ]
    })
}
