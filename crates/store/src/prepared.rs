//! Queries that are kept because they are asked again and again. Not the rendering of them.

use crate::render::{Frame, Param, Select, Statement, select};
use crate::shape::Shape;
use crate::{Namespace, Query};
use carnet_expr::{CompareOp, Predicate};
use carnet_kernel::Value;
use std::sync::{Arc, PoisonError, RwLock};

/// In how many namespaces a query is kept rendered; one more begins anew.
const MOST: usize = 16;

/// A query with what it was rendered to: once in each namespace, for whichever tenants ask. It
/// belongs to one view of one model, and to one store.
#[derive(Debug)]
pub struct PreparedQuery {
    query: Query,
    rendered: Rendered<Select>,
}

/// What was rendered, by namespace.
#[derive(Debug)]
struct Rendered<T>(RwLock<Vec<(Namespace, Arc<T>)>>);

impl<T> Default for Rendered<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T> Rendered<T> {
    fn get(&self, namespace: &Namespace) -> Option<Arc<T>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (_, found) = known.iter().find(|(known, _)| known == namespace)?;
        Some(Arc::clone(found))
    }

    fn keep(&self, namespace: &Namespace, rendered: Arc<T>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.push((namespace.clone(), rendered));
    }
}

impl PreparedQuery {
    /// A query that was not asked yet.
    pub fn new(query: Query) -> Self {
        Self {
            query,
            rendered: Rendered::default(),
        }
    }

    /// What is asked.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Its statements for the tenant of `frame`.
    pub(crate) fn select(&self, frame: Frame<'_>) -> Select {
        let namespace = &frame.placement.namespace;
        if let Some(known) = self.rendered.get(namespace) {
            return known.of_tenant(frame.tenant);
        }
        let made = select(frame, &self.query);
        if made.serves_all {
            self.rendered.keep(namespace, Arc::new(made.clone()));
        }
        made
    }
}

/// The read of one record by its key, whichever record it is: rendered once in each namespace.
#[derive(Debug)]
pub struct PreparedRecord {
    query: Query,
    rendered: Rendered<Template>,
}

/// A read of one record, ready to be run.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(crate) statement: Statement,
    pub(crate) shape: Arc<Shape>,
}

#[derive(Debug)]
struct Template {
    lookup: Lookup,
    /// Which of its parameters is the key.
    key: usize,
}

impl PreparedRecord {
    /// A read by the key of the query's resource; what else the query would filter by is replaced.
    pub fn new(query: Query) -> Self {
        Self {
            query,
            rendered: Rendered::default(),
        }
    }

    /// What finds the record with this key.
    fn lookup(&self, frame: Frame<'_>, key: &Value) -> Lookup {
        let namespace = &frame.placement.namespace;
        if let Some(template) = self.rendered.get(namespace) {
            let mut statement = template.lookup.statement.of_tenant(frame.tenant);
            if let Some(place) = statement.params.get_mut(template.key) {
                *place = Param::Value(key.clone());
            }
            return Lookup {
                statement,
                shape: Arc::clone(&template.lookup.shape),
            };
        }
        let by = frame.view.resource(self.query.resource).key;
        let query = Query {
            predicate: Predicate::compare(by, CompareOp::Eq, key.clone()),
            ..self.query.clone()
        };
        let lookup = Lookup::of(select(frame, &query));
        let params = lookup.statement.params.iter().enumerate();
        let mut places =
            params.filter(|(_, param)| matches!(param, Param::Value(value) if value == key));
        // Only when the place of the key is told for certain.
        if let (Some((key, _)), None) = (places.next(), places.next()) {
            let template = Template {
                lookup: lookup.clone(),
                key,
            };
            self.rendered.keep(namespace, Arc::new(template));
        }
        lookup
    }
}

impl Lookup {
    fn of(select: Select) -> Self {
        Self {
            statement: select.main,
            shape: select.shape,
        }
    }
}

/// One record that is looked for.
#[derive(Clone, Debug)]
pub(crate) enum Sought {
    /// The first of a query.
    First(Box<Query>),
    /// The one with this key.
    ByKey(Arc<PreparedRecord>, Value),
}

impl Sought {
    /// What of it is answered.
    pub(crate) fn query(&self) -> &Query {
        match self {
            Self::First(query) => query,
            Self::ByKey(prepared, _) => &prepared.query,
        }
    }

    pub(crate) fn lookup(&self, frame: Frame<'_>) -> Lookup {
        match self {
            Self::First(query) => Lookup::of(select(frame, query)),
            Self::ByKey(prepared, key) => prepared.lookup(frame, key),
        }
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
        assert_eq!(prepared.rendered.0.read().unwrap().len(), kept);
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

    #[track_caller]
    fn check_record(prepared: &Arc<PreparedRecord>, frame: Frame<'_>, kept: usize) {
        for (tenant, id) in [(7, 1), (7, 2), (20, 1)] {
            let key = Value::Id(Id::from_u128(id));
            let frame = Frame {
                tenant: TenantKey(tenant),
                ..frame
            };
            let resource = frame.view.resource(prepared.query.resource);
            let expected = Query {
                predicate: Predicate::compare(resource.key, CompareOp::Eq, key.clone()),
                ..prepared.query.clone()
            };
            let found = Sought::ByKey(Arc::clone(prepared), key).lookup(frame);
            let expected = Sought::First(Box::new(expected)).lookup(frame);
            assert_eq!(found.statement, expected.statement);
        }
        assert_eq!(prepared.rendered.0.read().unwrap().len(), kept);
    }

    #[test]
    fn each_record_is_looked_for_by_what_is_rendered_for_it() {
        let fixture = Fixture::new();
        let elsewhere = Placement {
            namespace: Namespace::new("tenant_9").unwrap(),
        };
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            for resource in ["goods", "countries"] {
                let frame = fixture.frame(dialect, Wall::Rls);
                let prepared = Arc::new(PreparedRecord::new(fixture.query(resource, "", "")));
                check_record(&prepared, frame, 1);
                let moved = Frame {
                    placement: &elsewhere,
                    ..frame
                };
                check_record(&prepared, moved, 2);
            }
        }
    }
}
