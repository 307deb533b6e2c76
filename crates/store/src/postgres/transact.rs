//! Code that talks to its transaction: what it asks at the same time is sent in one flight, over a
//! session that is held from its first request to its end. Not what a write decides.

use super::apply;
use super::bind::Bind;
use super::cells::RowCells;
use super::connect::{Isolation, Setting};
use super::flight::{Answer, Cause, Failed, Limit, Message};
use super::pool::Held;
use super::retry::Plan;
use super::write::{self, Trouble, Write};
use super::{Postgres, errors, receipts};
use crate::estimate::{Key, planned_rows};
use crate::prepared::Lookup;
use crate::render::{self, GroupStatement, LoadStatement, Select};
use crate::shape::{Bound, Cells, Finished, GroupPage, Page};
use crate::transact::earlier;
use crate::transaction::{
    Asked, Found, Locking, Lost, Read, Reading, Reply, Request, Savepoint, Step, Writing, same_side,
};
use crate::{
    Apart, Ended, Error, Listing, Outcome, Receipt, Statement, Task, Transacted, WriteFailure,
    WriteOptions,
};
use carnet_kernel::TenantKey;
use std::time::{Duration, Instant};

impl Postgres {
    /// Runs code to its end over a session of its own.
    pub(crate) async fn transact(&self, mut asked: Asked<'_>, mut task: Task) -> Result<(), Lost> {
        let first = std::mem::take(&mut asked.first);
        let turn = self.turns.turn(asked.target.tenant, asked.reruns);
        let _turn = match asked.target.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline.into(), turn)
                .await
                .map_err(|_| Error::Timeout)?,
            None => turn.await,
        };
        let schema_version = self.schema_version(asked.view.schema_hash()).await?;
        let isolation = match asked.how.apart {
            Apart::Serializable => Isolation::Serializable,
            Apart::Locked => Isolation::ReadCommitted,
        };
        let wanted = Setting {
            tenant: asked.target.tenant,
            isolation,
        };
        let held = self
            .serving
            .take(asked.target.deadline, Some(wanted))
            .await?;
        let mut talk = Talk {
            store: self,
            asked: &asked,
            schema_version,
            isolation,
            plan: Plan::inside(asked.reruns),
            held,
            began: None,
            failed: None,
            marked: 0,
        };
        let outcome = Box::pin(talk.course(first, &mut task)).await;
        // The code must not ask any more when its transaction ends.
        asked.desk.close();
        drop(task);
        match outcome {
            Ok(ended) => talk.end(ended).await,
            Err(lost) => {
                talk.roll_back().await;
                talk.known(lost).await
            }
        }
    }
}

/// A transaction under way.
struct Talk<'a> {
    store: &'a Postgres,
    asked: &'a Asked<'a>,
    schema_version: i64,
    isolation: Isolation,
    plan: Plan,
    held: Held,
    began: Option<Instant>,
    /// Why it can only be undone.
    failed: Option<Error>,
    /// How many parts are open in the database.
    marked: usize,
}

/// What a flight of reads is made of.
enum Rendered {
    List(Box<Select>),
    Group(Box<GroupStatement>),
    Find(Box<Lookup>),
}

impl Rendered {
    fn statement(&self) -> &Statement {
        match self {
            Self::List(select) => &select.main,
            Self::Group(group) => &group.statement,
            Self::Find(lookup) => &lookup.statement,
        }
    }
}

impl<'a> Talk<'a> {
    /// Lets the code go on until it ends.
    async fn course(&mut self, first: Vec<Request>, task: &mut Task) -> Result<Ended, Lost> {
        self.check_seen().await?;
        let asked = self.asked;
        let mut requests = first;
        loop {
            self.serve(requests).await?;
            let step = match self.until() {
                Some(until) => tokio::time::timeout_at(until.into(), asked.desk.step(task))
                    .await
                    .map_err(|_| self.out_of_time())??,
                None => asked.desk.step(task).await?,
            };
            requests = match step {
                Step::Ended(ended) => {
                    let left = asked.desk.close();
                    if ended.keep && !asked.how.dry_run && self.began.is_some() {
                        for savepoint in left {
                            self.savepoint(savepoint).await?;
                        }
                    }
                    return Ok(ended);
                }
                Step::Asks => asked.desk.take(),
            };
        }
    }

    /// When the transaction must be over.
    fn until(&self) -> Option<Instant> {
        let budget = self
            .began
            .map(|began| began + self.store.config.transaction_budget.0);
        match (budget, self.asked.target.deadline) {
            (Some(budget), Some(deadline)) => Some(budget.min(deadline)),
            (budget, deadline) => budget.or(deadline),
        }
    }

