//! Room for what is new: the longest unused goes first.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::entry::End;
use super::names::{ImageHash, SessionId};
use super::{Desk, Entry, Key, MOST_GONE, Table};
use crate::engine::Owner;
use crate::problem::{Code, Problem, Result};

/// What can be given up.
enum Candidate {
    Session(Arc<Entry>),
    Photo(ImageHash),
}

impl Desk {
    /// Bytes that photos and sessions hold.
    pub(crate) fn memory(&self) -> u64 {
        let table = self.table();
        let photos = self.images.list();
        let mut total: u64 = photos.iter().map(|(_, bytes, _)| bytes).sum();
        let mut counted: HashSet<_> = photos.into_iter().map(|(name, ..)| name).collect();
        for (entry, memory) in
            table.entries.values().filter_map(|entry| Some((entry, entry.memory()?)))
        {
            total += memory;
            let (name, bytes) = entry.photo();
            if counted.insert(name) {
                total += bytes;
            }
        }
        total
    }

    /// Number of sessions.
    pub(crate) fn sessions(&self) -> usize {
        let table = self.table();
        table.entries.keys().filter(|key| matches!(key, Key::Session(_))).count()
    }

    /// Gives up what was unused longest until the rest fits.
    pub(super) fn make_room(&self) {
        // As often as there is something to give up, and no more: what is asked for meanwhile stays.
        let most = self.table().entries.len() + self.images.list().len();
        for _ in 0..most {
            if self.memory() <= self.limits.memory {
                return;
            }
            let Some(candidate) = self.longest_unused() else { return };
            match candidate {
                Candidate::Session(entry) => {
                    let seen = entry.used();
                    self.evict(&entry, seen);
                }
                Candidate::Photo(name) => self.images.drop_from_memory(&name),
            }
        }
    }

    /// Makes room, and says whether there is.
    pub(super) fn expect_room(&self) -> Result<()> {
        self.make_room();
        if self.memory() <= self.limits.memory {
            return Ok(());
        }
        let why = "the server's memory is full; try again when others are done";
        Err(Problem::new(Code::TooMany, why).retry_after(std::time::Duration::from_secs(5)))
    }

    /// Makes place for one more list of an owner: the longest unused one goes.
    pub(super) fn expect_place(&self, owner: Owner) {
        let lists: Vec<_> = {
            let table = self.table();
            let lists = table
                .entries
                .values()
                .filter(|entry| entry.owner == owner && matches!(entry.key, Key::List(..)));
            lists.map(|entry| (entry.clone(), entry.used())).collect()
        };
        if lists.len() >= self.limits.sessions_per_token
            && let Some((entry, used)) = lists.iter().min_by_key(|(_, used)| *used)
        {
            self.evict(entry, *used);
        }
    }

    /// Gives up what nobody asked for in a long time. What is in the store stays there.
    pub(crate) fn sweep(&self) {
        let old = |used: Instant| used.elapsed() > self.limits.idle;
        let idle: Vec<_> = {
            let table = self.table();
            let all = table.entries.values().map(|entry| (entry.clone(), entry.used()));
            all.filter(|(_, used)| old(*used)).collect()
        };
        idle.iter().for_each(|(entry, used)| self.evict(entry, *used));
        let in_use = self.photos_in_use();
        for (name, _, used) in self.images.list() {
            if old(used) && !in_use.contains(&name) {
                self.images.drop_from_memory(&name);
            }
        }
    }

    /// Removes old files of the store.
    pub(crate) fn clean_store(&self) {
        if let Some(store) = &self.store {
            store.clean();
        }
    }

    fn photos_in_use(&self) -> HashSet<ImageHash> {
        let table = self.table();
        let held = table.entries.values().filter(|entry| entry.memory().is_some());
        held.map(|entry| entry.photo().0).collect()
    }

    fn longest_unused(&self) -> Option<Candidate> {
        let in_use = self.photos_in_use();
        let photos = self.images.list().into_iter().filter(|(name, ..)| !in_use.contains(name));
        let photos = photos.map(|(name, _, used)| (used, Candidate::Photo(name)));
        let sessions: Vec<_> = {
            let table = self.table();
            let idle = table.entries.values().filter(|entry| entry.memory().is_some());
            idle.filter(|entry| !self.engine.is_busy(entry.lane)).cloned().collect()
        };
        let sessions = sessions.into_iter().map(|entry| (entry.used(), Candidate::Session(entry)));
        photos.chain(sessions).min_by_key(|(used, _)| *used).map(|(_, candidate)| candidate)
    }

    /// Gives a session up. With a store it is found again when it is asked for.
    fn evict(&self, entry: &Entry, seen: Instant) {
        let mut table = self.table();
        // Somebody may have asked for it since it was chosen.
        if self.engine.is_busy(entry.lane) || entry.used() != seen || !table.forget(entry) {
            return;
        }
        // A list that somebody is about to use is made again from its clicks.
        if let (None, Key::Session(id)) = (&self.store, &entry.key) {
            entry.end(End::Evicted);
            table.remember_gone(id.clone());
        }
        drop(table);
        entry.release();
        self.metrics.evictions.inc();
    }
}

impl Table {
    /// Takes this very session out; says whether it was there.
    pub(super) fn forget(&mut self, entry: &Entry) -> bool {
        let held = self.entries.get(&entry.key);
        let same = held.is_some_and(|held| std::ptr::eq(Arc::as_ptr(held), entry));
        same && self.entries.remove(&entry.key).is_some()
    }

    fn remember_gone(&mut self, id: SessionId) {
        if self.gone.insert(id.clone()) {
            self.gone_in_order.push_back(id);
        }
        while self.gone_in_order.len() > MOST_GONE {
            if let Some(oldest) = self.gone_in_order.pop_front() {
                self.gone.remove(&oldest);
            }
        }
    }
}
