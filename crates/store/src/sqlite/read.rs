//! Reads over one session, on a reader thread or inside a transaction under way. Not who runs them.

use super::bind;
use super::cells::Line;
use super::errors::Failure;
use super::session::Session;
use crate::estimate::{Estimates, Key};
use crate::prepared::Lookup;
use crate::render::{GroupStatement, Select};
use crate::shape::{Bound, Finished, GroupPage, Page};
use crate::{Document, Grouping, Groups, Listing, PreparedQuery, Statement};
use carnet_kernel::ByteSize;
use std::sync::Arc;

/// A list to read.
pub(super) struct Listed {
    pub(super) select: Select,
    pub(super) prepared: Arc<PreparedQuery>,
    pub(super) limit: ByteSize,
    pub(super) estimates: Arc<Estimates>,
}

impl Listed {
    pub(super) fn run(&self, session: &Session) -> Result<Listing, Failure> {
        let select = &self.select;
        let query = self.prepared.query();
        let main = &select.main;
        let bound = Bound::list(self.limit, query);
        let mut page = Page::new(&select.shape, query, self.limit);
        session.within(bound, &select.shape, &main.params, || {
            session.query(
                &main.sql,
                |statement| bind::bind(statement, &main.params),
                |row| page.row(&Line(row)).map_err(Failure::from),
            )
        })?;
        let listing = match page.finish() {
            Finished::Whole(listing) => listing,
            Finished::Uncounted(uncounted) => {
                let count = select.fallback_count.as_ref();
                uncounted.counted(count.map_or(Ok(0), |count| number(session, count))?)
            }
        };
        let wanted = select.estimate.as_ref();
        let Some(estimate) = wanted.filter(|_| listing.wants_estimate(query)) else {
            return Ok(listing);
        };
        let key = Key::of(estimate);
        let estimated = match self.estimates.known(key) {
            Some(known) => known,
            None => {
                let fresh = u64::try_from(number(session, estimate)?).unwrap_or(0);
                self.estimates.keep(key, fresh);
                fresh
            }
        };
        Ok(listing.estimated(query, estimated))
    }
}

/// The one number that a statement answers.
fn number(session: &Session, statement: &Statement) -> Result<i64, Failure> {
    let mut number = 0_i64;
    session.query(
        &statement.sql,
        |prepared| bind::bind(prepared, &statement.params),
        |row| {
            number = row.get(0)?;
            Ok::<(), Failure>(())
        },
    )?;
    Ok(number)
}

/// Groups to read.
pub(super) fn groups(
    session: &Session,
    rendered: &GroupStatement,
    grouping: &Grouping,
    limit: ByteSize,
) -> Result<Groups, Failure> {
    let statement = &rendered.statement;
    let mut page = GroupPage::new(&rendered.shape, grouping, Bound::groups(limit));
    session.query(
        &statement.sql,
        |prepared| bind::bind(prepared, &statement.params),
        |row| page.row(&Line(row)).map_err(Failure::from),
    )?;
    Ok(page.finish())
}

/// The first record that a lookup finds.
pub(super) fn document(
    session: &Session,
    lookup: &Lookup,
    bound: Bound,
) -> Result<Option<Document>, Failure> {
    let main = &lookup.statement;
    let mut found = None;
    session.within(bound, &lookup.shape, &main.params, || {
        session.query(
            &main.sql,
            |statement| bind::bind(statement, &main.params),
            |row| {
                if found.is_none() {
                    found = Some(lookup.shape.document(&Line(row), bound)?);
                }
                Ok::<(), Failure>(())
            },
        )
    })?;
    Ok(found)
}