    fn out_of_time(&self) -> Error {
        match self.asked.target.deadline {
            Some(deadline) if deadline <= Instant::now() => Error::Timeout,
            _ => Error::TooLong,
        }
    }

    /// What was read early must still be so.
    async fn check_seen(&mut self) -> Result<(), Lost> {
        let asked = self.asked;
        if asked.seen.is_empty() {
            return Ok(());
        }
        let readings: Vec<&Reading> = asked.seen.iter().map(|(reading, _)| reading).collect();
        let found = self.read(&readings).await?;
        for (found, (_, seen)) in found.into_iter().zip(&asked.seen) {
            if found? != *seen {
                return Err(Lost::Again);
            }
        }
        Ok(())
    }

    /// Carries requests out, in their order; reads that follow one another go together.
    async fn serve(&mut self, requests: Vec<Request>) -> Result<(), Lost> {
        let mut reads: Vec<(Reading, Reply<Result<Found, Error>>)> = Vec::new();
        for request in requests {
            match request {
                Request::Read(reading, reply) => {
                    reads.push((*reading, reply));
                    continue;
                }
                Request::Write(writing, reply) => {
                    self.serve_reads(&mut reads).await?;
                    let outcome = self.write(*writing).await?;
                    drop(reply.send(outcome));
                }
                Request::Savepoint(savepoint) => {
                    self.serve_reads(&mut reads).await?;
                    self.savepoint(savepoint).await?;
                }
                Request::Lock(locking, reply) => {
                    self.serve_reads(&mut reads).await?;
                    let outcome = self.lock(locking).await?;
                    drop(reply.send(outcome));
                }
            }
        }
        self.serve_reads(&mut reads).await
    }

    async fn serve_reads(
        &mut self,
        reads: &mut Vec<(Reading, Reply<Result<Found, Error>>)>,
    ) -> Result<(), Lost> {
        let reads = std::mem::take(reads);
        if reads.is_empty() {
            return Ok(());
        }
        let readings: Vec<&Reading> = reads.iter().map(|(reading, _)| reading).collect();
        let found = self.read(&readings).await?;
        for ((_, reply), found) in reads.into_iter().zip(found) {
            drop(reply.send(found));
        }
        Ok(())
    }

    /// Reads in one flight, and in a second one the totals that the pages did not tell.
    async fn read(&mut self, readings: &[&Reading]) -> Result<Vec<Result<Found, Error>>, Lost> {
        if self.failed.is_some() {
            return Ok(readings.iter().map(|_| Err(Error::Conflict)).collect());
        }
        let limit = self.store.config.answer_limit;
        let rendered: Vec<(Rendered, Bound)> = readings
            .iter()
            .map(|reading| {
                let frame = self.store.frame(&reading.target, &reading.view);
                match &reading.read {
                    Read::List(prepared) => (
                        Rendered::List(Box::new(prepared.select(frame))),
                        Bound::list(limit, prepared.query()),
                    ),
                    Read::Group(grouping) => (
                        Rendered::Group(Box::new(render::grouping(frame, grouping))),
                        Bound::groups(limit),
                    ),
                    Read::Find(sought) => (
                        Rendered::Find(Box::new(sought.lookup(frame))),
                        Bound::record(limit, sought.query()),
                    ),
                }
            })
            .collect();
        let statements: Vec<(&Statement, Bound)> = rendered
            .iter()
            .map(|(rendered, bound)| (rendered.statement(), *bound))
            .collect();
        let answers = match self.flight(&statements).await? {
            Ok(answers) => answers,
            Err(error) => {
                let mut first = Some(error);
                let told = |_: &&Reading| Err(first.take().unwrap_or(Error::Conflict));
                return Ok(readings.iter().map(told).collect());
            }
        };
        let mut found = Vec::with_capacity(readings.len());
        for ((reading, (rendered, bound)), answer) in readings.iter().zip(&rendered).zip(&answers) {
            if answer.cut {
                self.failed = Some(bound.exceeded());
                found.push(Err(bound.exceeded()));
                continue;
            }
            found.push(match (&reading.read, rendered) {
                (Read::List(prepared), Rendered::List(select)) => {
                    let query = prepared.query();
                    let page = list_page(select, query, limit, answer);
                    match page {
                        Ok(Finished::Whole(listing)) => self
                            .estimate(select, query, listing)
                            .await?
                            .map(Found::List),
                        Ok(Finished::Uncounted(uncounted)) => {
                            let counted = match &select.fallback_count {
                                Some(count) => self.number(count).await?,
                                None => Ok(0),
                            };
                            match counted {
                                Ok(counted) => self
                                    .estimate(select, query, uncounted.counted(counted))
                                    .await?
                                    .map(Found::List),
                                Err(error) => Err(error),
                            }
                        }
                        Err(error) => Err(error),
                    }
                }
                (Read::Group(grouping), Rendered::Group(group)) => {
                    let mut page = GroupPage::new(&group.shape, grouping, *bound);
                    let rows = answer
                        .rows
                        .iter()
                        .try_for_each(|row| page.row(&RowCells(row)));
                    rows.map(|()| Found::Groups(page.finish()))
                }
                (Read::Find(_), Rendered::Find(lookup)) => answer
                    .rows
                    .first()
                    .map(|row| lookup.shape.document(&RowCells(row), *bound))
                    .transpose()
                    .map(Found::Document),
                _ => Err(crate::transaction::unexpected()),
            });
        }
        Ok(found)
    }

