//! Samples that come again: every step's own answer gives each of its samples one more click.
//!
//! A batch is drawn from a pool at random, so that it mixes samples with few clicks and with many. A click
//! costs no pass of its own, and what the encoder of a Lite network gives for a crop is computed once for
//! all of its clicks.

use fbrs_models::LiteTaps;
use fbrs_samples::{Purpose, Stream, TrainingSample, next_click, write_click};

use crate::config::Clicks;
use crate::state::Waiting;

/// Batches that the pool holds.
const BATCHES: usize = 4;

/// A sample, and what became of it.
pub(super) struct Live {
    pub(super) sample: TrainingSample,
    pub(super) taps: Option<LiteTaps>,
    /// Where it came from.
    pub(super) epoch: u64,
    pub(super) position: u64,
    /// Clicks that it was given.
    pub(super) given: u32,
}

pub(super) struct Pool {
    pub(super) live: Vec<Live>,
    seed: u64,
    most: u32,
    leaving: f64,
}

impl Pool {
    pub(super) fn new(clicks: &Clicks, seed: u64) -> Self {
        let most = u32::try_from(clicks.max_next_clicks).unwrap_or(u32::MAX);
        Self { live: Vec::new(), seed, most, leaving: clicks.leaving }
    }

    /// How many samples it lacks, for batches of a size.
    pub(super) fn lacks(&self, batch: usize) -> usize {
        (BATCHES * batch).saturating_sub(self.live.len())
    }

    /// Draws a batch, which is taken out. Which one follows from the step's numbers.
    pub(super) fn draw(&mut self, batch: usize, [epoch, number]: [u64; 2]) -> Vec<Live> {
        let mut drawn = Stream::new(self.seed, epoch, number, Purpose::Rounds);
        (0..batch.min(self.live.len()))
            .map(|_| {
                let index = drawn.below(self.live.len());
                self.live.swap_remove(index)
            })
            .collect()
    }

    /// Puts a sample back with one more click, unless it has enough of them or nothing is wrong.
    /// `prediction`: probabilities of all pixels.
    pub(super) fn put_back(&mut self, mut live: Live, prediction: &[f32]) {
        let place = live.position << 8 | u64::from(live.given.min(255));
        let mut drawn = Stream::new(self.seed, live.epoch, place, Purpose::NextClicks);
        if live.given >= self.most || drawn.chance(self.leaving) {
            return;
        }
        let (size, target) = (live.sample.size(), &live.sample.target);
        let Some(click) = next_click(prediction, target, size, &mut drawn) else { return };
        live.given += 1;
        write_click(&mut live.sample.points, click, live.given);
        self.live.push(live);
    }

    /// What it takes to fill the pool again.
    pub(super) fn waiting(&self) -> Vec<Waiting> {
        let waiting = self.live.iter().map(|live| Waiting {
            epoch: live.epoch,
            position: live.position,
            given: live.given,
            points: live
                .sample
                .points
                .iter()
                .map(|point| point.map(|point| (point.row, point.col, point.order)))
                .collect(),
        });
        waiting.collect()
    }
}
