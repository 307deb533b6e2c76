//! The top of a file: language version, service, `use`, `extend`, the resources.

use super::{Reader, get};
use crate::declared::{Document, ExtendDecl, Grammar, Place, SearchDecl};
use crate::syntax::{Kind, Name, Node, Span};
use crate::words;
use std::collections::HashSet;

/// Reads one file.
pub(crate) fn document(root: &Node, file: u32, reader: &mut Reader<'_>) -> Document {
    let mut document = Document {
        file,
        service: None,
        use_key: None,
        uses: Vec::new(),
        extends: Vec::new(),
        versions: None,
        resources: Vec::new(),
    };
    if matches!(root.kind, Kind::Null) {
        reader.report.error_hint(
            Span::start_of(file),
            "the file is empty",
            "a definition file begins with `carnet: 1`",
        );
        return document;
    }
    let Some(entries) = reader.map(root, "a definition file") else {
        return document;
    };
    match get(entries, "carnet") {
        Some(node) => language(node, reader),
        None => reader.report.error_hint(
            Span::start_of(file),
            "the file does not name the language version",
            "begin it with `carnet: 1`",
        ),
    }
    for entry in entries {
        match entry.key.text.as_str() {
            "carnet" => {}
            "service" => document.service = service(&entry.value, reader),
            "use" if reader.grammar == Grammar::Application => {
                document.use_key = Some(entry.key.span);
                document.uses = uses(&entry.value, reader);
            }
            "extend" if reader.grammar == Grammar::Application => {
                document.extends = extends(&entry.value, reader);
            }
            "versions" if reader.grammar != Grammar::Shipped => {
                let versions = reader.versions(&entry.value);
                document.versions = Some((entry.key.span, versions));
            }
            "resources" => {
                for entry in reader.map(&entry.value, "`resources`").unwrap_or_default() {
                    let resource = reader.resource(&entry.key, &entry.value);
                    document.resources.push(resource);
                }
            }
            _ => reader.unknown(
                &entry.key,
                "a definition file",
                words::names(words::FILE),
                words::FILE_LATER,
            ),
        }
    }
    document
}

fn language(node: &Node, reader: &mut Reader<'_>) {
    match &node.kind {
        Kind::Number(text) if text == words::LANGUAGE => {}
        Kind::Number(text) => reader.report.error_hint(
            node.span,
            format!("this release does not know version {text} of the definition language"),
            "it knows version 1",
        ),
        _ => reader.wrong(node, "`carnet`", "the number 1"),
    }
}

fn service(node: &Node, reader: &mut Reader<'_>) -> Option<Name> {
    let name = reader.name(node, "`service`")?;
    reader.camel_case(&name, "the service");
    if reader.grammar == Grammar::Application && name.text.starts_with("carnet") {
        reader.report.error(
            name.span,
            format!("the service `{}` belongs to the platform", name.text),
        );
    }
    Some(name)
}

fn uses(node: &Node, reader: &mut Reader<'_>) -> Vec<Name> {
    let Kind::List(items) = &node.kind else {
        reader.wrong(node, "`use`", "a list of names");
        return Vec::new();
    };
    let mut names: Vec<Name> = Vec::new();
    let mut seen = HashSet::new();
    for item in items {
        let Some(name) = reader.name(item, "a name in `use`") else {
            continue;
        };
        if seen.insert(name.text.clone()) {
            names.push(name);
        } else {
            let message = format!("`{}` stands twice in `use`", name.text);
            reader.report.error(name.span, message);
        }
    }
    names
}

fn extends(node: &Node, reader: &mut Reader<'_>) -> Vec<ExtendDecl> {
    let mut extends = Vec::new();
    for entry in reader.map(node, "`extend`").unwrap_or_default() {
        let mut extend = ExtendDecl {
            name: entry.key.clone(),
            fields: Vec::new(),
            many: Vec::new(),
            uniques: Vec::new(),
            indexes: Vec::new(),
            search: SearchDecl::default(),
        };
        let what = format!("the extension of `{}`", entry.key.text);
        for entry in reader.map(&entry.value, &what).unwrap_or_default() {
            match entry.key.text.as_str() {
                "fields" => extend.fields = reader.fields(&entry.value, Place::Record),
                "many" => extend.many = reader.many(&entry.value),
                "unique" => extend.uniques = reader.uniques(&entry.value),
                "indexes" => extend.indexes = reader.indexes(&entry.value),
                "search" => extend.search = reader.search(&entry.value, words::EXTEND_SEARCH),
                _ => reader.unknown(&entry.key, &what, words::names(words::EXTEND), &[]),
            }
        }
        for field in &mut extend.fields {
            field.extended = true;
        }
        extends.push(extend);
    }
    extends
}