    async fn estimate(
        &mut self,
        select: &Select,
        query: &crate::Query,
        listing: Listing,
    ) -> Result<Result<Listing, Error>, Lost> {
        let wanted = select.estimate.as_ref();
        let Some(estimate) = wanted.filter(|_| listing.wants_estimate(query)) else {
            return Ok(Ok(listing));
        };
        let key = Key::of(estimate);
        if let Some(known) = self.store.estimates.known(key) {
            return Ok(Ok(listing.estimated(query, known)));
        }
        let bound = Bound::groups(self.store.config.answer_limit);
        let answers = match self.flight(&[(estimate, bound)]).await? {
            Ok(answers) => answers,
            Err(error) => return Ok(Err(error)),
        };
        let plan = answers.first().and_then(|answer| answer.rows.first());
        let rows = match plan {
            Some(row) => match RowCells(row).json(0) {
                Ok(plan) => plan.and_then(planned_rows).unwrap_or(0),
                Err(error) => return Ok(Err(error)),
            },
            None => 0,
        };
        self.store.estimates.keep(key, rows);
        Ok(Ok(listing.estimated(query, rows)))
    }

    async fn number(&mut self, statement: &Statement) -> Result<Result<i64, Error>, Lost> {
        let bound = Bound::groups(self.store.config.answer_limit);
        let answers = match self.flight(&[(statement, bound)]).await? {
            Ok(answers) => answers,
            Err(error) => return Ok(Err(error)),
        };
        let row = answers.first().and_then(|answer| answer.rows.first());
        let number = row.map(|row| RowCells(row).integer(0)).transpose();
        Ok(number.map(|number| number.flatten().unwrap_or(0)))
    }

    /// Begins or ends a part. What failed meanwhile is over with the part that is undone.
    async fn savepoint(&mut self, savepoint: Savepoint) -> Result<(), Lost> {
        match savepoint {
            // It began when everything had failed already.
            Savepoint::Release(depth) | Savepoint::Undo(depth) if depth > self.marked => {
                return Ok(());
            }
            Savepoint::Mark(_) if self.failed.is_some() => return Ok(()),
            // Only what is around it can still be undone.
            Savepoint::Release(depth) if self.failed.is_some() => {
                self.marked = depth - 1;
                return Ok(());
            }
            Savepoint::Undo(_) => self.failed = None,
            Savepoint::Mark(_) | Savepoint::Release(_) => {}
        }
        let mut messages = self.envelope();
        messages.extend(savepoint.statements().into_iter().map(Message::frame));
        let now = Instant::now();
        let limit = Limit::reading(Some(self.until().unwrap_or(now + self.patience())));
        let outcome = Box::pin(self.held.flight(&messages, limit)).await;
        self.began.get_or_insert(now);
        if let Err(failed) = outcome {
            let error = self.read_failed(failed, None)?;
            return Err(error.into());
        }
        self.marked = match savepoint {
            Savepoint::Mark(depth) => depth,
            Savepoint::Release(depth) => depth - 1,
            Savepoint::Undo(depth) => {
                self.held.spoilt = false;
                depth - 1
            }
        };
        Ok(())
    }

    /// Locks records, in the order of their ids.
    async fn lock(&mut self, locking: Locking) -> Result<Result<(), Error>, Lost> {
        if locking.ids.is_empty() {
            return Ok(Ok(()));
        }
        let frame = self.store.frame(&locking.target, &locking.view);
        let LoadStatement { statement, .. } =
            render::load_records(frame, locking.resource, &locking.ids, true);
        let bound = Bound::groups(self.store.config.answer_limit);
        let locked = self.flight(&[(&statement, bound)]).await?;
        Ok(locked.map(|_| ()))
    }

