//! What the writer is asked to do and how its answer travels back. Not the doing.

use super::apply::{Place, Write};
use super::transact::Logic;
use crate::{Error, Param, Policy, Transacted, WriteFailure, Written, metrics};
use std::time::Instant;
use tokio::sync::oneshot;

/// Something for the writer to do, with the place its answer goes to.
pub(super) struct Job {
    pub(super) task: Task,
    pub(super) queued: Instant,
}

/// What there is to do.
pub(super) enum Task {
    /// The units of one write.
    Write(Box<Write>, oneshot::Sender<Result<Written, WriteFailure>>),
    /// Code that talks to its transaction.
    Logic(Box<Logic>, oneshot::Sender<Result<Transacted, Error>>),
    /// Statements on platform tables.
    Platform(
        Vec<(String, Vec<Param>)>,
        oneshot::Sender<Result<Vec<u64>, Error>>,
    ),
    /// Statements of the tables' owner, alone in a transaction of their own.
    Script(
        Vec<(String, Vec<Param>)>,
        oneshot::Sender<Result<(), Error>>,
    ),
}

impl Job {
    /// Something to do from now on.
    pub(super) fn new(task: Task) -> Self {
        Self {
            task,
            queued: Instant::now(),
        }
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn abandoned(&self) -> bool {
        match &self.task {
            Task::Write(_, reply) => reply.is_closed(),
            Task::Logic(_, reply) => reply.is_closed(),
            Task::Platform(_, reply) => reply.is_closed(),
            Task::Script(_, reply) => reply.is_closed(),
        }
    }

    /// When its caller stops waiting, if that is known.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.task {
            Task::Write(write, _) => write.target.deadline,
            Task::Logic(logic, _) => logic.target.deadline,
            Task::Platform(..) | Task::Script(..) => None,
        }
    }

    /// How many units it counts for in a group.
    pub(super) fn units(&self) -> usize {
        match &self.task {
            Task::Write(write, _) => write.units.len(),
            Task::Logic(..) | Task::Platform(..) | Task::Script(..) => 1,
        }
    }

    /// Whether it is one unit and nothing else, so that it may turn out to change one row alone.
    pub(super) fn is_light(&self) -> bool {
        match &self.task {
            Task::Write(write, _) => {
                let options = &write.options;
                let plain = !options.dry_run && options.receipt.is_none();
                plain && options.policy == Policy::Atomic && write.units.len() == 1
            }
            Task::Logic(..) | Task::Platform(..) | Task::Script(..) => false,
        }
    }

    /// Whether what it does is undone in the end.
    pub(super) fn is_dry(&self) -> bool {
        match &self.task {
            Task::Write(write, _) => write.options.dry_run,
            Task::Logic(logic, _) => logic.is_dry(),
            Task::Platform(..) | Task::Script(..) => false,
        }
    }

    /// Gives the answer.
    pub(super) fn answer(self, outcome: Result<Done, Trouble>, statements: u64) {
        let elapsed = self.queued.elapsed();
        let word = if outcome.is_ok() { "ok" } else { "error" };
        match (self.task, outcome) {
            (Task::Write(_, reply), outcome) => {
                metrics::record_operation("write", word, statements, elapsed);
                drop(reply.send(match outcome {
                    Ok(Done::Written(written)) => Ok(written),
                    Ok(Done::Counts(_) | Done::Ran { .. }) => Ok(Written::default()),
                    Err(trouble) => Err(WriteFailure {
                        unit: trouble.place.unit,
                        step: trouble.place.step,
                        row: trouble.place.row,
                        error: trouble.error,
                    }),
                }));
            }
            (Task::Logic(logic, reply), outcome) => {
                logic.give_up();
                metrics::record_operation("transaction", word, statements, elapsed);
                drop(reply.send(match outcome {
                    Ok(Done::Ran { transacted, .. }) => Ok(transacted),
                    Ok(_) => Ok(Transacted::Ended),
                    Err(trouble) => Err(trouble.error),
                }));
            }
            (Task::Platform(_, reply), outcome) => {
                metrics::record_operation("platform", word, statements, elapsed);
                drop(reply.send(match outcome {
                    Ok(Done::Counts(counts)) => Ok(counts),
                    Ok(Done::Written(_) | Done::Ran { .. }) => Ok(Vec::new()),
                    Err(trouble) => Err(trouble.error),
                }));
            }
            (Task::Script(_, reply), outcome) => {
                drop(reply.send(outcome.map(|_| ()).map_err(|trouble| trouble.error)));
            }
        }
    }
}

/// What a job did, once it is committed.
pub(super) enum Done {
    /// Of the units of a write.
    Written(Written),
    /// Rows changed by each statement.
    Counts(Vec<u64>),
    /// By code.
    Ran {
        transacted: Transacted,
        /// It said that what it wrote must not stay.
        undone: bool,
    },
}

impl Done {
    /// Whether its effect is to be undone.
    pub(super) fn is_undone(&self) -> bool {
        matches!(self, Self::Ran { undone: true, .. })
    }
}

/// Why and where a job failed.
pub(super) struct Trouble {
    pub(super) place: Place,
    pub(super) error: Error,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self {
            place: Place::default(),
            error,
        }
    }
}
