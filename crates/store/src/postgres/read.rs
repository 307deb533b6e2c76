//! Reads: the tenant and the statement in one flight, rows written to JSON as they came. The SQL
//! is `render`'s.

use super::bind::Bind;
use super::cells::RowCells;
use super::connect::{Isolation, Setting};
use super::errors::Meaning;
use super::flight::{Answer, Failed, Limit, Message};
use super::pool::{Held, Pool};
use crate::shape::{Bound, Cells, Finished, Page};
use crate::{Error, Listing, Query, Statement, render::Select};
use carnet_kernel::{ByteSize, TenantKey};
use std::time::{Duration, Instant};

/// How often a read whose snapshot was refused, or whose session was dead, runs again.
const MOST_RERUNS: u32 = 3;

/// What all statements of one read have in common.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) pool: &'a Pool,
    pub(super) tenant: TenantKey,
    pub(super) deadline: Option<Instant>,
    /// How long a flight may take: a little longer than the server gives a statement.
    pub(super) patience: Duration,
    /// The most bytes of an answer.
    pub(super) limit: ByteSize,
}

impl Reader<'_> {
    /// Reads a list, and in a second flight its total when the page did not tell it.
    pub(super) async fn list(&self, select: &Select, query: &Query) -> Result<Listing, Error> {
        let bound = Bound::list(self.limit, query);
        let mut answers = Box::pin(self.run(&[&select.main], bound)).await?;
        loop {
            let mut page = Page::new(&select.shape, query, self.limit);
            for row in answers
                .first()
                .map_or(&[][..], |answer| answer.rows.as_slice())
            {
                page.row(&RowCells(row))?;
            }
            let uncounted = match page.finish() {
                Finished::Whole(listing) => return Ok(listing),
                Finished::Uncounted(uncounted) => uncounted,
            };
            let Some(count) = &select.fallback_count else {
                return Ok(uncounted.counted(0));
            };
            if let Some(counted) = answers.get(1).and_then(|answer| answer.rows.first()) {
                let counted = RowCells(counted).integer(0)?;
                return Ok(uncounted.counted(counted.unwrap_or(0)));
            }
            // Page and total must be of one snapshot.
            answers = Box::pin(self.run(&[&select.main, count], bound)).await?;
            if answers.get(1).is_none_or(|answer| answer.rows.is_empty()) {
                return Err(Error::Internal("a count answered no row".to_owned()));
            }
        }
    }

    /// Runs statements of one snapshot; several need a transaction round them.
    pub(super) async fn run(
        &self,
        statements: &[&Statement],
        bound: Bound,
    ) -> Result<Vec<Answer>, Error> {
        let mut reruns = 0;
        loop {
            let wanted = Some(self.setting());
            let mut held = self.pool.take(self.deadline, wanted).await?;
            let failed = match Box::pin(self.flight(&mut held, statements, bound)).await {
                Ok(answers) if answers.iter().any(|answer| answer.cut) => {
                    return Err(bound.exceeded());
                }
                Ok(answers) => return Ok(answers),
                Err(failed) if failed.cause.outgrew() => return Err(bound.exceeded()),
                Err(failed) => failed,
            };
            let again = matches!(
                failed.cause.meaning(),
                Meaning::Lost | Meaning::Outdated | Meaning::Gone
            );
            if !again || reruns >= MOST_RERUNS {
                return Err(match failed.cause.general() {
                    // The time of a read, or of a lock it waited for.
                    Error::TooLong => Error::Timeout,
                    error => error,
                });
            }
            reruns += 1;
        }
    }

    fn setting(&self) -> Setting {
        Setting {
            tenant: self.tenant,
            isolation: Isolation::ReadCommitted,
        }
    }

    async fn flight(
        &self,
        held: &mut Held,
        statements: &[&Statement],
        bound: Bound,
    ) -> Result<Vec<Answer>, Failed> {
        let mut messages = Vec::with_capacity(4);
        if held.setting() != Some(self.setting()) {
            messages.push(Message::set(self.setting()));
        }
        let whole = statements.len() > 1;
        if whole {
            messages.push(Message::begin(
                "begin isolation level repeatable read read only",
            ));
        }
        let before = messages.len();
        for statement in statements {
            let binds = Bind::params(&statement.params);
            messages.push(Message::bounded(&statement.sql, binds, bound.handed_over()));
        }
        if whole {
            messages.push(Message::commit());
        }
        let latest = Instant::now() + self.patience;
        let limit = Limit::reading(Some(self.deadline.map_or(latest, |at| at.min(latest))));
        let mut answers = held.flight(&messages, limit).await?;
        answers.drain(..before);
        Ok(answers)
    }
}
