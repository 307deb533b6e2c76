//! A field: its common keys, and which keys its type takes.

use super::{Reader, get};
use crate::FieldType;
use crate::declared::{FieldDecl, Grammar, Item, Place, TypeDecl};
use crate::syntax::{Entry, Kind, Name, Node};
use crate::words;

impl Reader<'_> {
    /// Reads the fields that are declared at `place`.
    pub(super) fn fields(&mut self, node: &Node, place: Place) -> Vec<FieldDecl> {
        let what = match place {
            Place::Record | Place::Platform => "`fields`",
            Place::Input => "`input`",
            Place::Output => "`output`",
        };
        let entries = self.map(node, what).unwrap_or_default();
        entries
            .iter()
            .map(|entry| self.field(&entry.key, &entry.value, place))
            .collect()
    }

    fn field(&mut self, name: &Name, node: &Node, place: Place) -> FieldDecl {
        let mut field = FieldDecl {
            name: name.clone(),
            kind: None,
            caseless: false,
            optional: false,
            default: None,
            unique: None,
            was: None,
            title: None,
            description: None,
            example: None,
            column: None,
            extended: false,
        };
        self.field_name(name, place);
        let what = format!("the field `{}`", name.text);
        if let Kind::Text(word) = &node.kind {
            // The short form: a type and nothing else.
            let word = Name {
                text: word.clone(),
                span: node.span,
            };
            field.kind = self.kind(&word, name, &[], place);
            return field;
        }
        let Some(entries) = node.entries() else {
            self.wrong(node, &what, "a type or a map with a `type`");
            return field;
        };
        let word = self.type_word(entries, name, &what);
        if let Some(word) = &word {
            field.kind = self.kind(word, name, entries, place);
        }
        let options = word
            .as_ref()
            .and_then(|word| words::TYPES.iter().find(|known| known.word == word.text));
        for entry in entries {
            let item = Item {
                key: &entry.key,
                value: &entry.value,
            };
            let takes = |option: &str| {
                options.is_some_and(|known| words::names(known.options).any(|word| word == option))
            };
            if self.field_key(item, &mut field) || takes(&entry.key.text) {
                continue;
            }
            // Without a known type nothing can be said of an option.
            let known_option = words::TYPES
                .iter()
                .any(|known| words::names(known.options).any(|word| word == entry.key.text));
            match options {
                None if known_option => {}
                Some(known) if known_option => self.misplaced(&entry.key, known.word),
                _ => {
                    let own = options.map_or(&[][..], |known| known.options);
                    let known = words::names(words::FIELD).chain(own.iter().map(|(word, _)| *word));
                    self.unknown(&entry.key, &what, known, words::FIELD_LATER);
                }
            }
        }
        self.field_values(entries, &mut field, place);
        field
    }

    fn field_name(&mut self, name: &Name, place: Place) {
        if place == Place::Platform
            || self.grammar == Grammar::Stored
            || !self.camel_case(name, "the field name")
            || place.is_action()
        {
            return;
        }
        self.filter_word(name, "the field name");
        if words::RESERVED_FIELDS.contains(&name.text.as_str()) {
            let hint = if name.text == "id" {
                "every record has it; say how it looks with the resource's key `id`"
            } else {
                "every record has it; leave it out or choose another name"
            };
            self.report.error_hint(
                name.span,
                format!("the field name `{}` is reserved", name.text),
                hint,
            );
        }
    }

    fn type_word(&mut self, entries: &[Entry], name: &Name, what: &str) -> Option<Name> {
        if let Some(node) = get(entries, "type") {
            return self.name(node, "`type`");
        }
        let guess = if get(entries, "to").is_some() {
            "add `type: ref`"
        } else if get(entries, "values").is_some() {
            "add `type: enum`"
        } else if get(entries, "of").is_some() {
            "add `type: list`"
        } else if get(entries, "scale").is_some() {
            "add `type: decimal`"
        } else {
            "add for example `type: text`"
        };
        self.report
            .error_hint(name.span, format!("{what} has no `type`"), guess);
        None
    }

    /// Reports an option of another type.
    fn misplaced(&mut self, key: &Name, word: &str) {
        let owners: Vec<String> = words::TYPES
            .iter()
            .filter(|known| words::names(known.options).any(|option| option == key.text))
            .map(|known| format!("`{}`", known.word))
            .collect();
        self.report.error_hint(
            key.span,
            format!("`{}` does not belong to the type `{word}`", key.text),
            format!("it belongs to {}", owners.join(", ")),
        );
    }

    /// Reads a key that fields of every type have; `false` for any other key.
    fn field_key(&mut self, item: Item<'_>, field: &mut FieldDecl) -> bool {
        let label = format!("`{}`", item.key.text);
        let value = item.value;
        match item.key.text.as_str() {
            // Read with the type.
            "type" | "default" | "example" => {}
            "title" => field.title = self.text(value, &label).map(str::to_owned),
            "description" => field.description = self.text(value, &label).map(str::to_owned),
            "optional" => field.optional = self.boolean(value, &label).unwrap_or_default(),
            "unique" => {
                if self.boolean(value, &label) == Some(true) {
                    field.unique = Some(item.key.span);
                }
            }
            "was" => field.was = self.name(value, &label),
            "column" if self.grammar == Grammar::Stored => {
                field.column = self.text(value, &label).map(str::to_owned);
            }
            _ => return false,
        }
        true
    }

    /// Reports keys that say something of a column, where there is none.
    fn passing_field(&mut self, entries: &[Entry], place: Place) {
        for entry in entries {
            let key = entry.key.text.as_str();
            let (means_nothing, why) = match place {
                Place::Output if key == "default" => (true, "logic gives every value"),
                _ => (
                    words::STORED_FIELD.contains(&key),
                    "nothing is stored there",
                ),
            };
            if means_nothing {
                self.report.error_hint(
                    entry.key.span,
                    format!("`{key}` means nothing in an action: {why}"),
                    "leave it out",
                );
            }
        }
    }

    /// Reads what must fit the type: the default, the example, `caseless`.
    fn field_values(&mut self, entries: &[Entry], field: &mut FieldDecl, place: Place) {
        let label = format!("the default of `{}`", field.name.text);
        if place.is_action() {
            self.passing_field(entries, place);
        }
        if place == Place::Platform {
            for key in ["default", "unique", "was", "caseless"] {
                if let Some(entry) = entries.iter().find(|entry| entry.key.text == key) {
                    self.report.error(
                        entry.key.span,
                        format!("`{key}` does not go with `storage: platform`"),
                    );
                }
            }
            return;
        }
        let plain = match &field.kind {
            Some(TypeDecl::Plain(kind)) => Some(kind),
            _ => None,
        };
        if let (Some(node), Some(FieldType::Text { .. })) = (get(entries, "caseless"), plain) {
            field.caseless = self.boolean(node, "`caseless`").unwrap_or_default();
        }
        if matches!(plain, Some(FieldType::Email { .. })) {
            field.caseless = !place.is_action();
        }
        if let Some(node) = get(entries, "default") {
            match (&node.kind, &field.kind) {
                (Kind::Null, _) if field.optional => self.report.warning(
                    node.span,
                    "`default: null` says nothing: an absent optional field is null anyway",
                    "leave it out",
                ),
                (Kind::Null, _) => self.report.error_hint(
                    node.span,
                    format!("{label} is null, but the field is not optional"),
                    "add `optional: true`, or give another default",
                ),
                (_, Some(TypeDecl::Ref { .. })) => self.report.error(
                    node.span,
                    "a reference has no default: which records exist is not known here",
                ),
                (_, Some(TypeDecl::Plain(kind))) => {
                    let kind = kind.clone();
                    field.default = self.value(node, &kind, &label);
                }
                (_, None) => {}
            }
        }
        if let Some(node) = get(entries, "example") {
            match node.to_json() {
                Ok(value) => field.example = Some(value),
                Err((span, reason)) => self.report.error(span, reason),
            }
            if let Some(TypeDecl::Plain(kind)) = &field.kind {
                let kind = kind.clone();
                self.example(node, &kind, &field.name.text);
            }
        }
    }
}
