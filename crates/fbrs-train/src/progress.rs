//! How fast a run goes, and how long it will take.

use std::time::Duration;

/// Steps after which an older pace counts for a third.
const MEMORY: f64 = 50.0;

/// Follows a run step by step.
///
/// ```
/// use std::time::Duration;
/// use fbrs_train::progress::Progress;
///
/// let mut progress = Progress::new(100, 0);
/// for _ in 0..10 {
///     progress.step(28, Duration::from_millis(500));
/// }
/// let pace = progress.pace().unwrap();
/// assert_eq!(pace.images_per_second.round(), 56.0);
/// assert_eq!(pace.left.as_secs(), 45);
/// ```
#[derive(Debug, Clone)]
pub struct Progress {
    total: u64,
    done: u64,
    /// Sums that forget, of seconds, of images and of steps.
    seconds: f64,
    images: f64,
    steps: f64,
}

/// How fast it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Images that were learned from.
    pub images_per_second: f64,
    /// Until the last step.
    pub left: Duration,
}

impl Progress {
    /// Of a run of `total` steps, `done` of which were taken before.
    pub fn new(total: u64, done: u64) -> Self {
        Self { total, done, seconds: 0.0, images: 0.0, steps: 0.0 }
    }

    /// A step with so many images took so long, all that belongs to it counted.
    pub fn step(&mut self, images: usize, took: Duration) {
        let keep = (-1.0 / MEMORY).exp();
        self.seconds = self.seconds * keep + took.as_secs_f64();
        self.images = self.images * keep + images as f64;
        self.steps = self.steps * keep + 1.0;
        self.done += 1;
    }

    /// Steps that were taken.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Steps of the run.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How fast it went of late; nothing before the first step.
    pub fn pace(&self) -> Option<Pace> {
        if self.seconds <= 0.0 {
            return None;
        }
        let left = self.seconds / self.steps * self.total.saturating_sub(self.done) as f64;
        Some(Pace {
            images_per_second: self.images / self.seconds,
            left: Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_change_of_pace_is_seen_and_one_slow_step_is_not() {
        let mut progress = Progress::new(1000, 200);
        assert_eq!(progress.pace(), None);
        (0..100).for_each(|_| progress.step(10, Duration::from_secs(1)));
        progress.step(10, Duration::from_secs(3));
        let seconds = progress.pace().unwrap().left.as_secs_f64() / 699.0;
        assert!((1.0..1.1).contains(&seconds), "{seconds}");
        (0..250).for_each(|_| progress.step(10, Duration::from_secs(2)));
        let pace = progress.pace().unwrap();
        assert!((pace.images_per_second - 5.0).abs() < 0.05, "{pace:?}");
        assert_eq!((progress.done(), progress.total()), (551, 1000));
        (0..600).for_each(|_| progress.step(10, Duration::from_secs(2)));
        assert_eq!(progress.pace().unwrap().left, Duration::ZERO);
    }
}
