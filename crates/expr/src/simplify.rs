//! Negation pushed to the leaves and constants folded, so that a renderer needs no polarity.
//! Not cost-based reordering.

use crate::{Aggregate, CompareOp, Operand, Predicate};

impl Operand {
    /// The same with the predicates of its aggregates in normal form.
    #[must_use]
    pub fn simplify(self) -> Self {
        match self {
            Self::Aggregate(aggregate) => Self::Aggregate(Box::new(Aggregate {
                predicate: aggregate.predicate.simplify(),
                ..*aggregate
            })),
            other => other,
        }
    }
}

impl Predicate {
    /// An equal predicate in negation normal form: `Not` stands only before `IsNull`, `In`, `Has`,
    /// `Text`, `Search`, `Holds` and `Exists`; `Holds` only before a test that may be unknown, or a `Not` of
    /// one; `True` and `False` stand only alone; lists have at least two members.
    #[must_use]
    pub fn simplify(self) -> Self {
        normal(self, false)
    }
}

fn normal(predicate: Predicate, negated: bool) -> Predicate {
    use Predicate::{
        And, Compare, Exists, False, Has, Holds, In, IsNull, Not, Or, Search, Text, True,
    };
    match predicate {
        True if negated => False,
        False if negated => True,
        True => True,
        False => False,
        Not(inner) => normal(*inner, !negated),
        And(list) => join(list, negated, negated),
        Or(list) => join(list, !negated, negated),
        Compare { op, left, right } => {
            let op = if negated { opposite(op) } else { op };
            let (left, right) = (left.simplify(), right.simplify());
            Compare { op, left, right }
        }
        In { list, .. } if list.is_empty() => normal(False, negated),
        In { operand, list } => {
            let operand = operand.simplify();
            leaf(In { operand, list }, negated)
        }
        IsNull(operand) => leaf(IsNull(operand.simplify()), negated),
        Has { list, all, .. } if list.is_empty() => normal(if all { True } else { False }, negated),
        Holds(inner) => holds(normal(*inner, false), negated),
        Exists {
            steps,
            relation,
            predicate,
        } => {
            let inner = normal(*predicate, false);
            if inner == False {
                return normal(False, negated);
            }
            leaf(
                Exists {
                    steps,
                    relation,
                    predicate: Box::new(inner),
                },
                negated,
            )
        }
        other @ (Has { .. } | Search { .. } | Text { .. }) => leaf(other, negated),
    }
}

/// Whether a normal form holds, or does not: pushed to the tests that may be unknown.
fn holds(predicate: Predicate, negated: bool) -> Predicate {
    match predicate {
        Predicate::And(list) => join_holding(list, negated, negated),
        Predicate::Or(list) => join_holding(list, !negated, negated),
        certain if !may_be_unknown(&certain) => normal(certain, negated),
        test => leaf(Predicate::Holds(Box::new(test)), negated),
    }
}

fn join_holding(list: Vec<Predicate>, any: bool, negated: bool) -> Predicate {
    let members = list.into_iter().map(|member| holds(member, negated));
    collect(members, any)
}

fn may_be_unknown(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Not(inner) => may_be_unknown(inner),
        Predicate::Compare { op, .. } => !matches!(op, CompareOp::Eq | CompareOp::Ne),
        Predicate::Text { .. } => true,
        Predicate::And(list) | Predicate::Or(list) => list.iter().any(may_be_unknown),
        Predicate::True
        | Predicate::False
        | Predicate::In { .. }
        | Predicate::IsNull(_)
        | Predicate::Has { .. }
        | Predicate::Search { .. }
        | Predicate::Holds(_)
        | Predicate::Exists { .. } => false,
    }
}

fn leaf(predicate: Predicate, negated: bool) -> Predicate {
    if negated {
        Predicate::Not(Box::new(predicate))
    } else {
        predicate
    }
}

/// Joins the normal forms of `list`: by or when `any`, by and otherwise.
fn join(list: Vec<Predicate>, any: bool, negated: bool) -> Predicate {
    collect(list.into_iter().map(|member| normal(member, negated)), any)
}

fn collect(list: impl ExactSizeIterator<Item = Predicate>, any: bool) -> Predicate {
    let (neutral, absorbing) = if any {
        (Predicate::False, Predicate::True)
    } else {
        (Predicate::True, Predicate::False)
    };
    let mut members = Vec::with_capacity(list.len());
    for member in list {
        match member {
            member if member == neutral => {}
            member if member == absorbing => return absorbing,
            Predicate::Or(inner) if any => members.extend(inner),
            Predicate::And(inner) if !any => members.extend(inner),
            member => members.push(member),
        }
    }
    match members.len() {
        0 => neutral,
        1 => members.swap_remove(0),
        _ if any => Predicate::Or(members),
        _ => Predicate::And(members),
    }
}

/// The comparison that is true, false and unknown where `op` is false, true and unknown.
fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Ne,
        CompareOp::Ne => CompareOp::Eq,
        CompareOp::Gt => CompareOp::Lte,
        CompareOp::Gte => CompareOp::Lt,
        CompareOp::Lt => CompareOp::Gte,
        CompareOp::Lte => CompareOp::Gt,
    }
}
