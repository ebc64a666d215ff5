//! The thread that keeps documents on disk. The window never waits for it.
//!
//! Each change is written before the engine hears of it: what is to come after a line is carried
//! along with it. What cannot be written is kept here and tried again, until it can be.

use std::collections::{HashMap, HashSet};
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fbrs_annotation::{Annotation, Folder, Keeper, Line, Merge, PhotoPath, PhotoRecord, Project};

use crate::desk::Settings;
use crate::engine::{PhotoKey, Wake};

/// Between two times that the journal is forced onto the disk, that settings and classes are written,
/// and that what failed is tried again.
const SYNC: Duration = Duration::from_secs(1);
/// Lines of a journal after which the document is written anew.
const LONG: usize = 200;

/// What comes after a line is written.
type Then = Box<dyn FnOnce() + Send>;

enum Order {
    Open {
        key: PhotoKey,
        document: PathBuf,
        lost: Option<PathBuf>,
        photo: Box<PhotoRecord>,
    },
    Append {
        key: PhotoKey,
        line: Box<Line>,
        now: Box<Annotation>,
        then: Option<Then>,
    },
    Save {
        key: PhotoKey,
        now: Box<Annotation>,
    },
    Close {
        key: PhotoKey,
        now: Option<Box<Annotation>>,
    },
    Project {
        path: PathBuf,
        project: Box<Project>,
    },
    Settings {
        path: PathBuf,
        settings: Box<Settings>,
    },
    /// Everything is tried again now.
    Retry,
    Work(Then),
}

/// What is heard of the disk.
#[derive(Debug)]
pub(crate) enum DiskEvent {
    /// A document is open.
    Opened {
        key: PhotoKey,
        annotation: Box<Annotation>,
        /// Why changes are not kept.
        read_only: Option<String>,
        remarks: Vec<String>,
    },
    /// It could not be opened: a sentence. The photo can be looked at.
    NotOpened { key: PhotoKey, problem: String },
    /// Everything up to this change is in a file.
    Saved { key: PhotoKey, seq: u64 },
    /// Something cannot be written: a sentence. It is kept in memory and tried again.
    Trouble(String),
    /// What could not be written is.
    Calm,
    /// Objects of a class are of another one now, in all photos but some, or in none, with a sentence
    /// why.
    Merged { folder: Folder, merge: Merge, left: Result<Vec<PhotoPath>, String> },
}

/// The window's end of the thread.
pub(crate) struct Disk {
    orders: Option<Arc<Sender<Order>>>,
    events: Sender<DiskEvent>,
    wake: Wake,
    thread: Option<JoinHandle<()>>,
}

impl Disk {
    pub(crate) fn start(events: Sender<DiskEvent>, wake: Wake) -> Self {
        let (orders, inbox) = mpsc::channel();
        let own = Worker {
            keepers: HashMap::new(),
            closing: HashSet::new(),
            projects: HashMap::new(),
            settings: None,
            events: events.clone(),
            wake: wake.clone(),
            is_troubled: false,
            needs_sync: false,
        };
        let named = thread::Builder::new().name("disk".to_owned());
        let thread = named.spawn(move || own.run(&inbox)).ok();
        Self { orders: Some(Arc::new(orders)), events, wake, thread }
    }

    fn order(&self, order: Order) {
        let sent = self.orders.as_ref().map(|orders| orders.send(order));
        if !matches!(sent, Some(Ok(()))) {
            // Nothing that is done now would be kept.
            let text = "the part of the program that writes files has ended: restart it";
            let _ = self.events.send(DiskEvent::Trouble(text.to_owned()));
            (self.wake)();
        }
    }

    /// Opens a photo's document; where there is none but one was `lost` (its photo has another name
    /// now), that one is put in its place.
    pub(crate) fn open(
        &self,
        key: PhotoKey,
        document: PathBuf,
        lost: Option<PathBuf>,
        photo: PhotoRecord,
    ) {
        self.order(Order::Open { key, document, lost, photo: Box::new(photo) });
    }

    /// Appends a change; `now` is the document after it, `then` is done when it is written.
    pub(crate) fn append(&self, key: PhotoKey, line: Line, now: Annotation, then: Option<Then>) {
        self.order(Order::Append { key, line: Box::new(line), now: Box::new(now), then });
    }

    /// Writes the document whole.
    pub(crate) fn save(&self, key: PhotoKey, now: Annotation) {
        self.order(Order::Save { key, now: Box::new(now) });
    }

    /// Writes the document whole, and lets others have it.
    pub(crate) fn close(&self, key: PhotoKey, now: Option<Annotation>) {
        self.order(Order::Close { key, now: now.map(Box::new) });
    }

