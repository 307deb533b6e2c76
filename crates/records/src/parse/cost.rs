//! What a list may cost at most, as far as its shape tells: how many related rows it looks at.

use super::{Faults, Included, ListRequest};
use carnet_expr::{Operand, Predicate, RelationIndex};
use carnet_kernel::Code;
use carnet_store::Order;
use std::collections::HashSet;

/// The most relations that filter and sort of one list follow together. Each is a join; databases
/// refuse more than 64 and plan badly long before.
const MAX_JOINS: usize = 32;

/// The most looks at related records of one request: quantifiers, and numbers made of them. Each
/// is a subquery for every row that is tried.
const MAX_LOOKS: usize = 16;

/// Counts what a list follows.
pub(super) fn check(request: &ListRequest, faults: &mut Faults) {
    let mut cost = Cost::default();
    cost.predicate(&request.predicate);
    cost.order(&request.sort);
    cost.tell("filter", faults);
    check_included(&request.included, faults);
}

/// Counts what a filter alone follows.
pub(super) fn check_filter(predicate: &Predicate, faults: &mut Faults) {
    check_conditions(predicate, "filter", faults);
}

/// The same for conditions that stand elsewhere.
pub(super) fn check_conditions(predicate: &Predicate, place: &str, faults: &mut Faults) {
    let mut cost = Cost::default();
    cost.predicate(predicate);
    cost.tell(place, faults);
}

/// Counts what includes follow.
pub(super) fn check_included(included: &Included, faults: &mut Faults) {
    let mut cost = Cost::default();
    cost.included(included);
    cost.tell("include", faults);
}

#[derive(Default)]
struct Cost<'p> {
    followed: HashSet<&'p [RelationIndex]>,
    /// The most that one level follows.
    joins: usize,
    looks: usize,
}

impl<'p> Cost<'p> {
    fn tell(mut self, place: &str, faults: &mut Faults) {
        self.level(HashSet::new());
        if self.joins > MAX_JOINS {
            let message = format!(
                "filter and sort follow at most {MAX_JOINS} relations together, not {}",
                self.joins
            );
            faults.push(Code::InvalidParameter, place, "max", message);
        }
        if self.looks > MAX_LOOKS {
            let message = format!(
                "filter and sort look at related records (`some`, `every`, `none`, `count`, `sum` …) at most {MAX_LOOKS} times, not {}",
                self.looks
            );
            faults.push(Code::InvalidParameter, place, "max", message);
        }
    }

    /// Begins another level of joins, or goes back to one.
    fn level(&mut self, other: HashSet<&'p [RelationIndex]>) -> HashSet<&'p [RelationIndex]> {
        self.joins = self.joins.max(self.followed.len());
        std::mem::replace(&mut self.followed, other)
    }

    fn inner(&mut self, predicate: &'p Predicate) {
        self.looks += 1;
        let outer = self.level(HashSet::new());
        self.predicate(predicate);
        self.level(outer);
    }

    fn included(&mut self, included: &'p Included) {
        for count in &included.counts {
            if count.predicate != Predicate::True {
                self.inner(&count.predicate);
            }
        }
        for include in &included.relations {
            let outer = self.level(HashSet::new());
            self.predicate(&include.predicate);
            self.order(&include.sort);
            self.level(outer);
            self.included(&include.included);
        }
    }

    fn order(&mut self, keys: &'p [Order]) {
        for key in keys {
            self.operand(&key.by);
        }
    }

    fn operand(&mut self, operand: &'p Operand) {
        match operand {
            Operand::Path(path) => self.steps(&path.steps),
            Operand::Aggregate(aggregate) => {
                self.steps(&aggregate.steps);
                self.inner(&aggregate.predicate);
            }
            Operand::Value(_) => {}
        }
    }

    fn predicate(&mut self, predicate: &'p Predicate) {
        match predicate {
            Predicate::True | Predicate::False | Predicate::Search { .. } => {}
            Predicate::And(list) | Predicate::Or(list) => {
                list.iter().for_each(|member| self.predicate(member));
            }
            Predicate::Not(inner) | Predicate::Holds(inner) => self.predicate(inner),
            Predicate::Compare { left, right, .. } => {
                self.operand(left);
                self.operand(right);
            }
            Predicate::In { operand, .. } | Predicate::IsNull(operand) => self.operand(operand),
            Predicate::Text { path, .. } | Predicate::Has { path, .. } => self.steps(&path.steps),
            Predicate::Exists {
                steps, predicate, ..
            } => {
                self.steps(steps);
                self.inner(predicate);
            }
        }
    }

    fn steps(&mut self, steps: &'p [RelationIndex]) {
        let prefixes = (1..=steps.len()).filter_map(|length| steps.get(..length));
        self.followed.extend(prefixes);
    }
}
