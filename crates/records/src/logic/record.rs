//! Records as types of the application: held against the model at start, read and written through a
//! repository of their own.

use super::{Call, FromCall, Needs, Repository, Search};
use carnet_kernel::{Decimal, Id, Refusal, Timestamp};
use carnet_model::{Field, FieldType, Model, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Display;
use std::marker::PhantomData;

/// A type that stands for the records of one resource. Derived: `#[derive(Record)]`.
pub trait Record: DeserializeOwned + Send + 'static {
    /// The resource.
    const RESOURCE: &'static str;

    /// Its fields, each with what says whether the type fits.
    fn fields() -> Vec<RecordField>;

    /// Fields that records are searched by together.
    fn searches() -> &'static [&'static [&'static str]] {
        &[]
    }
}

/// A field of a typed record.
pub struct RecordField {
    /// The API's name.
    pub name: &'static str,
    /// Says what is wrong with the type for a field of the model.
    pub fits: fn(&Field) -> Result<(), String>,
}

/// A type that a field of a typed record may have.
pub trait Fits {
    /// Whether values of `field` can be read as this type; what is wrong, in words.
    fn fits(field: &Field) -> Result<(), String>;
}

fn wants(field: &Field, fits: bool, wanted: &str) -> Result<(), String> {
    if !fits {
        return Err(format!("it is {}, not {wanted}", field.kind.word()));
    }
    if field.optional {
        return Err("it may be null; make it an `Option`".to_owned());
    }
    Ok(())
}

impl Fits for String {
    fn fits(field: &Field) -> Result<(), String> {
        let text = !matches!(
            field.kind,
            FieldType::Integer { .. }
                | FieldType::Float { .. }
                | FieldType::Boolean
                | FieldType::Json { .. }
                | FieldType::I18n { .. }
                | FieldType::List { .. }
                | FieldType::Principal
        );
        wants(field, text, "a text")
    }
}

impl Fits for bool {
    fn fits(field: &Field) -> Result<(), String> {
        wants(field, matches!(field.kind, FieldType::Boolean), "a boolean")
    }
}

impl Fits for f64 {
    fn fits(field: &Field) -> Result<(), String> {
        let number = matches!(
            field.kind,
            FieldType::Float { .. } | FieldType::Integer { .. }
        );
        wants(field, number, "a number")
    }
}

macro_rules! integers {
    ($($kind:ty)*) => {
        $(
            impl Fits for $kind {
                fn fits(field: &Field) -> Result<(), String> {
                    let whole = matches!(field.kind, FieldType::Integer { .. });
                    wants(field, whole, "an integer")
                }
            }
        )*
    };
}

integers!(i64 u64 i32 u32 i16 u16 u8);

impl Fits for Id {
    fn fits(field: &Field) -> Result<(), String> {
        let id = matches!(
            field.kind,
            FieldType::Id(_) | FieldType::Ref { .. } | FieldType::Ulid | FieldType::Uuid
        );
        wants(field, id, "an id")
    }
}

impl Fits for Decimal {
    fn fits(field: &Field) -> Result<(), String> {
        let decimal = matches!(field.kind, FieldType::Decimal { .. });
        wants(field, decimal, "a decimal")
    }
}

impl Fits for Timestamp {
    fn fits(field: &Field) -> Result<(), String> {
        wants(field, matches!(field.kind, FieldType::DateTime), "a moment")
    }
}

impl Fits for Value {
    fn fits(_: &Field) -> Result<(), String> {
        Ok(())
    }
}

impl<T: DeserializeOwned> Fits for Vec<T> {
    fn fits(field: &Field) -> Result<(), String> {
        wants(
            field,
            matches!(field.kind, FieldType::List { .. }),
            "a list",
        )
    }
}

impl<T: Fits> Fits for Option<T> {
    fn fits(field: &Field) -> Result<(), String> {
        let required = Field {
            optional: false,
            ..field.clone()
        };
        T::fits(&required)
    }
}

/// The records of a resource as a type of the application; an argument of a logic.
pub struct Repo<T> {
    repository: Repository,
    record: PhantomData<fn() -> T>,
}

/// A search for typed records. Made by [`Repo::find`].
pub struct Found<T> {
    search: Search,
    record: PhantomData<fn() -> T>,
}

impl<T> Clone for Repo<T> {
    fn clone(&self) -> Self {
        Self {
            repository: self.repository.clone(),
            record: PhantomData,
        }
    }
}

impl<T: Record> FromCall for Repo<T> {
    fn needs(needs: &mut Needs) {
        needs.model(check::<T>);
        needs.warnings(unindexed::<T>);
    }

    fn from_call(call: &Call) -> Result<Self, Refusal> {
        Ok(Self {
            repository: call.repository(T::RESOURCE)?,
            record: PhantomData,
        })
    }
}

