//! When a write runs again: after a lost race, a bounded number of times, the first time already
//! waiting for its turn. What a run does is `write`'s.

use super::apply::Form;
use super::pool::Pool;
use super::write::{self, Place, Trouble, Write};
use crate::transact::jitter;
use crate::{Error, Outcome, WriteFailure, metrics};
use carnet_kernel::TenantKey;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How often a write that lost its race runs again.
const MOST_RERUNS: u32 = 5;

/// From this rerun on a write runs while no other write of its tenant does.
const ALONE: u32 = 3;

/// Lets a write that keeps losing run alone in this process. The server keeps track of what
/// transactions read by pages, so that writes of neighbouring rows can make each other fail
/// without sharing any; under constant load a rerun beside others may lose for ever.
pub(super) struct Turns {
    shards: Vec<RwLock<()>>,
}

/// The right to run, beside others or alone.
pub(super) enum Turn<'a> {
    Shared { _held: RwLockReadGuard<'a, ()> },
    Alone { _held: RwLockWriteGuard<'a, ()> },
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            shards: (0..64).map(|_| RwLock::new(())).collect(),
        }
    }

    /// Waits for the right to run a write of `tenant` that was tried `reruns` times before.
    pub(super) async fn turn(&self, tenant: TenantKey, reruns: u32) -> Option<Turn<'_>> {
        let count = self.shards.len() as i64;
        let shard = tenant.0.rem_euclid(count.max(1));
        let shard = self.shards.get(usize::try_from(shard).ok()?)?;
        Some(if reruns >= ALONE {
            Turn::Alone {
                _held: shard.write().await,
            }
        } else {
            Turn::Shared {
                _held: shard.read().await,
            }
        })
    }
}

/// How a run differs from the first one.
#[derive(Debug, Default)]
pub(super) struct Plan {
    reruns: u32,
    /// What to wait for before the transaction takes its snapshot.
    keys: Vec<i64>,
    /// What a set of rows failed with; now each row is sent by itself to learn which one it was.
    blame: Option<WriteFailure>,
    /// The session was of no use; a second time that is told.
    renewed: bool,
}

impl Plan {
    /// The plan of a write that is part of a transaction tried so often before.
    pub(super) fn inside(reruns: u32) -> Self {
        Self {
            reruns,
            ..Self::default()
        }
    }

    /// Whether loads lock their rows.
    pub(super) fn locks(&self) -> bool {
        self.reruns > 0
    }

    pub(super) fn keys(&self) -> &[i64] {
        &self.keys
    }

    pub(super) fn form(&self) -> Form {
        if self.blame.is_some() {
            Form::RowByRow
        } else {
            Form::Set
        }
    }
}

/// Runs a write until it is committed, refused, or has lost too often; `None` when it took place
/// before.
pub(super) async fn run(
    asked: Write<'_>,
    pool: &Pool,
    turns: &Turns,
) -> Result<Option<Vec<Outcome>>, WriteFailure> {
    let mut plan = Plan::default();
    loop {
        let turn = turns.turn(asked.frame.tenant, plan.reruns);
        let turn = match asked.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline.into(), turn)
                .await
                .map_err(|_| Place::default().failure(Error::Timeout))?,
            None => turn.await,
        };
        let trouble = match Box::pin(write::run(asked, &plan, pool)).await {
            Ok(outcomes) => return Ok(Some(outcomes)),
            Err(trouble) => trouble,
        };
        drop(turn);
        match trouble {
            Trouble::Lost {
                place,
                hopeful,
                keys,
            } => {
                if !hopeful || plan.reruns >= MOST_RERUNS {
                    return Err(place.failure(Error::Conflict));
                }
                plan.reruns += 1;
                plan.keys = keys;
                metrics::record_rerun();
                tokio::time::sleep(jitter(plan.reruns)).await;
            }
            Trouble::Known => return Ok(None),
            Trouble::Set(failure) if plan.blame.is_none() => plan.blame = Some(failure),
            Trouble::Session(_) if !plan.renewed => plan.renewed = true,
            Trouble::Set(failure) | Trouble::Session(failure) | Trouble::Failed(failure) => {
                return Err(failure);
            }
        }
    }
}
