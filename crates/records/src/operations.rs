//! The one entry to declared resources: commands in, answers out. Interfaces translate to it and
//! from it; nothing else in this crate touches the store.

use crate::asked::{AskedLists, WholeRecords};
use crate::batch::Whose;
use crate::command::{Answer, Command, Options};
use crate::cursor::{CursorKey, SECRET};
use crate::decide::Kind;
use crate::fault::{self, Place};
use crate::logic::{Logics, Within};
use crate::metrics;
use crate::prepare::Prepared;
use crate::units;
use crate::write::{Target, Work};
use carnet_kernel::{
    ApiVersion, ApplicationCodes, Clock, Code, Context, Id, IdGenerator, Refusal, Timestamp,
};
use carnet_model::{FieldIndex, Model, ModelView, Resource};
use carnet_store::{Error, Scope, Store, Unit};
use futures_util::future::BoxFuture;
use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Instant;
use tokio::sync::OnceCell;

/// A command that is carried out, of any kind.
pub(crate) type Carried<'a> = BoxFuture<'a, Result<Answer, Refusal>>;

/// The operations of one deployment. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    inner: Arc<Inner>,
    /// The transaction that everything happens in, while code of a request is under way.
    within: Option<Within>,
}

struct Inner {
    store: Store,
    /// Of every version, the oldest first; never empty.
    views: RwLock<Arc<[ModelView]>>,
    logics: RwLock<Arc<Logics>>,
    clock: Arc<dyn Clock>,
    ids: IdGenerator,
    cursor_key: OnceCell<CursorKey>,
    explains: AtomicBool,
    codes: OnceLock<ApplicationCodes>,
    asked: AskedLists,
    whole: WholeRecords,
}

impl Operations {
    /// Operations of `model` on `store`, whose schema must be the model's.
    pub fn new(store: Store, model: Arc<Model>, clock: Arc<dyn Clock>) -> Self {
        let views = RwLock::new(ModelView::every(&model).into());
        Self {
            inner: Arc::new(Inner {
                store,
                views,
                logics: RwLock::default(),
                clock,
                ids: IdGenerator::new(),
                cursor_key: OnceCell::new(),
                explains: AtomicBool::new(false),
                codes: OnceLock::new(),
                asked: AskedLists::default(),
                whole: WholeRecords::default(),
            }),
            within: None,
        }
    }

    /// Lets code stand round operations, for requests that begin from now on.
    pub fn install(&self, logics: Logics) {
        *self
            .inner
            .logics
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(logics);
    }

    pub(crate) fn logics(&self) -> Arc<Logics> {
        self.with_logics(Arc::clone)
    }

    /// What `look` finds in the code, as [`Self::with_views`].
    pub(crate) fn with_logics<T>(&self, look: impl FnOnce(&Arc<Logics>) -> T) -> T {
        let logics = self.inner.logics.read();
        look(&logics.unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn within(&self) -> Option<&Within> {
        self.within.as_ref()
    }

    /// The same operations inside the transaction of a request.
    pub(crate) fn inside(&self, within: Within) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            within: Some(within),
        }
    }

    /// The model as requests of the newest version see it now; a request takes it once and keeps
    /// it.
    pub fn view(&self) -> ModelView {
        let views = self.views();
        // INVARIANT: a model has at least one version.
        views[views.len() - 1].clone()
    }

    /// The model as each version of the API sees it now, the oldest first; never empty.
    pub fn views(&self) -> Arc<[ModelView]> {
        self.with_views(Arc::clone)
    }

    /// What `look` finds in it, for requests that only look: a count of its holders, which all of them
    /// would change, makes their cores wait for each other.
    pub(crate) fn with_views<T>(&self, look: impl FnOnce(&Arc<[ModelView]>) -> T) -> T {
        let views = self.inner.views.read();
        look(&views.unwrap_or_else(PoisonError::into_inner))
    }

    /// The model as requests of `version` see it now, if that is served.
    pub fn view_of(&self, version: ApiVersion) -> Option<ModelView> {
        let views = self.views();
        views.iter().find(|view| view.version() == version).cloned()
    }

    /// Swaps the model for requests that begin from now on.
    pub fn replace_model(&self, model: Arc<Model>) {
        *self
            .inner
            .views
            .write()
            .unwrap_or_else(PoisonError::into_inner) = ModelView::every(&model).into();
    }

    /// Says whether lists may be asked how they were read; not unless it is said.
    pub fn allow_explain(&self, allowed: bool) {
        self.inner.explains.store(allowed, Ordering::Relaxed);
    }

