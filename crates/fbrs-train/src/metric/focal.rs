use serde::{Deserialize, Serialize};

/// Running averages of the normalized focal loss, which say how far its weights are from those of
/// an ordinary one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FocalAverages {
    /// Of the samples' multipliers.
    #[serde(with = "crate::number")]
    pub k: f64,
    /// Of the largest weights.
    #[serde(with = "crate::number")]
    pub m: f64,
}

/// What the loss knows of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FocalSample {
    /// What its focal weights are multiplied by.
    pub multiplier: f64,
    /// The largest weight behind that.
    pub largest: f64,
    /// Whether it has ignored pixels.
    pub has_ignored: bool,
}

impl FocalAverages {
    /// Takes in a batch. One whose samples all have ignored pixels is left out.
    pub fn update(&mut self, samples: &[FocalSample]) {
        let whole = samples.iter().filter(|sample| !sample.has_ignored);
        if let Some(multiplier) = mean(whole.map(|sample| sample.multiplier)) {
            self.k = 0.9 * self.k + 0.1 * multiplier;
            let largest = mean(samples.iter().map(|sample| sample.largest));
            self.m = 0.8 * self.m + 0.2 * largest.unwrap_or(0.0);
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
