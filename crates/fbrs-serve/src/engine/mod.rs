//! The threads that answer clicks.
//!
//! A request hands in a job and holds its [`Ticket`]. A ticket that is dropped, because its client
//! went away or its time is over, takes its job out of the queue or cancels it.

mod queue;

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use fbrs::CancelToken;
use tokio::sync::oneshot;

use crate::problem::{Code, Problem, Result};
use queue::Queue;

/// What runs one after the other: a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Lane(pub(crate) u64);

/// Whose a request is: the place of its token among the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner(pub(crate) usize);

type Job = Box<dyn FnOnce() + Send>;

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) jobs: usize,
    pub(crate) queue: usize,
    pub(crate) per_owner: usize,
}

/// The threads, and what waits for them.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    bounds: Bounds,
    ids: AtomicU64,
}

#[derive(Default)]
struct State {
    queue: Queue<Job>,
    is_draining: bool,
    is_over: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} waiting, {} running)", self.queue.waiting(), self.queue.running())
    }
}

/// When a client that was turned away should come back.
const COME_BACK: Duration = Duration::from_secs(2);

impl Engine {
    /// Starts the threads.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub(crate) fn start(bounds: Bounds) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            bounds,
            ids: AtomicU64::new(0),
        });
        for number in 0..bounds.jobs.max(1) {
            let shared = shared.clone();
            thread::Builder::new().name(format!("clicks-{number}")).spawn(move || shared.work())?;
        }
        Ok(Self { shared })
    }

    /// A lane of its own.
    pub(crate) fn lane(&self) -> Lane {
        Lane(self.shared.ids.fetch_add(1, Ordering::Relaxed))
    }

    /// Hands in a job.
    ///
    /// # Errors
    /// [`Code::Busy`], [`Code::TooMany`] and [`Code::Draining`].
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        lane: Lane,
        owner: Owner,
        work: impl FnOnce(&CancelToken) -> T + Send + 'static,
    ) -> Result<Ticket<T>> {
        let shared = &self.shared;
        let mut state = shared.state();
        let refuse = |code, why: &str| Err(Problem::new(code, why).retry_after(COME_BACK));
        if state.is_draining {
            return refuse(Code::Draining, "the server is about to end; try again in a moment");
        }
        if state.queue.waiting() >= shared.bounds.queue {
            return refuse(Code::Busy, "too many clicks wait already; try again in a moment");
        }
        if state.queue.waiting_of(owner) >= shared.bounds.per_owner {
            let why = "too many clicks of this token wait already; try again in a moment";
            return refuse(Code::TooMany, why);
        }
        let id = shared.ids.fetch_add(1, Ordering::Relaxed);
        let token = CancelToken::new();
        let (send, result) = oneshot::channel();
        let for_job = token.clone();
        let job = move || {
            let worked = panic::catch_unwind(AssertUnwindSafe(|| work(&for_job)));
            // Nobody may wait any more.
            let _ = send.send(worked.map_err(|_| Panicked));
        };
        let ahead = state.queue.waiting() + state.queue.running();
        state.queue.push(id, lane, owner, Box::new(job));
        drop(state);
        shared.changed.notify_all();
        Ok(Ticket { shared: shared.clone(), id, lane, token, result: Some(result), ahead })
    }

    /// Whether a lane's job waits or runs.
    pub(crate) fn is_busy(&self, lane: Lane) -> bool {
        self.shared.state().queue.is_busy(lane)
    }

    /// Numbers of jobs that wait and that run.
    pub(crate) fn load(&self) -> (usize, usize) {
        let state = self.shared.state();
        (state.queue.waiting(), state.queue.running())
    }

    /// From here on new jobs are refused.
    pub(crate) fn drain(&self) {
        self.shared.state().is_draining = true;
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.shared.state().is_draining
    }

    /// Waits until no job waits or runs, at most for `time`; says whether it came to that.
    pub(crate) fn wait_until_idle(&self, time: Duration) -> bool {
        let state = self.shared.state();
        let is_busy = |state: &mut State| state.queue.waiting() + state.queue.running() > 0;
        let waited = self.shared.changed.wait_timeout_while(state, time, is_busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Ends the threads once their jobs have run.
    pub(crate) fn end(&self) {
        self.shared.state().is_over = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some((lane, job)) = state.queue.pop() {
                drop(state);
                job();
                state = self.state();
                state.queue.done(lane);
                self.changed.notify_all();
            } else if state.is_over {
                return;
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// A job ended by a panic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panicked;

/// Holds a job's place. Dropped before the job is done, it calls the job off.
#[derive(Debug)]
pub(crate) struct Ticket<T> {
    shared: Arc<Shared>,
    id: u64,
    lane: Lane,
    token: CancelToken,
    result: Option<oneshot::Receiver<Result<T, Panicked>>>,
    ahead: usize,
}

/// How waiting for a job ended.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    Done(T),
    /// It was called off while it ran, when its time was over; it may have been done already.
    Late(T),
    /// Its time was over before it began.
    TimedOut,
    /// It panicked.
    Panicked,
}

impl<T> Ticket<T> {
    /// Number of jobs before this one when it was handed in.
    pub(crate) fn ahead(&self) -> usize {
        self.ahead
    }

    #[cfg(test)]
    fn token(&self) -> CancelToken {
        self.token.clone()
    }

    /// Waits for the job. When `time` is over it is called off; what was done by then is done.
    pub(crate) async fn wait(mut self, time: Duration) -> Outcome<T> {
        let Some(mut result) = self.result.take() else { return Outcome::Panicked };
        match tokio::time::timeout(time, &mut result).await {
            Ok(Ok(Ok(done))) => Outcome::Done(done),
            Ok(_) => Outcome::Panicked,
            Err(_) if self.call_off() => Outcome::TimedOut,
            // It was running: it ends within one layer of the network, done or not.
            Err(_) => match result.await {
                Ok(Ok(done)) => Outcome::Late(done),
                _ => Outcome::Panicked,
            },
        }
    }

    /// Calls the job off; says whether it had not begun.
    fn call_off(&self) -> bool {
        self.token.cancel();
        let removed = self.shared.state().queue.remove(self.id, self.lane);
        if removed.is_some() {
            self.shared.changed.notify_all();
        }
        removed.is_some()
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        self.call_off();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::sync::mpsc;

    use super::*;

    const ME: Owner = Owner(0);
    const LONG: Duration = Duration::from_secs(60);

    fn engine(queue: usize, per_owner: usize) -> Engine {
        Engine::start(Bounds { jobs: 1, queue, per_owner }).unwrap()
    }

    /// A job that waits for a word, which is running when this returns.
    fn held(engine: &Engine) -> (mpsc::Sender<()>, Ticket<bool>) {
        let (go, wait) = mpsc::channel::<()>();
        let (began, begins) = mpsc::channel();
        let ticket = engine.submit(engine.lane(), ME, move |token| {
            began.send(()).unwrap();
            let _ = wait.recv();
            token.is_cancelled()
        });
        begins.recv().unwrap();
        (go, ticket.unwrap())
    }

    #[tokio::test]
    async fn full_queues_refuse_and_say_when_to_come_back() {
        let engine = engine(2, 1);
        let (go, first) = held(&engine);
        let waits = engine.submit(engine.lane(), ME, |_| ()).unwrap();
        let refused = engine.submit(engine.lane(), ME, |_| ()).unwrap_err();
        assert_eq!(refused.code, Code::TooMany);
        assert!(refused.answer("id").headers().contains_key("retry-after"));
        let other = engine.submit(engine.lane(), Owner(1), |_| ()).unwrap();
        let refused = engine.submit(engine.lane(), Owner(2), |_| ()).unwrap_err();
        assert_eq!(refused.code, Code::Busy);
        go.send(()).unwrap();
        assert!(matches!(first.wait(LONG).await, Outcome::Done(false)));
        assert!(matches!(waits.wait(LONG).await, Outcome::Done(())));
        assert!(matches!(other.wait(LONG).await, Outcome::Done(())));
    }

    #[tokio::test]
    async fn a_dropped_ticket_takes_its_job_out_or_cancels_it() {
        let engine = engine(8, 8);
        let (go, running) = held(&engine);
        let (ran, runs) = mpsc::channel();
        let waiting = engine.submit(engine.lane(), ME, move |_| ran.send(()).unwrap()).unwrap();
        drop(waiting);
        assert_eq!(engine.load(), (0, 1));
        let token = running.token();
        drop(running);
        assert!(token.is_cancelled());
        go.send(()).unwrap();
        assert!(engine.wait_until_idle(LONG));
        assert!(runs.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_job_out_of_time_is_called_off() {
        let engine = engine(8, 8);
        let (go, running) = held(&engine);
        let waiting = engine.submit(engine.lane(), ME, |_| ()).unwrap();
        assert!(matches!(waiting.wait(Duration::from_millis(5)).await, Outcome::TimedOut));
        let release = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            go.send(()).unwrap();
        });
        // The job saw that it was called off, and says so.
        assert!(matches!(running.wait(Duration::from_millis(5)).await, Outcome::Late(true)));
        release.await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_ends_its_job_alone() {
        let engine = engine(8, 8);
        let ticket = engine.submit(engine.lane(), ME, |_| panic!("as asked")).unwrap();
        assert!(matches!(ticket.wait(LONG).await, Outcome::<()>::Panicked));
        let next = engine.submit(engine.lane(), ME, |_| 7).unwrap();
        assert!(matches!(next.wait(LONG).await, Outcome::Done(7)));
    }

    #[tokio::test]
    async fn a_draining_engine_finishes_and_takes_nothing_more() {
        let engine = engine(8, 8);
        let (go, running) = held(&engine);
        engine.drain();
        assert_eq!(engine.submit(engine.lane(), ME, |_| ()).unwrap_err().code, Code::Draining);
        assert!(!engine.wait_until_idle(Duration::from_millis(10)));
        go.send(()).unwrap();
        assert!(engine.wait_until_idle(LONG));
        assert!(matches!(running.wait(LONG).await, Outcome::Done(false)));
    }
}
