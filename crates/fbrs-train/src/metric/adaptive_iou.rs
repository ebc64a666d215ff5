use serde::{Deserialize, Serialize};

/// How far apart the thresholds are that compete.
const STEP: f64 = 0.025;
/// Memory of the threshold.
const THRESHOLD_MEMORY: f64 = 0.99;
/// Memory of the running mean.
const IOU_MEMORY: f64 = 0.9;

/// The IoU at a threshold that follows the network.
///
/// Training and validation have one each; both go on over epochs, only the epoch's mean begins
/// anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveIou {
    threshold: f64,
    ema: f64,
    epoch_sum: f64,
    epoch_batches: u64,
}

/// Pixels of a sample in both masks and in one of them; ignored pixels are in none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overlap {
    /// In both.
    pub intersection: u64,
    /// In one of them or both.
    pub union: u64,
}

impl Default for AdaptiveIou {
    fn default() -> Self {
        Self { threshold: 0.4, ema: 0.0, epoch_sum: 0.0, epoch_batches: 0 }
    }
}

impl AdaptiveIou {
    /// The threshold as it is now.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The running mean over batches; it begins at 0.
    pub fn ema(&self) -> f64 {
        self.ema
    }

    /// The mean over the epoch's batches, those without objects left out; 0 if there is none.
    pub fn epoch_value(&self) -> f64 {
        if self.epoch_batches == 0 { 0.0 } else { self.epoch_sum / self.epoch_batches as f64 }
    }

    /// Begins an epoch.
    pub fn begin_epoch(&mut self) {
        self.epoch_sum = 0.0;
        self.epoch_batches = 0;
    }

    /// The thresholds that a batch is judged at, for [`Self::record`].
    pub fn thresholds(&self) -> [f64; 3] {
        [self.threshold, self.threshold - STEP, self.threshold + STEP]
    }

    /// Judges a batch: probabilities and targets, sample after sample of `pixels` each. A target is
    /// 1, 0, -1 where the pixel is ignored, or in between.
    pub fn update(&mut self, probabilities: &[f32], targets: &[f32], pixels: usize) {
        if !targets.iter().any(|&target| target > 0.5) {
            return;
        }
        let pixels = pixels.max(1);
        let overlaps = self.thresholds().map(|threshold| {
            let samples = probabilities.chunks(pixels).zip(targets.chunks(pixels));
            samples.map(|(sample, target)| overlap(sample, target, threshold)).collect::<Vec<_>>()
        });
        self.record(&overlaps);
    }

    /// Judges a batch by what was counted elsewhere: the samples' overlaps at each of
    /// [`Self::thresholds`]. Not for batches without an object's pixel.
    pub fn record(&mut self, overlaps: &[Vec<Overlap>; 3]) {
        let mut best = (self.threshold, 0.0);
        for (threshold, overlaps) in self.thresholds().into_iter().zip(overlaps) {
            let iou = mean_iou(overlaps);
            if iou > best.1 {
                best = (threshold, iou);
            }
        }
        let (threshold, iou) = best;
        self.threshold = THRESHOLD_MEMORY * self.threshold + (1.0 - THRESHOLD_MEMORY) * threshold;
        self.ema = IOU_MEMORY * self.ema + (1.0 - IOU_MEMORY) * iou;
        self.epoch_sum += iou;
        self.epoch_batches += 1;
    }
}

fn overlap(probabilities: &[f32], targets: &[f32], threshold: f64) -> Overlap {
    let threshold = threshold as f32;
    let mut overlap = Overlap::default();
    for (&probability, &target) in probabilities.iter().zip(targets) {
        // Below 0 only where ignored.
        let (seen, there) = (probability > threshold && target >= 0.0, target > 0.5);
        overlap.intersection += u64::from(seen && there);
        overlap.union += u64::from(seen || there);
    }
    overlap
}

/// Over the samples in which either mask has a pixel.
fn mean_iou(overlaps: &[Overlap]) -> f64 {
    let counted = overlaps.iter().filter(|overlap| overlap.union > 0);
    let (sum, count) = counted.fold((0.0, 0_u32), |(sum, count), overlap| {
        (sum + overlap.intersection as f64 / overlap.union as f64, count + 1)
    });
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}
