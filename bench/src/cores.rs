//! Which cores a process runs on. With the servers on one and the load on the others neither takes
//! the other's time, and a rate tells what a request costs the server.

use anyhow::{Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores that this process may use, the first and the others.
pub struct Cores {
    all: CpuSet,
    first: usize,
}

impl Cores {
    /// Errors: there is only one.
    pub fn divide() -> Result<Self> {
        let all = sched_getaffinity(None)?;
        ensure!(all.count() > 1, "there is only one core to divide");
        let first = (0..CpuSet::MAX_CPU).find(|core| all.is_set(*core));
        Ok(Self {
            all,
            first: first.unwrap_or_default(),
        })
    }

    /// What is started from now on runs on the first core.
    pub fn take_first(&self) -> Result<()> {
        let mut set = CpuSet::new();
        set.set(self.first);
        Ok(sched_setaffinity(None, &set)?)
    }

    /// This thread goes on on the others.
    pub fn take_others(&self) -> Result<()> {
        let mut set = self.all;
        set.unset(self.first);
        Ok(sched_setaffinity(None, &set)?)
    }
}
