use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::{any, fmt, io, thread};

/// Results of numbered pieces of work, done on threads and handed out in order.
pub(super) struct Ordered<T> {
    shared: Arc<Shared<T>>,
    threads: Vec<JoinHandle<()>>,
}

/// A result, or what a panic said.
type Done<T> = Result<T, String>;

struct Shared<T> {
    state: Mutex<State<T>>,
    /// There is work, or there will be none any more.
    work: Condvar,
    /// Something is done.
    done: Condvar,
}

struct State<T> {
    /// What no thread has taken yet.
    todo: Range<usize>,
    /// What is handed out next.
    wanted: usize,
    /// How far threads may be ahead of that.
    ahead: usize,
    done: BTreeMap<usize, Done<T>>,
    is_stopped: bool,
}

impl<T: Send + 'static> Ordered<T> {
    /// Starts threads, which do no more than `ahead` pieces before the first of them is asked for.
    pub(super) fn start(
        numbers: Range<usize>,
        threads: usize,
        ahead: usize,
        work: impl Fn(usize) -> T + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let threads = threads.min(numbers.len()).min(ahead.max(1));
        let state = State {
            wanted: numbers.start,
            todo: numbers,
            ahead: ahead.max(1),
            done: BTreeMap::new(),
            is_stopped: false,
        };
        let (state, new, done) = (Mutex::new(state), Condvar::new(), Condvar::new());
        let shared = Arc::new(Shared { state, work: new, done });
        let mut ordered = Self { shared, threads: Vec::with_capacity(threads) };
        let work = Arc::new(work);
        for number in 0..threads {
            let (shared, work) = (Arc::clone(&ordered.shared), Arc::clone(&work));
            let thread = thread::Builder::new().name(format!("samples {number}"));
            ordered.threads.push(thread.spawn(move || shared.run(work.as_ref()))?);
        }
        Ok(ordered)
    }

    /// The next result and its number; none where all are handed out, or work was stopped.
    pub(super) fn next(&mut self) -> Option<(usize, Done<T>)> {
        let mut state = self.shared.lock();
        loop {
            let number = state.wanted;
            if let Some(done) = state.done.remove(&number) {
                state.wanted += 1;
                drop(state);
                self.shared.work.notify_all();
                return Some((number, done));
            }
            // Whatever was taken is done some time, also by a thread that panics.
            if state.is_stopped || number >= state.todo.end {
                return None;
            }
            state = self.shared.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> Ordered<T> {
    /// Lets no thread take more work; nothing is handed out any more.
    pub(super) fn stop(&mut self) {
        let mut state = self.shared.lock();
        state.is_stopped = true;
        state.done.clear();
        drop(state);
        self.shared.work.notify_all();
    }
}

impl<T> Drop for Ordered<T> {
    fn drop(&mut self) {
        self.stop();
        for thread in self.threads.drain(..) {
            // A thread catches what its work does wrong: there is nothing to hear from it.
            let _ = thread.join();
        }
    }
}

impl<T> fmt::Debug for Ordered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ordered").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, work: &(impl Fn(usize) -> T + Sync)) {
        while let Some(number) = self.take() {
            let done =
                catch_unwind(AssertUnwindSafe(|| work(number))).map_err(|panic| said(&*panic));
            let mut state = self.lock();
            if !state.is_stopped {
                state.done.insert(number, done);
            }
            drop(state);
            self.done.notify_all();
        }
    }

    /// The next piece of work, as soon as it may be begun.
    fn take(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.is_stopped || state.todo.is_empty() {
                return None;
            }
            if state.todo.start < state.wanted.saturating_add(state.ahead) {
                return state.todo.next();
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn said(panic: &(dyn any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it said nothing".to_owned())
}
