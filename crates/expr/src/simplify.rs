//! Negation pushed to the leaves and constants folded, so that a renderer needs no polarity.
//! Not cost-based reordering.

use crate::{CompareOp, Predicate};

impl Predicate {
    /// An equal predicate in negation normal form: `Not` stands only before `IsNull`, `In`, `Text`,
    /// `Search` and `Exists`; `True` and `False` stand only alone; lists have at least two members.
    #[must_use]
    pub fn simplify(self) -> Self {
        normal(self, false)
    }
}

fn normal(predicate: Predicate, negated: bool) -> Predicate {
    use Predicate::{And, Compare, Exists, False, In, IsNull, Not, Or, Search, Text, True};
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
            Compare { op, left, right }
        }
        In { list, .. } if list.is_empty() => normal(False, negated),
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
        other @ (In { .. } | IsNull(_) | Search { .. } | Text { .. }) => leaf(other, negated),
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
    let (neutral, absorbing) = if any {
        (Predicate::False, Predicate::True)
    } else {
        (Predicate::True, Predicate::False)
    };
    let mut members = Vec::with_capacity(list.len());
    for member in list {
        match normal(member, negated) {
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
