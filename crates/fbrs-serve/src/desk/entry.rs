//! A session as the table holds it.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use fbrs::{CancelToken, Session};

use super::Key;
use super::log::Log;
use super::names::ImageHash;
use crate::engine::{Lane, Owner};

/// A session: its log always, the session itself where it is in memory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) owner: Owner,
    pub(crate) lane: Lane,
    /// Held by the job that works on it.
    pub(super) held: Mutex<Held>,
    status: Mutex<Status>,
    ended: OnceLock<End>,
}

/// Why nothing more is done in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Somebody ended it.
    Deleted,
    /// It gave way to others, or nobody asked for it.
    Evicted,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) log: Log,
    pub(super) session: Option<Session>,
    /// How many of the log's changes the session has. Where making it again takes longer than a
    /// request may, the next one goes on from there.
    pub(super) made: usize,
}

impl Held {
    /// Takes on a log that another server wrote. A session that has the beginning of it goes on from
    /// there.
    pub(super) fn follow(&mut self, log: Log) {
        let begins = log.done.starts_with(&self.log.done) && log.done.len() > self.log.done.len();
        let same = log.image == self.log.image && log.options == self.log.options;
        if begins && same && self.session.is_some() {
            self.log = log;
        } else {
            *self = Self::new(log);
        }
    }

    /// Nothing but the log: the session is to be made again.
    pub(super) fn new(log: Log) -> Self {
        Self { log, session: None, made: 0 }
    }
}

/// What can be told of it while a job works on it.
#[derive(Debug)]
struct Status {
    log: Log,
    used: Instant,
    memory: Option<u64>,
    running: Option<CancelToken>,
}

impl Entry {
    pub(super) fn new(key: Key, owner: Owner, lane: Lane, log: Log) -> Self {
        let status = Status { log: log.clone(), used: Instant::now(), memory: None, running: None };
        Self {
            key,
            owner,
            lane,
            held: Mutex::new(Held::new(log)),
            status: Mutex::new(status),
            ended: OnceLock::new(),
        }
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hold(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its log after the last change.
    pub(crate) fn log(&self) -> Log {
        self.status().log.clone()
    }

    /// Its photo, and how many bytes that takes in memory.
    pub(super) fn photo(&self) -> (ImageHash, u64) {
        let status = self.status();
        let Log { image, width, height, .. } = &status.log;
        (image.clone(), 3 * (*width as u64) * (*height as u64))
    }

    /// Bytes that its session holds beside the photo; `None` where it is not in memory.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.status().memory
    }

    pub(super) fn touch(&self) {
        self.status().used = Instant::now();
    }

    pub(super) fn used(&self) -> Instant {
        self.status().used
    }

    pub(super) fn begin(&self, token: &CancelToken) {
        self.status().running = Some(token.clone());
    }

    /// Notes what a job left.
    pub(super) fn settle(&self, held: &Held) {
        let mut status = self.status();
        status.log = held.log.clone();
        status.memory = held.session.as_ref().map(|session| {
            let memory = session.memory();
            (memory.total() - memory.photo) as u64
        });
        status.running = None;
        status.used = Instant::now();
    }

    /// Calls off what runs, and lets nothing more begin.
    pub(super) fn end(&self, why: End) {
        // The first reason is the one that counts.
        let _ = self.ended.set(why);
        if let Some(running) = &self.status().running {
            running.cancel();
        }
    }

    pub(super) fn ended(&self) -> Option<End> {
        self.ended.get().copied()
    }

    /// Gives its memory up; its log stays.
    pub(super) fn release(&self) {
        let mut held = self.hold();
        *held = Held::new(held.log.clone());
        self.settle(&held);
    }
}
