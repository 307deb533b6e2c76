//! What a list may cost at most, as far as its shape tells: how many related rows it looks at.

use super::{Faults, ListRequest};
use carnet_expr::{Operand, Predicate, RelationIndex};
use carnet_kernel::Code;
use std::collections::HashSet;

/// The most relations that filter and sort of one list follow together. Each is a join; databases
/// refuse more than 64 and plan badly long before.
const MAX_JOINS: usize = 32;

/// Counts what the filter and the sort follow.
pub(super) fn check(request: &ListRequest, faults: &mut Faults) {
    let mut followed = HashSet::new();
    follow(&request.predicate, &mut followed);
    for order in &request.sort {
        prefixes(&order.path.steps, &mut followed);
    }
    if followed.len() > MAX_JOINS {
        let message = format!(
            "filter and sort follow at most {MAX_JOINS} relations together, not {}",
            followed.len()
        );
        faults.push(Code::InvalidParameter, "filter", "max", message);
    }
}

type Followed<'p> = HashSet<&'p [RelationIndex]>;

fn follow<'p>(predicate: &'p Predicate, followed: &mut Followed<'p>) {
    let mut operand = |operand: &'p Operand| {
        if let Operand::Path(path) = operand {
            prefixes(&path.steps, followed);
        }
    };
    match predicate {
        Predicate::True | Predicate::False | Predicate::Search { .. } => {}
        Predicate::And(list) | Predicate::Or(list) => {
            list.iter().for_each(|member| follow(member, followed));
        }
        Predicate::Not(inner) => follow(inner, followed),
        Predicate::Compare { left, right, .. } => {
            operand(left);
            operand(right);
        }
        Predicate::In { operand: one, .. } | Predicate::IsNull(one) => operand(one),
        Predicate::Text { path, .. } => prefixes(&path.steps, followed),
        Predicate::Exists { steps, .. } => prefixes(steps, followed),
    }
}

fn prefixes<'p>(steps: &'p [RelationIndex], followed: &mut Followed<'p>) {
    followed.extend((1..=steps.len()).filter_map(|length| steps.get(..length)));
}
