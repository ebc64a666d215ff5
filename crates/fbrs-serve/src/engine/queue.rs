//! Who is next: jobs in order within a lane, lanes in turn.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Lane, Owner};

/// What waits and what runs.
///
/// A lane is a session: its jobs run one after the other. Lanes with jobs take turns, so that one
/// with many does not keep others waiting.
#[derive(Debug)]
pub(super) struct Queue<J> {
    /// Lanes with waiting jobs of which none runs, the next first.
    turns: VecDeque<Lane>,
    waiting: HashMap<Lane, VecDeque<Waiting<J>>>,
    running: HashSet<Lane>,
    per_owner: HashMap<Owner, usize>,
    count: usize,
}

#[derive(Debug)]
struct Waiting<J> {
    id: u64,
    owner: Owner,
    job: J,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        Self {
            turns: VecDeque::new(),
            waiting: HashMap::new(),
            running: HashSet::new(),
            per_owner: HashMap::new(),
            count: 0,
        }
    }
}

impl<J> Queue<J> {
    /// Number of jobs that wait.
    pub(super) fn waiting(&self) -> usize {
        self.count
    }

    /// Number of jobs of an owner that wait.
    pub(super) fn waiting_of(&self, owner: Owner) -> usize {
        self.per_owner.get(&owner).copied().unwrap_or(0)
    }

    /// Number of lanes whose job runs.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// Whether a lane has a job, waiting or running.
    pub(super) fn is_busy(&self, lane: Lane) -> bool {
        self.running.contains(&lane) || self.waiting.contains_key(&lane)
    }

    pub(super) fn push(&mut self, id: u64, lane: Lane, owner: Owner, job: J) {
        let jobs = self.waiting.entry(lane).or_default();
        if jobs.is_empty() && !self.running.contains(&lane) {
            self.turns.push_back(lane);
        }
        jobs.push_back(Waiting { id, owner, job });
        *self.per_owner.entry(owner).or_default() += 1;
        self.count += 1;
    }

    /// The next job; its lane is held until [`Queue::done`].
    pub(super) fn pop(&mut self) -> Option<(Lane, J)> {
        let lane = self.turns.pop_front()?;
        let jobs = self.waiting.get_mut(&lane)?;
        let next = jobs.pop_front()?;
        if jobs.is_empty() {
            self.waiting.remove(&lane);
        }
        self.leaves(next.owner);
        self.running.insert(lane);
        Some((lane, next.job))
    }

    /// A lane's job has run.
    pub(super) fn done(&mut self, lane: Lane) {
        self.running.remove(&lane);
        if self.waiting.contains_key(&lane) {
            self.turns.push_back(lane);
        }
    }

    /// Takes a job out that has not begun to run.
    pub(super) fn remove(&mut self, id: u64, lane: Lane) -> Option<J> {
        let jobs = self.waiting.get_mut(&lane)?;
        let place = jobs.iter().position(|waiting| waiting.id == id)?;
        let removed = jobs.remove(place)?;
        if jobs.is_empty() {
            self.waiting.remove(&lane);
            self.turns.retain(|turn| *turn != lane);
        }
        self.leaves(removed.owner);
        Some(removed.job)
    }

    fn leaves(&mut self, owner: Owner) {
        self.count -= 1;
        if let Some(left) = self.per_owner.get_mut(&owner) {
            *left -= 1;
            if *left == 0 {
                self.per_owner.remove(&owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ME: Owner = Owner(0);

    fn all(queue: &mut Queue<&'static str>) -> Vec<&'static str> {
        let mut order = Vec::new();
        while let Some((lane, job)) = queue.pop() {
            order.push(job);
            queue.done(lane);
        }
        order
    }

    #[test]
    fn lanes_take_turns_and_keep_their_order() {
        let mut queue = Queue::default();
        for (id, (lane, job)) in
            [(1, "a1"), (1, "a2"), (1, "a3"), (2, "b1"), (2, "b2"), (3, "c1")].iter().enumerate()
        {
            queue.push(id as u64, Lane(*lane), ME, *job);
        }
        assert_eq!(all(&mut queue), ["a1", "b1", "c1", "a2", "b2", "a3"]);
        assert_eq!((queue.waiting(), queue.waiting_of(ME), queue.running()), (0, 0, 0));
    }

    #[test]
    fn a_lane_never_runs_twice_at_once() {
        let mut queue = Queue::default();
        queue.push(0, Lane(1), ME, "first");
        assert_eq!(queue.pop().unwrap().1, "first");
        queue.push(1, Lane(1), ME, "second");
        assert!(queue.pop().is_none());
        assert!(queue.is_busy(Lane(1)));
        queue.done(Lane(1));
        assert_eq!(queue.pop().unwrap().1, "second");
        queue.done(Lane(1));
        assert!(!queue.is_busy(Lane(1)));
    }

    #[test]
    fn what_is_taken_out_leaves_no_trace() {
        let mut queue = Queue::default();
        queue.push(0, Lane(1), ME, "a");
        queue.push(1, Lane(2), ME, "b");
        assert_eq!(queue.remove(0, Lane(1)), Some("a"));
        assert_eq!(queue.remove(0, Lane(1)), None);
        assert_eq!((queue.waiting(), queue.waiting_of(ME)), (1, 1));
        queue.push(2, Lane(1), ME, "c");
        assert_eq!(all(&mut queue), ["b", "c"]);
    }
}
