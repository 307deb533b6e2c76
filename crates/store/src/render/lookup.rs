//! The read of one whole record by its key, rendered once per resource: the same text for every
//! record, so that nothing is left of rendering but the values. Other reads are rendered each time.

use super::{Frame, Param, Select, Statement, select};
use crate::shape::Shape;
use crate::{Count, Namespace, Query};
use carnet_expr::{CompareOp, Operand, Path, Predicate};
use carnet_kernel::{TenantKey, Value};
use carnet_model::{ModelHash, ModelView, ResourceIndex};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// How many are kept. A deployment of more resources, models and namespaces than that begins anew.
const MOST: usize = 4_096;

/// A read of one record, ready to be run.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(crate) statement: Statement,
    pub(crate) shape: Arc<Shape>,
}

/// What was rendered already.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    known: RwLock<HashMap<(ModelHash, ResourceIndex), Templates>>,
}

/// The same read in each namespace.
type Templates = HashMap<Namespace, Arc<Template>>;

#[derive(Debug)]
struct Template {
    /// What it was rendered from. It answers every query that differs from it in the key alone.
    query: Query,
    statement: Statement,
    /// Which of its parameters is the key.
    key: usize,
    shape: Arc<Shape>,
}

impl Lookups {
    /// What answers `query` with its first record.
    pub(crate) fn lookup(&self, frame: Frame<'_>, query: &Query) -> Lookup {
        let Some(key) = key(frame.view, query) else {
            return Lookup::rendered(select(frame, query));
        };
        let place = (frame.view.hash(), query.resource);
        let known = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&place)
            .and_then(|templates| templates.get(&frame.placement.namespace))
            .map(Arc::clone);
        if let Some(template) = known {
            return if template.answers(query) {
                template.fill(frame.tenant, key)
            } else {
                Lookup::rendered(select(frame, query))
            };
        }
        let Some(made) = Template::new(frame, query, key).map(Arc::new) else {
            return Lookup::rendered(select(frame, query));
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.values().map(HashMap::len).sum::<usize>() >= MOST {
            known.clear();
        }
        let namespace = frame.placement.namespace.clone();
        known
            .entry(place)
            .or_default()
            .insert(namespace, Arc::clone(&made));
        drop(known);
        made.fill(frame.tenant, key)
    }
}

impl Lookup {
    fn rendered(select: Select) -> Self {
        Self {
            statement: select.main,
            shape: select.shape,
        }
    }
}

impl Template {
    /// Nothing when the key's place cannot be told for certain.
    fn new(frame: Frame<'_>, query: &Query, key: &Value) -> Option<Self> {
        let rendered = select(frame, query);
        let params = rendered.main.params.iter().enumerate();
        let mut places =
            params.filter(|(_, param)| matches!(param, Param::Value(value) if value == key));
        let (place, None) = (places.next()?.0, places.next()) else {
            return None;
        };
        Some(Self {
            query: query.clone(),
            statement: rendered.main,
            key: place,
            shape: rendered.shape,
        })
    }

    /// Whether `query` is the same but for its key, as far as [`key`] did not find that already.
    fn answers(&self, query: &Query) -> bool {
        let Query {
            resource: _,
            predicate: _,
            deleted,
            order: _,
            ranked,
            window,
            fields: _,
            includes: _,
            counts: _,
            count: _,
            seek,
        } = query;
        let own = &self.query;
        *deleted == own.deleted
            && *ranked == own.ranked
            && *window == own.window
            && *seek == own.seek
    }

    fn fill(&self, tenant: TenantKey, key: &Value) -> Lookup {
        let mut statement = self.statement.of_tenant(tenant);
        if let Some(place) = statement.params.get_mut(self.key) {
            *place = Param::Value(key.clone());
        }
        Lookup {
            statement,
            shape: Arc::clone(&self.shape),
        }
    }
}

/// The key, when the query asks for one record by its key, whole and without what is related to it.
fn key<'q>(view: &ModelView, query: &'q Query) -> Option<&'q Value> {
    let Predicate::Compare {
        op: CompareOp::Eq,
        left: Operand::Path(path),
        right: Operand::Value(key),
    } = &query.predicate
    else {
        return None;
    };
    let resource = view.resource(query.resource);
    let plain = query.includes.is_empty()
        && query.counts.is_empty()
        && query.order.is_empty()
        && query.count == Count::None;
    let own = *path == Path::own(resource.key) && !key.is_null();
    let whole = || {
        let all = resource.shown_fields().map(|(index, _)| index);
        query.fields.iter().copied().eq(all)
    };
    (plain && own && whole()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;
    use crate::{Dialect, Wall};
    use carnet_kernel::Id;

    fn query(fixture: &Fixture, resource: &str, key: u128) -> Query {
        let held = fixture.resource(resource);
        let mut query = fixture.query(resource, "", "");
        query.fields = held.each_field().map(|(index, _)| index).collect();
        query.predicate =
            Predicate::compare(held.key, CompareOp::Eq, Value::Id(Id::from_u128(key)));
        query
    }

    #[track_caller]
    fn check(lookups: &Lookups, frame: Frame<'_>, query: &Query, kept: usize) {
        let found = lookups.lookup(frame, query);
        let expected = select(frame, query);
        assert_eq!(found.statement, expected.main);
        let known = lookups.known.read().unwrap();
        assert_eq!(known.values().map(HashMap::len).sum::<usize>(), kept);
    }

    #[test]
    fn a_lookup_is_what_is_rendered() {
        let fixture = Fixture::new();
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let lookups = Lookups::default();
            let frame = fixture.frame(dialect, Wall::Rls);
            let other = Frame {
                tenant: TenantKey(20),
                ..frame
            };
            check(&lookups, frame, &query(&fixture, "goods", 7), 1);
            check(&lookups, other, &query(&fixture, "goods", 8), 1);
            check(&lookups, other, &query(&fixture, "countries", 7), 2);
            let mut few = query(&fixture, "makers", 7);
            few.fields.truncate(1);
            check(&lookups, frame, &few, 2);
            let mut sorted = query(&fixture, "goods", 7);
            sorted.window.offset = 1;
            check(&lookups, frame, &sorted, 2);
        }
    }

    #[test]
    fn each_namespace_has_its_own() {
        let fixture = Fixture::new();
        let lookups = Lookups::default();
        let frame = fixture.frame(Dialect::Postgres, Wall::Rls);
        let elsewhere = crate::Placement {
            namespace: Namespace::new("tenant_9").unwrap(),
        };
        let query = query(&fixture, "goods", 7);
        check(&lookups, frame, &query, 1);
        let moved = Frame {
            placement: &elsewhere,
            ..frame
        };
        check(&lookups, moved, &query, 2);
    }
}
