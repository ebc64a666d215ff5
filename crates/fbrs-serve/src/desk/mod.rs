//! Photos and sessions: found, worked on, given up when memory is short, found again in the store.

mod entry;
mod images;
pub(crate) mod log;
pub(crate) mod names;
mod room;
mod store;

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fbrs::{CancelToken, Options, Photo, Segmenter, Session, Size, View, Watch};
use image::GrayImage;

use crate::config::Limits;
use crate::engine::{Engine, Owner};
use crate::metrics::Metrics;
use crate::problem::{Code, Problem, Result};
use entry::{End, Held};
use images::Images;
use log::{Change, Log};
use names::{ImageHash, SessionId};
use store::Store;

pub(crate) use entry::Entry;

/// What a session is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// Its name.
    Session(SessionId),
    /// What a request with all its clicks is about: whose it is, the photo, the options as text. The
    /// next request of this kind mostly adds a click.
    List(Owner, ImageHash, String),
}

/// Everything that the server holds.
#[derive(Debug)]
pub(crate) struct Desk {
    segmenter: Segmenter,
    weights: String,
    options: Options,
    /// Digests of the tokens, by owner.
    owners: Vec<String>,
    limits: Limits,
    engine: Engine,
    metrics: Arc<Metrics>,
    images: Images,
    table: Mutex<Table>,
    store: Option<Arc<Store>>,
}

/// Sessions, and the names of some that are no more.
#[derive(Debug, Default)]
struct Table {
    entries: HashMap<Key, Arc<Entry>>,
    gone: HashSet<SessionId>,
    /// The oldest first.
    gone_in_order: VecDeque<SessionId>,
}

/// Time for another server to end its work on a session that is deleted.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Names of evicted sessions that are remembered.
const MOST_GONE: usize = 10_000;

/// What a desk is made of.
pub(crate) struct Parts {
    pub(crate) segmenter: Segmenter,
    pub(crate) options: Option<Options>,
    pub(crate) owners: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) engine: Engine,
    pub(crate) metrics: Arc<Metrics>,
}

