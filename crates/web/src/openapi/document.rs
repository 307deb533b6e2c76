//! The document: fragments of several crates merged into one, collisions refused.

use super::{failures, schemas};
use crate::error::Error;
use carnet_kernel::ApplicationCodes;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};

/// The head of the document.
#[derive(Clone, Debug, Default)]
pub struct Info {
    /// The name of the API.
    pub title: String,
    /// The version of the API as its owner counts it.
    pub version: String,
    /// What it is for, in Markdown.
    pub description: Option<String>,
    /// Base addresses; empty means the one the document was loaded from.
    pub servers: Vec<String>,
    /// The application's own codes, which failures may carry beside the platform's.
    pub codes: ApplicationCodes,
}

/// A group of operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The name operations refer to.
    pub name: String,
    /// What the group is for.
    pub description: Option<String>,
}

/// What one crate contributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fragment {
    /// The groups of its operations.
    pub tags: Vec<Tag>,
    /// Path templates to path items.
    pub paths: Map<String, Value>,
    /// Names to schemas, for `#/components/schemas/<name>`.
    pub schemas: Map<String, Value>,
    /// Names to responses, for `#/components/responses/<name>`.
    pub responses: Map<String, Value>,
}

/// The document while it is put together.
#[derive(Debug)]
pub struct Document {
    info: Info,
    fragment: Fragment,
    /// (kind, name) → who defined it.
    owners: HashMap<(&'static str, String), String>,
}

impl Document {
    /// A document with nothing but what every operation shares.
    pub fn new(info: Info) -> Self {
        let mut owners = HashMap::new();
        let schemas = schemas::shared(&info.codes);
        let responses = failures::shared(&info.codes);
        for (kind, names) in [("schema", &schemas), ("response", &responses)] {
            for name in names.keys() {
                owners.insert((kind, name.clone()), "web".to_owned());
            }
        }
        Self {
            info,
            fragment: Fragment {
                schemas,
                responses,
                ..Fragment::default()
            },
            owners,
        }
    }

    /// Adds what `owner` contributes. The same operation, operation id or tag twice, or a schema
    /// with another content, is an error naming both owners.
    pub fn merge(&mut self, owner: &str, fragment: Fragment) -> Result<(), Error> {
        for tag in fragment.tags {
            self.claim("tag", &tag.name, owner)?;
            self.fragment.tags.push(tag);
        }
        for (name, schema) in fragment.schemas {
            if self.fragment.schemas.get(&name) == Some(&schema) {
                continue;
            }
            self.claim("schema", &name, owner)?;
            self.fragment.schemas.insert(name, schema);
        }
        for (name, response) in fragment.responses {
            if self.fragment.responses.get(&name) == Some(&response) {
                continue;
            }
            self.claim("response", &name, owner)?;
            self.fragment.responses.insert(name, response);
        }
        for (path, item) in fragment.paths {
            let Value::Object(members) = item else {
                continue;
            };
            for (member, value) in members {
                self.claim("operation", &format!("{member} {path}"), owner)?;
                if let Some(id) = value.get("operationId").and_then(Value::as_str) {
                    self.claim("operation id", id, owner)?;
                }
                let item = self
                    .fragment
                    .paths
                    .entry(path.clone())
                    .or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(item) = item {
                    item.insert(member, value);
                }
            }
        }
        Ok(())
    }

    /// The finished document.
    pub fn render(self) -> Value {
        let mut info = json!({ "title": self.info.title, "version": self.info.version });
        if let Some(description) = self.info.description {
            info["description"] = description.into();
        }
        let tags: Vec<_> = self
            .fragment
            .tags
            .into_iter()
            .map(|tag| {
                let mut value = json!({ "name": tag.name });
                if let Some(description) = tag.description {
                    value["description"] = description.into();
                }
                value
            })
            .collect();
        let mut document = json!({ "openapi": "3.1.0", "info": info });
        let servers = if self.info.servers.is_empty() {
            vec!["/".to_owned()]
        } else {
            self.info.servers
        };
        document["servers"] = servers
            .into_iter()
            .map(|url| json!({ "url": url }))
            .collect();
        document["tags"] = tags.into();
        document["paths"] = self.fragment.paths.into();
        document["components"] = json!({
            "schemas": self.fragment.schemas,
            "parameters": schemas::parameters(),
            "headers": schemas::headers(),
            "responses": self.fragment.responses,
        });
        prune(&mut document);
        document
    }