    /// Sends statements together, with the beginning of the transaction where it is still to come.
    /// The inner error is the code's to hear; the transaction can then only be undone.
    async fn flight(
        &mut self,
        statements: &[(&Statement, Bound)],
    ) -> Result<Result<Vec<Answer>, Error>, Lost> {
        if self.failed.is_some() {
            return Ok(Err(Error::Conflict));
        }
        let mut messages = self.envelope();
        let before = messages.len();
        messages.extend(statements.iter().map(|(statement, bound)| {
            let binds = Bind::params(&statement.params);
            Message::bounded(&statement.sql, binds, bound.handed_over())
        }));
        let now = Instant::now();
        let limit = Limit::reading(Some(self.until().unwrap_or(now + self.patience())));
        match Box::pin(self.held.flight(&messages, limit)).await {
            Ok(mut answers) => {
                self.began.get_or_insert(now);
                answers.drain(..before);
                Ok(Ok(answers))
            }
            Err(failed) => {
                self.began.get_or_insert(now);
                let exceeded = failed
                    .at
                    .checked_sub(before)
                    .and_then(|at| statements.get(at));
                self.read_failed(failed, exceeded.map(|(_, bound)| *bound))
                    .map(Err)
            }
        }
    }

    fn patience(&self) -> Duration {
        self.store.config.transaction_budget.0
    }

    /// What the code hears of a flight that failed; the rest ends it.
    fn read_failed(&mut self, failed: Failed, bound: Option<Bound>) -> Result<Error, Lost> {
        if let Cause::Driver(error) = &failed.cause {
            match error.as_db_error().map(|error| error.message()) {
                Some(receipts::KNOWN) => return Err(Lost::Earlier(String::new())),
                Some(receipts::UNDER_WAY) => return Err(Error::UnderWay.into()),
                _ => {}
            }
            match errors::meaning(error) {
                errors::Meaning::Lost => return Err(Lost::Again),
                // Nothing of it has happened yet, so it may begin anew on another session.
                errors::Meaning::Gone | errors::Meaning::Outdated if self.asked.reruns == 0 => {
                    return Err(Lost::Again);
                }
                _ => {}
            }
        }
        if failed.cause.outgrew()
            && let Some(bound) = bound
        {
            self.failed = Some(bound.exceeded());
            return Ok(bound.exceeded());
        }
        match failed.cause.general() {
            // Its own time is over, or a statement's.
            Error::TooLong => Err(self.out_of_time().into()),
            error => Err(error.into()),
        }
    }

