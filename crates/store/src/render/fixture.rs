//! The model that reads are tried on, with every kind of field, and short ways to write queries
//! over it. For tests.

use super::Frame;
use crate::{Count, Dialect, Include, Namespace, Order, Placement, Query, Wall, Window};
use carnet_expr::{Path, Predicate};
use carnet_kernel::TenantKey;
use carnet_model::{ModelView, Resource, Source, compile};
use std::sync::Arc;

pub(super) const DEFINITION: &str = include_str!("../../tests/it/reads/goods.yaml");

pub(crate) struct Fixture {
    pub(crate) view: ModelView,
    pub(crate) placement: Placement,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let compiled = compile(&[Source::application("goods.yaml", DEFINITION)]).unwrap();
        Self {
            view: ModelView::new(Arc::new(compiled.model)),
            placement: Placement {
                namespace: Namespace::new("app").unwrap(),
            },
        }
    }

    pub(crate) fn frame(&self, dialect: Dialect, wall: Wall) -> Frame<'_> {
        Frame {
            view: &self.view,
            placement: &self.placement,
            dialect,
            wall,
            tenant: TenantKey(7),
            largest_list: None,
        }
    }

    pub(crate) fn resource(&self, name: &str) -> &Resource {
        self.view.resource_named(name).unwrap()
    }

    /// `name`, or `maker.country.name` over to-one relations.
    pub(crate) fn path(&self, resource: &str, words: &str) -> Path {
        let mut holder = self.resource(resource);
        let mut steps = Vec::new();
        let mut rest = words;
        while let Some((step, after)) = rest.split_once('.') {
            let relation = holder.relation_named(step).unwrap();
            steps.push(relation);
            holder = self.view.resource(holder.relation(relation).target);
            rest = after;
        }
        Path::over(steps, holder.field_named(rest).unwrap())
    }

    /// A query for some fields, sorted as in a URL: `name,-id`.
    pub(crate) fn query(&self, resource: &str, fields: &str, order: &str) -> Query {
        let held = self.resource(resource);
        let words = |list: &str| -> Vec<String> {
            list.split(',')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        Query {
            resource: held.index,
            predicate: Predicate::True,
            deleted: crate::Deleted::Hidden,
            order: words(order)
                .iter()
                .map(|word| {
                    Order::path(
                        self.path(resource, word.trim_start_matches('-')),
                        word.starts_with('-'),
                    )
                })
                .collect(),
            window: Window {
                limit: 20,
                offset: 0,
            },
            fields: words(fields)
                .iter()
                .map(|word| held.field_named(word).unwrap())
                .collect(),
            includes: Vec::new(),
            ranked: false,
            counts: Vec::new(),
            count: Count::None,
            seek: crate::Seek::default(),
        }
    }

    pub(crate) fn include(&self, resource: &str, relation: &str, query: Query) -> Include {
        Include {
            relation: self.resource(resource).relation_named(relation).unwrap(),
            query,
        }
    }
}
