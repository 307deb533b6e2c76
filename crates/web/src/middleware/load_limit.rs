//! How many requests are worked on at once and how many may wait. Not limits per caller.

use carnet_kernel::{Code, Refusal};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The places of a process.
#[derive(Debug)]
pub(crate) struct LoadLimit {
    places: Semaphore,
    waiting: AtomicUsize,
    most_waiting: usize,
}

impl LoadLimit {
    pub(crate) fn new(places: usize, most_waiting: usize) -> Self {
        Self {
            places: Semaphore::new(places.min(Semaphore::MAX_PERMITS)),
            waiting: AtomicUsize::new(0),
            most_waiting,
        }
    }

    /// A place, waited for if need be; `OVERLOADED` when too many wait already.
    pub(crate) async fn admit(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(&self.waiting);
        if before >= self.most_waiting {
            return Err(overloaded());
        }
        // Closed never happens: nothing closes the semaphore.
        self.places.acquire().await.map_err(|_| overloaded())
    }
}

/// Counts down whichever way the wait ends.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn overloaded() -> Refusal {
    let mut refusal = Refusal::new(
        Code::Overloaded,
        "more requests are under way than the platform takes",
    );
    refusal.retry_after = Some(1);
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn work_wait_refuse() {
        let limit = LoadLimit::new(1, 1);
        let working = limit.admit().await.unwrap();
        let mut waiting = Box::pin(limit.admit());
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(limit.admit().await.unwrap_err().code, Code::Overloaded);
        drop(working);
        drop(waiting.await.unwrap());
        assert_eq!(limit.waiting.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_frees_its_place() {
        let limit = LoadLimit::new(1, 1);
        let _working = limit.admit().await.unwrap();
        assert!(limit.admit().now_or_never().is_none());
        assert!(limit.admit().now_or_never().is_none());
    }
}