    /// Writes classes and settings of a folder, soon.
    pub(crate) fn write_project(&self, path: PathBuf, project: Project) {
        self.order(Order::Project { path, project: Box::new(project) });
    }

    /// Writes what a person chose, soon.
    pub(crate) fn write_settings(&self, path: PathBuf, settings: Settings) {
        self.order(Order::Settings { path, settings: Box::new(settings) });
    }

    /// Tries again now what could not be written.
    pub(crate) fn retry(&self) {
        self.order(Order::Retry);
    }

    /// Does something between two writes.
    pub(crate) fn work(&self, work: impl FnOnce() + Send + 'static) {
        self.order(Order::Work(Box::new(work)));
    }

    /// For another thread: does something between two writes, and says what came of it; `None` where
    /// the window has been closed.
    pub(crate) fn between_writes<T: Send + 'static>(
        &self,
    ) -> impl Fn(Box<dyn FnOnce() -> T + Send>) -> Option<T> + Send + 'static {
        let orders = self.orders.as_ref().map_or_else(Weak::new, Arc::downgrade);
        move |work| {
            let (done, outcome) = mpsc::channel();
            let work = move || {
                // Whoever waited for it is gone.
                let _ = done.send(work());
            };
            orders.upgrade()?.send(Order::Work(Box::new(work))).ok()?;
            outcome.recv().ok()
        }
    }

    /// Tells the window something, from any thread.
    pub(crate) fn teller(&self) -> impl Fn(DiskEvent) + Send + 'static {
        let (events, wake) = (self.events.clone(), self.wake.clone());
        move |event| {
            let _ = events.send(event);
            wake();
        }
    }
}

