use serde::{Deserialize, Serialize};

/// The best validation so far; less is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    found: Option<Found>,
    /// Validations since.
    since: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    epoch: u64,
    value: f64,
}

impl Best {
    /// Takes in the validation of an epoch; whether it is the best one. One that is not finite
    /// never is.
    pub fn see(&mut self, epoch: u64, value: f64) -> bool {
        let better = value.is_finite() && self.found.is_none_or(|best| value < best.value);
        if better {
            self.found = Some(Found { epoch, value });
            self.since = 0;
        } else {
            self.since += 1;
        }
        better
    }

    /// Its epoch.
    pub fn epoch(&self) -> Option<u64> {
        self.found.map(|best| best.epoch)
    }

    /// Its value.
    pub fn value(&self) -> Option<f64> {
        self.found.map(|best| best.value)
    }

    /// Whether so many validations brought nothing better; never for 0.
    pub fn is_over(&self, patience: u64) -> bool {
        patience > 0 && self.since >= patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_when_nothing_gets_better() {
        let mut best = Best::default();
        assert!(!best.see(0, f64::NAN));
        assert!(best.see(1, 5.0) && best.see(2, 4.0));
        assert!(!best.see(3, 4.0) && !best.is_over(2));
        assert!(!best.see(4, f64::NAN) && best.is_over(2) && !best.is_over(0));
        assert!(best.see(5, 3.0) && !best.is_over(1));
        assert_eq!((best.epoch(), best.value()), (Some(5), Some(3.0)));
    }
}
