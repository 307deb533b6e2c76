//! A query that is kept because it is asked again and again. Not the rendering of it.

use crate::render::{Frame, Select, select};
use crate::{Namespace, Query};
use std::sync::{Arc, PoisonError, RwLock};

/// In how many namespaces a query is kept rendered; one more begins anew.
const MOST: usize = 16;

/// A query with what it was rendered to: once in each namespace, for whichever tenants ask. It
/// belongs to one view of one model, and to one store.
#[derive(Debug)]
pub struct PreparedQuery {
    query: Query,
    rendered: RwLock<Vec<(Namespace, Arc<Select>)>>,
}

impl PreparedQuery {
    /// A query that was not asked yet.
    pub fn new(query: Query) -> Self {
        Self {
            query,
            rendered: RwLock::default(),
        }
    }

    /// What is asked.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Its statements for the tenant of `frame`.
    pub(crate) fn select(&self, frame: Frame<'_>) -> Select {
        let namespace = &frame.placement.namespace;
        let known = self.rendered.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(known, _)| known == namespace);
        if let Some((_, select)) = found {
            return select.of_tenant(frame.tenant);
        }
        drop(known);
        let made = select(frame, &self.query);
        if made.serves_all {
            let kept = (namespace.clone(), Arc::new(made.clone()));
            let mut known = self
                .rendered
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MOST {
                known.clear();
            }
            known.push(kept);
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixture::Fixture;
    use crate::{Dialect, Placement, Wall};
    use carnet_expr::{CompareOp, Predicate};
    use carnet_kernel::{Id, TenantKey, Value};

    #[track_caller]
    fn check(prepared: &PreparedQuery, frame: Frame<'_>, kept: usize) {
        for tenant in [7, 7, 20] {
            let frame = Frame {
                tenant: TenantKey(tenant),
                ..frame
            };
            let expected = select(frame, prepared.query());
            let found = prepared.select(frame);
            assert_eq!(found.main, expected.main);
            assert_eq!(found.fallback_count, expected.fallback_count);
            assert_eq!(found.estimate, expected.estimate);
        }
        assert_eq!(prepared.rendered.read().unwrap().len(), kept);
    }

    #[test]
    fn each_tenant_is_given_what_is_rendered_for_it() {
        let fixture = Fixture::new();
        let elsewhere = Placement {
            namespace: Namespace::new("tenant_9").unwrap(),
        };
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let frame = fixture.frame(dialect, Wall::Rls);
            let mut query = fixture.query("goods", "", "");
            let key = fixture.resource("goods").key;
            query.predicate = Predicate::compare(key, CompareOp::Gt, Value::Id(Id::from_u128(5)));
            query.count = crate::Count::Estimate(10);
            let prepared = PreparedQuery::new(query);
            check(&prepared, frame, 1);
            let moved = Frame {
                placement: &elsewhere,
                ..frame
            };
            check(&prepared, moved, 2);
        }
    }
}
