//! Commands that read: requests to queries, cursors to places and back. Not the SQL of a query.

use crate::asked::AskedList;
use crate::command::{Explained, GroupAnswer, ListAnswer, RecordAnswer};
use crate::cursor::{Fingerprint, Place};
use crate::operations::{Operations, told};
use crate::parse::{GroupRequest, ReadRequest};
use crate::plan;
use carnet_kernel::{Code, Context, Detail, Refusal, Value};
use carnet_model::{ModelView, Resource};
use carnet_store::{Deleted, Error, PreparedQuery};
use std::sync::Arc;
use std::time::Instant;

impl Operations {
    pub(crate) async fn read(
        &self,
        context: &Context,
        view: &ModelView,
        resource: &Resource,
        (key, request): (Value, ReadRequest),
    ) -> Result<RecordAnswer, Refusal> {
        let failed = |error: Error| told(&error, view);
        let whole = request.fields.is_none() && request.included.is_empty();
        let scope = self.scope(context, resource).await.map_err(failed)?;
        let found = if whole && request.deleted == Deleted::Hidden {
            let prepared = self.whole_records().of(view, resource);
            scope.find_prepared(view, &prepared, key).await
        } else {
            let query = plan::read(view, resource, key, request);
            scope.find(view, &query).await
        };
        let document = found
            .map_err(failed)?
            .ok_or_else(|| Refusal::not_found(&resource.name))?;
        Ok(RecordAnswer {
            json: document.json,
            created: None,
            version: document.version.filter(|_| whole),
        })
    }

    pub(crate) async fn list(
        &self,
        context: &Context,
        view: &ModelView,
        resource: &Resource,
        asked: &AskedList,
    ) -> Result<ListAnswer, Refusal> {
        let failed = |error: Error| told(&error, view);
        let scope = self.scope(context, resource).await.map_err(failed)?;
        let list = Fingerprint::of(scope.tenant(), view.hash(), resource, &asked.binding);
        let place = self.place(view, list, asked.cursor.as_deref()).await?;
        self.check_explain(asked.explain)?;
        let first = asked.prepared(view, resource);
        let prepared = match place {
            None => Arc::clone(first),
            Some(place) => {
                let mut query = first.query().clone();
                query.seek.after = Some(place.values);
                query.seek.backwards = place.backwards;
                Arc::new(PreparedQuery::new(query))
            }
        };
        let query = prepared.query();
        let started = Instant::now();
        let mut listing = scope.list_prepared(view, &prepared).await.map_err(failed)?;
        let took = started.elapsed();
        let explained = if asked.explain {
            let explanation = scope.explain(view, query).await.map_err(failed)?;
            Some(Explained { explanation, took })
        } else {
            None
        };
        let began = query.seek.after.is_none() && query.window.offset == 0;
        let ends = (listing.first.take().filter(|_| !began), listing.last.take());
        let (prev, next) = self.sealed(list, ends).await.map_err(failed)?;
        Ok(ListAnswer {
            next,
            prev,
            listing,
            explained,
        })
    }

    /// The cursors to what stands before the first of a page and behind its last.
    async fn sealed(
        &self,
        list: Fingerprint,
        (first, last): (Option<Vec<Value>>, Option<Vec<Value>>),
    ) -> Result<(Option<String>, Option<String>), Error> {
        if first.is_none() && last.is_none() {
            return Ok((None, None));
        }
        let key = self.cursor_key().await?;
        let seal = |values: Option<Vec<Value>>, backwards| {
            let place = Place {
                values: values?,
                backwards,
            };
            Some(key.seal(list, &place))
        };
        Ok((seal(first, true), seal(last, false)))
    }

    pub(crate) async fn group(
        &self,
        context: &Context,
        view: &ModelView,
        resource: &Resource,
        mut request: GroupRequest,
    ) -> Result<GroupAnswer, Refusal> {
        let failed = |error: Error| told(&error, view);
        let explain = request.explain;
        self.check_explain(explain)?;
        let scope = self.scope(context, resource).await.map_err(failed)?;
        let list = Fingerprint::of(scope.tenant(), view.hash(), resource, &request.binding);
        let place = self
            .place(view, list, request.cursor.take().as_deref())
            .await?;
        let mut grouping = plan::groups(resource, request);
        if let Some(place) = place {
            grouping.seek.after = Some(place.values);
            grouping.seek.backwards = place.backwards;
            grouping.counted = false;
        }
        let started = Instant::now();
        let mut groups = scope.group(view, &grouping).await.map_err(failed)?;
        let took = started.elapsed();
        let explained = if explain {
            let explanation = scope
                .explain_groups(view, &grouping)
                .await
                .map_err(failed)?;
            Some(Explained { explanation, took })
        } else {
            None
        };
        let began = grouping.seek.after.is_none() && grouping.window.offset == 0;
        let ends = (groups.first.take().filter(|_| !began), groups.last.take());
        let (prev, next) = self.sealed(list, ends).await.map_err(failed)?;
        Ok(GroupAnswer {
            groups,
            next,
            prev,
            explained,
        })
    }

    fn check_explain(&self, asked: bool) -> Result<(), Refusal> {
        if !asked || self.explains() {
            return Ok(());
        }
        let message = "`explain` is switched off here (setting `server.explain`)";
        let detail = Detail::new("explain", "setting", message);
        Err(Refusal::new(Code::InvalidParameter, message).with(detail))
    }

    /// The place that a cursor stands for, when it belongs to the list.
    pub(crate) async fn place(
        &self,
        view: &ModelView,
        list: Fingerprint,
        cursor: Option<&str>,
    ) -> Result<Option<Place>, Refusal> {
        let Some(text) = cursor else {
            return Ok(None);
        };
        let key = self
            .cursor_key()
            .await
            .map_err(|error| told(&error, view))?;
        key.open(list, text).map(Some)
    }
}
