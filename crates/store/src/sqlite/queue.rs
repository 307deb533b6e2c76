//! A bounded queue between tasks that must not block and threads that may. Not a channel of
//! answers: those travel by one-shot channels.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Filled by tasks, emptied by one or more threads.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
    bound: usize,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

/// Why something was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    /// As much waits as may wait.
    Full,
    /// Nothing is taken any more.
    Closed,
}

impl<T> Queue<T> {
    /// An empty queue in which at most `bound` items wait.
    pub(super) fn new(bound: usize) -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                closed: false,
            }),
            ready: Condvar::new(),
            bound,
        }
    }

    /// Puts an item at the end; never waits.
    pub(super) fn push(&self, item: T) -> Result<(), Rejected> {
        let mut state = self.state();
        if state.closed {
            return Err(Rejected::Closed);
        }
        if state.items.len() >= self.bound {
            return Err(Rejected::Full);
        }
        state.items.push_back(item);
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// Takes the first item, waiting for one; `None` once the queue is closed and empty.
    pub(super) fn pop(&self) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(item) = state.items.pop_front() {
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state = self
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes the first item if there is one.
    pub(super) fn try_pop(&self) -> Option<T> {
        self.state().items.pop_front()
    }

    /// Whether anything waits.
    pub(super) fn has_waiting(&self) -> bool {
        !self.state().items.is_empty()
    }

    /// Takes nothing more; what waits is still given out.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.ready.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_queue_gives_out_what_waits() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(1), Ok(()));
        assert_eq!(queue.push(2), Ok(()));
        assert_eq!(queue.push(3), Err(Rejected::Full));
        assert_eq!(queue.pop(), Some(1));
        queue.close();
        assert_eq!(queue.push(4), Err(Rejected::Closed));
        assert_eq!(queue.try_pop(), Some(2));
        assert_eq!(queue.try_pop(), None);
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn a_waiting_thread_is_woken() {
        let queue = Queue::new(8);
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| (queue.pop(), queue.pop()));
            assert_eq!(queue.push('a'), Ok(()));
            queue.close();
            assert_eq!(taker.join().ok(), Some((Some('a'), None)));
        });
    }
}
