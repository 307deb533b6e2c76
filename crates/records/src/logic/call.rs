//! What code has of its request and of the platform: an owned handle, cheap to clone, of no use
//! after the code has returned.

use super::logics::Entry;
use super::port::named;
use super::record::is_indexed;
use super::run::Coded;
use super::{Reply, Repository, Request, Response, Spot};
use crate::command::{Answer, Command, Options};
use crate::fault::misused;
use crate::operations::Operations;
use crate::prepare::Prepared;
use crate::validate::read_input;
use crate::write::Work;
use carnet_kernel::{Code, Context, Detail, Id, Principal, Refusal, TenantKey, Timestamp};
use carnet_model::{IdForm, ModelView, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// One request as the code for its operation sees it.
#[derive(Clone)]
pub struct Call {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    /// In the transaction of the request, where it has one.
    pub(super) operations: Operations,
    pub(super) context: Context,
    pub(super) view: ModelView,
    /// The moment of the command.
    now: Timestamp,
    pub(super) coded: Coded,
    state: Mutex<State>,
    ended: AtomicBool,
}

pub(super) struct State {
    /// What the operation is to do; hooks may change its body.
    pub(super) command: Command,
    /// Whether its body was found valid: from then on every change of it is held to the same.
    pub(super) validated: bool,
    pub(super) proceeded: bool,
    /// What validation made of the body, for the default operation.
    pub(super) prepared: Option<Prepared>,
    /// Whether the version that the request states is still to be held against the record.
    pub(super) version_due: bool,
    pub(super) reply: Option<Box<Reply>>,
}

impl State {
    /// What the operation is to do, which happens once. Code may ask for the rest of a command
    /// afterwards, but not for what a record is read with.
    fn take(&mut self) -> Command {
        match &mut self.command {
            Command::Read {
                resource,
                key,
                request,
            } => Command::Read {
                resource: *resource,
                key: key.clone(),
                request: std::mem::take(request),
            },
            command => command.clone(),
        }
    }
}

impl Call {
    /// A command for the code that stands there; `operations` are those of its transaction.
    pub(super) fn new(
        operations: Operations,
        work: &Work<'_>,
        coded: Coded,
        command: Command,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                operations,
                context: work.context.clone(),
                view: work.view.clone(),
                now: work.now,
                coded,
                state: Mutex::new(State {
                    command,
                    validated: false,
                    proceeded: false,
                    prepared: None,
                    version_due: false,
                    reply: None,
                }),
                ended: AtomicBool::new(false),
            }),
        }
    }

    /// The same for hooks after the commit, which have no transaction.
    pub(super) fn after(&self, operations: Operations, reply: Reply) -> Self {
        let command = self.state().command.clone();
        let call = Self::new(operations, &self.work(), self.shared.coded.clone(), command);
        {
            let mut state = call.state();
            state.validated = true;
            state.proceeded = true;
            state.reply = Some(Box::new(reply));
        }
        call
    }

    /// Who calls.
    pub fn principal(&self) -> &Principal {
        &self.shared.context.principal
    }

    /// Lets nobody pass who has not this role. The process itself and the holder of the deployment
    /// pass.
    ///
    /// Errors: `FORBIDDEN`; `UNAUTHENTICATED` when nobody is signed in.
    pub fn require_role(&self, role: &str) -> Result<(), Refusal> {
        self.shared.context.require_role(role)
    }

    /// Whose data is touched.
    pub fn tenant(&self) -> TenantKey {
        self.shared.context.tenant
    }

    /// What joins everything that the request set in motion: log lines, journal rows, errors.
    pub fn correlation(&self) -> Id {
        self.shared.context.correlation
    }

    /// The API version that was asked for: 1 for `/api/v1`.
    pub fn version(&self) -> u16 {
        self.shared.context.version.0
    }

    /// When the caller stops waiting.
    pub fn deadline(&self) -> Option<Instant> {
        self.shared.context.deadline
    }

    /// The present moment: one value for the whole request, the same in every rerun.
    pub fn now(&self) -> Timestamp {
        self.shared.now
    }

    /// A new id, larger than every one before.
    pub fn next_id(&self) -> Id {
        self.shared.operations.next_id()
    }

    /// The resource that the request is for.
    pub fn resource(&self) -> &str {
        &self.declared().name
    }

    pub(super) fn declared(&self) -> &Resource {
        self.shared.view.resource(self.shared.coded.resource)
    }

    /// All code that stands there.
    pub(super) fn entry(&self) -> &Entry {
        self.shared.coded.entry()
    }

    /// Where it stands.
    pub(super) fn spot(&self) -> Spot {
        self.shared.coded.spot
    }

    /// The id in the address, where it has one.
    pub fn id(&self) -> Option<Id> {
        match &self.state().command {
            Command::Read { key, .. } => key.as_id(),
            Command::Update { id, .. } | Command::Patch { id, .. } | Command::Delete { id, .. } => {
                Some(*id)
            }
            Command::Action { id, .. } => *id,
            _ => None,
        }
    }

    /// The id in the address.
    ///
    /// Errors: `LOGIC_MISUSED` where the operation has none.
    pub fn require_id(&self) -> Result<Id, Refusal> {
        self.id()
            .ok_or_else(|| misused("this operation is not for one record"))
    }

    /// Which page of a list is asked for: at most how many records, after how many.
    pub fn page(&self) -> Option<(u32, u64)> {
        match &self.state().command {
            Command::List { request, .. } => Some((request.limit, request.offset)),
            Command::Group { request, .. } => Some((request.limit, request.offset)),
            _ => None,
        }
    }

    /// The body as it was sent, or as hooks left it; null where there is none.
    pub fn input(&self) -> Value {
        let state = self.state();
        state
            .command
            .body()
            .and_then(|body| serde_json::from_str(body).ok())
            .unwrap_or(Value::Null)
    }

    /// The body as a type of the application.
    ///
    /// Errors: `VALIDATION_FAILED` when the body does not fit it.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let state = self.state();
        let body = state.command.body().unwrap_or("null");
        serde_json::from_str(body).map_err(|error| {
            Refusal::validation(vec![Detail::new("body", "type", error.to_string())])
        })
    }

    /// Puts another body in the place of the one that was sent. It is held to the same rules: at
    /// once, or with the rest before validation.
    ///
    /// Errors: `VALIDATION_FAILED` and what else a body is refused for, and the body stays as it
    /// was; `LOGIC_MISUSED` where the operation has none.
    pub fn set_input(&self, body: &(impl Serialize + ?Sized)) -> Result<(), Refusal> {
        let text = to_text(body)?;
        let mut command = self.state().command.clone();
        match command.body_mut() {
            Some(body) => *body = text,
            None => {
                let message = "this operation has no body";
                return Err(misused(message));
            }
        }
        let prepared = match self.state().validated {
            true => self.check_input(&mut command)?,
            false => None,
        };
        let mut state = self.state();
        (state.command, state.prepared) = (command, prepared);
        Ok(())
    }

    /// Finds what is wrong with the body of a command, and gives that of an action its whole form.
    /// Answers what the default operation goes on with.
    pub(super) fn check_input(&self, command: &mut Command) -> Result<Option<Prepared>, Refusal> {
        match command {
            Command::Action { action, input, .. } => {
                *input = read_input(self.declared().action(*action), input)?;
                Ok(None)
            }
            command => {
                let prepared = self.shared.operations.prepare(&self.work(), command)?;
                if self.declared().has_table() {
                    return Ok(prepared);
                }
                // Nobody else fills in what the body leaves out.
                fill_in(self.declared(), command)?;
                Ok(None)
            }
        }
    }

    /// Lets `change` change the body.
    pub fn change_input(&self, change: impl FnOnce(&mut Value)) -> Result<(), Refusal> {
        let mut input = self.input();
        change(&mut input);
        self.set_input(&input)
    }

    /// Carries the operation out as it is by default, in this transaction.
    ///
    /// Errors: what the operation is refused for; `LOGIC_MISUSED` when it is called twice, and where
    /// the resource has no table.
    pub async fn proceed(&self) -> Result<Reply, Refusal> {
        if !self.declared().has_table() {
            let name = self.resource();
            let message = format!("`{name}` has no table: there is nothing to proceed to");
            return Err(misused(message));
        }
        self.check_use()?;
        let (what, due) = {
            let mut state = self.state();
            if std::mem::replace(&mut state.proceeded, true) {
                let message = "a logic proceeded twice";
                return Err(misused(message));
            }
            // The default operation holds the version against the record that it loads.
            let due = std::mem::take(&mut state.version_due);
            let prepared = state.prepared.take();
            (prepared.ok_or_else(|| state.take()), due)
        };
        let answer = match what {
            Ok(prepared) => Box::pin(self.apply(prepared)).await,
            Err(command) => self.shared.operations.run(self.work(), command).await,
        };
        if due && answer.is_err() {
            self.state().version_due = true;
        }
        answer.map(Reply::of).map_err(|refusal| self.told(refusal))
    }

    async fn apply(&self, prepared: Prepared) -> Result<Answer, Refusal> {
        let work = self.work();
        self.shared.operations.apply(&work, prepared).await
    }

    /// The same with another body.
    pub async fn proceed_with(&self, body: &(impl Serialize + ?Sized)) -> Result<Reply, Refusal> {
        self.set_input(body)?;
        self.proceed().await
    }

    /// The record that the address names, as it is now in this transaction.
    ///
    /// Errors: `NOT_FOUND`.
    pub async fn record(&self) -> Result<Value, Refusal> {
        let id = self.require_id()?;
        let name = self.resource().to_owned();
        let id = match self.declared().id.form {
            IdForm::Ulid => id.to_string(),
            IdForm::Uuid => id.to_uuid_text(),
        };
        let found = self.repository(&name)?.get(id).await?;
        found.ok_or_else(|| Refusal::not_found(&name))
    }

    /// The records of a resource, in the same transaction and for the same tenant. Its writes run
    /// the hooks of that resource, not its logic.
    ///
    /// Errors: `LOGIC_MISUSED` for a resource that is not there or has no table.
    pub fn repository(&self, resource: &str) -> Result<Repository, Refusal> {
        if !named(&self.shared.view, resource)?.has_table() {
            let message = format!("`{resource}` has no table: ask for it by `call.perform`");
            return Err(misused(message));
        }
        Ok(Repository::new(self.clone(), resource))
    }

    /// Whether there is a resource of that name in the version that was asked for, with a table.
    pub fn has_repository(&self, resource: &str) -> bool {
        let found = self.shared.view.resource_named(resource);
        found.is_some_and(Resource::has_table)
    }

    /// The names of all such resources.
    pub fn repositories(&self) -> impl Iterator<Item = &str> {
        let resources = self.shared.view.shown_resources();
        let resources = resources.filter(|resource| resource.has_table());
        resources.map(|resource| resource.name.as_str())
    }

    /// Several writes, all or none, with references among them (`{{result[0].id}}`): the items of
    /// `POST /transactions`. Answers what each left.
    pub async fn transact(&self, items: &(impl Serialize + ?Sized)) -> Result<Vec<Value>, Refusal> {
        let body = to_text(&serde_json::json!({ "items": to_value(items)? }))?;
        let response = self.request(Request::Transact { body }).await?;
        serde_json::from_slice(&response.json).map_err(|error| internal(&error))
    }

    /// Locks records of a resource until the transaction ends, in the order of their ids.
    pub async fn lock(&self, resource: &str, ids: Vec<Id>) -> Result<(), Refusal> {
        self.check_use()?;
        let resource = named(&self.shared.view, resource)?;
        self.shared
            .operations
            .lock(&self.shared.context, &self.shared.view, resource, ids)
            .await
            .map_err(|refusal| self.told(refusal))
    }

    /// One thing of the platform as plain values, by default operations and hooks.
    pub async fn request(&self, request: Request) -> Result<Response, Refusal> {
        self.ask(request, false).await
    }

    /// The same as if it were asked from outside: with the logic of the resource that it is for.
    ///
    /// Errors: `LOGIC_CYCLE` when logic calls logic too deeply.
    pub async fn perform(&self, request: Request) -> Result<Response, Refusal> {
        self.ask(request, true).await
    }

    async fn ask(&self, request: Request, logic: bool) -> Result<Response, Refusal> {
        let command = request.command(&self.shared.view, self.now())?;
        self.check_use()?;
        if command.writes() {
            self.hold_version().await?;
        }
        let operations = &self.shared.operations;
        let answer = operations.with_code(self.work(), command, logic).await;
        answer
            .map(Response::of)
            .map_err(|refusal| self.told(refusal))
    }

    /// Tells the log of a failure of the platform: what code makes of it is its own affair.
    pub(super) fn told(&self, refusal: Refusal) -> Refusal {
        let Shared {
            context,
            view,
            coded,
            ..
        } = &*self.shared;
        coded.tell(context, view, refusal)
    }

    /// The component of a type.
    pub fn component<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.shared.coded.logics.components.get()
    }

    /// What the operation answered, in a hook after it.
    pub fn reply(&self) -> Option<Reply> {
        self.state().reply.as_deref().cloned()
    }

    /// Answers this instead, from a hook after the operation.
    pub fn set_reply(&self, reply: Reply) {
        self.state().reply = Some(Box::new(reply));
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn work(&self) -> Work<'_> {
        let shared = &self.shared;
        Work {
            context: &shared.context,
            view: &shared.view,
            now: shared.now,
            options: Options::default(),
            route: ("logic", &self.declared().name),
        }
    }

    /// Tells the log, once, of a search inside a transaction that no index serves: writers that
    /// search so wait for each other, or run again.
    pub(super) fn notice_search(&self, resource: &str, query: &[(String, String)]) {
        static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        let shared = &self.shared;
        let Some(resource) = shared
            .view
            .resource_named(resource)
            .filter(|_| self.spot().writes())
        else {
            return;
        };
        let fields: Vec<&str> = query
            .iter()
            .filter_map(|(name, _)| name.strip_prefix("filter[")?.split(']').next())
            .collect();
        let own = fields
            .iter()
            .all(|name| resource.field_named(name).is_some());
        if fields.is_empty() || !own || is_indexed(resource, &fields) {
            return;
        }
        let key = format!("{} {}", resource.name, fields.join(" "));
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < 1_000 && told.insert(key) {
            tracing::warn!(
                resource = resource.name,
                fields = fields.join(","),
                "logic searches in its transaction by fields that no index begins with; declare one"
            );
        }
    }

    /// Lets nothing more be asked by it.
    pub(super) fn end(&self) {
        self.shared.ended.store(true, Ordering::Release);
    }

    pub(super) fn check_use(&self) -> Result<(), Refusal> {
        if self.shared.ended.load(Ordering::Acquire) {
            let message = "a `Call` was used after its logic had returned";
            return Err(Refusal::new(Code::TransactionOver, message));
        }
        Ok(())
    }
}

