//! The thread that answers clicks. The window never waits for it.
//!
//! The window says what is wanted; what it wanted before is dropped where it no longer leads there.
//! Answers on their way are told at most thirty times a second.

mod answerer;
mod network;
mod wanted;

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fbrs::{CancelToken, DeviceChoice, Options, Photo};

pub(crate) use answerer::{Answerer, Load, Progress, Unanswered};
pub(crate) use network::Networks;
pub(crate) use wanted::{Answered, Choice, Cost, Event, Live, PhotoKey, Ready, Wanted};

/// Between two answers on their way that are shown.
const FRAME: Duration = Duration::from_millis(33);

/// Wakes the window up.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// The window's end of the thread.
pub(crate) struct Engine {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    asked: Mutex<Asked>,
    changed: Condvar,
}

/// What the thread has to do.
#[derive(Default)]
struct Asked {
    orders: VecDeque<Order>,
    wanted: Option<Wanted>,
    /// What is being answered, and what calls it off.
    running: Option<(Option<Wanted>, CancelToken)>,
    is_over: bool,
}

enum Order {
    Load(Choice),
    PutAside(PhotoKey),
    Prepare(PhotoKey, Photo, Box<Options>),
    Close(PhotoKey),
}

impl Engine {
    /// Starts the thread, which loads `choice` first. What it has to say goes to `events`.
    pub(crate) fn start(
        load: Box<dyn Load>,
        choice: Choice,
        events: Sender<Event>,
        wake: Wake,
    ) -> Self {
        let asked = Asked { orders: [Order::Load(choice)].into(), ..Asked::default() };
        let shared = Arc::new(Shared { asked: Mutex::new(asked), changed: Condvar::new() });
        let own = Worker {
            shared: shared.clone(),
            load,
            answerer: None,
            choice: None,
            faults: 0,
            events,
            wake,
        };
        let named = thread::Builder::new().name("engine".to_owned());
        let thread = named.spawn(move || own.run()).ok();
        Self { shared, thread }
    }

    /// Wants an object to be like this. What is being answered goes on where it leads there.
    pub(crate) fn want(&self, wanted: Wanted) {
        let mut asked = self.asked();
        if let Some((running, token)) = &asked.running
            && !running.as_ref().is_some_and(|running| running.leads_to(&wanted))
        {
            token.cancel();
        }
        asked.wanted = Some(wanted);
        self.shared.changed.notify_all();
    }

    /// Wants nothing: calls off what is being answered.
    pub(crate) fn want_nothing(&self) {
        let mut asked = self.asked();
        asked.wanted = None;
        if let Some((_, token)) = &asked.running {
            token.cancel();
        }
    }

    /// The object in hand is finished; it can be gone on with later.
    pub(crate) fn put_aside(&self, key: PhotoKey) {
        self.want_nothing();
        self.order(Order::PutAside(key));
    }

    /// Answers with another network, or on another device, from now on.
    pub(crate) fn load(&self, choice: Choice) {
        self.want_nothing();
        self.order(Order::Load(choice));
    }

    /// Looks at a photo while nobody clicks.
    pub(crate) fn prepare(&self, key: PhotoKey, photo: Photo, options: Options) {
        // The photo before is looked at no more.
        self.asked().orders.retain(|order| !matches!(order, Order::Prepare(..)));
        self.order(Order::Prepare(key, photo, Box::new(options)));
    }

    /// Forgets a photo.
    pub(crate) fn close(&self, key: PhotoKey) {
        self.order(Order::Close(key));
    }

    fn order(&self, order: Order) {
        self.asked().orders.push_back(order);
        self.shared.changed.notify_all();
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let mut asked = self.asked();
        asked.is_over = true;
        asked.wanted = None;
        if let Some((_, token)) = &asked.running {
            token.cancel();
        }
        drop(asked);
        self.shared.changed.notify_all();
        // Whoever hangs is left behind: the window closes at once.
        drop(self.thread.take());
    }
}

/// The thread's own.
struct Worker {
    shared: Arc<Shared>,
    load: Box<dyn Load>,
    answerer: Option<Box<dyn Answerer>>,
    choice: Option<Choice>,
    /// Faults since the last answer.
    faults: usize,
    events: Sender<Event>,
    wake: Wake,
}

/// What the thread does next.
enum Next {
    Order(Order, CancelToken),
    Answer(Box<Wanted>, CancelToken),
    Over,
}

