//! The records of one resource inside a call: read, found and written in the same transaction, for
//! the same tenant, by the same rules as from outside.

use super::call::{internal, to_text};
use super::{Call, Request, Response};
use carnet_kernel::{Id, Refusal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Display;

/// The records of one resource.
#[derive(Clone)]
pub struct Repository {
    call: Call,
    resource: String,
}

/// A search for records: conditions joined by "and", an order, a number. Made by
/// [`Repository::find`].
#[derive(Clone)]
pub struct Search {
    repository: Repository,
    query: Vec<(String, String)>,
}

impl Repository {
    pub(super) fn new(call: Call, resource: &str) -> Self {
        Self {
            call,
            resource: resource.to_owned(),
        }
    }

    /// The name of the resource.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The record with an id.
    pub async fn get(&self, id: impl Display) -> Result<Option<Value>, Refusal> {
        self.get_as(id).await
    }

    /// The same as a type of the application.
    pub async fn get_as<T: DeserializeOwned>(
        &self,
        id: impl Display,
    ) -> Result<Option<T>, Refusal> {
        let request = Request::Read {
            resource: self.resource.clone(),
            id: id.to_string(),
            query: Vec::new(),
        };
        match self.call.request(request).await {
            Ok(response) => read(&response).map(Some),
            Err(refusal) if refusal.code == carnet_kernel::Code::NotFound => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// The record with an id.
    ///
    /// Errors: `NOT_FOUND`.
    pub async fn require(&self, id: impl Display) -> Result<Value, Refusal> {
        let found = self.get(id).await?;
        found.ok_or_else(|| Refusal::not_found(&self.resource))
    }

    /// Begins a search.
    pub fn find(&self) -> Search {
        Search {
            repository: self.clone(),
            query: Vec::new(),
        }
    }

    /// Makes a record; answers it.
    pub async fn create(&self, body: &(impl Serialize + ?Sized)) -> Result<Value, Refusal> {
        let request = Request::Create {
            resource: self.resource.clone(),
            body: to_text(body)?,
        };
        read(&self.call.request(request).await?)
    }

    /// Changes some fields of a record; answers it.
    pub async fn patch(
        &self,
        id: impl Display,
        body: &(impl Serialize + ?Sized),
    ) -> Result<Value, Refusal> {
        let request = Request::Patch {
            resource: self.resource.clone(),
            id: id.to_string(),
            body: to_text(body)?,
            version: None,
        };
        read(&self.call.request(request).await?)
    }

    /// Replaces a record; answers it.
    pub async fn update(
        &self,
        id: impl Display,
        body: &(impl Serialize + ?Sized),
    ) -> Result<Value, Refusal> {
        let request = Request::Update {
            resource: self.resource.clone(),
            id: id.to_string(),
            body: to_text(body)?,
            version: None,
        };
        read(&self.call.request(request).await?)
    }

    /// Removes a record.
    pub async fn delete(&self, id: impl Display) -> Result<(), Refusal> {
        let request = Request::Delete {
            resource: self.resource.clone(),
            id: id.to_string(),
            version: None,
        };
        self.call.request(request).await.map(|_| ())
    }

    /// Locks records until the transaction ends.
    pub async fn lock(&self, ids: Vec<Id>) -> Result<(), Refusal> {
        self.call.lock(&self.resource, ids).await
    }
}

impl Search {
    /// Only records whose field fulfils a condition. Fields and operators are those of addresses:
    /// `("price", "gte", 10)`, `("category.name", "eq", "Lamps")`.
    #[must_use]
    pub fn filter(self, field: &str, operator: &str, value: impl Display) -> Self {
        self.given(&format!("filter[{field}][{operator}]"), value)
    }

    /// Only records whose field has one of these values.
    #[must_use]
    pub fn among<T: Display>(self, field: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values: Vec<String> = values
            .into_iter()
            .map(|value| value.to_string().replace('\\', "\\\\").replace(',', "\\,"))
            .collect();
        self.given(&format!("filter[{field}][in]"), values.join(","))
    }

    /// In this order: `-price,name`.
    #[must_use]
    pub fn sort(self, order: &str) -> Self {
        self.given("sort", order)
    }

    /// At most so many, 1 to 1,000.
    #[must_use]
    pub fn limit(self, limit: u32) -> Self {
        self.given("limit", limit)
    }

    /// With related records: `category,items`.
    #[must_use]
    pub fn include(self, relations: &str) -> Self {
        self.given("include", relations)
    }

    /// Any parameter of an address.
    #[must_use]
    pub fn given(mut self, name: &str, value: impl Display) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// The records.
    pub async fn all(self) -> Result<Vec<Value>, Refusal> {
        self.all_as().await
    }

    /// The records as a type of the application.
    pub async fn all_as<T: DeserializeOwned>(self) -> Result<Vec<T>, Refusal> {
        let uncounted = self.given("count", "none");
        read(&uncounted.ask().await?)
    }

    /// The first record.
    pub async fn first(self) -> Result<Option<Value>, Refusal> {
        let found = self.limit(1).all().await?;
        Ok(found.into_iter().next())
    }

    /// How many there are, exactly.
    pub async fn count(self) -> Result<u64, Refusal> {
        let counted = self.given("count", "exact").given("fields", "id").limit(1);
        Ok(counted.ask().await?.total.unwrap_or(0))
    }

    /// The resource, and what is looked for.
    pub(super) fn into_parts(self) -> (String, Vec<(String, String)>) {
        (self.repository.resource, self.query)
    }

    async fn ask(self) -> Result<Response, Refusal> {
        self.repository
            .call
            .notice_search(&self.repository.resource, &self.query);
        let request = Request::List {
            resource: self.repository.resource.clone(),
            query: self.query,
        };
        self.repository.call.request(request).await
    }
}

fn read<T: DeserializeOwned>(response: &Response) -> Result<T, Refusal> {
    serde_json::from_slice(&response.json).map_err(|error| internal(&error))
}
