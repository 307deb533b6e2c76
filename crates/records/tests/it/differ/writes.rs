//! Random writes of every kind, good ones and broken ones.

use super::conditions::{Maker, Node};
use super::request::Request;
use super::values::{value, wrong};
use carnet_model::{Field, FieldType, RelationKind, Resource, Role};
use serde_json::{Map, Value, json};

impl<'a, 's> Maker<'a, 's> {
    /// The resources that clients write.
    pub(super) fn written(&self) -> Vec<&'a Resource> {
        let all = self.view.model().resources.iter();
        all.map(AsRef::as_ref)
            .filter(|one: &&Resource| one.standard.is_some())
            .collect()
    }

    /// A body for a new record, or for one that is there.
    pub(super) fn body(&mut self, resource: &'a Resource, whole: bool, broken: usize) -> Value {
        let mut body = Map::new();
        if resource.id.client && whole && self.chance.one_in(3) {
            let id = format!("00000000-0000-7000-8000-{:012x}", self.chance.below(3_000));
            body.insert("id".to_owned(), json!(id));
        }
        for field in &resource.fields {
            if field.role != Role::Declared {
                continue;
            }
            let percent = if !whole {
                25
            } else if field.required() {
                100
            } else {
                60
            };
            if self.chance.percent(percent) {
                let value = self.field(resource, field, broken);
                body.insert(field.name.clone(), value);
            }
        }
        if self.chance.percent(broken) {
            let field = self.chance.pick(&resource.fields);
            let value = wrong(&field.kind, self.chance);
            body.insert(field.name.clone(), value);
        }
        if self.chance.percent(broken / 2) {
            body.insert("lable".to_owned(), json!(1));
        }
        Value::Object(body)
    }

    fn field(&mut self, resource: &Resource, field: &Field, broken: usize) -> Value {
        if let FieldType::Ref { to, .. } = &field.kind {
            return self.reference(self.view.resource(*to), field.optional, broken);
        }
        if field.optional && self.chance.one_in(8) {
            return Value::Null;
        }
        let unique = resource.uniques.iter().any(|unique| {
            unique
                .fields
                .iter()
                .any(|place| resource.field(*place).name == field.name)
        });
        value(&field.kind, unique, self.chance)
    }

    fn reference(&mut self, to: &Resource, optional: bool, broken: usize) -> Value {
        let rows = self.rows.get(&to.name).map_or(&[][..], Vec::as_slice);
        let alive: Vec<&Value> = rows
            .iter()
            .filter(|row| row["deletedAt"].is_null())
            .collect();
        if optional && self.chance.one_in(5) {
            return Value::Null;
        }
        if self.chance.percent(broken / 2)
            && let Some(row) = self.chance.any(rows)
        {
            // Deleted ones among them.
            return row["id"].clone();
        }
        if self.chance.percent(broken / 3) {
            return json!("00000000000000000000000009");
        }
        match self.chance.any(&alive) {
            Some(row) => row["id"].clone(),
            None => Value::Null,
        }
    }

    /// A record that is there, or was.
    fn row(&mut self, resource: &Resource) -> Option<&'s Value> {
        let rows = self.rows.get(&resource.name).map_or(&[][..], Vec::as_slice);
        self.chance.any(rows)
    }

    /// The version that is told with a write, mostly the right one.
    fn version(&mut self, row: &Value) -> i64 {
        let version = row["version"].as_i64().unwrap_or(1);
        if self.chance.one_in(8) {
            version + 1
        } else {
            version
        }
    }

    fn guarded(&mut self, request: Request, resource: &Resource, row: &Value) -> Request {
        let needed = resource.concurrency == carnet_model::Concurrency::Optimistic;
        let percent = if needed { 92 } else { 15 };
        if self.chance.percent(percent) {
            let version = self.version(row);
            return request.header("if-match", format!("\"{version}\""));
        }
        request
    }

    /// A patch, with operations on fields as well.
    fn patch_body(&mut self, resource: &'a Resource) -> Value {
        let mut body = self.body(resource, false, 6);
        let fields: Vec<&Field> = resource
            .fields
            .iter()
            .filter(|field| field.role == Role::Declared)
            .collect();
        for _ in 0..self.chance.below(3) {
            let field = *self.chance.pick(&fields);
            let operation = match &field.kind {
                FieldType::Integer { .. } => json!({ "$inc": *self.chance.pick(&[1, -1, 5, -3]) }),
                FieldType::Decimal { .. } => {
                    json!({ "$inc": *self.chance.pick(&["1", "-1", "0"]) })
                }
                FieldType::Float { .. } => json!({ "$inc": *self.chance.pick(&[0.1, -2.5]) }),
                FieldType::Duration => json!({ "$inc": "-PT5M" }),
                FieldType::List { of, .. } => {
                    let word = *self.chance.pick(&["$append", "$prepend", "$remove"]);
                    let one = value(of, false, self.chance);
                    let mut operation = Map::new();
                    operation.insert(word.to_owned(), json!([one]));
                    Value::Object(operation)
                }
                FieldType::Json { .. } => self
                    .chance
                    .pick(&[
                        json!({ "a": null }),
                        json!({ "b": { "c": [1] } }),
                        json!({ "$inc": 1 }),
                    ])
                    .clone(),
                FieldType::I18n { .. } => json!({ "de": "Stroh", "en": null }),
                _ => continue,
            };
            body[&field.name] = operation;
        }
        body
    }

    /// A write of a random kind.
    pub(super) fn write(&mut self) -> Request {
        let all = self.written();
        let resource = *self.chance.pick(&all);
        let mut request = match self.chance.below(24) {
            0..=4 => {
                let body = self.body(resource, true, 8);
                Request::new("POST", format!("/{}", resource.name)).body(body)
            }
            5..=8 => self.change(resource, "PATCH"),
            9 | 10 => self.change(resource, "PUT"),
            11..=13 => self.removal(resource),
            14 => self.restoration(resource),
            15 => self.upsert(resource),
            16 | 17 => self.matching(resource),
            18 => self.link(),
            19 => self.nested(resource),
            20 | 21 => self.batch(resource),
            _ => self.transaction(),
        };
        if self.chance.one_in(8) {
            request = request.with("dryRun", "true");
        }
        if self.chance.one_in(30) {
            request = request.with("dryrun", "yes");
        }
        if self.chance.one_in(40) {
            request.raw = Some(
                (*self
                    .chance
                    .pick(&["", "{", "null", "[]", "{\"a\":1,\"a\":2}", "\"⟦0⟧\""]))
                .to_owned(),
            );
        }
        request
    }

    fn change(&mut self, resource: &'a Resource, method: &'static str) -> Request {
        let Some(row) = self.row(resource) else {
            return Request::new(
                method,
                format!("/{}/00000000000000000000000001", resource.name),
            )
            .body(json!({}));
        };
        let body = match method {
            "PUT" => self.body(resource, true, 6),
            _ => self.patch_body(resource),
        };
        let request = Request::new(method, address(resource, row, "")).body(body);
        self.guarded(request, resource, row)
    }

    fn removal(&mut self, resource: &'a Resource) -> Request {
        let Some(row) = self.row(resource) else {
            return Request::new(
                "DELETE",
                format!("/{}/00000000000000000000000001", resource.name),
            );
        };
        let mut request = Request::new("DELETE", address(resource, row, ""));
        if self.chance.one_in(4) {
            request = request.with("purge", "true");
        }
        self.guarded(request, resource, row)
    }

    fn restoration(&mut self, resource: &'a Resource) -> Request {
        let rows = self.rows.get(&resource.name).map_or(&[][..], Vec::as_slice);
        let gone: Vec<&Value> = rows
            .iter()
            .filter(|row| row["deletedAt"].is_string())
            .collect();
        let row = match self.chance.any(&gone) {
            Some(row) => *row,
            None => match self.row(resource) {
                Some(row) => row,
                None => return Request::new("POST", format!("/{}/x/restore", resource.name)),
            },
        };
        let request = Request::new("POST", address(resource, row, "/restore"));
        self.guarded(request, resource, row)
    }

    /// The names of a unique constraint, if there is one.
    fn constraint(&mut self, resource: &'a Resource) -> Option<Vec<String>> {
        let unique = self.chance.any(&resource.uniques)?;
        let name = |place: &carnet_model::FieldIndex| resource.field(*place).name.clone();
        Some(unique.fields.iter().map(name).collect())
    }

    fn upsert(&mut self, resource: &'a Resource) -> Request {
        let mut body = self.body(resource, true, 5);
        let key = self
            .constraint(resource)
            .unwrap_or_else(|| vec!["id".to_owned()]);
        if self.chance.percent(60)
            && let Some(row) = self.row(resource)
        {
            for name in &key {
                body[name] = row[name].clone();
            }
        }
        let request = Request::new("POST", format!("/{}", resource.name))
            .with("upsert", key.join(","))
            .body(body);
        if self.chance.one_in(8) {
            request.header("if-match", "\"1\"")
        } else {
            request
        }
    }

    /// A condition that few records fulfil.
    fn narrow(&mut self, resource: &'a Resource) -> Node {
        if self.chance.one_in(3) {
            return self.conditions(resource, 1);
        }
        let rows = self.rows.get(&resource.name).map_or(&[][..], Vec::as_slice);
        let ids: Vec<Value> = rows.iter().map(|row| row["id"].clone()).collect();
        let some = self.chance.some(&ids, 4);
        if some.is_empty() {
            return self.conditions(resource, 0);
        }
        let texts: Vec<&str> = some.iter().filter_map(Value::as_str).collect();
        let list = Node::Leaf(json!(some), texts.join(","));
        Node::Map(vec![(
            "id".to_owned(),
            Node::Map(vec![("in".to_owned(), list)]),
        )])
    }

    fn matching(&mut self, resource: &'a Resource) -> Request {
        let delete = self.chance.one_in(3);
        let mut request = Request::new(
            if delete { "DELETE" } else { "PATCH" },
            format!("/{}", resource.name),
        );
        self.narrow(resource).pairs("filter", &mut request.pairs);
        if self.chance.one_in(3) {
            request = request.with("maxAffected", *self.chance.pick(&["1", "3", "10", "0"]));
        }
        if delete && self.chance.one_in(4) {
            request = request.with("purge", "true");
        }
        if self.chance.one_in(6) {
            request = request.with("deleted", *self.chance.pick(&["only", "with"]));
        }
        if !delete {
            let body = self.patch_body(resource);
            request = request.body(body);
        }
        if self.chance.one_in(2) {
            request.header("if-match", "*")
        } else {
            request
        }
    }

    fn link(&mut self) -> Request {
        let all = self.written();
        let ways: Vec<(&Resource, &carnet_model::Relation)> = all
            .iter()
            .flat_map(|resource| resource.relations.iter().map(move |way| (*resource, way)))
            .filter(|(_, way)| matches!(way.kind, RelationKind::Through { .. }))
            .collect();
        let Some((resource, way)) = self.chance.any(&ways).copied() else {
            return Request::new("PUT", "/acres/x/y/z");
        };
        let (one, other) = (self.row(resource), self.row(self.view.resource(way.target)));
        let (Some(one), Some(other)) = (one, other) else {
            return Request::new("PUT", "/acres/x/y/z");
        };
        let method = if self.chance.one_in(3) {
            "DELETE"
        } else {
            "PUT"
        };
        let other = other["id"].as_str().unwrap_or_default();
        Request::new(
            method,
            address(resource, one, &format!("/{}/{other}", way.name)),
        )
    }

    /// A record with related ones.
    fn nested(&mut self, resource: &'a Resource) -> Request {
        let fresh = self.chance.one_in(2);
        let mut body = if fresh {
            self.body(resource, true, 4)
        } else {
            self.body(resource, false, 4)
        };
        for _ in 0..self.chance.between(1, 2) {
            let Some(way) = self.chance.any(&resource.relations) else {
                break;
            };
            let target = self.view.resource(way.target);
            match way.kind {
                RelationKind::ToOne { field } => {
                    let child = self.body(target, true, 4);
                    if let Some(members) = body.as_object_mut() {
                        members.remove(&resource.field(field).name);
                    }
                    body[&way.name] = json!({ "create": child });
                }
                RelationKind::ToMany { by } => {
                    let back = target.field(by).name.clone();
                    let mut children = Vec::new();
                    for _ in 0..self.chance.between(1, 2) {
                        let mut child = self.body(target, true, 4);
                        if let Some(members) = child.as_object_mut() {
                            members.remove(&back);
                        }
                        children.push(child);
                    }
                    let mut all = Map::new();
                    all.insert("create".to_owned(), Value::Array(children));
                    if !fresh && let Some(row) = self.row(target) {
                        let word = *self.chance.pick(&["update", "delete"]);
                        let mut one = json!({ "id": row["id"], "version": row["version"] });
                        if word == "update" {
                            one["label"] = json!("nested");
                        }
                        all.insert(word.to_owned(), json!([one]));
                    }
                    body[&way.name] = Value::Object(all);
                }
                RelationKind::Through { .. } => {
                    let Some(row) = self.row(target) else {
                        continue;
                    };
                    let word = if fresh {
                        "link"
                    } else {
                        *self.chance.pick(&["link", "unlink"])
                    };
                    let mut all = Map::new();
                    all.insert(word.to_owned(), json!([row["id"]]));
                    body[&way.name] = Value::Object(all);
                }
            }
        }
        if fresh {
            return Request::new("POST", format!("/{}", resource.name)).body(body);
        }
        let Some(row) = self.row(resource) else {
            return Request::new("POST", format!("/{}", resource.name)).body(body);
        };
        let request = Request::new("PATCH", address(resource, row, "")).body(body);
        self.guarded(request, resource, row)
    }

    fn batch(&mut self, resource: &'a Resource) -> Request {
        let mut items = Vec::new();
        for position in 0..self.chance.between(1, 5) {
            items.push(self.item(resource, position, false));
        }
        self.several(format!("/{}/batch", resource.name), items)
    }

    fn transaction(&mut self) -> Request {
        let all: Vec<&Resource> = self
            .written()
            .into_iter()
            .filter(|one| one.is_tenant())
            .collect();
        let mut items = Vec::new();
        for position in 0..self.chance.between(1, 5) {
            let resource = *self.chance.pick(&all);
            items.push(self.item(resource, position, true));
        }
        self.several("/transactions".to_owned(), items)
    }

    fn several(&mut self, path: String, items: Vec<Value>) -> Request {
        let mut body = json!({ "items": items });
        match self.chance.below(5) {
            0 | 1 => body["policy"] = json!("each"),
            2 => body["policy"] = json!("atomic"),
            _ => {}
        }
        Request::new("POST", path).body(body)
    }

    fn item(&mut self, resource: &'a Resource, position: usize, named: bool) -> Value {
        let mut item = Map::new();
        if named {
            item.insert("resourceName".to_owned(), json!(resource.name));
        }
        let mut put = |name: &str, value: Value| {
            item.insert(name.to_owned(), value);
        };
        let word = *self.chance.pick(&[
            "create", "create", "create", "patch", "patch", "update", "delete", "upsert",
            "restore", "purge", "where", "where",
        ]);
        match word {
            "create" | "upsert" => {
                let mut body = self.body(resource, true, 4);
                if word == "upsert" {
                    let key = self
                        .constraint(resource)
                        .unwrap_or_else(|| vec!["id".to_owned()]);
                    if let Some(row) = self.row(resource) {
                        for name in &key {
                            body[name] = row[name].clone();
                        }
                    }
                    put("key", json!(key));
                }
                // What an earlier item left.
                if position > 0 && self.chance.one_in(4) {
                    body["label"] = json!(*self.chance.pick(&[
                        "{{result[0].label}}",
                        "of {{result[0].version}}",
                        "{{result[9].id}}"
                    ]));
                }
                put("data", body);
                put("operation", json!(word));
            }
            "where" => {
                let conditions = self.narrow(resource).json();
                put("where", conditions);
                let word = *self.chance.pick(&["patch", "patch", "delete", "purge"]);
                put("operation", json!(word));
                put("version", json!("*"));
                put("maxAffected", json!(*self.chance.pick(&[1, 5, 100])));
                if word == "patch" {
                    let body = self.patch_body(resource);
                    put("data", body);
                }
            }
            _ => {
                put("operation", json!(word));
                if position > 0 && self.chance.one_in(6) {
                    put("id", json!("{{result[0].id}}"));
                } else if let Some(row) = self.row(resource) {
                    put("id", row["id"].clone());
                    let needed = resource.concurrency == carnet_model::Concurrency::Optimistic;
                    if needed || self.chance.one_in(5) {
                        let version = self.version(row);
                        put("version", json!(version));
                    }
                }
                if word == "patch" {
                    let body = self.patch_body(resource);
                    put("data", body);
                } else if word == "update" {
                    let body = self.body(resource, true, 4);
                    put("data", body);
                }
            }
        }
        Value::Object(item)
    }
}

fn address(resource: &Resource, row: &Value, more: &str) -> String {
    format!(
        "/{}/{}{more}",
        resource.name,
        row["id"].as_str().unwrap_or("x")
    )
}