    pub(crate) fn explains(&self) -> bool {
        self.inner.explains.load(Ordering::Relaxed)
    }

    /// Names the codes of the application; the first naming counts.
    pub fn know_codes(&self, codes: ApplicationCodes) {
        // A second naming has no effect, as said.
        drop(self.inner.codes.set(codes));
    }

    /// The codes of the application.
    pub(crate) fn codes(&self) -> ApplicationCodes {
        self.inner.codes.get().cloned().unwrap_or_default()
    }

    /// The lists that were understood already.
    pub(crate) fn asked_lists(&self) -> &AskedLists {
        &self.inner.asked
    }

    /// How whole records are read.
    pub(crate) fn whole_records(&self) -> &WholeRecords {
        &self.inner.whole
    }

    /// The store below.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// A new id at the present moment.
    pub fn next_id(&self) -> Id {
        self.inner.ids.next(self.inner.clock.now())
    }

    /// Carries out `command`, whose indices belong to `view`, as `options` say.
    pub fn execute<'a>(
        &'a self,
        context: &'a Context,
        view: &'a ModelView,
        command: Command,
        options: Options,
    ) -> impl Future<Output = Result<Answer, Refusal>> + Send + use<'a> {
        let started = Instant::now();
        let (operation, index) = command.name();
        // What a transaction writes has no one name.
        let name = index.map_or("transactions", |index| view.resource(index).name.as_str());
        let route = match &command {
            // Each action of a resource has keys of its own.
            Command::Action {
                resource, action, ..
            } => view.resource(*resource).action(*action).name.as_str(),
            _ => operation,
        };
        let work = Work {
            context,
            view,
            now: self.now(),
            options,
            route: (route, name),
        };
        // Made here, because a future that takes the command over has room for it twice.
        let carried = self.with_code(work, command, true);
        async move {
            let mut result = carried.await;
            let outcome = match &mut result {
                Ok(_) => "ok",
                Err(refusal) => {
                    let place = Place {
                        resource: name,
                        point: route,
                        logic: None,
                    };
                    fault::tell(context, &place, refusal);
                    self.warn_of_unregistered(context, refusal.code);
                    refusal.code.as_str()
                }
            };
            metrics::record(name, operation, outcome, started.elapsed());
            result
        }
    }

    /// An unregistered code is answered as it is, but OpenAPI and the pages do not know it.
    fn warn_of_unregistered(&self, context: &Context, code: Code) {
        if matches!(code, Code::Application(_)) && !self.codes().knows(code) {
            tracing::warn!(
                %code,
                correlation = %context.correlation,
                "logic answered with a code that is not registered: add it to the platform's builder"
            );
        }
    }

    /// Carries a command out by default, whatever code stands there. Each kind has a future of its
    /// own: as a part of one, the largest would be moved at every step of every request.
    pub(crate) fn run<'a>(&'a self, work: Work<'a>, command: Command) -> Carried<'a> {
        let Work { context, view, .. } = work;
        if let Err(refusal) = command.check_table(view) {
            return refused(refusal);
        }
        let target = |resource, id, precondition| Target {
            resource,
            id,
            precondition,
        };
        match command {
            Command::List { resource, request } => Box::pin(async move {
                let resource = view.resource(resource);
                let list = self.list(context, view, resource, &request).await;
                list.map(|list| Answer::List(Box::new(list)))
            }),
            Command::Group { resource, request } => Box::pin(async move {
                let resource = view.resource(resource);
                let groups = self.group(context, view, resource, *request).await;
                groups.map(|groups| Answer::Groups(Box::new(groups)))
            }),
            Command::Read {
                resource,
                key,
                request,
            } => Box::pin(async move {
                let resource = view.resource(resource);
                let record = self.read(context, view, resource, (key, request)).await;
                record.map(Answer::Record)
            }),
            Command::Create { resource, body } => {
                let prepared = self.read_create(&work, resource, &body);
                self.applied(work, prepared)
            }
            Command::Update {
                resource,
                id,
                body,
                precondition,
            } => {
                let target = target(resource, id, precondition);
                let prepared = self.read_change(&work, target, &body, Kind::Replace);
                self.applied(work, prepared)
            }
            Command::Patch {
                resource,
                id,
                body,
                precondition,
            } => {
                let target = target(resource, id, precondition);
                let prepared = self.read_change(&work, target, &body, Kind::Patch);
                self.applied(work, prepared)
            }
            Command::Delete {
                resource,
                id,
                purge,
                precondition,
            } => {
                let target = target(resource, id, precondition);
                Box::pin(async move { self.delete(&work, target, purge).await })
            }
            Command::Restore {
                resource,
                id,
                precondition,
            } => {
                let target = target(resource, id, precondition);
                Box::pin(async move { self.restore(&work, target).await })
            }
            Command::Link {
                resource,
                id,
                relation,
                target,
            } => Box::pin(async move {
                let pair = (id, relation, target);
                self.link(&work, resource, pair).await
            }),
            Command::Unlink {
                resource,
                id,
                relation,
                target,
            } => Box::pin(async move {
                let pair = (id, relation, target);
                self.unlink(&work, resource, pair).await
            }),
            Command::Upsert {
                resource,
                key,
                body,
                precondition,
            } => Box::pin(async move {
                let given = (body.as_str(), precondition);
                self.upsert(&work, resource, key, given).await
            }),
            Command::PatchMatching {
                resource,
                request,
                body,
                precondition,
            } => {
                let resource = view.resource(resource);
                let stamp = &work.stamp();
                match units::patch_matching(resource, *request, &body, stamp, precondition) {
                    Ok(unit) => self.matched(work, resource, Arc::new(unit)),
                    Err(refusal) => refused(refusal),
                }
            }
            Command::DeleteMatching {
                resource,
                request,
                precondition,
            } => {
                let resource = view.resource(resource);
                match units::delete_matching(resource, *request, &work.stamp(), precondition) {
                    Ok(unit) => self.matched(work, resource, Arc::new(unit)),
                    Err(refusal) => refused(refusal),
                }
            }
            Command::Batch { resource, body } => Box::pin(async move {
                let whose = Whose::One(view.resource(resource));
                self.batch(&work, whose, &body).await
            }),
            Command::Transaction { body } => {
                Box::pin(async move { self.batch(&work, Whose::Any, &body).await })
            }
            Command::Action {
                resource, action, ..
            } => {
                let resource = view.resource(resource);
                let name = &resource.action(action).name;
                let message = format!("no logic does `{name}` of `{}`", resource.name);
                refused(Refusal::new(Code::LogicMissing, message))
            }
        }
    }

    /// A write by filter.
    fn matched<'a>(
        &'a self,
        work: Work<'a>,
        resource: &'a Resource,
        unit: Arc<dyn Unit>,
    ) -> Carried<'a> {
        Box::pin(async move { self.matching(&work, resource, unit).await })
    }

    /// Carries out what a body was read as.
    fn applied<'a>(&'a self, work: Work<'a>, prepared: Result<Prepared, Refusal>) -> Carried<'a> {
        match prepared {
            Ok(prepared) => Box::pin(async move { self.apply(&work, prepared).await }),
            Err(refusal) => refused(refusal),
        }
    }

    /// What cursors are signed with; asked of the store once.
    pub(crate) async fn cursor_key(&self) -> Result<&CursorKey, Error> {
        if let Some(key) = self.inner.cursor_key.get() {
            return Ok(key);
        }
        let ask = || async {
            let secret = self.inner.store.system().secret(SECRET).await?;
            Ok(CursorKey::new(secret))
        };
        Box::pin(self.inner.cursor_key.get_or_try_init(ask)).await
    }

    pub(crate) async fn scope(
        &self,
        context: &Context,
        resource: &Resource,
    ) -> Result<Scope, Error> {
        let scope = if resource.is_tenant() {
            self.inner.store.scope(context).await?
        } else {
            self.inner.store.platform(context)
        };
        let within = self.within.as_ref();
        Ok(match within.and_then(Within::transaction) {
            Some(transaction) => scope.within(transaction),
            None => scope,
        })
    }
}

/// A command that is refused before it begins.
pub(crate) fn refused<'a>(refusal: Refusal) -> Carried<'a> {
    Box::pin(ready(Err(refusal)))
}

/// Every field that a view of a resource has.
pub(crate) fn every_field(resource: &Resource) -> Vec<FieldIndex> {
    resource.shown_fields().map(|(index, _)| index).collect()
}

/// What the client is told of a store failure, with the cause that only the log is told.
pub(crate) fn told(error: &Error, view: &ModelView) -> Refusal {
    let refusal = error.refusal(view);
    match error {
        Error::Refused(_) => refusal,
        error if refusal.code.status() >= 500 => refusal.because(error.to_string()),
        _ => refusal,
    }
}