/// Gives a body that stands for a whole record the defaults of what it leaves out.
fn fill_in(resource: &Resource, command: &mut Command) -> Result<(), Refusal> {
    let (Command::Create { body, .. } | Command::Update { body, .. }) = command else {
        return Ok(());
    };
    let mut whole: Value = serde_json::from_str(body).map_err(|error| internal(&error))?;
    let absent = resource
        .declared_fields()
        .filter(|(_, field)| whole.get(&field.name).is_none())
        .filter(|(_, field)| !field.hidden || field.default.is_some());
    let absent: Vec<(String, Value)> = absent
        .map(|(_, field)| (field.name.clone(), field.default_json().unwrap_or_default()))
        .collect();
    if let Some(members) = whole.as_object_mut() {
        members.extend(absent);
    }
    *body = to_text(&whole)?;
    Ok(())
}

pub(super) fn to_value(value: &(impl Serialize + ?Sized)) -> Result<Value, Refusal> {
    serde_json::to_value(value).map_err(|error| unserializable(&error))
}

pub(super) fn to_text(value: &(impl Serialize + ?Sized)) -> Result<String, Refusal> {
    serde_json::to_string(value).map_err(|error| unserializable(&error))
}

fn unserializable(error: &serde_json::Error) -> Refusal {
    let message = format!("a value of a logic cannot be written as JSON: {error}");
    misused(message)
}

pub(super) fn internal(error: &serde_json::Error) -> Refusal {
    Refusal::new(Code::Internal, format!("an answer cannot be read: {error}"))
}
