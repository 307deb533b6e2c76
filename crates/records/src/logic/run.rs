//! How a command finds its code, and the transaction that the code runs in.

use super::call::Shared;
use super::logics::{Entry, EntryPlace, Logics};
use super::reading::Reading;
use super::{Call, Moment, Reply, Spot, chain, items, passed, reply, ungrouped};
use crate::asked::AskedList;
use crate::batch::Whose;
use crate::command::{Answer, Command, Options};
use crate::fault::{self, Place};
use crate::operations::{Carried, Operations, refused, told};
use crate::parse::ListRequest;
use crate::write::Work;
use carnet_kernel::{Code, Context, Refusal, Timestamp};
use carnet_model::{ModelView, Resource, ResourceIndex};
use carnet_store::{Apart, Ended, Error, How, Part, Policy, Scope, Task, Transacted, Transaction};
use futures_util::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};

/// How deep logic may call logic.
const MOST_DEPTH: u16 = 8;

/// Where operations happen, when code of a request is under way.
#[derive(Clone)]
pub(crate) struct Within {
    /// Where there is one.
    under_way: Option<UnderWay>,
    depth: u16,
}

/// A transaction, or a part of one, and what is to follow its commit.
#[derive(Clone)]
struct UnderWay {
    transaction: Transaction,
    committed: Arc<Committed>,
}

/// Calls whose hooks run after the commit.
type Committed = Mutex<Vec<Done>>;

/// A part of the transaction under way: unless it is kept, what was done in it is undone, and hooks
/// after the commit do not hear of it.
pub(super) struct Inner {
    part: Part,
    outer: Arc<Committed>,
    committed: Arc<Committed>,
}

impl Within {
    pub(crate) fn transaction(&self) -> Option<&Transaction> {
        self.under_way.as_ref().map(|one| &one.transaction)
    }

    /// Begins a part; `None` where there is no transaction.
    pub(super) async fn part(&self) -> Result<Option<Inner>, Error> {
        let Some(under_way) = &self.under_way else {
            return Ok(None);
        };
        Ok(Some(Inner {
            part: under_way.transaction.part().await?,
            outer: Arc::clone(&under_way.committed),
            committed: Arc::default(),
        }))
    }

    /// Keeps a call whose hooks run after the commit.
    fn note(&self, call: &Call, reply: &Reply) {
        if let Some(under_way) = &self.under_way
            && call.entry().has_hooks(Moment::AfterCommit)
        {
            let (call, reply) = (call.clone(), reply.clone());
            lock(&under_way.committed).push(Done { call, reply });
        }
    }

    /// The same inside a part.
    pub(super) fn inside(&self, inner: Option<&Inner>) -> Self {
        let Some(inner) = inner else {
            return self.clone();
        };
        Self {
            under_way: Some(UnderWay {
                transaction: inner.part.transaction().clone(),
                committed: Arc::clone(&inner.committed),
            }),
            depth: self.depth,
        }
    }
}

impl Inner {
    /// Errors: `TransactionOver` where what is around it ended before.
    pub(super) fn keep(self) -> Result<(), Error> {
        self.part.keep()?;
        lock(&self.outer).append(&mut lock(&self.committed));
        Ok(())
    }
}

/// A call that has done its part.
struct Done {
    call: Call,
    reply: Reply,
}

/// The code that stands where a command is.
#[derive(Clone)]
pub(super) struct Coded {
    pub(super) resource: ResourceIndex,
    pub(super) spot: Spot,
    /// Where it is in the code.
    place: EntryPlace,
    pub(super) logics: Arc<Logics>,
    /// Whether the logic runs, or the hooks alone.
    pub(super) logic: bool,
}

impl Coded {
    pub(super) fn entry(&self) -> &Entry {
        self.logics.at(self.place)
    }