impl<T: Record> Repo<T> {
    /// The record with an id.
    pub async fn get(&self, id: impl Display) -> Result<Option<T>, Refusal> {
        self.repository.get_as(id).await
    }

    /// The record with an id.
    ///
    /// Errors: `NOT_FOUND`.
    pub async fn require(&self, id: impl Display) -> Result<T, Refusal> {
        let found = self.get(id).await?;
        found.ok_or_else(|| Refusal::not_found(T::RESOURCE))
    }

    /// Begins a search.
    pub fn find(&self) -> Found<T> {
        Found {
            search: self.repository.find(),
            record: PhantomData,
        }
    }

    /// Makes a record.
    pub async fn create(&self, body: &(impl Serialize + ?Sized)) -> Result<T, Refusal> {
        read(self.repository.create(body).await?)
    }

    /// Changes some fields of a record.
    pub async fn patch(
        &self,
        id: impl Display,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T, Refusal> {
        read(self.repository.patch(id, body).await?)
    }

    /// Removes a record.
    pub async fn delete(&self, id: impl Display) -> Result<(), Refusal> {
        self.repository.delete(id).await
    }

    /// The same records without their type.
    pub fn untyped(&self) -> &Repository {
        &self.repository
    }
}

impl<T: Record> Found<T> {
    /// Only records whose field fulfils a condition; see [`Search::filter`].
    #[must_use]
    pub fn filter(mut self, field: &str, operator: &str, value: impl Display) -> Self {
        self.search = self.search.filter(field, operator, value);
        self
    }

    /// Only records whose field has one of these values.
    #[must_use]
    pub fn among<V: Display>(mut self, field: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.search = self.search.among(field, values);
        self
    }

    /// In this order: `-price,name`.
    #[must_use]
    pub fn sort(mut self, order: &str) -> Self {
        self.search = self.search.sort(order);
        self
    }

    /// At most so many, 1 to 1,000.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.search = self.search.limit(limit);
        self
    }

    /// The records.
    pub async fn all(self) -> Result<Vec<T>, Refusal> {
        self.search.all_as().await
    }

    /// The first record.
    pub async fn first(self) -> Result<Option<T>, Refusal> {
        let found = self.limit(1).all().await?;
        Ok(found.into_iter().next())
    }

    /// How many there are, exactly.
    pub async fn count(self) -> Result<u64, Refusal> {
        self.search.count().await
    }
}

fn read<T: Record>(value: Value) -> Result<T, Refusal> {
    serde_json::from_value(value).map_err(|error| super::call::internal(&error))
}

/// What is wrong with a typed record for a model.
fn check<T: Record>(model: &Model) -> Vec<String> {
    let record = std::any::type_name::<T>();
    let Some(resource) = model.resource_named(T::RESOURCE) else {
        return vec![format!(
            "the record `{record}` is of `{}`, and there is no such resource",
            T::RESOURCE
        )];
    };
    let faults = T::fields().into_iter().filter_map(|wanted| {
        let why = match resource.field_named(wanted.name) {
            Some(index) => (wanted.fits)(resource.field(index)).err()?,
            None => {
                let names = resource
                    .shown_fields()
                    .map(|(_, field)| field.name.as_str());
                let hint = carnet_kernel::suggest::hint(wanted.name, names);
                format!("there is no such field{hint}")
            }
        };
        Some(format!(
            "the record `{record}` does not fit `{}`: field `{}`: {why}",
            resource.name, wanted.name
        ))
    });
    faults.collect()
}

/// Searches of a typed record that no index serves.
fn unindexed<T: Record>(model: &Model) -> Vec<String> {
    let Some(resource) = model.resource_named(T::RESOURCE) else {
        return Vec::new();
    };
    let slow = T::searches()
        .iter()
        .filter(|fields| !is_indexed(resource, fields));
    slow.map(|fields| {
        format!(
            "`{}` is searched by {} in transactions, and no index begins with one of them: writers \
             will wait for each other; declare `indexes: [[{}]]`",
            resource.name,
            fields.join(" and "),
            fields.join(", ")
        )
    })
    .collect()
}

/// Whether an index, a unique constraint or a reference serves a search by these fields together.
pub(super) fn is_indexed(resource: &Resource, fields: &[impl AsRef<str>]) -> bool {
    let named: Vec<_> = fields
        .iter()
        .filter_map(|name| resource.field_named(name.as_ref()))
        .collect();
    let begins =
        |index: Option<carnet_model::FieldIndex>| index.is_some_and(|index| named.contains(&index));
    let reference = named.iter().any(|index| {
        let kind = &resource.field(*index).kind;
        matches!(kind, FieldType::Ref { .. } | FieldType::Id(_))
    });
    reference
        || resource
            .uniques
            .iter()
            .any(|unique| begins(unique.fields.first().copied()))
        || resource
            .indexes
            .iter()
            .any(|index| begins(index.columns.first().map(|column| column.field)))
}
