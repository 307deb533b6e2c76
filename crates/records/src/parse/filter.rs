//! `filter[…]` to one predicate: fields over to-one relations, operators, `and`, `or`, `not`.

use super::key::{FilterPair, split_list};
use super::value::from_text;
use super::{Faults, resolve_path, shorten};
use carnet_expr::{CompareOp, Operand, Path, Predicate, TextOp};
use carnet_kernel::{Code, Value, suggest, text};
use carnet_model::{Field, FieldType, ModelView, Resource};

/// The most tests of one filter.
const MAX_TERMS: usize = 200;
/// The most members of one list.
const MAX_MEMBERS: usize = 1_000;
/// The deepest nesting of `and`, `or` and `not`.
const MAX_DEPTH: usize = 8;

/// Every operator a filter knows.
pub(crate) const OPERATORS: &[&str] = &[
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "in",
    "nin",
    "between",
    "isNull",
    "like",
    "contains",
    "startsWith",
    "endsWith",
    "ieq",
    "ilike",
    "icontains",
    "istartsWith",
    "iendsWith",
];

pub(super) fn parse(
    view: &ModelView,
    resource: &Resource,
    pairs: &[FilterPair<'_>],
    faults: &mut Faults,
) -> Predicate {
    if pairs.len() > MAX_TERMS {
        let message = format!(
            "a filter has at most {MAX_TERMS} conditions, not {}",
            pairs.len()
        );
        faults.push(Code::InvalidParameter, "filter", "max", message);
        return Predicate::False;
    }
    let members: Vec<(&[&str], &FilterPair<'_>)> = pairs
        .iter()
        .map(|pair| (pair.segments.as_slice(), pair))
        .collect();
    Reader {
        view,
        resource,
        faults,
    }
    .group(&members, 0)
}

type Member<'p, 'a> = (&'p [&'a str], &'p FilterPair<'a>);

struct Reader<'r> {
    view: &'r ModelView,
    resource: &'r Resource,
    faults: &'r mut Faults,
}

