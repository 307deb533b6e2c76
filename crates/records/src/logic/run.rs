//! How a command finds its code, and the transaction that the code runs in.

use super::call::{Shared, State};
use super::logics::{Entry, Logics};
use super::{Call, Reply, Spot, chain, items, passed, reply, ungrouped};
use crate::asked::AskedList;
use crate::command::{Answer, Command, Options};
use crate::fault::{self, Place};
use crate::operations::{Operations, told};
use crate::parse::ListRequest;
use crate::write::Work;
use carnet_kernel::{Code, Context, Refusal};
use carnet_model::{ModelView, Resource, ResourceIndex};
use carnet_store::{Apart, Ended, How, Policy, Scope, Stamp, Task, Transacted, Transaction};
use futures_util::future::BoxFuture;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// How deep logic may call logic.
const MOST_DEPTH: u16 = 8;

/// Where operations happen, when code of a request is under way.
#[derive(Clone)]
pub(crate) struct Within {
    pub(crate) transaction: Option<Transaction>,
    depth: u16,
    /// Calls whose hooks run after the commit.
    committed: Arc<Mutex<Vec<Done>>>,
}

/// A call that has done its part.
struct Done {
    call: Call,
    reply: Reply,
}

/// A command with the code that stands there.
#[derive(Clone)]
struct Coded {
    command: Command,
    resource: ResourceIndex,
    spot: Spot,
    entry: Arc<Entry>,
    logics: Arc<Logics>,
    /// Whether the logic runs, or the hooks alone.
    logic: bool,
}

impl Coded {
    /// Whether it is for one record, new or there; an action of a collection is for none.
    fn names_record(&self) -> bool {
        !matches!(&self.command, Command::Action { id: None, .. })
    }
}

