//! A tree of conditions to one predicate: names, operators, `and`, `or`, `not`, and `some`, `every`,
//! `none` over to-many relations. Not how the tree was written.

use super::operator::{self, Word};
use super::target::{Form, Subject, Target, resolve};
use super::tree::{Node, Words};
use super::{Faults, shorten};
use carnet_expr::{Operand, Predicate, RelationIndex};
use carnet_kernel::{Code, Timestamp, suggest};
use carnet_model::{ModelView, Resource};

/// The most tests of one filter.
const MAX_TERMS: usize = 200;
/// The deepest nesting of `and`, `or`, `not` and of quantifiers.
const MAX_DEPTH: usize = 8;
/// The deepest nesting of quantifiers alone.
const MAX_QUANTIFIED: usize = 4;

/// What stands before the conditions on the records that a number is made of.
const WHERE: &str = "where";
/// How many of the related records a condition is for.
const QUANTIFIERS: &[&str] = &["some", "every", "none"];

/// Reads a tree of conditions on `resource`; `now` is what relative dates count from.
pub(crate) fn parse(
    view: &ModelView,
    resource: &Resource,
    tree: &Node<'_>,
    now: Timestamp,
    faults: &mut Faults,
) -> Predicate {
    let conditions = tree.conditions();
    if conditions > MAX_TERMS {
        let message = format!("a filter has at most {MAX_TERMS} conditions, not {conditions}");
        faults.push(Code::InvalidParameter, tree.place.clone(), "max", message);
        return Predicate::False;
    }
    let mut reader = Reader { view, now, faults };
    reader.group(resource, tree, Depth::default())
}

#[derive(Clone, Copy, Default)]
struct Depth {
    groups: usize,
    quantified: usize,
}

struct Reader<'r> {
    view: &'r ModelView,
    now: Timestamp,
    faults: &'r mut Faults,
}

impl<'r> Reader<'r> {
    fn fault(&mut self, node: &Node<'_>, rule: &'static str, message: impl Into<String>) {
        self.faults
            .push(Code::InvalidParameter, node.place.clone(), rule, message);
    }

    /// All members joined by and; the heads `and`, `or` and `not` open inner groups.
    fn group(&mut self, resource: &'r Resource, node: &Node<'_>, depth: Depth) -> Predicate {
        let mut parts = Vec::with_capacity(node.children.len());
        for (head, inner) in &node.children {
            let joins = matches!(&**head, "and" | "or" | "not");
            if joins && depth.groups == MAX_DEPTH {
                let message = format!("a filter nests at most {MAX_DEPTH} deep");
                self.fault(inner, "depth", message);
                continue;
            }
            parts.push(match &**head {
                "and" => Predicate::And(self.alternatives(resource, inner, depth)),
                "or" => Predicate::Or(self.alternatives(resource, inner, depth)),
                "not" if !inner.values.is_empty() => {
                    let message = "`not` holds conditions: `filter[not][field][operator]=value`";
                    self.fault(inner, "syntax", message);
                    Predicate::False
                }
                "not" => Predicate::Not(Box::new(self.group(resource, inner, deeper(depth)))),
                name => self.conditions(resource, name, inner, depth),
            });
        }
        match parts.len() {
            0 => Predicate::True,
            1 => parts.swap_remove(0),
            _ => Predicate::And(parts),
        }
    }

    /// `[0][…]`, `[1][…]`: one group for each number.
    fn alternatives(
        &mut self,
        resource: &'r Resource,
        node: &Node<'_>,
        depth: Depth,
    ) -> Vec<Predicate> {
        if !node.values.is_empty() {
            let message = "groups are numbered: `filter[or][0][field][operator]=value`";
            self.fault(node, "syntax", message);
        }
        let mut groups = Vec::with_capacity(node.children.len());
        for (head, inner) in &node.children {
            if head.is_empty() || !head.bytes().all(|byte| byte.is_ascii_digit()) {
                let message = "groups are numbered: `filter[or][0][field][operator]=value`";
                self.fault(inner, "syntax", message);
            } else if !inner.values.is_empty() {
                let message = "a group holds conditions: `filter[or][0][field][operator]=value`";
                self.fault(inner, "syntax", message);
            } else {
                groups.push(self.group(resource, inner, deeper(depth)));
            }
        }
        groups
    }

    /// What stands under a name that is no word of ours.
    fn conditions(
        &mut self,
        resource: &'r Resource,
        name: &str,
        node: &Node<'_>,
        depth: Depth,
    ) -> Predicate {
        let place = (name, &*node.place);
        match resolve(self.view, resource, place, self.now, self.faults) {
            None => Predicate::False,
            Some(Target::Subject(subject)) => match self.narrowed(subject, node, depth) {
                Some(subject) => self.tests(&subject, node),
                None => Predicate::False,
            },
            Some(Target::Many {
                steps,
                relation,
                of,
            }) => self.quantified(name, (steps, relation, of), node, depth),
        }
    }