    /// Tells the log how it failed, unless that is a client's fault.
    pub(super) fn tell(
        &self,
        context: &Context,
        view: &ModelView,
        mut refusal: Refusal,
    ) -> Refusal {
        let resource = view.resource(self.resource);
        let place = Place {
            resource: &resource.name,
            point: self.spot.name(resource),
            logic: self.entry().name(),
        };
        fault::tell(context, &place, &mut refusal);
        refusal
    }
}

/// What stands where a command is.
enum Standing<'a> {
    None,
    /// It would pass code by.
    Refused(Refusal),
    /// It has items, and some of them meet code.
    Items(Whose<'a>, String),
    Code(Coded),
}

impl<'a> Standing<'a> {
    fn of(logics: &Arc<Logics>, work: &Work<'a>, command: &Command, logic: bool) -> Self {
        if logics.is_empty() {
            return Self::None;
        }
        if command.writes() {
            if let Err(refusal) = passed::check(work, command, logics) {
                return Self::Refused(refusal);
            }
            if let Some((whose, body)) = items::of(work.view, command)
                && items::meet_code(work, whose, body, logics)
            {
                return Self::Items(whose, body.to_owned());
            }
        }
        let version = work.context.version.0;
        let found = Spot::of(command).and_then(|(resource, spot)| {
            let place = logics.place(version, resource, spot)?;
            Some((resource, spot, place))
        });
        match found {
            None => Self::None,
            Some((resource, spot, place)) => Self::Code(Coded {
                resource,
                spot,
                place,
                logics: Arc::clone(logics),
                logic,
            }),
        }
    }
}

