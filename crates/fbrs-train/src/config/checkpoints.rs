use serde::{Deserialize, Serialize};

use super::check::Checks;

/// Which checkpoints are kept beside the last and the best one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoints {
    /// Every so many epochs, by when it is.
    pub intervals: Vec<Interval>,
    /// How many of these, the latest; 0 for all.
    pub keep: usize,
}

/// An interval from an epoch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// The epoch, counted from 0.
    pub from: u64,
    /// Every so many epochs: those whose number it divides.
    pub every: u64,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// A picture of a sample every so many steps; 0 for none.
    pub picture_steps: u64,
}

impl Checkpoints {
    pub(crate) fn every(intervals: &[(u64, u64)]) -> Self {
        let interval = |(from, every): &(u64, u64)| Interval { from: *from, every: *every };
        Self { intervals: intervals.iter().map(interval).collect(), keep: 0 }
    }

    /// Whether the checkpoint after this epoch, counted from 0, is one of every so many.
    pub fn is_regular(&self, epoch: u64) -> bool {
        let interval = self.intervals.iter().rev().find(|interval| interval.from <= epoch);
        interval.is_some_and(|interval| epoch.is_multiple_of(interval.every))
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        for (index, interval) in self.intervals.iter().enumerate() {
            let key = format!("checkpoints.intervals[{index}].every");
            checks.that(interval.every > 0, &key, "a whole number above 0", interval.every);
        }
        let rising = self.intervals.is_sorted_by(|one, next| one.from < next.from);
        let key = "checkpoints.intervals";
        checks.that(rising, key, "a list with rising \"from\"", "another order");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_from_their_epoch_on() {
        let every = Checkpoints::every(&[(0, 5), (200, 1)]);
        let regular: Vec<_> = (190..204).filter(|&epoch| every.is_regular(epoch)).collect();
        assert_eq!(regular, [190, 195, 200, 201, 202, 203]);
        assert!(every.is_regular(0));
        assert!(!Checkpoints::every(&[]).is_regular(0));
    }
}