    /// `[where][…]` beside the operators: of which related records a number is made.
    fn narrowed(
        &mut self,
        subject: Subject<'r>,
        node: &Node<'_>,
        depth: Depth,
    ) -> Option<Subject<'r>> {
        let Form::Made { of, .. } = subject.form else {
            return Some(subject);
        };
        let Some((_, inner)) = node.children.iter().find(|(word, _)| word == WHERE) else {
            return Some(subject);
        };
        if depth.quantified == MAX_QUANTIFIED || depth.groups == MAX_DEPTH {
            let message = format!(
                "a filter nests at most {MAX_QUANTIFIED} of `some`, `every`, `none` and `where`"
            );
            self.fault(inner, "depth", message);
            return None;
        }
        let name = &subject.name;
        if !inner.values.is_empty() || inner.children.is_empty() {
            let message =
                format!("`where` holds conditions: `filter[{name}][where][field][operator]=value`");
            self.fault(inner, "syntax", message);
            return None;
        }
        if node.children.len() == 1 && node.values.is_empty() {
            let message = format!(
                "`where` says of which records `{name}` is made; a condition on it stands beside: `filter[{name}][gte]=1`"
            );
            self.fault(inner, "syntax", message);
            return None;
        }
        let below = Depth {
            groups: depth.groups + 1,
            quantified: depth.quantified + 1,
        };
        let condition = self.group(of, inner, below);
        let Operand::Aggregate(mut aggregate) = subject.operand else {
            return None;
        };
        aggregate.predicate = aggregate.predicate.and(condition);
        Some(Subject {
            operand: Operand::Aggregate(aggregate),
            ..subject
        })
    }

    /// `[operator]=value` or `=value` for one subject.
    fn tests(&mut self, subject: &Subject<'_>, node: &Node<'_>) -> Predicate {
        let mut parts = Vec::with_capacity(1 + node.children.len());
        if !node.values.is_empty() {
            parts.push(self.test(subject, "eq", node));
        }
        for (operator, inner) in &node.children {
            if operator == WHERE && matches!(subject.form, Form::Made { .. }) {
                continue;
            }
            if !inner.children.is_empty() {
                let message = "nothing stands behind the operator: `filter[field][operator]=value`";
                // The place of what stands behind.
                let place = inner.children.first().map_or(inner, |(_, behind)| behind);
                self.fault(place, "syntax", message);
                continue;
            }
            if operator == "eq" && !node.values.is_empty() {
                let message = format!("`{}` stands twice", inner.place);
                self.fault(inner, "repeated", message);
                continue;
            }
            parts.push(self.test(subject, operator, inner));
        }
        match parts.len() {
            0 => Predicate::True,
            1 => parts.swap_remove(0),
            _ => Predicate::And(parts),
        }
    }

    fn test(&mut self, subject: &Subject<'_>, operator: &str, node: &Node<'_>) -> Predicate {
        let Some(word) = Word::parse(operator) else {
            let known = Word::ALL.iter().map(|(word, _)| *word);
            let hint = suggest::hint(operator, known);
            let message = format!("there is no operator `{}`{hint}", shorten(operator));
            self.faults.push(
                Code::UnknownOperator,
                node.place.clone(),
                "unknown",
                message,
            );
            return Predicate::False;
        };
        if let Some(why) = word.misfit(subject) {
            self.faults
                .push(Code::UnknownOperator, node.place.clone(), "type", why);
            return Predicate::False;
        }
        operator::test(subject, word, node, self.now, self.faults)
    }

    /// `[some][…]`, `[every][…]`, `[none][…]`: the conditions of each hold for one record together.
    fn quantified(
        &mut self,
        name: &str,
        (steps, relation, of): (Vec<RelationIndex>, RelationIndex, &'r Resource),
        node: &Node<'_>,
        depth: Depth,
    ) -> Predicate {
        if !node.values.is_empty() || node.children.is_empty() {
            let message = format!(
                "`{name}` leads to many records: write `[{name}][some][field][operator]`, `[every]` or `[none]`, or `{name}.count`"
            );
            self.fault(node, "relation", message);
            return Predicate::False;
        }
        let mut parts = Vec::with_capacity(node.children.len());
        for (word, inner) in &node.children {
            let word = &**word;
            if !QUANTIFIERS.contains(&word) {
                let hint = match of.field_named(word).is_some() || word.contains('.') {
                    true => format!(" (did you mean `[{name}][some][{}]`?)", shorten(word)),
                    false => suggest::hint(word, QUANTIFIERS.iter().copied()),
                };
                let message = format!(
                    "conditions on `{name}` are for `some`, `every` or `none` of them, not `{}`{hint}",
                    shorten(word)
                );
                self.fault(inner, "relation", message);
                continue;
            }
            if depth.quantified == MAX_QUANTIFIED || depth.groups == MAX_DEPTH {
                let message = format!(
                    "a filter nests at most {MAX_QUANTIFIED} of `some`, `every` and `none`"
                );
                self.fault(inner, "depth", message);
                continue;
            }
            let below = Depth {
                groups: depth.groups + 1,
                quantified: depth.quantified + 1,
            };
            let condition = match inner.values.first() {
                None => self.group(of, inner, below),
                Some((Words::Text(text), _)) if text == "true" && only_value(inner) => {
                    Predicate::True
                }
                Some((Words::Json(text), _)) if text == "true" && only_value(inner) => {
                    Predicate::True
                }
                Some(_) => {
                    let message = format!(
                        "`{word}` holds conditions: `[{name}][{word}][field][operator]`, or `true` for any record"
                    );
                    self.fault(inner, "syntax", message);
                    Predicate::False
                }
            };
            let steps = steps.clone();
            parts.push(match word {
                "every" => Predicate::every(steps, relation, condition),
                "none" => Predicate::Not(Box::new(Predicate::some(steps, relation, condition))),
                _ => Predicate::some(steps, relation, condition),
            });
        }
        match parts.len() {
            0 => Predicate::False,
            1 => parts.swap_remove(0),
            _ => Predicate::And(parts),
        }
    }
}

fn only_value(node: &Node<'_>) -> bool {
    node.values.len() == 1 && node.children.is_empty()
}

fn deeper(depth: Depth) -> Depth {
    Depth {
        groups: depth.groups + 1,
        ..depth
    }
}
