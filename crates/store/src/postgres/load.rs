//! What a decision wants to see: loads as statements, rows as records. When they are sent is
//! `write`'s.

use super::apply;
use super::bind::Bind;
use super::cells::RowCells;
use super::flight::{Answer, Message};
use super::write::mixed;
use crate::render::{self, LoadStatement};
use crate::{Dialect, Error, Load, Loaded, Record};
use carnet_kernel::{Id, TenantKey};
use carnet_model::{ModelView, ResourceIndex};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Loads that one statement answers: one of any kind, or many records of one resource.
pub(super) struct Group {
    statement: LoadStatement,
    resource: ResourceIndex,
    loads: Vec<Load>,
}

/// Loads as statements; with `lock` they lock what they find.
///
/// Errors: `Refused` for a tenant's records in a write of the platform.
pub(super) fn groups(
    frame: apply::Frame<'_>,
    loads: Vec<Load>,
    lock: bool,
) -> Result<Vec<Group>, Error> {
    let mut groups: Vec<(ResourceIndex, Vec<Load>)> = Vec::new();
    for load in loads {
        let resource = load.resource();
        let known = frame.view.resource(resource);
        if known.is_tenant() && frame.tenant == TenantKey::PLATFORM {
            return Err(mixed(known));
        }
        let single = matches!(load, Load::Record { .. });
        let same = groups.iter_mut().find(|(other, loads)| {
            single && *other == resource && matches!(loads.as_slice(), [Load::Record { .. }, ..])
        });
        match same {
            Some((_, loads)) => loads.push(load),
            None => groups.push((resource, vec![load])),
        }
    }
    let rendering = render::Frame {
        view: frame.view,
        placement: frame.placement,
        dialect: Dialect::Postgres,
        wall: frame.wall,
        tenant: frame.tenant,
        largest_list: None,
    };
    let rendered = groups.into_iter().map(|(resource, loads)| {
        let statement = match loads.as_slice() {
            [load] => render::load(rendering, load, lock),
            _ => {
                let ids: Vec<Id> = loads.iter().filter_map(record_id).collect();
                render::load_records(rendering, resource, &ids, lock)
            }
        };
        Group {
            statement,
            resource,
            loads,
        }
    });
    Ok(rendered.collect())
}

/// Whether a write of the frame's tenant may look at what is asked for.
pub(super) fn is_reachable(frame: apply::Frame<'_>, load: &Load) -> bool {
    !(frame.view.resource(load.resource()).is_tenant() && frame.tenant == TenantKey::PLATFORM)
}

impl Group {
    pub(super) fn message(&self) -> Message<'_> {
        let statement = &self.statement.statement;
        Message::new(&*statement.sql, Bind::params(&statement.params))
    }

    /// Keeps what the statement answered.
    pub(super) fn read(
        self,
        view: &ModelView,
        answer: &Answer,
        loaded: &mut Loaded,
    ) -> Result<(), Error> {
        let rows = answer.rows.iter();
        let records = rows.map(|row| self.statement.shape.read(&RowCells(row)));
        let records = records.collect::<Result<Vec<Record>, Error>>()?;
        if let [load @ (Load::Referencing { .. } | Load::Matching { .. })] = self.loads.as_slice() {
            loaded.insert(load.clone(), records);
            return Ok(());
        }
        let resource = view.resource(self.resource);
        let by_id: HashMap<Option<Id>, Record> = records
            .into_iter()
            .map(|record| (record.id(resource), record))
            .collect();
        for load in self.loads {
            let found = by_id.get(&record_id(&load)).cloned();
            loaded.insert(load, found.into_iter().collect());
        }
        Ok(())
    }
}

fn record_id(load: &Load) -> Option<Id> {
    match load {
        Load::Record { id, .. } => Some(*id),
        Load::Referencing { .. } | Load::Matching { .. } => None,
    }
}

/// A number that stands for what is loaded; two things with the same number only wait for each
/// other without need.
pub(super) fn key(frame: apply::Frame<'_>, load: &Load) -> i64 {
    let mut hasher = DefaultHasher::new();
    (frame.tenant, &frame.placement.namespace, load).hash(&mut hasher);
    hasher.finish().cast_signed()
}
