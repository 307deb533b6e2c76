//! The one entry to declared resources: commands in, answers out. Interfaces translate to it and
//! from it; nothing else in this crate touches the store.

use crate::batch;
use crate::command::{Answer, Command, RecordAnswer};
use crate::decide::{Change, Create, Delete, Kind, Precondition, fill, records_after};
use crate::metrics;
use crate::plan;
use crate::validate::{Mode, read_entries, read_object, refuse};
use carnet_kernel::{Clock, Code, Context, Id, IdGenerator, Refusal};
use carnet_model::{FieldIndex, Model, ModelView, Resource, ResourceIndex};
use carnet_store::{Changes, Error, Record, Scope, Stamp, Store, Unit, WriteFailure, shape};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// The operations of one deployment. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    view: RwLock<ModelView>,
    clock: Arc<dyn Clock>,
    ids: IdGenerator,
}

impl Operations {
    /// Operations of `model` on `store`, whose schema must be the model's.
    pub fn new(store: Store, model: Arc<Model>, clock: Arc<dyn Clock>) -> Self {
        let view = RwLock::new(ModelView::new(model));
        Self {
            inner: Arc::new(Inner {
                store,
                view,
                clock,
                ids: IdGenerator::new(),
            }),
        }
    }

    /// The model as requests see it now; a request takes it once and keeps it.
    pub fn view(&self) -> ModelView {
        self.inner
            .view
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Swaps the model for requests that begin from now on.
    pub fn replace_model(&self, model: Arc<Model>) {
        *self
            .inner
            .view
            .write()
            .unwrap_or_else(PoisonError::into_inner) = ModelView::new(model);
    }

    /// The store below.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// A new id at the present moment.
    pub fn next_id(&self) -> Id {
        self.inner.ids.next(self.inner.clock.now())
    }

    /// Carries out `command`, whose indices belong to `view`.
    pub async fn execute(
        &self,
        context: &Context,
        view: &ModelView,
        command: Command,
    ) -> Result<Answer, Refusal> {
        let started = Instant::now();
        let (operation, index) = command.name();
        let result = self.run(context, view, command).await;
        let outcome = match &result {
            Ok(_) => "ok",
            Err(refusal) => refusal.code.as_str(),
        };
        metrics::record(
            &view.resource(index).name,
            operation,
            outcome,
            started.elapsed(),
        );
        result
    }

    async fn run(
        &self,
        context: &Context,
        view: &ModelView,
        command: Command,
    ) -> Result<Answer, Refusal> {
        match command {
            Command::List { resource, request } => {
                let resource = view.resource(resource);
                let query = plan::list(view, resource, request);
                let scope = self
                    .scope(context, resource)
                    .await
                    .map_err(|error| told(&error, view, context))?;
                let listing = scope
                    .list(view, &query)
                    .await
                    .map_err(|error| told(&error, view, context))?;
                Ok(Answer::List(listing))
            }
            Command::Read {
                resource,
                key,
                request,
            } => {
                let resource = view.resource(resource);
                let whole = request.fields.is_none() && request.includes.is_empty();
                let query = plan::read(view, resource, key, request);
                let scope = self
                    .scope(context, resource)
                    .await
                    .map_err(|error| told(&error, view, context))?;
                let found = scope
                    .find(view, &query)
                    .await
                    .map_err(|error| told(&error, view, context))?;
                let document = found.ok_or_else(|| Refusal::not_found(&resource.name))?;
                let version = document.version.filter(|_| whole);
                Ok(Answer::Record(RecordAnswer {
                    json: document.json,
                    created: None,
                    version,
                }))
            }
            Command::Create { resource, body } => {
                let stamp = self.stamp(context);
                let resource = view.resource(resource);
                let record = self.record(resource, &body, &stamp)?;
                let id = record.id(resource);
                let unit = Create {
                    resource: resource.index,
                    records: vec![record],
                };
                let record = self
                    .write_one(context, view, resource, &stamp, Arc::new(unit))
                    .await?;
                Ok(whole(resource, &record, id))
            }
            Command::Update {
                resource,
                id,
                body,
                precondition,
            } => {
                self.change(
                    context,
                    view,
                    Target {
                        resource,
                        id,
                        precondition,
                    },
                    &body,
                    Kind::Replace,
                )
                .await
            }
            Command::Patch {
                resource,
                id,
                body,
                precondition,
            } => {
                self.change(
                    context,
                    view,
                    Target {
                        resource,
                        id,
                        precondition,
                    },
                    &body,
                    Kind::Patch,
                )
                .await
            }
            Command::Delete {
                resource,
                id,
                precondition,
            } => {
                let resource = view.resource(resource);
                Precondition::require(precondition.as_ref(), resource)?;
                let stamp = self.stamp(context);
                let unit = Delete {
                    resource: resource.index,
                    id,
                    precondition,
                    stamp: stamp.clone(),
                };
                self.write(context, view, resource, &stamp, vec![Arc::new(unit)])
                    .await
                    .map_err(|failure| told(&failure.error, view, context))?;
                Ok(Answer::Deleted)
            }
            Command::Batch { resource, body } => {
                let stamp = self.stamp(context);
                let resource = view.resource(resource);
                let batch = batch::read(view, resource, &body, &stamp, || self.next_id())?;
                let changes = self
                    .write(context, view, resource, &stamp, batch.units())
                    .await
                    .map_err(|failure| {
                        batch.place(&failure, told(&failure.error, view, context))
                    })?;
                Ok(batch.answer(resource, &changes))
            }
        }
    }

    fn record(&self, resource: &Resource, body: &str, stamp: &Stamp) -> Result<Record, Refusal> {
        let entries = read_object(body)?;
        let mut faults = Vec::new();
        let input = read_entries(resource, &entries, Mode::Whole, "", &mut faults);
        let record = fill(
            resource,
            &entries,
            input,
            self.next_id(),
            stamp,
            "",
            &mut faults,
        );
        refuse(faults).map_or(Ok(record), Err)
    }

    async fn change(
        &self,
        context: &Context,
        view: &ModelView,
        target: Target,
        body: &str,
        kind: Kind,
    ) -> Result<Answer, Refusal> {
        let Target {
            resource,
            id,
            precondition,
        } = target;
        let resource = view.resource(resource);
        Precondition::require(precondition.as_ref(), resource)?;
        let mode = match kind {
            Kind::Replace => Mode::Whole,
            Kind::Patch => Mode::Patch,
        };
        let entries = read_object(body)?;
        let mut faults = Vec::new();
        let input = read_entries(resource, &entries, mode, "", &mut faults);
        if kind == Kind::Replace {
            crate::decide::missing(resource, &entries, "", &mut faults);
        }
        if let Some(refusal) = refuse(faults) {
            return Err(refusal);
        }
        let stamp = self.stamp(context);
        let unit = Change {
            resource: resource.index,
            id,
            kind,
            input,
            precondition,
            stamp: stamp.clone(),
        };
        let record = self
            .write_one(context, view, resource, &stamp, Arc::new(unit))
            .await?;
        Ok(whole(resource, &record, None))
    }

    /// One unit that leaves one record.
    async fn write_one(
        &self,
        context: &Context,
        view: &ModelView,
        resource: &Resource,
        stamp: &Stamp,
        unit: Arc<dyn Unit>,
    ) -> Result<Record, Refusal> {
        let changes = self
            .write(context, view, resource, stamp, vec![unit])
            .await
            .map_err(|failure| told(&failure.error, view, context))?;
        changes
            .first()
            .and_then(|changes| records_after(changes).next())
            .cloned()
            .ok_or_else(|| Refusal::new(Code::Internal, "the write left no record"))
    }

    /// Applies units of the crate's own making; a failure comes with the row it belongs to.
    pub(crate) async fn apply_units(
        &self,
        context: &Context,
        view: &ModelView,
        resource: &Resource,
        stamp: &Stamp,
        units: Vec<Arc<dyn Unit>>,
    ) -> Result<Vec<Changes>, (usize, Refusal)> {
        self.write(context, view, resource, stamp, units)
            .await
            .map_err(|failure| (failure.row, told(&failure.error, view, context)))
    }

    async fn write(
        &self,
        context: &Context,
        view: &ModelView,
        resource: &Resource,
        stamp: &Stamp,
        units: Vec<Arc<dyn Unit>>,
    ) -> Result<Vec<Changes>, WriteFailure> {
        let failed = |error| WriteFailure {
            unit: 0,
            step: 0,
            row: 0,
            error,
        };
        let scope = self.scope(context, resource).await.map_err(failed)?;
        scope.write(view, stamp, units).await
    }

    pub(crate) async fn scope(
        &self,
        context: &Context,
        resource: &Resource,
    ) -> Result<Scope, Error> {
        if resource.is_tenant() {
            self.inner.store.scope(context).await
        } else {
            Ok(self.inner.store.platform(context))
        }
    }

    pub(crate) fn stamp(&self, context: &Context) -> Stamp {
        Stamp {
            now: self.inner.clock.now(),
            principal: context.principal.reference(),
            correlation: context.correlation,
            causation: context.causation,
        }
    }
}

/// Which record a change is for.
struct Target {
    resource: ResourceIndex,
    id: Id,
    precondition: Option<Precondition>,
}

impl Command {
    fn name(&self) -> (&'static str, ResourceIndex) {
        match self {
            Self::List { resource, .. } => ("list", *resource),
            Self::Read { resource, .. } => ("read", *resource),
            Self::Create { resource, .. } => ("create", *resource),
            Self::Update { resource, .. } => ("update", *resource),
            Self::Patch { resource, .. } => ("patch", *resource),
            Self::Delete { resource, .. } => ("delete", *resource),
            Self::Batch { resource, .. } => ("batch", *resource),
        }
    }
}

fn whole(resource: &Resource, record: &Record, created: Option<Id>) -> Answer {
    let mut json = String::with_capacity(256);
    shape::write_record(resource, record, &every_field(resource), &mut json);
    Answer::Record(RecordAnswer {
        json: json.into_bytes(),
        created,
        version: record.version(resource),
    })
}

/// Every field of a resource.
pub(crate) fn every_field(resource: &Resource) -> Vec<FieldIndex> {
    resource.each_field().map(|(index, _)| index).collect()
}

/// What the client is told of a store failure; what it is not told goes to the log, once.
fn told(error: &Error, view: &ModelView, context: &Context) -> Refusal {
    let refusal = error.refusal(view);
    if refusal.code.status() >= 500 {
        tracing::error!(
            correlation.id = %context.correlation,
            tenant.id = context.tenant.0,
            code = refusal.code.as_str(),
            error = %error,
            "the store failed"
        );
    }
    refusal
}