    fn claim(&mut self, kind: &'static str, name: &str, owner: &str) -> Result<(), Error> {
        match self
            .owners
            .insert((kind, name.to_owned()), owner.to_owned())
        {
            None => Ok(()),
            Some(first) => Err(Error::Collision {
                kind,
                name: name.to_owned(),
                first,
                second: owner.to_owned(),
            }),
        }
    }
}

/// Takes away the components that nothing leads to.
fn prune(document: &mut Value) {
    let mut reached = BTreeSet::new();
    let mut open = vec![String::from("/paths")];
    while let Some(pointer) = open.pop() {
        let mut found = Vec::new();
        if let Some(value) = document.pointer(&pointer) {
            references(value, &mut found);
        }
        for reference in found {
            if reached.insert(reference.clone()) {
                open.push(reference);
            }
        }
    }
    let Some(kinds) = document["components"].as_object_mut() else {
        return;
    };
    for (kind, members) in kinds.iter_mut() {
        if let Some(members) = members.as_object_mut() {
            members.retain(|name, _| reached.contains(&format!("/components/{kind}/{name}")));
        }
    }
    kinds.retain(|_, members| {
        members
            .as_object()
            .is_some_and(|members| !members.is_empty())
    });
}

/// The pointers of all references within a value.
fn references(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref")
                && let Some(pointer) = reference.strip_prefix('#')
            {
                out.push(pointer.to_owned());
            }
            members.values().for_each(|member| references(member, out));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, out)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_kernel::ApplicationCode;

    fn fragment(path: &str, method: &str, id: &str) -> Fragment {
        let mut fragment = Fragment::default();
        fragment
            .paths
            .insert(path.to_owned(), json!({ method: { "operationId": id } }));
        fragment
    }

    fn document() -> Document {
        Document::new(Info {
            title: "Shop".to_owned(),
            version: "1".to_owned(),
            ..Info::default()
        })
    }

    #[track_caller]
    fn collision(second: Fragment, kind: &str) {
        let mut first = fragment("/a", "get", "list_a");
        first.tags.push(Tag {
            name: "a".to_owned(),
            description: None,
        });
        first.schemas.insert("A".to_owned(), json!({}));
        let mut document = document();
        document.merge("one", first).unwrap();
        let error = document.merge("two", second).unwrap_err().to_string();
        assert!(error.contains(kind), "{error}");
        assert!(
            error.contains("`one`") || error.contains("`web`"),
            "{error}"
        );
    }

    #[test]
    fn collisions_name_both() {
        collision(fragment("/a", "get", "other"), "operation `get /a`");
        collision(fragment("/b", "get", "list_a"), "operation id `list_a`");
        let mut tagged = Fragment::default();
        tagged.tags.push(Tag {
            name: "a".to_owned(),
            description: None,
        });
        collision(tagged, "tag `a`");
        for name in ["A", "Error"] {
            let mut schema = Fragment::default();
            schema
                .schemas
                .insert(name.to_owned(), json!({ "type": "string" }));
            collision(schema, "schema");
        }
    }

    #[test]
    fn methods_of_one_path_come_together() {
        let mut document = document();
        document
            .merge("one", fragment("/a", "get", "list_a"))
            .unwrap();
        document
            .merge("two", fragment("/a", "post", "create_a"))
            .unwrap();
        let document = document.render();
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["paths"]["/a"]["get"]["operationId"], "list_a");
        assert_eq!(document["paths"]["/a"]["post"]["operationId"], "create_a");
    }

    #[test]
    fn codes_of_an_application_stand_beside_the_platforms() {
        const LIMIT: ApplicationCode = ApplicationCode::new("FEATURED_LIMIT", 409, "Too many");
        let mut document = Document::new(Info {
            codes: ApplicationCodes::new(&[&LIMIT]).unwrap(),
            ..Info::default()
        });
        let mut fragment = Fragment::default();
        let responses = super::super::Failures::of([(&LIMIT).into()]).responses();
        fragment.paths.insert(
            "/a".to_owned(),
            json!({ "get": { "responses": responses } }),
        );
        document.merge("one", fragment).unwrap();
        let components = &document.render()["components"];
        let codes =
            components["schemas"]["Error"]["properties"]["error"]["properties"]["code"]["enum"]
                .as_array()
                .unwrap();
        assert_eq!(codes.last().unwrap(), "FEATURED_LIMIT");
        assert!(codes.contains(&json!("NOT_FOUND")));
        assert_eq!(
            components["responses"]["FEATURED_LIMIT"]["description"],
            "`FEATURED_LIMIT`: Too many."
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let mut document = document();
        let mut fragment = Fragment::default();
        fragment.paths.insert(
            "/a".to_owned(),
            json!({ "get": { "parameters": [super::super::parameter("IfMatch")],
                "responses": super::super::Failures::of(carnet_kernel::Code::ALL.iter().copied()).responses() } }),
        );
        document.merge("one", fragment).unwrap();
        let document = document.render();
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(references.len() > 20);
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    fn collect(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    out.push(reference.clone());
                }
                members.values().for_each(|member| collect(member, out));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, out)),
            _ => {}
        }
    }
}