impl Operations {
    /// Carries a command out, by the code that stands there if there is any: with its logic or with
    /// the hooks alone.
    pub(crate) fn with_code<'a>(
        &'a self,
        work: Work<'a>,
        command: Command,
        logic: bool,
    ) -> Carried<'a> {
        let standing = |logics: &Arc<Logics>| Standing::of(logics, &work, &command, logic);
        let standing = match command.writes() {
            // Its body may be read for it, which takes too long for a lock.
            true => standing(&self.logics()),
            false => self.with_logics(standing),
        };
        let coded = match standing {
            Standing::None => return self.run(work, command),
            Standing::Refused(refusal) => return refused(refusal),
            Standing::Items(whose, body) => return self.items(work, whose, body),
            Standing::Code(coded) => coded,
        };
        match self.within() {
            None if coded.spot.writes() => Box::pin(async move {
                let outcome = self.transacted(&work, &coded, command).await;
                outcome.map_err(|refusal| coded.tell(work.context, work.view, refusal))
            }),
            None => self.plain(&work, coded, command),
            Some(within) => Box::pin(async move {
                let outcome = self.inner(&work, &coded, command, within).await;
                outcome.map_err(|refusal| coded.tell(work.context, work.view, refusal))
            }),
        }
    }

    /// Code of a read: there is no transaction.
    fn plain(&self, work: &Work<'_>, coded: Coded, command: Command) -> Carried<'static> {
        let within = Within {
            under_way: None,
            depth: 1,
        };
        let Options { streams, timed, .. } = work.options;
        let call = Call::new(self.inside(within), work, coded, command);
        Box::pin(Reading::begin(call, streams, timed))
    }

    /// Code for other code under way: what it wrote goes when it fails.
    async fn inner(
        &self,
        work: &Work<'_>,
        coded: &Coded,
        command: Command,
        within: &Within,
    ) -> Result<Answer, Refusal> {
        let failed = |error| told(&error, work.view);
        let depth = within.depth + 1;
        if depth > MOST_DEPTH {
            let cause = format!("logic called logic {MOST_DEPTH} times deep");
            let message = "the code of operations calls itself in a circle";
            return Err(Refusal::new(Code::LogicCycle, message).because(cause));
        }
        let writes = coded.spot.writes();
        if writes && within.under_way.is_none() {
            return Box::pin(self.transacted(work, coded, command)).await;
        }
        let inner = match writes {
            true => within.part().await.map_err(failed)?,
            false => None,
        };
        let within = Within {
            depth,
            ..within.inside(inner.as_ref())
        };
        let operations = self.inside(within.clone());
        let call = Call::new(operations, work, coded.clone(), command);
        let reply = chain::run(&call).await?;
        within.note(&call, &reply);
        let answer = settled(&call, reply, work.options.streams).await?;
        if let Some(inner) = inner {
            inner.keep().map_err(failed)?;
        }
        Ok(answer)
    }

    /// Code in a transaction of its own, which begins when it first needs the database.
    async fn transacted(
        &self,
        work: &Work<'_>,
        coded: &Coded,
        command: Command,
    ) -> Result<Answer, Refusal> {
        let resource = work.view.resource(coded.resource);
        let how = How {
            apart: match resource.lock.map(|field| resource.field(field)) {
                // Only where there always is a row to lock: a new record names its parent, one that
                // is there has one.
                Some(field) if !field.optional && names_record(&command) => Apart::Locked,
                _ => Apart::Serializable,
            },
            late: coded.entry().is_late(),
            ..How::default()
        };
        let begun = Begun::of(self, work);
        let run = move |within: Within| -> Running {
            let (operations, work) = begun.inside(within.clone());
            let call = Call::new(operations, &work, coded.clone(), command.clone());
            Box::pin(async move {
                let reply = chain::run(&call).await?;
                within.note(&call, &reply);
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
        let committed: Arc<Committed> = Arc::default();
        let noted = how.receipt.is_some();
        let make = |transaction: Transaction| -> Task {
            let kept = Arc::clone(&outcome);
            lock(&committed).clear();
            let running = run(Within {
                under_way: Some(UnderWay {
                    transaction,
                    committed: Arc::clone(&committed),
                }),
                depth: 1,
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
        let transacted = scope.transact(work.view, &work.stamp(), &how, &make).await;
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
    async fn after_commit(&self, committed: &Committed) {
        let all = std::mem::take(&mut *lock(committed));
        for Done { call, reply } in all {
            chain::committed(&call.after(self.clone(), reply)).await;
        }
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
    now: Timestamp,
}

impl Begun {
    pub(super) fn of(operations: &Operations, work: &Work<'_>) -> Self {
        Self {
            operations: operations.clone(),
            context: work.context.clone(),
            view: work.view.clone(),
            now: work.now,
        }
    }

    /// The operations inside a transaction, with what a command needs.
    pub(super) fn inside(&self, within: Within) -> (Operations, Work<'_>) {
        let work = Work {
            context: &self.context,
            view: &self.view,
            now: self.now,
            options: Options::default(),
            route: ("transaction", "transactions"),
        };
        (self.operations.inside(within), work)
    }
}

fn lock(committed: &Committed) -> std::sync::MutexGuard<'_, Vec<Done>> {
    committed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a command is for one record, new or there; an action of a collection is for none.
fn names_record(command: &Command) -> bool {
    !matches!(command, Command::Action { id: None, .. })
}

/// The answer of code. Records that it left to be streamed are read here, unless whoever asked reads
/// them.
pub(super) async fn settled(call: &Call, reply: Reply, streams: bool) -> Result<Answer, Refusal> {
    let Answer::Streamed(streamed) = &reply.answer else {
        return Ok(reply.into_answer());
    };
    if streams {
        return Ok(reply.answer);
    }
    let command = call.state().command.clone();
    let Command::List { resource, request } = command else {
        return Err(ungrouped());
    };
    let Shared {
        operations,
        context,
        view,
        ..
    } = &*call.shared;
    let listed = view.resource(resource);
    let asked = ListRequest::clone(&request);
    let (index, request) = streamed.request(view, listed, asked, call.now())?;
    let asked = AskedList::from(request);
    let reading = operations.list(context, view, view.resource(index), &asked);
    let mut list = Box::pin(reading).await?;
    list.listing.json = streamed.array(listed, &list.listing.json)?;
    Ok(Answer::List(Box::new(list)))
}

pub(super) fn late() -> Refusal {
    Refusal {
        retry_after: Some(1),
        ..Refusal::new(Code::Timeout, "the request took longer than allowed")
    }
}