impl Worker {
    fn run(mut self) {
        loop {
            match self.next() {
                Next::Over => return,
                Next::Order(order, token) => self.follow(order, &token),
                Next::Answer(wanted, token) => self.answer(&wanted, &token),
            }
            self.lock().running = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Next {
        let mut asked = self.lock();
        loop {
            if asked.is_over {
                return Next::Over;
            }
            let token = CancelToken::new();
            if let Some(order) = asked.orders.pop_front() {
                asked.running = Some((None, token.clone()));
                return Next::Order(order, token);
            }
            if self.answerer.is_some()
                && let Some(wanted) = asked.wanted.clone()
            {
                asked.running = Some((Some(wanted.clone()), token.clone()));
                return Next::Answer(Box::new(wanted), token);
            }
            asked = self.shared.changed.wait(asked).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn say(&self, event: Event) {
        // A window that is gone hears nothing.
        let _ = self.events.send(event);
        (self.wake)();
    }

    fn follow(&mut self, order: Order, token: &CancelToken) {
        match order {
            Order::Load(choice) => {
                self.load(choice);
            }
            Order::PutAside(key) => {
                if let Some(answerer) = &mut self.answerer {
                    answerer.put_aside(key);
                }
            }
            // Whoever clicks waits for it anyway.
            Order::Prepare(..) if self.lock().wanted.is_some() => {}
            Order::Prepare(key, photo, options) => {
                let Some(answerer) = &mut self.answerer else { return };
                let work = || answerer.prepare(key, &photo, &options, token);
                if let Err(fault) = panic::catch_unwind(AssertUnwindSafe(work)) {
                    self.survive(&text(fault.as_ref()));
                }
            }
            Order::Close(key) => {
                if let Some(answerer) = &mut self.answerer {
                    answerer.close(key);
                }
            }
        }
    }

    /// Loads a network; the one from before stays where that fails.
    fn load(&mut self, choice: Choice) -> bool {
        let (events, wake) = (self.events.clone(), self.wake.clone());
        let mut told = Instant::now();
        let mut on_progress = |share: f32| {
            if told.elapsed() >= FRAME {
                told = Instant::now();
                let _ = events.send(Event::Loading(share));
                wake();
            }
        };
        let load = &mut self.load;
        let work = || load.load(&choice, &mut on_progress);
        let loaded = panic::catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|fault| Err(text(fault.as_ref())));
        match loaded {
            Ok(answerer) => {
                // The old one is freed before anything else is done.
                self.answerer = Some(answerer);
                self.choice = Some(choice);
                let ready = self.answerer.as_ref().map(|answerer| answerer.ready());
                if let Some(ready) = ready {
                    self.say(Event::Ready(Box::new(ready)));
                }
                true
            }
            Err(problem) => {
                self.say(Event::NotLoaded(problem));
                false
            }
        }
    }

    fn answer(&mut self, wanted: &Wanted, token: &CancelToken) {
        let Some(answerer) = &mut self.answerer else { return };
        let (events, wake) = (&self.events, &self.wake);
        let revision = wanted.revision;
        let mut shown: Option<Instant> = None;
        let mut see = |progress: Progress<'_>| match progress {
            Progress::View(region) => {
                let _ = events.send(Event::View { revision, region });
            }
            Progress::Live { click, evaluation, loss, mask } => {
                if shown.is_some_and(|shown| shown.elapsed() < FRAME) || token.is_cancelled() {
                    return;
                }
                shown = Some(Instant::now());
                let live = Live { revision, mask: mask(), click, evaluation, loss };
                let _ = events.send(Event::Live(live));
                wake();
            }
        };
        let work = || answerer.step(wanted, token, &mut see);
        let stepped = panic::catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|fault| Err(Unanswered::Lost(text(fault.as_ref()))));
        match stepped {
            Ok(answered) => {
                self.faults = 0;
                let is_all = answered.clicks >= wanted.clicks.len();
                self.say(Event::Answered(answered));
                if is_all {
                    self.is_done(revision);
                }
            }
            Err(Unanswered::Cancelled) => {}
            Err(Unanswered::Problem(problem)) => {
                self.give_up(revision, problem);
            }
            Err(Unanswered::Lost(fault)) => {
                self.survive(&fault);
                if self.faults > 2 {
                    self.give_up(revision, format!("this click cannot be answered: {fault}"));
                }
            }
        }
    }

    /// Nothing more is to be done for what was wanted, unless something else is by now.
    fn is_done(&self, revision: u64) {
        self.forget(revision);
        self.say(Event::Idle { revision });
    }

    fn give_up(&self, revision: u64, problem: String) {
        self.forget(revision);
        self.say(Event::Failed { revision, problem });
    }

    fn forget(&self, revision: u64) {
        let mut asked = self.lock();
        if asked.wanted.as_ref().is_some_and(|wanted| wanted.revision == revision) {
            asked.wanted = None;
        }
    }

    /// After a fault: once more on the same device, then on the processor. What is wanted is answered
    /// anew.
    fn survive(&mut self, fault: &str) {
        self.faults += 1;
        let Some(choice) = self.choice.clone() else { return };
        let (choice, does) = match self.faults {
            1 => (choice, "the network is loaded again"),
            _ => (
                Choice { device: DeviceChoice::Cpu, ..choice },
                "from here on the processor answers",
            ),
        };
        self.say(Event::Fault(format!("the engine failed and was started again, {does}: {fault}")));
        // Its memory may be what was missing.
        self.answerer = None;
        self.load(choice);
    }
}

/// What a panic said.
fn text(fault: &(dyn Any + Send)) -> String {
    let text = fault.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| fault.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned()
}
