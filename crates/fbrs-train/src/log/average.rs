use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Steps that make one logged number.
const STEPS: u32 = 25;

/// Means that are not complete yet, by tag.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Averages(BTreeMap<String, Average>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Average {
    #[serde(with = "crate::number")]
    sum: f64,
    count: u32,
}

impl Averages {
    /// Takes in a number; the mean where it is complete.
    pub(super) fn add(&mut self, tag: &str, value: f64) -> Option<f64> {
        let average = match self.0.get_mut(tag) {
            Some(average) => average,
            None => self.0.entry(tag.to_owned()).or_default(),
        };
        average.sum += value;
        average.count += 1;
        if average.count < STEPS {
            return None;
        }
        let mean = average.sum / f64::from(average.count);
        *average = Average::default();
        Some(mean)
    }
}