impl Drop for Disk {
    /// Waits until everything is written.
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Worker {
    keepers: HashMap<PhotoKey, (Keeper, Option<Annotation>)>,
    /// Of these, those that are only kept until they are written.
    closing: HashSet<PhotoKey>,
    /// Projects that are to be written.
    projects: HashMap<PathBuf, Project>,
    settings: Option<(PathBuf, Settings)>,
    events: Sender<DiskEvent>,
    wake: Wake,
    is_troubled: bool,
    needs_sync: bool,
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Order>) {
        let mut next = Instant::now() + SYNC;
        loop {
            let waits = next.saturating_duration_since(Instant::now());
            let order = match self.needs_sync || self.is_troubled {
                false => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                true => inbox.recv_timeout(waits),
            };
            match order {
                Ok(order) => {
                    // A fault in one order is no reason to lose those that follow.
                    let work = AssertUnwindSafe(|| self.follow(order));
                    if panic::catch_unwind(work).is_err() {
                        self.trouble("a fault in the program while a file was written".to_owned());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= next {
                self.sync();
                next = Instant::now() + SYNC;
            }
        }
        // The window is gone: whatever is open is written whole.
        for (mut keeper, now) in std::mem::take(&mut self.keepers).into_values() {
            if let Some(now) = now {
                let _ = keeper.save(&now);
            }
            let _ = keeper.sync();
        }
        let _ = self.write_the_rest();
    }

    fn say(&self, event: DiskEvent) {
        let _ = self.events.send(event);
        (self.wake)();
    }

    fn follow(&mut self, order: Order) {
        match order {
            Order::Open { key, document, lost, photo } => self.open(key, document, lost, &photo),
            Order::Append { key, line, now, then } => {
                let written = self.keepers.get_mut(&key).map(|(keeper, known)| {
                    *known = Some(*now);
                    keeper.append(&line)
                });
                self.needs_sync = true;
                self.judge(written.unwrap_or(Ok(())));
                if let Some(then) = then {
                    then();
                }
                let long = self.keepers.get(&key).is_some_and(|(keeper, _)| keeper.lines() >= LONG);
                if long {
                    self.save(key);
                }
            }
            Order::Save { key, now } => {
                if let Some((_, known)) = self.keepers.get_mut(&key) {
                    *known = Some(*now);
                }
                self.save(key);
            }
            Order::Close { key, now } => {
                if let (Some((_, known)), Some(now)) = (self.keepers.get_mut(&key), now) {
                    *known = Some(*now);
                }
                self.closing.insert(key);
                self.close(key);
            }
            Order::Project { path, project } => {
                self.projects.insert(path, *project);
                self.needs_sync = true;
            }
            Order::Settings { path, settings } => {
                self.settings = Some((path, *settings));
                self.needs_sync = true;
            }
            Order::Retry => self.sync(),
            Order::Work(work) => work(),
        }
    }

    /// Lets a document go that is written whole; one that cannot be is kept.
    fn close(&mut self, key: PhotoKey) {
        if self.save(key) {
            self.keepers.remove(&key);
            self.closing.remove(&key);
        }
    }

    fn open(
        &mut self,
        key: PhotoKey,
        document: PathBuf,
        lost: Option<PathBuf>,
        photo: &PhotoRecord,
    ) {
        let mut remarks = Vec::new();
        // It may be here still, because it could not be written: nothing of it is to be lost.
        let here = self.keepers.iter().find(|(_, (keeper, _))| keeper.path() == document);
        if let Some(old) = here.map(|(old, _)| *old) {
            self.close(old);
            if let Some((keeper, now)) = self.keepers.remove(&old) {
                self.closing.remove(&old);
                if let Some(annotation) = now.clone().map(Box::new) {
                    self.keepers.insert(key, (keeper, now));
                    self.say(DiskEvent::Opened { key, annotation, read_only: None, remarks });
                    return;
                }
            }
        }
        if let Some(folder) = document.parent() {
            // A folder for documents of their own; where that fails, opening says so.
            let _ = std::fs::create_dir_all(folder);
        }
        if let Some(lost) = lost {
            match follow_photo(&lost, &document) {
                Ok(true) => {
                    let name = lost.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    let own = fbrs_data::text::printable(&name);
                    let text = "this photo had another name: its annotation goes with it";
                    remarks.push(format!("{text} ({own})"));
                }
                Ok(false) => {}
                Err(error) => remarks.push(format!(
                    "this photo had another name, and its annotation cannot be moved: {error}"
                )),
            }
        }
        match Keeper::open(&document, photo) {
            Ok(opened) => {
                let read_only = opened.keeper.read_only().map(str::to_owned);
                remarks.extend(opened.remarks);
                self.keepers.insert(key, (opened.keeper, None));
                let annotation = Box::new(opened.annotation);
                self.say(DiskEvent::Opened { key, annotation, read_only, remarks });
            }
            Err(error) => self.say(DiskEvent::NotOpened { key, problem: error.to_string() }),
        }
    }

    /// Writes a document whole; whether it is written.
    fn save(&mut self, key: PhotoKey) -> bool {
        let Some((keeper, Some(now))) = self.keepers.get_mut(&key) else { return true };
        let (written, seq) = (keeper.save(now), now.seq());
        let is_written = written.is_ok();
        self.judge(written);
        if is_written {
            self.say(DiskEvent::Saved { key, seq });
        }
        is_written
    }

    fn sync(&mut self) {
        self.needs_sync = false;
        let mut outcome = self.write_the_rest();
        let mut saved = Vec::new();
        for (key, (keeper, known)) in &mut self.keepers {
            match keeper.sync() {
                Ok(()) => saved.extend(known.as_ref().map(|now| (*key, now.seq()))),
                Err(error) => outcome = Err(error),
            }
        }
        self.judge(outcome);
        for (key, seq) in saved {
            self.say(DiskEvent::Saved { key, seq });
        }
        for key in self.closing.clone() {
            self.close(key);
        }
    }

    /// Classes and settings.
    fn write_the_rest(&mut self) -> fbrs_annotation::Result<()> {
        let mut outcome = Ok(());
        for (path, project) in std::mem::take(&mut self.projects) {
            if let Err(error) = project.write(&path) {
                outcome = Err(error);
                self.projects.insert(path, project);
            }
        }
        if let Some((path, settings)) = self.settings.take() {
            // Nothing is lost but a choice.
            let _ = settings.write(&path);
        }
        outcome
    }

    /// Says once that there is trouble, and once that it is over.
    fn judge(&mut self, outcome: fbrs_annotation::Result<()>) {
        match outcome {
            Err(error) => self.trouble(error.to_string()),
            Ok(()) if self.is_troubled => {
                let behind = self.keepers.values().any(|(keeper, _)| keeper.is_behind());
                if !behind && self.projects.is_empty() && self.closing.is_empty() {
                    self.is_troubled = false;
                    self.say(DiskEvent::Calm);
                }
            }
            Ok(()) => {}
        }
    }

    fn trouble(&mut self, text: String) {
        if !self.is_troubled {
            self.is_troubled = true;
            self.say(DiskEvent::Trouble(text));
        }
    }
}

/// Moves a document to its photo's new name, its journal first: whatever happens in between, one of
/// both names has all of it. `false` where something is at the new name already.
fn follow_photo(lost: &Path, document: &Path) -> io::Result<bool> {
    let journals = [lost, document].map(|path| path.with_extension("journal"));
    let [from, to] = &journals;
    if document.try_exists()? || to.try_exists()? {
        return Ok(false);
    }
    if from.try_exists()? {
        std::fs::rename(from, to)?;
    }
    std::fs::rename(lost, document)?;
    Ok(true)
}
