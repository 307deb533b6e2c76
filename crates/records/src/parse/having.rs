//! Conditions on groups, as a tree: `having[count][gt]=5`, `having[or][0][sum(price)][gte]=10`, or
//! the same as an object of a body. They look at functions and at what groups are told by.

use super::group::Reader;
use super::key::split_list;
use super::shorten;
use super::tree::{Node, Words};
use super::value::from_words;
use carnet_expr::CompareOp;
use carnet_kernel::{Code, Value, suggest};
use carnet_model::FieldType;
use carnet_store::{GroupColumn, Having, Made};
use std::borrow::Cow;

/// The most conditions on groups.
const MAX_CONDITIONS: usize = 32;
/// The deepest nesting of `and`, `or` and `not`.
const MAX_DEPTH: usize = 8;
/// The most members of one list; each is a comparison of its own.
const MAX_MEMBERS: usize = 100;
const OPERATORS: &[&str] = &[
    "eq", "ne", "gt", "gte", "lt", "lte", "between", "in", "nin", "isNull",
];

impl Reader<'_> {
    /// Every group that fulfils the tree; `columns` are told of groups.
    pub(super) fn having(&mut self, tree: &Node<'_>, columns: &[GroupColumn]) -> Having {
        let conditions = tree.conditions();
        if conditions > MAX_CONDITIONS {
            let message =
                format!("groups have at most {MAX_CONDITIONS} conditions, not {conditions}");
            self.refuse(&tree.place, "max", message);
            return Having::All(Vec::new());
        }
        self.chosen(tree, columns, 0)
    }

    fn chosen(&mut self, node: &Node<'_>, columns: &[GroupColumn], depth: usize) -> Having {
        let mut parts = Vec::with_capacity(node.children.len());
        for (head, inner) in &node.children {
            // What groups are told by may have the name of a word.
            let joins = matches!(&**head, "and" | "or" | "not")
                && columns.iter().all(|column| column.name != **head);
            if joins && depth == MAX_DEPTH {
                let message = format!("conditions on groups nest at most {MAX_DEPTH} deep");
                self.refuse(&inner.place, "depth", message);
                continue;
            }
            parts.push(match &**head {
                "and" if joins => Having::All(self.numbered(inner, columns, depth)),
                "or" if joins => Having::Any(self.numbered(inner, columns, depth)),
                "not" if joins && inner.values.is_empty() => {
                    Having::Not(Box::new(self.chosen(inner, columns, depth + 1)))
                }
                "not" if joins => {
                    let message = "`not` holds conditions: `having[not][count][gt]=5`";
                    self.refuse(&inner.place, "syntax", message.to_owned());
                    continue;
                }
                name => match self.looked_at(name, inner, columns) {
                    Some(made) => self.tests(&made, inner),
                    None => continue,
                },
            });
        }
        if parts.len() == 1 {
            return parts.swap_remove(0);
        }
        Having::All(parts)
    }

    /// `[0][…]`, `[1][…]`: one group of conditions for each number.
    fn numbered(&mut self, node: &Node<'_>, columns: &[GroupColumn], depth: usize) -> Vec<Having> {
        let message = "conditions are numbered here: `having[or][0][count][gt]=5`";
        if !node.values.is_empty() {
            self.refuse(&node.place, "syntax", message.to_owned());
        }
        let mut parts = Vec::with_capacity(node.children.len());
        for (head, inner) in &node.children {
            let number = !head.is_empty() && head.bytes().all(|byte| byte.is_ascii_digit());
            if number && inner.values.is_empty() {
                parts.push(self.chosen(inner, columns, depth + 1));
            } else {
                self.refuse(&inner.place, "syntax", message.to_owned());
            }
        }
        parts
    }

    /// A function, or what groups are told by.
    fn looked_at(&mut self, name: &str, node: &Node<'_>, columns: &[GroupColumn]) -> Option<Made> {
        if let Some(column) = columns.iter().find(|column| column.name == name) {
            return Some(column.made.clone());
        }
        if name == "count" || name.contains('(') {
            return self.function(name, &node.place);
        }
        let told = columns.iter().map(|column| column.name.as_str());
        let message = format!(
            "groups are not told by `{}`; conditions on them look at what `groupBy` names and at functions such as `count`{}",
            shorten(name),
            suggest::hint(name, told.chain(["count", "and", "or", "not"]))
        );
        self.refuse(&node.place, "unknown", message)
    }

    /// `[operator]=value` or `=value`.
    fn tests(&mut self, made: &Made, node: &Node<'_>) -> Having {
        let mut parts = Vec::with_capacity(1 + node.children.len());
        if !node.values.is_empty() {
            parts.extend(self.test(made, "eq", node));
        }
        for (operator, inner) in &node.children {
            if inner.children.is_empty() {
                parts.extend(self.test(made, operator, inner));
            } else {
                let message = "nothing stands behind the operator: `having[count][gt]=5`";
                self.refuse(&inner.place, "syntax", message.to_owned());
            }
        }
        if parts.len() == 1 {
            return parts.swap_remove(0);
        }
        Having::All(parts)
    }

    fn test(&mut self, made: &Made, operator: &str, node: &Node<'_>) -> Option<Having> {
        if !OPERATORS.contains(&operator) {
            let hint = suggest::hint(operator, OPERATORS.iter().copied());
            let message = format!("there is no operator `{}` here{hint}", shorten(operator));
            let place = node.place.clone();
            self.faults
                .push(Code::UnknownOperator, place, "unknown", message);
            return None;
        }
        if operator == "isNull" {
            return self.null_test(made, node);
        }
        let kind = self.kind(made)?;
        let op = match operator {
            "gt" => Some(CompareOp::Gt),
            "gte" => Some(CompareOp::Gte),
            "lt" => Some(CompareOp::Lt),
            "lte" => Some(CompareOp::Lte),
            "ne" => Some(CompareOp::Ne),
            "eq" => Some(CompareOp::Eq),
            _ => None,
        };
        let orders = !matches!(operator, "eq" | "ne" | "in" | "nin");
        if orders && matches!(kind, FieldType::Boolean) {
            let message = "a boolean has no order".to_owned();
            self.refuse(&node.place, "type", message);
            return None;
        }
        let values = self.values(&kind, node, op.is_none())?;
        if orders && values.iter().any(Value::is_null) {
            let message = "null has no order; use `isNull`".to_owned();
            self.refuse(&node.place, "type", message);
            return None;
        }
        let compare = |op, value: &Value| Having::Compare {
            made: made.clone(),
            op,
            value: value.clone(),
        };
        match (op, operator, values.as_slice()) {
            (Some(op), _, [value]) => Some(compare(op, value)),
            (Some(_), _, _) => {
                let message = format!("`{}` takes one value", shorten(&node.place));
                self.refuse(&node.place, "repeated", message);
                None
            }
            (None, "between", [low, high]) => Some(Having::All(vec![
                compare(CompareOp::Gte, low),
                compare(CompareOp::Lte, high),
            ])),
            (None, "between", _) => {
                let message = "`between` takes two values, separated by a comma".to_owned();
                self.refuse(&node.place, "count", message);
                None
            }
            (None, operator, values) => {
                let any = values.iter().map(|value| compare(CompareOp::Eq, value));
                let any = Having::Any(any.collect());
                Some(match operator {
                    "nin" => Having::Not(Box::new(any)),
                    _ => any,
                })
            }
        }
    }

    fn null_test(&mut self, made: &Made, node: &Node<'_>) -> Option<Having> {
        let word = match node.values.as_slice() {
            [(Words::Text(text), _)] => &**text,
            [(Words::Json(raw), _)] => raw.as_str(),
            _ => "",
        };
        match word {
            "true" => Some(Having::IsNull(made.clone())),
            "false" => Some(Having::Not(Box::new(Having::IsNull(made.clone())))),
            _ => {
                let message = "`isNull` takes `true` or `false`".to_owned();
                self.refuse(&node.place, "type", message);
                None
            }
        }
    }

    /// The values, of lists written with commas as well.
    fn values(&mut self, kind: &FieldType, node: &Node<'_>, list: bool) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        for (words, _) in &node.values {
            let members = match words {
                Words::Text(text) if list => split_list(text),
                Words::Text(text) => vec![text.clone().into_owned()],
                Words::Json(_) => {
                    values.push(self.value(kind, words, node)?);
                    continue;
                }
            };
            for member in members {
                let words = Words::Text(Cow::Owned(member));
                values.push(self.value(kind, &words, node)?);
            }
        }
        if values.len() > MAX_MEMBERS {
            let message = format!(
                "a list here has at most {MAX_MEMBERS} members, not {}",
                values.len()
            );
            self.refuse(&node.place, "max", message);
            return None;
        }
        Some(values)
    }

    fn value(&mut self, kind: &FieldType, words: &Words<'_>, node: &Node<'_>) -> Option<Value> {
        match from_words(kind, words, self.now) {
            Ok(value) => Some(value),
            Err(why) => {
                self.refuse(&node.place, "type", why);
                None
            }
        }
    }
}
