//! What a receipt keeps of an answer: which records in which versions, never what they say. Pure.

use carnet_kernel::{ApplicationCodes, Detail, Id, Refusal};
use carnet_model::Resource;
use carnet_store::Record;
use serde_json::{Value, json};

/// An answer by what it names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Note {
    /// One record.
    Record(Named),
    /// A record with those that were written with it.
    Nested(Nested),
    /// A record that is gone.
    Deleted,
    /// A write by filter: its answer holds numbers and ids alone.
    Matching { json: String, count: usize },
    /// One for each item.
    Items {
        /// Each stood by itself.
        each: bool,
        items: Vec<NotedItem>,
    },
}

/// What came of one item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NotedItem {
    /// It left a record.
    Record(Named),
    /// It left a record with those that were written with it.
    Nested(Nested),
    /// It left none.
    Nothing,
    /// A write by conditions, as it was answered.
    Matches(String),
    /// It was refused.
    Refused(Refusal),
}

/// A record in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) resource: String,
    pub(crate) id: Id,
    pub(crate) version: i64,
    /// The command made it.
    pub(crate) created: bool,
}

/// A record with those that were written with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nested {
    pub(crate) record: Named,
    pub(crate) related: Vec<NestedRelation>,
}

/// Records that were written over one relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NestedRelation {
    pub(crate) name: String,
    pub(crate) to_one: bool,
    pub(crate) records: Vec<Nested>,
}

impl Nested {
    fn write(&self) -> Value {
        let related: Vec<Value> = self
            .related
            .iter()
            .map(|relation| {
                let records: Vec<Value> = relation.records.iter().map(Self::write).collect();
                json!({ "name": relation.name, "toOne": relation.to_one, "records": records })
            })
            .collect();
        json!({ "record": self.record.write(), "related": related })
    }

    fn read(value: &Value) -> Option<Self> {
        let related = value.get("related")?.as_array()?.iter().map(|relation| {
            let records = relation.get("records")?.as_array()?.iter().map(Self::read);
            Some(NestedRelation {
                name: relation.get("name")?.as_str()?.to_owned(),
                to_one: relation.get("toOne")?.as_bool()?,
                records: records.collect::<Option<Vec<_>>>()?,
            })
        });
        Some(Self {
            record: Named::read(value.get("record")?)?,
            related: related.collect::<Option<Vec<_>>>()?,
        })
    }

    /// Every record of it.
    pub(crate) fn each<'n>(&'n self, out: &mut Vec<&'n Named>) {
        out.push(&self.record);
        let related = self.related.iter().flat_map(|relation| &relation.records);
        related.for_each(|record| record.each(out));
    }
}

impl Named {
    pub(crate) fn of(resource: &Resource, record: &Record, created: bool) -> Option<Self> {
        Some(Self {
            resource: resource.name.clone(),
            id: record.id(resource)?,
            version: record.version(resource)?,
            created,
        })
    }

    fn write(&self) -> Value {
        json!({
            "resource": self.resource,
            "id": self.id.to_string(),
            "version": self.version,
            "created": self.created,
        })
    }

    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            resource: value.get("resource")?.as_str()?.to_owned(),
            id: value.get("id")?.as_str()?.parse().ok()?,
            version: value.get("version")?.as_i64()?,
            created: value.get("created")?.as_bool()?,
        })
    }
}

impl Note {
    /// The text that is kept. Its form carries a number, so that a later release reads it.
    pub(crate) fn write(&self) -> String {
        let what = match self {
            Self::Record(named) => json!({ "record": named.write() }),
            Self::Nested(nested) => json!({ "nested": nested.write() }),
            Self::Deleted => json!({ "deleted": true }),
            Self::Matching { json, count } => json!({ "matching": json, "count": count }),
            Self::Items { each, items } => {
                let items: Vec<Value> = items.iter().map(write_item).collect();
                json!({ "items": items, "each": each })
            }
        };
        json!({ "form": 1, "answer": what }).to_string()
    }

