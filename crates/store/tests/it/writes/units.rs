//! Units, steps and stamps in few words.

use carnet_kernel::{Context, Decimal, Id, Principal, Refusal, TenantKey, Timestamp, Value};
use carnet_model::{FieldIndex, ModelView, Resource};
use carnet_store::{
    Changes, Decision, DeleteRow, InsertRow, JournalEntry, JournalKind, Load, Loaded, Record,
    Stamp, Step, Unit, UpdateRow,
};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// A unit made of a closure.
pub(crate) struct Decide<F>(F);

impl<F> Decide<F>
where
    F: Fn(&ModelView, &Loaded) -> Result<Decision, Refusal> + Send + Sync + 'static,
{
    pub(crate) fn unit(decide: F) -> Arc<dyn Unit> {
        Arc::new(Self(decide))
    }
}

impl<F> Unit for Decide<F>
where
    F: Fn(&ModelView, &Loaded) -> Result<Decision, Refusal> + Send + Sync + 'static,
{
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        (self.0)(view, loaded)
    }

    /// Closures that wait must be asked where they would decide.
    fn foresees(&self, _: &ModelView) -> Vec<carnet_store::Load> {
        Vec::new()
    }
}

pub(crate) fn context() -> Context {
    Context::new(
        TenantKey::DEFAULT,
        Principal::system(),
        Id::from_u128(0xC0FFEE),
    )
}

pub(crate) fn stamp() -> Stamp {
    Stamp {
        now: Timestamp(1_700_000_000_000_000),
        principal: Principal::system().reference(),
        correlation: Id::from_u128(0xC0FFEE),
        causation: None,
    }
}

/// A unit that has decided on these steps.
pub(crate) fn unit(steps: Vec<Step>) -> Arc<dyn Unit> {
    Decide::unit(move |_, _| Ok(apply(steps.clone())))
}

pub(crate) fn apply(steps: Vec<Step>) -> Decision {
    Decision::Apply(Changes {
        guards: Vec::new(),
        kept: Vec::new(),
        races: Vec::new(),
        steps,
    })
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(crate) fn price(unscaled: i64) -> Value {
    Value::Decimal(Decimal { unscaled, scale: 2 })
}

pub(crate) fn entry(kind: JournalKind, version: i64) -> JournalEntry {
    JournalEntry {
        kind,
        version,
        body: format!("{{\"version\":{version}}}"),
    }
}

/// A whole new record: what is not named has its default.
pub(crate) fn insert(resource: &Resource, id: Id, values: &[(&str, Value)]) -> Step {
    let standard = resource.standard.unwrap();
    let values_by_default = resource
        .fields
        .iter()
        .map(|field| field.default.clone().unwrap_or(Value::Null))
        .collect();
    let mut record = Record {
        values: values_by_default,
    };
    record.set(resource.key, Value::Id(id));
    record.set(standard.version, Value::Integer(1));
    for at in [standard.created_at, standard.updated_at] {
        record.set(at, Value::DateTime(stamp().now.0));
    }
    for by in [standard.created_by, standard.updated_by] {
        record.set(by, stamp().principal.map_or(Value::Null, Value::Principal));
    }
    for (name, value) in values {
        record.set(resource.field_named(name).unwrap(), value.clone());
    }
    Step::Insert {
        resource: resource.index,
        rows: vec![InsertRow {
            record,
            journal: entry(JournalKind::Create, 1),
        }],
    }
}

/// The next version of a record, with these values.
pub(crate) fn update(resource: &Resource, record: &Record, values: &[(FieldIndex, Value)]) -> Step {
    let version = record.version(resource).unwrap();
    let field = resource.standard.unwrap().version;
    let mut after = record.clone();
    let mut changed = vec![field];
    after.set(field, Value::Integer(version + 1));
    for (field, value) in values {
        after.set(*field, value.clone());
        changed.push(*field);
    }
    Step::Update {
        resource: resource.index,
        rows: vec![UpdateRow {
            id: record.id(resource).unwrap(),
            version,
            changed,
            record: after,
            journal: entry(JournalKind::Update, version + 1),
        }],
    }
}

pub(crate) fn delete(resource: &Resource, id: Id, version: i64) -> Step {
    Step::Delete {
        resource: resource.index,
        rows: vec![DeleteRow {
            id,
            version,
            journal: entry(JournalKind::Delete, version + 1),
        }],
    }
}

pub(crate) fn with_record(
    resource: &Resource,
    id: Id,
    loaded: &Loaded,
    step: impl FnOnce(&Record) -> Step,
) -> Result<Decision, Refusal> {
    let load = Load::Record {
        resource: resource.index,
        id,
    };
    match loaded.get(&load) {
        None => Ok(Decision::Load(vec![load])),
        Some([]) => Err(Refusal::not_found(&resource.name)),
        Some([record, ..]) => Ok(apply(vec![step(record)])),
    }
}

/// A unit that keeps the writer busy until the returned sender is used or dropped, so that what is
/// asked for meanwhile waits in one queue.
pub(crate) fn gate() -> (Arc<dyn Unit>, mpsc::Sender<()>) {
    let (open, closed) = mpsc::channel::<()>();
    let closed = Mutex::new(closed);
    let unit = Decide::unit(move |_, _| {
        let waited = closed.lock().unwrap().recv_timeout(Duration::from_secs(60));
        assert_ne!(waited, Err(mpsc::RecvTimeoutError::Timeout));
        Ok(apply(Vec::new()))
    });
    (unit, open)
}
