//! One field before and after: its name, type, rules and texts.

use super::{ChangeKind, Impact, Pair};
use crate::{Field, FieldType, Model};
use carnet_kernel::Decimal;
use serde_json::Value;

/// A rule of a type with its text, and what a change of it costs.
type Rule = (&'static str, Option<String>, Impact);

impl Pair<'_> {
    pub(super) fn field(&mut self, before: &Field, after: &Field) {
        if before.declared != after.declared {
            let kind = ChangeKind::FieldRenamed {
                field: after.name.clone(),
                from: before.name.clone(),
            };
            self.add(kind, Impact::Schema);
        } else if before.column != after.column {
            let columns = (Some(before.column.clone()), Some(after.column.clone()));
            self.rule(after, "column", columns, Impact::Schema);
        }
        let (from, to) = (before.kind.word(), after.kind.word());
        if from == to {
            self.rules(before, after);
        } else {
            let impact = if converts(&before.kind, &after.kind) {
                Impact::Schema
            } else {
                Impact::DataLoss
            };
            let field = after.name.clone();
            self.add(ChangeKind::TypeChanged { field, from, to }, impact);
        }
        let flag = |value: bool| value.then(|| "true".to_owned());
        let json = |value: Option<Value>| value.map(|value| value.to_string());
        for (rule, old, new, impact) in [
            (
                "optional",
                flag(before.optional),
                flag(after.optional),
                Impact::Schema,
            ),
            (
                "caseless",
                flag(before.caseless()),
                flag(after.caseless()),
                Impact::Schema,
            ),
            (
                "default",
                json(before.default_json()),
                json(after.default_json()),
                Impact::Api,
            ),
            (
                "title",
                before.title.clone(),
                after.title.clone(),
                Impact::Api,
            ),
            (
                "description",
                before.description.clone(),
                after.description.clone(),
                Impact::Api,
            ),
            (
                "example",
                json(before.example.clone()),
                json(after.example.clone()),
                Impact::Api,
            ),
        ] {
            self.rule(after, rule, (old, new), impact);
        }
    }

    fn rules(&mut self, before: &Field, after: &Field) {
        let target = |model: &Model, field: &Field| match field.kind {
            FieldType::Ref { to, .. } => Some(model.resource(to).name.clone()),
            _ => None,
        };
        let (from, to) = (target(self.old, before), target(self.new, after));
        // The ids of one resource say nothing of another, unless it only has a new name.
        let renamed = match (&before.kind, &after.kind) {
            (FieldType::Ref { .. }, FieldType::Ref { to, .. }) => {
                self.new.resource(*to).was == from
            }
            _ => false,
        };
        if !renamed {
            self.rule(after, "to", (from, to), Impact::DataLoss);
        }
        let old = rules(&before.kind);
        let new = rules(&after.kind);
        for ((rule, from, impact), (_, to, _)) in old.into_iter().zip(new) {
            let impact = match rule {
                "scale" if grows(&before.kind, &after.kind) => Impact::Schema,
                _ => impact,
            };
            self.rule(after, rule, (from, to), impact);
        }
    }

    fn rule(
        &mut self,
        field: &Field,
        rule: &'static str,
        (from, to): (Option<String>, Option<String>),
        impact: Impact,
    ) {
        if from != to {
            let field = field.name.clone();
            let kind = ChangeKind::RuleChanged {
                field,
                rule,
                from,
                to,
            };
            self.add(kind, impact);
        }
    }
}

/// Whether a decimal keeps every digit: more of them after the point, none fewer before.
fn grows(before: &FieldType, after: &FieldType) -> bool {
    match (before, after) {
        (
            FieldType::Decimal {
                precision: old_precision,
                scale: old_scale,
                ..
            },
            FieldType::Decimal {
                precision, scale, ..
            },
        ) => scale >= old_scale && precision - scale >= old_precision - old_scale,
        _ => false,
    }
}

/// Whether every value of one type is a value of the other, written in another way.
fn converts(before: &FieldType, after: &FieldType) -> bool {
    let both = |test: fn(&FieldType) -> bool| test(before) && test(after);
    let loose = |kind: &FieldType| matches!(kind, FieldType::Uuid | FieldType::Ulid);
    both(FieldType::is_text)
        || both(FieldType::is_json)
        || both(loose)
        || matches!(
            (before, after),
            (FieldType::Integer { .. }, FieldType::Float { .. })
        )
}

/// The rules of a type, in an order that depends on the type's word alone.
fn rules(kind: &FieldType) -> Vec<Rule> {
    fn text<T: ToString>(value: &Option<T>) -> Option<String> {
        value.as_ref().map(ToString::to_string)
    }
    let bounds = |min: Option<String>, max: Option<String>| {
        vec![("min", min, Impact::Api), ("max", max, Impact::Api)]
    };
    match kind {
        FieldType::Text { min, max, pattern } => {
            let mut rules = bounds(text(min), text(max));
            let source = pattern.as_ref().map(|pattern| pattern.source.clone());
            rules.push(("pattern", source, Impact::Api));
            rules
        }
        FieldType::I18n { min, max } => bounds(text(min), text(max)),
        FieldType::Integer { min, max } => bounds(text(min), text(max)),
        FieldType::Float { min, max } => bounds(text(min), text(max)),
        FieldType::Decimal {
            precision,
            scale,
            min,
            max,
        } => {
            let shown = |bound: &Option<i64>| {
                bound.map(|unscaled| {
                    let scale = *scale;
                    Decimal { unscaled, scale }.to_string()
                })
            };
            let mut rules = bounds(shown(min), shown(max));
            rules.push(("precision", Some(precision.to_string()), Impact::Api));
            rules.push(("scale", Some(scale.to_string()), Impact::DataLoss));
            rules
        }
        FieldType::Enum { values } => vec![("values", Some(values.join(", ")), Impact::Schema)],
        FieldType::Json { schema } => {
            let source = schema.as_ref().map(|one| one.source.as_str().to_owned());
            vec![("schema", source, Impact::Api)]
        }
        FieldType::Ref { on_delete, .. } => {
            vec![("onDelete", Some(on_delete.as_str().to_owned()), Impact::Api)]
        }
        FieldType::Email { max } | FieldType::Url { max } => {
            vec![("max", Some(max.to_string()), Impact::Api)]
        }
        FieldType::List {
            of,
            min,
            max,
            distinct,
        } => {
            let mut rules = bounds(text(min), text(max));
            let unique = distinct.then(|| "true".to_owned());
            rules.push(("distinct", unique, Impact::Api));
            rules.push(("of", Some(member(of)), Impact::Api));
            rules
        }
        FieldType::Id(_)
        | FieldType::Boolean
        | FieldType::Date
        | FieldType::DateTime
        | FieldType::Time
        | FieldType::Duration
        | FieldType::Uuid
        | FieldType::Ulid
        | FieldType::Principal => Vec::new(),
    }
}

/// The type of a list's members with its rules, as one text.
fn member(kind: &FieldType) -> String {
    let rules: Vec<String> = rules(kind)
        .into_iter()
        .filter_map(|(rule, value, _)| value.map(|value| format!("{rule} {value}")))
        .collect();
    match rules.as_slice() {
        [] => kind.word().to_owned(),
        some => format!("{} ({})", kind.word(), some.join(", ")),
    }
}