    /// Reads what was kept.
    pub(crate) fn read(text: &str, codes: &ApplicationCodes) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        if value.get("form")?.as_i64()? != 1 {
            return None;
        }
        let answer = value.get("answer")?;
        if let Some(record) = answer.get("record") {
            return Named::read(record).map(Self::Record);
        }
        if answer.get("deleted").is_some() {
            return Some(Self::Deleted);
        }
        if let Some(nested) = answer.get("nested") {
            return Nested::read(nested).map(Self::Nested);
        }
        if let Some(json) = answer.get("matching") {
            return Some(Self::Matching {
                json: json.as_str()?.to_owned(),
                count: usize::try_from(answer.get("count")?.as_u64()?).ok()?,
            });
        }
        let items = answer.get("items")?.as_array()?;
        let items = items
            .iter()
            .map(|item| read_item(item, codes))
            .collect::<Option<Vec<_>>>();
        let each = answer.get("each")?.as_bool()?;
        items.map(|items| Self::Items { each, items })
    }
}

fn write_item(item: &NotedItem) -> Value {
    match item {
        NotedItem::Record(named) => named.write(),
        NotedItem::Nested(nested) => json!({ "nested": nested.write() }),
        NotedItem::Nothing => Value::Null,
        NotedItem::Matches(json) => json!({ "matching": json }),
        NotedItem::Refused(refusal) => {
            let details: Vec<Value> = refusal
                .details
                .iter()
                .map(|detail| json!([detail.field, detail.rule, detail.message]))
                .collect();
            json!({
                "code": refusal.code.as_str(),
                "message": refusal.message,
                "details": details,
            })
        }
    }
}

fn read_item(value: &Value, codes: &ApplicationCodes) -> Option<NotedItem> {
    if value.is_null() {
        return Some(NotedItem::Nothing);
    }
    if let Some(json) = value.get("matching") {
        return json
            .as_str()
            .map(|json| NotedItem::Matches(json.to_owned()));
    }
    if let Some(nested) = value.get("nested") {
        return Nested::read(nested).map(NotedItem::Nested);
    }
    let Some(code) = value.get("code") else {
        return Named::read(value).map(NotedItem::Record);
    };
    let mut refusal = Refusal::new(codes.find(code.as_str()?)?, value.get("message")?.as_str()?);
    for detail in value.get("details")?.as_array()? {
        let part = |at: usize| detail.get(at).and_then(Value::as_str);
        let detail = Detail::new(part(0)?, part(1)?.to_owned(), part(2)?);
        refusal.details.push(detail);
    }
    Some(NotedItem::Refused(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_kernel::{ApplicationCode, Code};

    #[test]
    fn notes_are_read_as_they_were_written() {
        const LIMIT: ApplicationCode = ApplicationCode::new("FEATURED_LIMIT", 409, "Too many");
        let codes = ApplicationCodes::new(&[&LIMIT]).unwrap();
        let named = Named {
            resource: "products".to_owned(),
            id: Id::from_u128(7),
            version: 3,
            created: true,
        };
        let refused = Refusal::new(Code::UniqueViolation, "taken").with(Detail::new(
            "sku",
            "unique",
            "another record has the same sku",
        ));
        let notes = [
            Note::Record(named.clone()),
            Note::Deleted,
            Note::Matching {
                json: "{\"count\":1}".to_owned(),
                count: 1,
            },
            Note::Nested(Nested {
                record: named.clone(),
                related: vec![NestedRelation {
                    name: "lines".to_owned(),
                    to_one: false,
                    records: vec![Nested {
                        record: named.clone(),
                        related: Vec::new(),
                    }],
                }],
            }),
            Note::Items {
                each: true,
                items: vec![
                    NotedItem::Record(named),
                    NotedItem::Nothing,
                    NotedItem::Matches(r#"{"count":1}"#.to_owned()),
                    NotedItem::Refused(refused),
                    NotedItem::Refused(LIMIT.refuse("ten").field("rank", "atMostTen", "full")),
                ],
            },
        ];
        for note in notes {
            assert_eq!(Note::read(&note.write(), &codes), Some(note));
        }
        // As written by the first release, for ever.
        let old = r#"{"answer":{"record":{"created":false,"id":"00000000000000000000000007","resource":"products","version":2}},"form":1}"#;
        assert!(matches!(Note::read(old, &codes), Some(Note::Record(named)) if named.version == 2));
        for rubbish in [
            "",
            "{}",
            r#"{"form":2,"answer":{"deleted":true}}"#,
            r#"{"form":1,"answer":{}}"#,
        ] {
            assert_eq!(Note::read(rubbish, &codes), None, "{rubbish}");
        }
    }
}