impl Desk {
    /// # Errors
    /// Where the store cannot be opened or the weights cannot be read.
    pub(crate) fn new(parts: Parts, store: Option<&Path>) -> io::Result<Self> {
        let Parts { segmenter, options, owners, limits, engine, metrics } = parts;
        let options = options.unwrap_or_else(|| segmenter.options());
        options.check().map_err(io::Error::other)?;
        let store = store.map(Store::open).transpose()?.map(Arc::new);
        Ok(Self {
            weights: segmenter.fingerprint().map_err(io::Error::other)?.to_string(),
            images: Images::new(store.clone(), limits.photo_area),
            segmenter,
            options,
            owners,
            limits,
            engine,
            metrics,
            table: Mutex::default(),
            store,
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How clicks are answered where a request does not say.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn segmenter(&self) -> &Segmenter {
        &self.segmenter
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Reads a photo and keeps it.
    ///
    /// # Errors
    /// [`Code::Invalid`], [`Code::TooLarge`], and [`Code::TooMany`] where there is no memory for it.
    pub(crate) fn put_image(&self, bytes: &[u8]) -> Result<(ImageHash, Size)> {
        let (name, photo) = self.images.put(bytes)?;
        let size = images::bytes(&photo);
        if size > self.limits.memory {
            self.images.drop_from_memory(&name);
            let why = format!(
                "the photo takes {} MiB of memory, more than the server has for all: send a smaller one",
                size >> 20
            );
            return Err(Problem::new(Code::TooLarge, why));
        }
        self.expect_room()?;
        Ok((name, photo.size()))
    }

    /// Whether a photo can be had without being sent.
    pub(crate) fn has_image(&self, name: &ImageHash) -> bool {
        self.images.get(name).is_ok()
    }

    /// A new session.
    ///
    /// # Errors
    /// [`Code::UnknownImage`], [`Code::Invalid`] for options that cannot be, [`Code::TooMany`].
    pub(crate) fn new_session(
        &self,
        owner: Owner,
        image: &ImageHash,
        options: Options,
    ) -> Result<(SessionId, Arc<Entry>)> {
        let of_owner =
            |entry: &&Arc<Entry>| entry.owner == owner && matches!(entry.key, Key::Session(_));
        if self.table().entries.values().filter(of_owner).count() >= self.limits.sessions_per_token
        {
            let most = self.limits.sessions_per_token;
            let why = format!(
                "there are {most} sessions already, the most that are allowed: delete one, or wait \
                 until one ends"
            );
            return Err(Problem::new(Code::TooMany, why).retry_after(self.limits.idle / 10));
        }
        let photo = self.images.get(image)?;
        let session = self.session(photo, options)?;
        self.expect_room()?;
        let id = SessionId::random()?;
        let log = self.log(owner, image, &session);
        if let Some(store) = &self.store {
            store.lock(&id, || true)?.write(&log)?;
        }
        let entry = Arc::new(Entry::new(Key::Session(id.clone()), owner, self.engine.lane(), log));
        let mut held = entry.hold();
        held.session = Some(session);
        entry.settle(&held);
        drop(held);
        self.table().entries.insert(entry.key.clone(), entry.clone());
        Ok((id, entry))
    }

    /// A session by its name.
    ///
    /// # Errors
    /// [`Code::UnknownSession`] where there is none, or it is somebody else's; [`Code::Gone`] where
    /// there was one.
    pub(crate) fn find(&self, owner: Owner, id: &SessionId) -> Result<Arc<Entry>> {
        let key = Key::Session(id.clone());
        let unknown = || Problem::new(Code::UnknownSession, "there is no session of this name");
        {
            let table = self.table();
            if let Some(entry) = table.entries.get(&key) {
                if entry.owner != owner {
                    return Err(unknown());
                }
                entry.touch();
                return Ok(entry.clone());
            }
            if table.gone.contains(id) {
                return Err(evicted());
            }
        }
        let Some(store) = &self.store else { return Err(unknown()) };
        let log = store.log(id)?.ok_or_else(unknown)?;
        if self.owners.get(owner.0) != Some(&log.owner) {
            return Err(unknown());
        }
        if log.weights != self.weights {
            let why = "the session was made with other weights than the server has now";
            return Err(Problem::new(Code::Gone, why));
        }
        let entry = Arc::new(Entry::new(key.clone(), owner, self.engine.lane(), log));
        // Another request may have come first.
        Ok(self.table().entries.entry(key).or_insert(entry).clone())
    }

    /// The session behind requests that carry all their clicks.
    ///
    /// # Errors
    /// As [`Desk::new_session`].
    pub(crate) fn list(
        &self,
        owner: Owner,
        image: &ImageHash,
        options: Options,
    ) -> Result<Arc<Entry>> {
        let text = serde_json::to_string(&options)
            .map_err(|error| Problem::new(Code::Fault, error.to_string()))?;
        let key = Key::List(owner, image.clone(), text);
        if let Some(entry) = self.table().entries.get(&key) {
            entry.touch();
            return Ok(entry.clone());
        }
        let photo = self.images.get(image)?;
        let session = self.session(photo, options)?;
        self.expect_room()?;
        self.expect_place(owner);
        let log = self.log(owner, image, &session);
        let entry = Arc::new(Entry::new(key.clone(), owner, self.engine.lane(), log));
        let mut held = entry.hold();
        held.session = Some(session);
        entry.settle(&held);
        drop(held);
        // Another request may have come first.
        Ok(self.table().entries.entry(key).or_insert(entry).clone())
    }

    /// Ends a session and what runs in it.
    ///
    /// # Errors
    /// As [`Desk::find`].
    pub(crate) fn delete(&self, owner: Owner, id: &SessionId) -> Result<()> {
        let entry = self.find(owner, id)?;
        self.end(&entry)
    }

    /// Ends a session in which something went wrong, or whose owner said so.
    ///
    /// # Errors
    /// Where its file cannot be removed.
    pub(crate) fn end(&self, entry: &Entry) -> Result<()> {
        entry.end(End::Deleted);
        self.table().forget(entry);
        match (&self.store, &entry.key) {
            // What another job of it is about to write is written before, or not at all.
            (Some(store), Key::Session(id)) => {
                let asked = Instant::now();
                store.lock(id, || asked.elapsed() > LOCK_TIMEOUT)?.forget()
            }
            _ => Ok(()),
        }
    }

    /// A session's log as it is now, also where another server changed it.
    pub(crate) fn current_log(&self, entry: &Entry) -> Result<Log> {
        match (&self.store, &entry.key) {
            (Some(store), Key::Session(id)) => store.log(id)?.ok_or_else(deleted),
            _ => Ok(entry.log()),
        }
    }

    /// Works on a session: the job of a thread of the engine. What was changed is in the store when
    /// this returns.
    ///
    /// # Errors
    /// Whatever `act` says, and what finding the session again says.
    pub(crate) fn work<T>(
        &self,
        entry: &Entry,
        token: &CancelToken,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut held = entry.hold();
        // In this order: who ends it from here on finds what to cancel.
        entry.begin(token);
        let done = match entry.ended() {
            Some(End::Deleted) => Err(deleted()),
            Some(End::Evicted) => Err(evicted()),
            None => self.turn(entry, &mut held, token, act),
        };
        entry.settle(&held);
        drop(held);
        self.make_room();
        done
    }

    fn turn<T>(
        &self,
        entry: &Entry,
        held: &mut Held,
        token: &CancelToken,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T>,
    ) -> Result<T> {
        let locked = match (&self.store, &entry.key) {
            (Some(store), Key::Session(id)) => Some(store.lock(id, || token.is_cancelled())?),
            _ => None,
        };
        if let Some(locked) = &locked {
            let Some(log) = locked.log()? else {
                // Another server deleted it.
                entry.end(End::Deleted);
                self.table().forget(entry);
                return Err(deleted());
            };
            if log != held.log {
                // Another server went on with it.
                held.follow(log);
            }
        }
        self.make_again(held, token)?;
        let Held { log, session: Some(session), .. } = held else { return Err(evicted()) };
        let before = log.clone();
        // Where this is not done to the end, nothing of it is trusted: the session is made again.
        let made = std::mem::replace(&mut held.made, usize::MAX);
        let mut turn = Turn { session, log, token, desk: self };
        let done = act(&mut turn);
        held.made = if held.log == before { made } else { held.log.done.len() };
        if let Some(locked) = &locked
            && before != held.log
            && let Err(error) = locked.write(&held.log)
        {
            *held = Held::new(before);
            return Err(error);
        }
        done
    }

    /// Makes a session again from its log, where that is needed.
    fn make_again(&self, held: &mut Held, token: &CancelToken) -> Result<()> {
        if held.made > held.log.done.len() {
            *held = Held::new(held.log.clone());
        }
        let Held { log, session, made } = held;
        let session = match session {
            Some(session) => session,
            none => {
                let photo = self.images.get(&log.image).map_err(|problem| match problem.code {
                    Code::UnknownImage => evicted(),
                    _ => problem,
                })?;
                self.metrics.rebuilt.inc();
                *made = 0;
                none.insert(self.session(photo, log.options.clone())?)
            }
        };
        let mut watch = Watch::new().cancelled_by(token);
        for change in log.done.iter().skip(*made) {
            change.make(session, &mut watch, |name| self.mask(name))?;
            *made += 1;
        }
        Ok(())
    }

    fn session(&self, photo: Photo, options: Options) -> Result<Session> {
        self.check_tiles(photo.size(), &options)?;
        let mut session = self.segmenter.session(photo, options)?;
        // One session alone does not take what many are to share.
        session.set_memory_limit(usize::try_from(self.limits.memory / 4).unwrap_or(usize::MAX));
        Ok(session)
    }

    /// Memory and time grow with the pixels of all tiles. The server's own options are not asked.
    fn check_tiles(&self, size: Size, options: &Options) -> Result<()> {
        let View::Tiles(tiles) = &options.view else { return Ok(()) };
        if options.view == self.options.view {
            return Ok(());
        }
        let step = (tiles.size as f64 * (1.0 - tiles.min_overlap)).max(1.0);
        let count = |side: usize| (side as f64 / step).ceil().max(1.0);
        let pixels = count(size.height) * count(size.width) * (tiles.size as f64).powi(2);
        match pixels <= 16.0 * (self.limits.view_side as f64).powi(2) {
            true => Ok(()),
            false => Err(Problem::invalid(
                "options: the photo has too many tiles: choose less overlap, or another view",
            )),
        }
    }

    fn log(&self, owner: Owner, image: &ImageHash, session: &Session) -> Log {
        let Size { height, width } = session.size();
        Log {
            image: image.clone(),
            width,
            height,
            owner: self.owners.get(owner.0).cloned().unwrap_or_default(),
            weights: self.weights.clone(),
            options: session.options().clone(),
            done: Vec::new(),
            undone: Vec::new(),
        }
    }

    /// Keeps a mask to start from, where there is a store.
    fn keep_mask(&self, bytes: &[u8]) -> Result<(ImageHash, GrayImage)> {
        let name = ImageHash::of(bytes);
        let mask = self.images.decode_mask(bytes)?;
        if let Some(store) = &self.store {
            store.keep_image(&name, bytes)?;
        }
        Ok((name, mask))
    }

    fn mask(&self, name: &ImageHash) -> Result<GrayImage> {
        let bytes = match &self.store {
            Some(store) => store.image(name)?,
            None => None,
        };
        self.images.decode_mask(&bytes.ok_or_else(evicted)?)
    }
}

fn deleted() -> Problem {
    Problem::new(Code::UnknownSession, "there is no session of this name: it was deleted")
}

fn evicted() -> Problem {
    let why = "the session is no more: it was not asked for in a long time, or gave way to others; \
               make a new one and send its clicks again";
    Problem::new(Code::Gone, why)
}

/// A job's turn with a session.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) session: &'a mut Session,
    log: &'a mut Log,
    /// What calls it off.
    pub(crate) token: &'a CancelToken,
    desk: &'a Desk,
}

impl Turn<'_> {
    pub(crate) fn log(&self) -> &Log {
        self.log
    }

    /// A click.
    ///
    /// # Errors
    /// As [`Session::click_with`]; [`Code::Invalid`] where there are as many as are allowed.
    pub(crate) fn click(&mut self, click: log::ClickAt, watch: &mut Watch<'_>) -> Result<()> {
        if self.session.clicks().len() >= self.desk.limits.clicks {
            return Err(too_many_clicks(self.desk.limits.clicks));
        }
        let started = Instant::now();
        self.session.click_with(click.into(), watch)?;
        self.log.push(Change::Click(click));
        self.counted(started);
        Ok(())
    }

    /// Counts a click that was answered since then.
    fn counted(&self, since: Instant) {
        let mode = self.session.options().refine.mode.name();
        self.desk.metrics.click(mode, since.elapsed().as_secs_f64());
    }

    /// Takes the last change back; where there is none, nothing happens.
    ///
    /// # Errors
    /// As making the session again, which is needed where it had no memory left for its past.
    pub(crate) fn undo(&mut self) -> Result<()> {
        if self.log.done.is_empty() {
            return Ok(());
        }
        let mut log = self.log.clone();
        log.undo();
        if !self.session.undo() {
            let mut again = Held::new(log.clone());
            self.desk.make_again(&mut again, self.token)?;
            *self.session = again.session.ok_or_else(evicted)?;
        }
        *self.log = log;
        Ok(())
    }

    /// Makes the last change that was taken back again; where there is none, nothing happens.
    ///
    /// # Errors
    /// As the change itself, which is made anew where the session did not keep it.
    pub(crate) fn redo(&mut self) -> Result<()> {
        let Some(change) = self.log.next() else { return Ok(()) };
        if !self.session.redo() {
            let mut watch = Watch::new().cancelled_by(self.token);
            change.make(self.session, &mut watch, |name| self.desk.mask(name))?;
        }
        self.log.redo();
        Ok(())
    }

    pub(crate) fn reset(&mut self) {
        if !self.log.is_untouched() {
            self.session.reset();
            self.log.push(Change::Reset);
        }
    }

    /// Finishes the object in hand.
    ///
    /// # Errors
    /// [`Code::Conflict`] where there is none.
    pub(crate) fn finish(&mut self, threshold: Option<f32>) -> Result<u16> {
        let threshold = threshold.unwrap_or(self.session.options().refine.threshold);
        let number = self.session.finish(threshold)?;
        self.log.push(Change::Finish { threshold });
        Ok(number)
    }

    /// Starts from a mask, a picture's bytes.
    ///
    /// # Errors
    /// As [`Session::start_from_mask`], and as reading a picture.
    pub(crate) fn start_from(&mut self, bytes: &[u8]) -> Result<()> {
        let (name, mask) = self.desk.keep_mask(bytes)?;
        self.session.start_from_mask(&mask)?;
        self.log.push(Change::StartMask(name));
        Ok(())
    }

    /// Makes these the object's clicks: those that it has already are not answered again.
    ///
    /// # Errors
    /// As [`Session::replay`]; [`Code::Invalid`] where there are more than are allowed.
    pub(crate) fn replay(&mut self, clicks: &[log::ClickAt], watch: &mut Watch<'_>) -> Result<()> {
        if clicks.len() > self.desk.limits.clicks {
            return Err(too_many_clicks(self.desk.limits.clicks));
        }
        let all: Vec<_> = clicks.iter().map(|click| (*click).into()).collect();
        let same = self.session.clicks().zip(&all).take_while(|(old, new)| old == *new).count();
        // One by one: what was answered when the time is over need not be answered again.
        for count in same..=all.len() {
            let (Some(some), Some(done)) = (all.get(..count), clicks.get(..count)) else { break };
            let started = Instant::now();
            self.session.replay(some, watch)?;
            if count > same {
                self.counted(started);
            }
            // Nobody takes back what came as a list.
            self.session.forget_history();
            self.log.undone.clear();
            self.log.done = done.iter().map(|click| Change::Click(*click)).collect();
        }
        Ok(())
    }
}

fn too_many_clicks(most: usize) -> Problem {
    Problem::invalid(format!("expected at most {most} clicks on an object: finish it"))
}
