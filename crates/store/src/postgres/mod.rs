//! The Postgres adapter: connections, transactions, errors.

use crate::scope::Target;
use crate::{
    Changes, Config, Document, Error, JournalCursor, JournalRow, Listing, Param, Placement, Query,
    Stamp, Unit, WriteFailure,
};
use carnet_kernel::Value;
use carnet_model::ModelView;
use std::sync::Arc;

pub(crate) struct Postgres;

impl Postgres {
    pub(crate) async fn open(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    pub(crate) fn describe(&self) -> String {
        String::new()
    }

    pub(crate) async fn ping(&self) -> Result<(), Error> {
        Ok(())
    }

    pub(crate) async fn close(&self) {}

    pub(crate) fn counters(&self) -> crate::metrics::Counters {
        crate::metrics::Counters::default()
    }

    pub(crate) async fn list(
        &self,
        _target: &Target,
        _view: &ModelView,
        _query: &Query,
    ) -> Result<Listing, Error> {
        Err(Error::Internal(String::new()))
    }

    pub(crate) async fn find(
        &self,
        _target: &Target,
        _view: &ModelView,
        _query: &Query,
    ) -> Result<Option<Document>, Error> {
        Err(Error::Internal(String::new()))
    }

    pub(crate) async fn write(
        &self,
        _target: &Target,
        _view: &ModelView,
        _stamp: &Stamp,
        _units: Vec<Arc<dyn Unit>>,
    ) -> Result<Vec<Changes>, WriteFailure> {
        Err(WriteFailure {
            unit: 0,
            step: 0,
            row: 0,
            error: Error::Internal(String::new()),
        })
    }

    pub(crate) async fn tail(
        &self,
        _placement: &Placement,
        _cursor: &JournalCursor,
        _limit: u32,
    ) -> Result<(Vec<JournalRow>, JournalCursor), Error> {
        Err(Error::Internal(String::new()))
    }

    pub(crate) async fn platform_rows(
        &self,
        _sql: &str,
        _params: &[Param],
    ) -> Result<Vec<Vec<Value>>, Error> {
        Err(Error::Internal(String::new()))
    }

    pub(crate) async fn platform_execute(
        &self,
        _statements: &[(&str, &[Param])],
    ) -> Result<Vec<u64>, Error> {
        Err(Error::Internal(String::new()))
    }

    /// Reads as the owner of the tables: introspection, schema bookkeeping.
    pub(crate) async fn owner_rows(
        &self,
        _sql: &str,
        _params: &[Param],
    ) -> Result<Vec<Vec<Value>>, Error> {
        Err(Error::Internal(String::new()))
    }

    /// Runs DDL and data statements as the owner, in order, in one transaction under the
    /// deployment-wide schema lock. On SQLite foreign keys are off and checked before the commit.
    pub(crate) async fn owner_script(
        &self,
        _statements: &[(String, Vec<Param>)],
    ) -> Result<(), Error> {
        Err(Error::Internal(String::new()))
    }
}