    /// What stands before the first statement of the transaction.
    fn envelope(&self) -> Vec<Message<'a>> {
        let mut messages = Vec::new();
        if self.began.is_some() {
            return messages;
        }
        let wanted = Setting {
            tenant: self.tenant(),
            isolation: self.isolation,
        };
        if self.held.setting().map(|set| set.tenant) != Some(wanted.tenant) {
            messages.push(Message::set(wanted));
        }
        messages.push(Message::begin(self.isolation.begin()));
        if let Some(receipt) = self.receipt() {
            messages.push(receipts::check(self.frame(), receipt));
        }
        messages
    }

    fn tenant(&self) -> TenantKey {
        self.asked.target.tenant
    }

    fn receipt(&self) -> Option<&'a Receipt> {
        self.asked.how.receipt.as_ref()
    }

    fn frame(&self) -> apply::Frame<'a> {
        let (asked, config) = (self.asked, &self.store.config);
        apply::Frame {
            view: asked.view,
            placement: &asked.target.placement,
            platform_schema: &config.platform_schema,
            wall: config.wall,
            tenant: asked.target.tenant,
            stamp: asked.stamp,
            schema_version: self.schema_version,
        }
    }

    /// A write of the code's own: undone when it fails, and the code goes on.
    async fn write(
        &mut self,
        writing: Writing,
    ) -> Result<Result<Vec<Outcome>, WriteFailure>, Lost> {
        if self.failed.is_some() {
            return Ok(Err(WriteFailure::nowhere(Error::Conflict)));
        }
        if let Err(error) = same_side(&writing.target, self.tenant()) {
            return Ok(Err(WriteFailure::nowhere(error)));
        }
        let store = self.store;
        let options = WriteOptions {
            policy: writing.policy,
            dry_run: false,
            receipt: self.receipt().cloned(),
        };
        let write = Write {
            frame: apply::Frame {
                view: &writing.view,
                placement: &writing.target.placement,
                platform_schema: &store.config.platform_schema,
                wall: store.config.wall,
                tenant: writing.target.tenant,
                stamp: &writing.stamp,
                schema_version: self.schema_version,
            },
            units: &writing.units,
            options: &options,
            budget: store.config.transaction_budget.0,
            deadline: self.asked.target.deadline,
            inside: Some(self.isolation),
        };
        let outcome = Box::pin(write::run_inside(
            write,
            &self.plan,
            &mut self.held,
            &mut self.began,
        ))
        .await;
        match outcome {
            Ok(outcomes) => Ok(Ok(outcomes)),
            Err(Trouble::Known) => Err(Lost::Earlier(String::new())),
            Err(Trouble::Lost { .. }) => Err(Lost::Again),
            Err(Trouble::Session(failure)) if self.asked.reruns == 0 => {
                drop(failure);
                Err(Lost::Again)
            }
            Err(Trouble::Set(failure) | Trouble::Session(failure) | Trouble::Failed(failure)) => {
                if !failure.is_own() {
                    return Err(failure.error.into());
                }
                if self.held.spoilt || (self.began.is_some() && !self.held.open) {
                    self.failed = Some(Error::Conflict);
                }
                Ok(Err(failure))
            }
        }
    }

    /// Ends the transaction as the code said.
    async fn end(mut self, ended: Ended) -> Result<(), Lost> {
        if let Some(error) = self.failed.take() {
            self.roll_back().await;
            return if ended.keep {
                Err(error.into())
            } else {
                Ok(())
            };
        }
        let how = self.asked.how;
        if !ended.keep || how.dry_run {
            self.roll_back().await;
            return Ok(());
        }
        let note = ended.note.as_deref();
        let kept = self.receipt().zip(note);
        if self.began.is_none() && kept.is_none() {
            return Ok(());
        }
        let mut messages = self.envelope();
        let place = messages.len();
        if let Some((receipt, note)) = kept {
            messages.push(receipts::keep(self.frame(), receipt, note));
        }
        messages.push(Message::commit());
        let limit = Limit {
            at: Some(
                self.until()
                    .unwrap_or_else(|| Instant::now() + self.patience()),
            ),
            settles: true,
        };
        let has_receipt = kept.is_some();
        match Box::pin(self.held.flight(&messages, limit)).await {
            Ok(answers) => {
                let lost = has_receipt && answers.get(place).is_some_and(|one| one.affected == 0);
                if lost {
                    return Err(Lost::Again);
                }
                let commits = &self.store.meter.commits;
                commits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Ok(())
            }
            Err(failed) => {
                let told = self.read_failed(failed, None);
                self.roll_back().await;
                match told {
                    Ok(error) => Err(error.into()),
                    Err(lost) => self.known(lost).await,
                }
            }
        }
    }

    /// Leaves the session as it was found, when it can still be talked to.
    async fn roll_back(&mut self) {
        if !self.held.open || self.held.flying || self.held.broken {
            return;
        }
        let limit = Limit::reading(Some(Instant::now() + Duration::from_secs(1)));
        let rollback = [Message::rollback()];
        if let Err(failed) = Box::pin(self.held.flight(&rollback, limit)).await {
            tracing::debug!(cause = ?failed.cause.general(), "a rollback failed");
        }
        self.held.spoilt = false;
    }

    /// Fetches the text of a receipt that was found on the way.
    async fn known(&self, lost: Lost) -> Result<(), Lost> {
        let (Lost::Earlier(_), Some(receipt)) = (&lost, self.receipt()) else {
            return Err(lost);
        };
        let asked = self.asked;
        let known = self
            .store
            .recall(asked.target, asked.stamp, receipt)
            .await?;
        match known {
            Some((request, text)) => match earlier(receipt, request, text)? {
                Transacted::Earlier(text) => Err(Lost::Earlier(text)),
                Transacted::Ended => Ok(()),
            },
            // It has expired meanwhile.
            None => Err(Lost::Again),
        }
    }
}

fn list_page(
    select: &Select,
    query: &crate::Query,
    limit: carnet_kernel::ByteSize,
    answer: &Answer,
) -> Result<Finished, Error> {
    let mut page = Page::new(&select.shape, query, limit);
    for row in &answer.rows {
        page.row(&RowCells(row))?;
    }
    Ok(page.finish())
}