impl Operations {
    /// Carries a command out for code under way, with the logic of the resource or with its hooks
    /// alone. Code may come back here through itself, hence the type.
    pub(crate) fn asked<'a>(
        &'a self,
        work: &'a Work<'_>,
        command: Command,
        logic: bool,
    ) -> BoxFuture<'a, Result<Answer, Refusal>> {
        Box::pin(self.with_code(work, command, logic))
    }

    /// Carries a command out, by the code that stands there if there is any: with its logic or with
    /// the hooks alone.
    pub(crate) async fn with_code(
        &self,
        work: &Work<'_>,
        command: Command,
        logic: bool,
    ) -> Result<Answer, Refusal> {
        let logics = self.logics();
        let mut found = None;
        if !logics.is_empty() {
            passed::check(work, &command, &logics)?;
            if let Some((whose, body)) = items::of(work.view, &command)
                && items::meet_code(work, whose, body, &logics)
            {
                return self.items(work, whose, body).await;
            }
            let version = work.context.version.0;
            found = Spot::of(&command).and_then(|(resource, spot)| {
                let entry = logics.entry(version, resource, spot)?;
                Some((resource, spot, Arc::clone(entry)))
            });
        }
        let Some((resource, spot, entry)) = found else {
            return self.run(work, command).await;
        };
        let coded = Coded {
            command,
            resource,
            spot,
            entry: Arc::clone(&entry),
            logics,
            logic,
        };
        let outcome = self.run_code(work, coded).await;
        outcome.map_err(|mut refusal| {
            let resource = work.view.resource(resource);
            let place = Place {
                resource: &resource.name,
                point: spot.name(resource),
                logic: entry.name(),
            };
            fault::tell(work.context, &place, &mut refusal);
            refusal
        })
    }

    /// Runs the code of a command where it belongs.
    async fn run_code(&self, work: &Work<'_>, coded: Coded) -> Result<Answer, Refusal> {
        let depth = self.within().map_or(0, |within| within.depth) + 1;
        if depth > MOST_DEPTH {
            let cause = format!("logic called logic {MOST_DEPTH} times deep");
            let message = "the code of operations calls itself in a circle";
            return Err(Refusal::new(Code::LogicCycle, message).because(cause));
        }
        match self.within() {
            Some(within) if within.transaction.is_some() || !coded.spot.writes() => {
                Box::pin(self.inner_call(work, coded, within, depth)).await
            }
            _ if coded.spot.writes() => Box::pin(self.transacted(work, coded)).await,
            _ => Box::pin(self.plain(work, coded)).await,
        }
    }

    /// Code of a read: there is no transaction.
    async fn plain(&self, work: &Work<'_>, coded: Coded) -> Result<Answer, Refusal> {
        let within = Within {
            transaction: None,
            depth: 1,
            committed: Arc::default(),
        };
        let logic = coded.logic;
        let call = self.call(work, coded, within);
        let running = async {
            let reply = chain::run(&call, logic).await?;
            match reply.is_streamed() {
                true => Box::pin(self.settled(work, &call, reply)).await,
                false => Ok(reply.into_answer()),
            }
        };
        match work.context.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline.into(), running)
                .await
                .map_err(|_| late())?,
            None => running.await,
        }
    }

    /// The answer of code. Records that it left to be streamed are read here, unless whoever asked
    /// reads them.
    async fn settled(&self, work: &Work<'_>, call: &Call, reply: Reply) -> Result<Answer, Refusal> {
        let Answer::Streamed(streamed) = &reply.answer else {
            return Ok(reply.into_answer());
        };
        if work.options.streams {
            return Ok(reply.answer);
        }
        let command = call.state().command.clone();
        let Command::List { resource, request } = command else {
            return Err(ungrouped());
        };
        let (view, listed) = (work.view, work.view.resource(resource));
        let asked = ListRequest::clone(&request);
        let (index, request) = streamed.request(view, listed, asked, work.stamp.now)?;
        let asked = AskedList::from(request);
        let reading = self.list(work.context, view, view.resource(index), &asked);
        let mut list = Box::pin(reading).await?;
        list.listing.json = streamed.array(listed, &list.listing.json)?;
        Ok(Answer::List(list))
    }

    /// Code inside the transaction of other code: what it wrote goes when it fails.
    async fn inner_call(
        &self,
        work: &Work<'_>,
        coded: Coded,
        within: &Within,
        depth: u16,
    ) -> Result<Answer, Refusal> {
        let failed = |error| told(&error, work.view);
        let writes = coded.spot.writes();
        let within = Within {
            depth,
            ..within.clone()
        };
        let scope = match writes {
            true => {
                let resource = work.view.resource(coded.resource);
                let scope = self.scope(work.context, resource).await.map_err(failed)?;
                scope.mark().await.map_err(failed)?;
                Some(scope)
            }
            false => None,
        };
        let logic = coded.logic;
        let committed = Arc::clone(&within.committed);
        let before = lock(&committed).len();
        let call = self.call(work, coded, within);
        let outcome = chain::run(&call, logic).await;
        match outcome {
            Ok(reply) => {
                if let Some(scope) = scope {
                    scope.release().await.map_err(failed)?;
                }
                note(&committed, call.clone(), &reply);
                self.settled(work, &call, reply).await
            }
            Err(refusal) => {
                lock(&committed).truncate(before);
                if let Some(scope) = scope {
                    scope.undo().await.map_err(failed)?;
                }
                Err(refusal)
            }
        }
    }

    /// Code in a transaction of its own, which begins when it first needs the database.
    async fn transacted(&self, work: &Work<'_>, coded: Coded) -> Result<Answer, Refusal> {
        let resource = work.view.resource(coded.resource);
        let how = How {
            apart: match resource.lock.map(|field| resource.field(field)) {
                // Only where there always is a row to lock: a new record names its parent, one that
                // is there has one.
                Some(field) if !field.optional && coded.names_record() => Apart::Locked,
                _ => Apart::Serializable,
            },
            late: coded.entry.is_late(),
            ..How::default()
        };
        let begun = Begun::of(self, work);
        let run = move |within: Within| -> Running {
            let committed = Arc::clone(&within.committed);
            let logic = coded.logic;
            let call = begun.clone().call(coded.clone(), within);
            Box::pin(async move {
                let reply = chain::run(&call, logic).await?;
                note(&committed, call, &reply);
                Ok(reply)
            })
        };
        self.in_transaction(work, resource, how, run).await
    }

    /// Runs what `run` gives in one transaction of the owner of `resource`; what it wrote stands
    /// when it answers, and the hooks after the commit follow.
    pub(super) async fn in_transaction(
        &self,
        work: &Work<'_>,
        resource: &Resource,
        how: How,
        run: impl Fn(Within) -> Running + Send + Sync,
    ) -> Result<Answer, Refusal> {
        let failed = |error| told(&error, work.view);
        let scope: Scope = self.scope(work.context, resource).await.map_err(failed)?;
        // Whoever asked for it first inside would wait for a reader while others wait for it.
        self.cursor_key().await.map_err(failed)?;
        let how = How {
            dry_run: work.options.dry_run,
            receipt: work.options(Policy::Atomic, Arc::new(|_, _| None)).receipt,
            ..how
        };
        let outcome: Arc<Mutex<Option<Result<Reply, Refusal>>>> = Arc::default();
        let committed: Arc<Mutex<Vec<Done>>> = Arc::default();
        let noted = how.receipt.is_some();
        let make = |transaction: Transaction| -> Task {
            let kept = Arc::clone(&outcome);
            lock(&committed).clear();
            let running = run(Within {
                transaction: Some(transaction),
                depth: 1,
                committed: Arc::clone(&committed),
            });
            Box::pin(async move {
                let reply = running.await;
                let mut ended = Ended::default();
                if let Ok(reply) = &reply {
                    ended.keep = true;
                    ended.note = noted.then(|| reply::note(reply));
                }
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(reply);
                ended
            })
        };
        let transacted = scope.transact(work.view, &work.stamp, &how, &make).await;
        match transacted.map_err(failed)? {
            Transacted::Earlier(text) => match reply::from_note(&text) {
                Some(answer) => Ok(Answer::Replayed(Box::new(answer))),
                None => self.replay(work, &text).await,
            },
            Transacted::Ended => {
                let reply = outcome
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                let missing = || Err(Refusal::new(Code::Internal, "code left no reply"));
                let reply = reply.unwrap_or_else(missing)?;
                if !how.dry_run {
                    self.after_commit(&committed).await;
                }
                Ok(reply.into_answer())
            }
        }
    }

    /// Runs the hooks after the commit, each with a call that has no transaction.
    async fn after_commit(&self, committed: &Mutex<Vec<Done>>) {
        let all = std::mem::take(&mut *lock(committed));
        for Done { call, reply } in all {
            let shared = &call.shared;
            let command = call.state().command.clone();
            let call = Call {
                shared: Arc::new(Shared {
                    operations: self.clone(),
                    context: shared.context.clone(),
                    view: shared.view.clone(),
                    stamp: shared.stamp.clone(),
                    resource: shared.resource,
                    spot: shared.spot,
                    entry: Arc::clone(&shared.entry),
                    logics: Arc::clone(&shared.logics),
                    state: Mutex::new(State {
                        command,
                        validated: true,
                        proceeded: true,
                        prepared: None,
                        version_due: false,
                        reply: Some(reply),
                    }),
                    ended: AtomicBool::new(false),
                }),
            };
            chain::committed(&call).await;
        }
    }

    fn call(&self, work: &Work<'_>, coded: Coded, within: Within) -> Call {
        Begun::of(self, work).call(coded, within)
    }

    /// Locks records, where there is a transaction.
    pub(crate) async fn lock(
        &self,
        context: &Context,
        view: &ModelView,
        resource: &Resource,
        ids: Vec<carnet_kernel::Id>,
    ) -> Result<(), Refusal> {
        let failed = |error| told(&error, view);
        let scope = self.scope(context, resource).await.map_err(failed)?;
        scope.lock(view, resource.index, ids).await.map_err(failed)
    }
}

