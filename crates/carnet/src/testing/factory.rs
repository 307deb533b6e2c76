//! Valid records of any resource, made from the model: required fields get a value that fits, required
//! references a record of their own. Seeded by a counter, so that a test is the same each time.

use super::TestPlatform;
use carnet_model::{Field, FieldType, Resource, Role};
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering;

/// How deep required references are followed.
const MOST_DEPTH: usize = 6;

/// Makes records of one resource. Made by [`TestPlatform::factory`].
pub struct Factory<'p> {
    platform: &'p TestPlatform,
    resource: &'p Resource,
    given: Map<String, Value>,
}

impl<'p> Factory<'p> {
    pub(super) fn new(platform: &'p TestPlatform, resource: &str) -> Self {
        let found = platform.server.view.resource_named(resource);
        Self {
            platform,
            resource: found.unwrap_or_else(|| panic!("there is no resource `{resource}`")),
            given: Map::new(),
        }
    }

    /// With this value of a field.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.given.insert(field.to_owned(), value.into());
        self
    }

    /// The body of a record, without making it; what it refers to is made.
    pub async fn body(&self) -> Value {
        Value::Object(body(self.platform, self.resource, &self.given, 0).await)
    }

    /// Makes a record and answers it.
    ///
    /// # Panics
    /// When it is refused: a rule of the application wants more than the definition says.
    pub async fn create(&self) -> Value {
        let body = self.body().await;
        let path = format!("/{}", self.resource.name);
        let reply = self.platform.anonymous().post(&path, body).await;
        reply.assert_status(201);
        reply.data().clone()
    }

    /// The same so many times.
    pub async fn create_many(&self, count: usize) -> Vec<Value> {
        let mut made = Vec::with_capacity(count);
        for _ in 0..count {
            made.push(self.create().await);
        }
        made
    }
}

async fn body(
    platform: &TestPlatform,
    resource: &Resource,
    given: &Map<String, Value>,
    depth: usize,
) -> Map<String, Value> {
    let mut body = given.clone();
    for field in resource.fields.iter().filter(|field| wanted(field)) {
        if body.contains_key(&field.name) {
            continue;
        }
        let number = platform.numbers.fetch_add(1, Ordering::Relaxed);
        let value = match &field.kind {
            FieldType::Ref { to, .. } if depth < MOST_DEPTH => {
                let target = platform.server.view.resource(*to);
                let inner = Box::pin(self::body(platform, target, &Map::new(), depth + 1)).await;
                let path = format!("/{}", target.name);
                let made = platform.anonymous().post(&path, Value::Object(inner)).await;
                Value::String(made.id())
            }
            kind => value(kind, number),
        };
        body.insert(field.name.clone(), value);
    }
    body
}

fn wanted(field: &Field) -> bool {
    field.role == Role::Declared && field.required()
}

/// A value that fits a type; another one for another number, where there are several.
fn value(kind: &FieldType, number: u64) -> Value {
    match kind {
        FieldType::Text { min, max, .. } => {
            let mut text = format!("text {number}");
            while (text.chars().count() as u64) < u64::from(min.unwrap_or(0)) {
                text.push('x');
            }
            let most = max.map_or(usize::MAX, |max| max as usize);
            let kept: String = text.chars().rev().take(most).collect();
            Value::String(kept.chars().rev().collect())
        }
        FieldType::Integer { min, max } => {
            let least = min.unwrap_or(0);
            let span = max.map_or(1_000, |max| {
                max.saturating_sub(least).saturating_add(1).max(1)
            });
            json!(least.saturating_add((number as i64).rem_euclid(span)))
        }
        FieldType::Decimal { scale, min, .. } => {
            let least = min.unwrap_or(0).max(0);
            let unscaled = least.saturating_add((number % 1_000) as i64);
            let decimal = carnet_kernel::Decimal {
                unscaled,
                scale: *scale,
            };
            Value::String(decimal.to_string())
        }
        FieldType::Float { min, .. } => json!(min.unwrap_or(0.0) + (number % 100) as f64),
        FieldType::Boolean => Value::Bool(false),
        FieldType::Date => Value::String("2027-01-15".to_owned()),
        FieldType::DateTime => Value::String("2027-01-15T08:00:00Z".to_owned()),
        FieldType::Time => Value::String("08:00:00".to_owned()),
        FieldType::Duration => Value::String("PT1H".to_owned()),
        FieldType::Enum { values } => Value::String(values.first().cloned().unwrap_or_default()),
        FieldType::Email { .. } => Value::String(format!("user{number}@example.org")),
        FieldType::Url { .. } => Value::String(format!("https://example.org/{number}")),
        FieldType::Uuid => {
            Value::String(carnet_kernel::Id::from_u128(number.into()).to_uuid_text())
        }
        FieldType::Ulid | FieldType::Id(_) | FieldType::Ref { .. } => {
            Value::String(carnet_kernel::Id::from_u128(number.into()).to_string())
        }
        FieldType::I18n { .. } => json!({ "en": format!("text {number}") }),
        FieldType::List { of, min, .. } => {
            let count = u64::from(min.unwrap_or(0));
            Value::Array((0..count).map(|at| value(of, number + at)).collect())
        }
        FieldType::Json { .. } => json!({}),
        FieldType::Principal => Value::Null,
    }
}
