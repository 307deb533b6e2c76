//! Estimates of totals, kept for a moment: pages of one list follow each other, and planning or
//! probing again for each would cost more than the page.

use crate::Statement;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an estimate is good.
const FRESH: Duration = Duration::from_secs(10);
/// How many are kept.
const MOST: usize = 1_024;

/// Estimates by statement and values.
#[derive(Debug, Default)]
pub(crate) struct Estimates {
    known: Mutex<HashMap<u64, (Instant, u64)>>,
}

/// Under what an estimate is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(u64);

impl Key {
    /// Of a statement, which binds its tenant.
    pub(crate) fn of(statement: &Statement) -> Self {
        let mut hasher = DefaultHasher::new();
        statement.sql.hash(&mut hasher);
        format!("{:?}", statement.params).hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl Estimates {
    /// The estimate, if there is a fresh one.
    pub(crate) fn known(&self, key: Key) -> Option<u64> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (made, estimate) = known.get(&key.0)?;
        (made.elapsed() < FRESH).then_some(*estimate)
    }

    /// Keeps a new estimate.
    pub(crate) fn keep(&self, key: Key, estimate: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (made, _)| made.elapsed() < FRESH);
            if known.len() >= MOST {
                known.clear();
            }
        }
        known.insert(key.0, (Instant::now(), estimate));
    }
}

/// The number of rows of a plan that PostgreSQL explains as JSON.
pub(crate) fn planned_rows(plan: &str) -> Option<u64> {
    let plan: serde_json::Value = serde_json::from_str(plan).ok()?;
    let rows = plan.pointer("/0/Plan/Plan Rows")?.as_f64()?;
    (rows >= 0.0).then_some(rows as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Param;

    #[test]
    fn estimates_are_kept_by_statement_and_values() {
        let statement = |tenant| Statement {
            sql: "select".into(),
            params: vec![Param::Integer(tenant)],
            tenant: Some(0),
        };
        let estimates = Estimates::default();
        estimates.keep(Key::of(&statement(1)), 7);
        assert_eq!(estimates.known(Key::of(&statement(1))), Some(7));
        assert_eq!(estimates.known(Key::of(&statement(2))), None);
        for tenant in 0..3_000 {
            estimates.keep(Key::of(&statement(tenant)), 7);
        }
        assert!(estimates.known.lock().unwrap().len() <= MOST);
    }

    #[test]
    fn plans_tell_their_rows() {
        assert_eq!(
            planned_rows(r#"[{"Plan":{"Plan Rows":1234}}]"#),
            Some(1_234)
        );
        assert_eq!(planned_rows("[]"), None);
    }
}