/// Code under way, up to its reply.
pub(super) type Running = BoxFuture<'static, Result<Reply, Refusal>>;

/// What calls of one request have in common.
#[derive(Clone)]
pub(super) struct Begun {
    operations: Operations,
    context: Context,
    view: ModelView,
    stamp: Stamp,
}

impl Begun {
    pub(super) fn of(operations: &Operations, work: &Work<'_>) -> Self {
        Self {
            operations: operations.clone(),
            context: work.context.clone(),
            view: work.view.clone(),
            stamp: work.stamp.clone(),
        }
    }

    /// The operations inside a transaction, with what a command needs.
    pub(super) fn inside(&self, within: Within) -> (Operations, Work<'_>) {
        let work = Work {
            context: &self.context,
            view: &self.view,
            stamp: self.stamp.clone(),
            options: Options::default(),
            route: ("transaction", "transactions"),
        };
        (self.operations.inside(within), work)
    }

    fn call(self, coded: Coded, within: Within) -> Call {
        Call {
            shared: Arc::new(Shared {
                operations: self.operations.inside(within),
                context: self.context,
                view: self.view,
                stamp: self.stamp,
                resource: coded.resource,
                spot: coded.spot,
                entry: coded.entry,
                logics: coded.logics,
                state: Mutex::new(State {
                    command: coded.command,
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
}

/// Keeps a call whose hooks run after the commit.
fn note(committed: &Mutex<Vec<Done>>, call: Call, reply: &Reply) {
    let waits = call
        .shared
        .entry
        .hooks(super::Moment::AfterCommit)
        .next()
        .is_some();
    if waits {
        let reply = reply.clone();
        lock(committed).push(Done { call, reply });
    }
}

fn lock(committed: &Mutex<Vec<Done>>) -> std::sync::MutexGuard<'_, Vec<Done>> {
    committed.lock().unwrap_or_else(PoisonError::into_inner)
}

fn late() -> Refusal {
    Refusal {
        retry_after: Some(1),
        ..Refusal::new(Code::Timeout, "the request took longer than allowed")
    }
}
