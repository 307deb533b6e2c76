//! `versions`: those of the API, and what one says of a resource. Names are looked up later.

use super::{Reader, get};
use crate::declared::OverlayDecl;
use crate::syntax::{Entry, Kind, Name, Node};
use crate::words;
use crate::{FieldType, Version};
use carnet_kernel::{ApiVersion, Value};

/// How many versions are served side by side: each has a view of the model and a document.
const MAX_VERSIONS: usize = 16;

impl Reader<'_> {
    /// The versions of the API, the oldest first.
    pub(super) fn versions(&mut self, node: &Node) -> Vec<Version> {
        let entries = self.map(node, "`versions`").unwrap_or_default();
        if entries.is_empty() && matches!(node.kind, Kind::Map(_)) {
            self.report.error_hint(
                node.span,
                "`versions` names no version",
                "write for example `versions: { v1: {} }`, or leave it out",
            );
        }
        if entries.len() > MAX_VERSIONS {
            let message = format!(
                "{} versions are more than there may be: {MAX_VERSIONS}",
                entries.len()
            );
            self.report.error(node.span, message);
        }
        let mut versions: Vec<Version> = entries
            .iter()
            .filter_map(|entry| self.version(&entry.key, &entry.value))
            .collect();
        versions.sort_by_key(|version| version.number);
        versions
    }

    fn version(&mut self, name: &Name, node: &Node) -> Option<Version> {
        let number = self.version_name(name);
        let mut version = Version::new(number.unwrap_or_default());
        if matches!(node.kind, Kind::Null) {
            return number.map(|_| version);
        }
        let what = format!("the version `{}`", name.text);
        for Entry { key, value } in self.map(node, &what).unwrap_or_default() {
            let label = format!("`{}`", key.text);
            match key.text.as_str() {
                "deprecated" => version.deprecated = self.day(value, &label),
                "sunset" => version.sunset = self.day(value, &label),
                "link" => {
                    let kind = FieldType::Url { max: 2_048 };
                    version.link = match self.value(value, &kind, &label) {
                        Some(Value::Text(link)) => self.header(value, link),
                        _ => None,
                    };
                }
                _ => self.unknown(key, &what, words::names(words::VERSION), &[]),
            }
        }
        if let (Some(deprecated), Some(sunset), Some(node)) = (
            version.deprecated,
            version.sunset,
            node.entries().and_then(|entries| get(entries, "sunset")),
        ) && sunset < deprecated
        {
            self.report.error(
                node.span,
                "`sunset` is before `deprecated`: a version is left before it ends",
            );
        }
        number.map(|_| version)
    }

    /// A link stands in a header between `<` and `>`.
    fn header(&mut self, node: &Node, link: String) -> Option<String> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"');
        if link.bytes().all(plain) {
            return Some(link);
        }
        self.report.error_hint(
            node.span,
            "`link` has characters that cannot stand in a header",
            "write them as `%` with two hexadecimal digits",
        );
        None
    }

    fn version_name(&mut self, name: &Name) -> Option<ApiVersion> {
        let version = ApiVersion::parse(&name.text);
        if version.is_none() {
            self.report.error_hint(
                name.span,
                format!("`{}` is no version", name.text),
                "a version is `v` and a number: `v1`, `v2`",
            );
        }
        version
    }

    fn day(&mut self, node: &Node, what: &str) -> Option<i32> {
        match self.value(node, &FieldType::Date, what) {
            Some(Value::Date(day)) => Some(day),
            _ => None,
        }
    }

    /// What versions say of a resource.
    pub(super) fn overlays(&mut self, node: &Node) -> Vec<OverlayDecl> {
        let entries = self.map(node, "`versions`").unwrap_or_default();
        entries
            .iter()
            .map(|entry| self.overlay(&entry.key, &entry.value))
            .collect()
    }

    fn overlay(&mut self, version: &Name, node: &Node) -> OverlayDecl {
        let mut overlay = OverlayDecl {
            version: version.clone(),
            hidden: None,
            rename: Vec::new(),
            hide: Vec::new(),
            default: Vec::new(),
        };
        let what = format!("the version `{}`", version.text);
        for Entry { key, value } in self.map(node, &what).unwrap_or_default() {
            match key.text.as_str() {
                "rename" => overlay.rename = self.renames(value),
                "hide" => match &value.kind {
                    Kind::Boolean(true) => overlay.hidden = Some(key.span),
                    Kind::Boolean(false) => {}
                    _ => overlay.hide = self.hidden(value),
                },
                "default" => {
                    let entries = self.map(value, "`default`").unwrap_or_default();
                    overlay.default = entries
                        .iter()
                        .map(|entry| (entry.key.clone(), entry.value.clone()))
                        .collect();
                }
                _ => self.unknown(key, &what, words::names(words::OVERLAY), &[]),
            }
        }
        if let Some(span) = overlay.hidden
            && !(overlay.rename.is_empty() && overlay.default.is_empty())
        {
            self.report.error(
                span,
                "`hide: true` hides the resource: nothing more can be said of it",
            );
        }
        overlay
    }

    fn renames(&mut self, node: &Node) -> Vec<(Name, Name)> {
        let entries = self.map(node, "`rename`").unwrap_or_default();
        let mut renames = Vec::new();
        for Entry { key, value } in entries {
            let Some(name) = self.name(value, "a name") else {
                continue;
            };
            if self.camel_case(&name, "the name") {
                self.filter_word(&name, "the name");
            }
            renames.push((key.clone(), name));
        }
        renames
    }

    fn hidden(&mut self, node: &Node) -> Vec<Name> {
        match &node.kind {
            Kind::List(items) => items
                .iter()
                .filter_map(|item| self.name(item, "a name in `hide`"))
                .collect(),
            Kind::Text(text) => vec![Name {
                text: text.clone(),
                span: node.span,
            }],
            _ => {
                self.wrong(
                    node,
                    "`hide`",
                    "a list of names, or `true` for the resource",
                );
                Vec::new()
            }
        }
    }
}
