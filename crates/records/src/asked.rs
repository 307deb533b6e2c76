//! Reads that are asked again and again, kept as they were understood: lists by the text of their
//! query, whole records by their resource. Not the words themselves.

use crate::parse::{ListRequest, ReadRequest, timeless};
use crate::plan;
use carnet_kernel::Value;
use carnet_model::{ModelHash, ModelView, Resource, ResourceIndex};
use carnet_store::{PreparedQuery, PreparedRecord};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// How many lists of one generation are kept; there are two.
const MOST: usize = 256;

/// The longest query that is kept, in bytes.
const LONGEST: usize = 512;

/// A list that is asked for: what of it, and how it is read, which is found out once for all who
/// ask the same.
#[derive(Debug)]
pub struct AskedList {
    request: ListRequest,
    prepared: OnceLock<Arc<PreparedQuery>>,
}

impl AskedList {
    /// How it is read, wherever a cursor says that the page begins; `resource` is the list's in the
    /// view that it was read with.
    pub(crate) fn prepared(&self, view: &ModelView, resource: &Resource) -> &Arc<PreparedQuery> {
        self.prepared.get_or_init(|| {
            let query = plan::list(view, resource, self.request.clone());
            Arc::new(PreparedQuery::new(query))
        })
    }
}

impl From<ListRequest> for AskedList {
    fn from(request: ListRequest) -> Self {
        Self {
            request,
            prepared: OnceLock::new(),
        }
    }
}

impl Deref for AskedList {
    type Target = ListRequest;

    fn deref(&self) -> &ListRequest {
        &self.request
    }
}

/// Lists that were understood. When a generation is full, those that nobody asked for since the one
/// before are forgotten.
#[derive(Debug, Default)]
pub(crate) struct AskedLists {
    generations: RwLock<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    lists: HashMap<(ModelHash, ResourceIndex), HashMap<Box<str>, Arc<AskedList>>>,
    count: usize,
}

impl Generation {
    fn get(&self, place: (ModelHash, ResourceIndex), query: &str) -> Option<&Arc<AskedList>> {
        self.lists.get(&place)?.get(query)
    }
}

impl Generations {
    fn keep(&mut self, place: (ModelHash, ResourceIndex), query: &str, list: Arc<AskedList>) {
        if self.young.count >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        let lists = self.young.lists.entry(place).or_default();
        if lists.insert(query.into(), list).is_none() {
            self.young.count += 1;
        }
    }
}

impl AskedLists {
    /// The list of `resource` that the query of an address means, if it was understood before.
    pub(crate) fn find(
        &self,
        view: &ModelView,
        resource: ResourceIndex,
        query: &str,
    ) -> Option<Arc<AskedList>> {
        let place = (view.hash(), resource);
        let generations = self
            .generations
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = generations.young.get(place, query) {
            return Some(Arc::clone(list));
        }
        let list = Arc::clone(generations.old.get(place, query)?);
        drop(generations);
        let mut generations = self
            .generations
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        generations.keep(place, query, Arc::clone(&list));
        Some(list)
    }

    /// A list as it was understood from a query with these `pairs`, kept unless the same words will
    /// mean another list a moment later.
    pub(crate) fn keep(
        &self,
        (view, resource): (&ModelView, ResourceIndex),
        query: &str,
        pairs: &[(String, String)],
        request: ListRequest,
    ) -> Arc<AskedList> {
        let list = Arc::new(AskedList::from(request));
        // Each cursor is one page of one list.
        if query.len() <= LONGEST && list.cursor.is_none() && timeless(pairs) {
            self.generations
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .keep((view.hash(), resource), query, Arc::clone(&list));
        }
        list
    }
}

/// Of how many views of models whole records are kept; one more begins anew.
const MOST_VIEWS: usize = 32;

/// How whole records are read, by the view of the model and the index of the resource.
#[derive(Debug, Default)]
pub(crate) struct WholeRecords {
    views: RwLock<Vec<(ModelHash, OfView)>>,
}

/// By the index of the resource, as far as they were asked for.
type OfView = Vec<Option<Arc<PreparedRecord>>>;

impl WholeRecords {
    /// How one record of `resource` is read as a whole.
    pub(crate) fn of(&self, view: &ModelView, resource: &Resource) -> Arc<PreparedRecord> {
        let (hash, place) = (view.hash(), usize::from(resource.index.0));
        let views = self.views.read().unwrap_or_else(PoisonError::into_inner);
        let known = views.iter().find(|(known, _)| *known == hash);
        if let Some(Some(prepared)) = known.and_then(|(_, records)| records.get(place)) {
            return Arc::clone(prepared);
        }
        drop(views);
        let query = plan::read(view, resource, Value::Null, ReadRequest::default());
        let prepared = Arc::new(PreparedRecord::new(query));
        let mut views = self.views.write().unwrap_or_else(PoisonError::into_inner);
        if views.len() >= MOST_VIEWS {
            views.clear();
        }
        let records = match views.iter_mut().position(|(known, _)| *known == hash) {
            Some(known) => &mut views[known].1,
            None => &mut views.push_mut((hash, OfView::new())).1,
        };
        if records.len() <= place {
            records.resize(place + 1, None);
        }
        records[place] = Some(Arc::clone(&prepared));
        prepared
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{resource, view};

    fn pairs(value: &str) -> Vec<(String, String)> {
        vec![("filter[createdAt][gt]".to_owned(), value.to_owned())]
    }

    #[test]
    fn what_is_asked_for_stays() {
        let lists = AskedLists::default();
        let products = resource("products").index;
        for number in 0..MOST * 5 {
            let query = format!("limit={number}");
            lists.keep((view(), products), &query, &[], ListRequest::default());
            lists.keep((view(), products), "often", &[], ListRequest::default());
            assert!(lists.find(view(), products, "often").is_some());
        }
        assert!(lists.find(view(), products, "limit=0").is_none());
        let other = resource("categories").index;
        assert!(lists.find(view(), other, "often").is_none());
        let generations = lists.generations.read().unwrap();
        let counted = |generation: &Generation| {
            let lists = generation.lists.values();
            assert_eq!(lists.map(HashMap::len).sum::<usize>(), generation.count);
            generation.count
        };
        assert!(counted(&generations.young) <= MOST);
        assert!(counted(&generations.old) <= MOST);
    }

    #[test]
    fn words_that_mean_another_list_later_are_not_kept() {
        let lists = AskedLists::default();
        let products = resource("products").index;
        let at = (view(), products);
        let cursor = ListRequest {
            cursor: Some("x".to_owned()),
            ..ListRequest::default()
        };
        lists.keep(at, "a", &pairs("now-1d"), ListRequest::default());
        lists.keep(at, "b", &pairs("\\u006eow"), ListRequest::default());
        lists.keep(at, "c", &[], cursor);
        lists.keep(at, &"x".repeat(600), &[], ListRequest::default());
        for query in ["a", "b", "c"] {
            assert!(lists.find(view(), products, query).is_none(), "{query}");
        }
        assert_eq!(lists.generations.read().unwrap().young.count, 0);
    }
}
