//! `actions` and their keys. Whether the resources they name exist is looked up later.

use super::{Reader, get};
use crate::declared::{ActionDecl, FieldDecl, Grammar, OutputDecl, Place};
use crate::syntax::{Entry, Kind, Name, Node};
use crate::words;
use crate::{ActionMethod, ActionOn};

impl Reader<'_> {
    pub(super) fn actions(&mut self, node: &Node) -> Vec<ActionDecl> {
        let entries = self.map(node, "`actions`").unwrap_or_default();
        entries
            .iter()
            .map(|entry| self.action(&entry.key, &entry.value))
            .collect()
    }

    fn action(&mut self, name: &Name, node: &Node) -> ActionDecl {
        let mut action = ActionDecl {
            name: name.clone(),
            title: None,
            description: None,
            on: ActionOn::default(),
            method: ActionMethod::default(),
            input: Vec::new(),
            output: OutputDecl::None,
        };
        self.action_name(name);
        let what = format!("the action `{}`", name.text);
        // `publish:` alone is an action on a record that takes and gives nothing.
        if matches!(node.kind, Kind::Null) {
            return action;
        }
        let entries = self.map(node, &what).unwrap_or_default();
        for entry in entries {
            self.action_key(entry, &mut action, &what);
        }
        if action.method == ActionMethod::Delete
            && let Some(input) = entries.iter().find(|entry| entry.key.text == "input")
        {
            self.report.error_hint(
                input.key.span,
                "an action with `method: delete` takes no input: a DELETE has no body",
                "use `post`, or leave the input out",
            );
        }
        if self.grammar == Grammar::Stored {
            self.stored_order(entries, "order", &mut action.input);
            if let OutputDecl::Fields(fields) = &mut action.output {
                self.stored_order(entries, "outputOrder", fields);
            }
        }
        action
    }

    fn action_key(&mut self, entry: &Entry, action: &mut ActionDecl, what: &str) {
        let Entry { key, value } = entry;
        let label = format!("`{}`", key.text);
        match key.text.as_str() {
            "title" => action.title = self.text(value, &label).map(str::to_owned),
            "description" => action.description = self.text(value, &label).map(str::to_owned),
            "on" => {
                let choices =
                    [ActionOn::Record, ActionOn::Collection].map(|one| (one.as_str(), one));
                if let Some(on) = self.choice(value, &label, &choices) {
                    action.on = on;
                }
            }
            "method" => {
                if let Some(method) = self.method(value) {
                    action.method = method;
                }
            }
            "input" => action.input = self.fields(value, Place::Input),
            "output" => action.output = self.output(value),
            "order" | "outputOrder" if self.grammar == Grammar::Stored => {}
            _ => self.unknown(key, what, words::names(words::ACTION), &[]),
        }
    }

    fn action_name(&mut self, name: &Name) {
        if self.camel_case(name, "the action name")
            && words::RESERVED_ACTIONS.contains(&name.text.as_str())
        {
            self.report.error_hint(
                name.span,
                format!(
                    "the action name `{}` is reserved: the API has its own",
                    name.text
                ),
                "choose another name",
            );
        }
    }

    fn method(&mut self, node: &Node) -> Option<ActionMethod> {
        if matches!(&node.kind, Kind::Text(text) if text.eq_ignore_ascii_case("get")) {
            self.report.error_hint(
                node.span,
                "an action cannot be a `get`: its input is a body",
                "use `post`; what only reads is a list or a read",
            );
            return None;
        }
        let choices = ActionMethod::ALL.map(|one| (one.as_str(), one));
        self.choice(node, "`method`", &choices)
    }

    fn output(&mut self, node: &Node) -> OutputDecl {
        match &node.kind {
            Kind::Map(entries) => {
                if entries.is_empty() {
                    self.report.error_hint(
                        node.span,
                        "`output` has no fields",
                        "write `output: none`, or declare what it gives",
                    );
                }
                OutputDecl::Fields(self.fields(node, Place::Output))
            }
            Kind::Text(text) => match text.as_str() {
                "none" => OutputDecl::None,
                "record" => OutputDecl::Record,
                "records" => OutputDecl::Records,
                other => {
                    self.report.error_near(
                        node.span,
                        format!("`output` is `none`, `record`, `records` or a map of fields, not `{other}`"),
                        other,
                        ["none", "record", "records"],
                    );
                    OutputDecl::None
                }
            },
            _ => {
                self.wrong(
                    node,
                    "`output`",
                    "`none`, `record`, `records` or a map of fields",
                );
                OutputDecl::None
            }
        }
    }

    /// Puts fields into the order in which they were declared: stored maps are sorted by key.
    fn stored_order(&mut self, entries: &[Entry], key: &str, fields: &mut [FieldDecl]) {
        let Some(order) = get(entries, key).and_then(|node| self.order(node)) else {
            return;
        };
        let place = |name: &str| order.iter().position(|known| known == name);
        fields.sort_by_key(|field| place(&field.name.text).unwrap_or(usize::MAX));
    }
}