impl Reader<'_> {
    fn fault(&mut self, pair: &FilterPair<'_>, rule: &'static str, message: impl Into<String>) {
        self.faults
            .push(Code::InvalidParameter, shorten(pair.key), rule, message);
    }

    /// All members joined by and; the heads `and`, `or` and `not` open inner groups.
    fn group(&mut self, members: &[Member<'_, '_>], depth: usize) -> Predicate {
        let mut parts = Vec::new();
        for (head, inner) in by_head(members) {
            let Some((_, pair)) = inner.first() else {
                continue;
            };
            if depth == MAX_DEPTH && matches!(head, "and" | "or" | "not") {
                self.fault(
                    pair,
                    "depth",
                    format!("a filter nests at most {MAX_DEPTH} deep"),
                );
                continue;
            }
            parts.push(match head {
                "and" => Predicate::And(self.alternatives(&inner, depth)),
                "or" => Predicate::Or(self.alternatives(&inner, depth)),
                "not" if inner.iter().any(|(rest, _)| rest.is_empty()) => {
                    let message = "`not` holds conditions: `filter[not][field][operator]=value`";
                    self.fault(pair, "syntax", message);
                    Predicate::False
                }
                "not" => Predicate::Not(Box::new(self.group(&inner, depth + 1))),
                field => self.conditions(field, &inner),
            });
        }
        match parts.len() {
            0 => Predicate::True,
            1 => parts.swap_remove(0),
            _ => Predicate::And(parts),
        }
    }

    /// `[0][…]`, `[1][…]`: one group for each number.
    fn alternatives(&mut self, members: &[Member<'_, '_>], depth: usize) -> Vec<Predicate> {
        let mut groups = Vec::new();
        for (head, inner) in by_head(members) {
            let Some((_, pair)) = inner.first() else {
                continue;
            };
            if head.is_empty() || !head.bytes().all(|byte| byte.is_ascii_digit()) {
                let message = "groups are numbered: `filter[or][0][field][operator]=value`";
                self.fault(pair, "syntax", message);
            } else if inner.iter().any(|(rest, _)| rest.is_empty()) {
                self.fault(
                    pair,
                    "syntax",
                    "a group holds conditions: `filter[or][0][field][operator]=value`",
                );
            } else {
                groups.push(self.group(&inner, depth + 1));
            }
        }
        groups
    }

    /// `[operator]=value` or `=value` for one field.
    fn conditions(&mut self, name: &str, members: &[Member<'_, '_>]) -> Predicate {
        let Some((_, first)) = members.first() else {
            return Predicate::True;
        };
        let Some((path, at)) = resolve_path(
            self.view,
            self.resource,
            name,
            &shorten(first.key),
            self.faults,
        ) else {
            return Predicate::False;
        };
        let owner = self.view.resource(at.resource);
        let field = owner.field(at.field);
        let mut tests: Vec<(&str, Vec<&FilterPair<'_>>)> = Vec::new();
        for (rest, pair) in members {
            let operator = match rest {
                [] => "eq",
                [operator] => operator,
                _ => {
                    self.fault(
                        pair,
                        "syntax",
                        "nothing stands behind the operator: `filter[field][operator]=value`",
                    );
                    continue;
                }
            };
            match tests.iter_mut().find(|(known, _)| *known == operator) {
                // A list may stand several times, each value adding to it.
                Some((_, pairs)) if matches!(operator, "in" | "nin") => pairs.push(pair),
                Some(_) => {
                    let message = format!("`{}` stands twice", shorten(pair.key));
                    self.fault(pair, "repeated", message);
                }
                None => tests.push((operator, vec![pair])),
            }
        }
        let mut parts = Vec::with_capacity(tests.len());
        for (operator, pairs) in tests {
            parts.push(self.condition(&path, field, operator, &pairs));
        }
        match parts.len() {
            1 => parts.swap_remove(0),
            _ => Predicate::And(parts),
        }
    }

    fn condition(
        &mut self,
        path: &Path,
        field: &Field,
        operator: &str,
        pairs: &[&FilterPair<'_>],
    ) -> Predicate {
        let Some(pair) = pairs.first().copied() else {
            return Predicate::True;
        };
        if !OPERATORS.contains(&operator) {
            let hint = suggest::hint(operator, OPERATORS.iter().copied());
            let message = format!("there is no operator `{}`{hint}", shorten(operator));
            self.faults
                .push(Code::UnknownOperator, shorten(pair.key), "unknown", message);
            return Predicate::False;
        }
        if let Some(why) = misfit(field, operator) {
            self.faults
                .push(Code::UnknownOperator, shorten(pair.key), "type", why);
            return Predicate::False;
        }
        let operand = Operand::Path(path.clone());
        match operator {
            "isNull" => match pair.value {
                "true" => Predicate::IsNull(operand),
                "false" => Predicate::Not(Box::new(Predicate::IsNull(operand))),
                _ => {
                    self.fault(pair, "type", "`isNull` takes `true` or `false`");
                    Predicate::False
                }
            },
            "in" | "nin" => {
                let list = self.members(field, pairs);
                let member = Predicate::In { operand, list };
                if operator == "in" {
                    member
                } else {
                    Predicate::Not(Box::new(member))
                }
            }
            "between" => match self.members(field, pairs).as_slice() {
                [low, high] => Predicate::And(vec![
                    compare(&operand, CompareOp::Gte, low.clone()),
                    compare(&operand, CompareOp::Lte, high.clone()),
                ]),
                _ => {
                    self.fault(
                        pair,
                        "count",
                        "`between` takes two values, separated by a comma",
                    );
                    Predicate::False
                }
            },
            "like" | "contains" | "startsWith" | "endsWith" => {
                text_test(text_op(operator), path, pair.value.to_owned(), false)
            }
            "ieq" => {
                let pattern = text::fold(pair.value);
                let escaped = pattern
                    .replace('\\', "\\\\")
                    .replace('%', "\\%")
                    .replace('_', "\\_");
                text_test(TextOp::Like, path, escaped, true)
            }
            "ilike" | "icontains" | "istartsWith" | "iendsWith" => {
                let op = text_op(operator.trim_start_matches('i'));
                text_test(op, path, text::fold(pair.value), true)
            }
            _ => match from_text(&field.kind, pair.value) {
                Ok(value) => compare(&operand, compare_op(operator), value),
                Err(why) => {
                    self.fault(pair, "type", why);
                    Predicate::False
                }
            },
        }
    }

    fn members(&mut self, field: &Field, pairs: &[&FilterPair<'_>]) -> Vec<Value> {
        let mut values = Vec::new();
        for pair in pairs {
            let texts = split_list(pair.value);
            let count = values.len() + texts.len();
            if count > MAX_MEMBERS {
                let message = format!("a list has at most {MAX_MEMBERS} members, not {count}");
                self.fault(pair, "max", message);
                return Vec::new();
            }
            for text in texts {
                match from_text(&field.kind, &text) {
                    Ok(value) => values.push(value),
                    Err(why) => {
                        self.fault(pair, "type", format!("`{}`: {why}", shorten(&text)));
                        return Vec::new();
                    }
                }
            }
        }
        values
    }
}

/// Groups members by their first segment, in order of first appearance, and drops that segment.
fn by_head<'p, 'a>(members: &[Member<'p, 'a>]) -> Vec<(&'a str, Vec<Member<'p, 'a>>)> {
    let mut groups: Vec<(&str, Vec<Member<'p, 'a>>)> = Vec::new();
    for (segments, pair) in members {
        let (head, rest) = match segments.split_first() {
            Some((head, rest)) => (*head, rest),
            None => ("", &[] as &[&str]),
        };
        match groups.iter_mut().find(|(known, _)| *known == head) {
            Some((_, group)) => group.push((rest, pair)),
            None => groups.push((head, vec![(rest, pair)])),
        }
    }
    groups
}

/// Why an operator does not fit a field, if it does not.
fn misfit(field: &Field, operator: &str) -> Option<String> {
    let kind = &field.kind;
    let word = kind.word();
    let name = &field.name;
    let free_text = matches!(
        kind,
        FieldType::Text { .. } | FieldType::Email { .. } | FieldType::Url { .. }
    );
    match operator {
        "isNull" => None,
        _ if !kind.is_ordered() => Some(format!(
            "`{name}` is of type {word}, which takes only `isNull`; more comes with a later release"
        )),
        "eq" | "ne" | "in" | "nin" => None,
        "gt" | "gte" | "lt" | "lte" | "between" if matches!(kind, FieldType::Boolean) => {
            Some(format!("`{name}` is of type boolean, which has no order"))
        }
        "gt" | "gte" | "lt" | "lte" | "between" => None,
        _ if !free_text => Some(format!(
            "`{operator}` is for text; `{name}` is of type {word}"
        )),
        _ if operator.starts_with('i') && !field.caseless() => Some(format!(
            "`{operator}` needs `{name}` to be declared `caseless: true`; use `{}` for an exact test",
            operator.trim_start_matches('i')
        )),
        _ => None,
    }
}

fn compare(operand: &Operand, op: CompareOp, value: Value) -> Predicate {
    Predicate::Compare {
        op,
        left: operand.clone(),
        right: Operand::Value(value),
    }
}

fn text_test(op: TextOp, path: &Path, pattern: String, caseless: bool) -> Predicate {
    Predicate::Text {
        op,
        path: path.clone(),
        pattern,
        caseless,
    }
}

fn compare_op(operator: &str) -> CompareOp {
    match operator {
        "ne" => CompareOp::Ne,
        "gt" => CompareOp::Gt,
        "gte" => CompareOp::Gte,
        "lt" => CompareOp::Lt,
        "lte" => CompareOp::Lte,
        _ => CompareOp::Eq,
    }
}

fn text_op(operator: &str) -> TextOp {
    match operator {
        "contains" => TextOp::Contains,
        "startsWith" => TextOp::StartsWith,
        "endsWith" => TextOp::EndsWith,
        _ => TextOp::Like,
    }
}
