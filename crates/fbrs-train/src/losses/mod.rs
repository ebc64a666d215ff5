//! Losses of a batch of logits, with their gradients, computed from the logits.
//!
//! Values and gradients are taken in f64 on the host: the usual form through probabilities loses the
//! gradient of confidently wrong pixels in f32. A target of -1 means that the pixel takes no part.

mod bce;
mod dice;
mod focal;
mod pixel;
mod soft_iou;

use rayon::prelude::*;

pub use focal::FocalOptions;

/// A loss of one sample, averaged over the batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// Normalized focal loss (Sofiiuk et al. 2019): focal weights whose mean over the counted pixels is
    /// 1, so that the loss stays large as the network improves.
    NormalizedFocal(FocalOptions),
    /// Focal loss (Lin et al. 2017), divided by the counted pixels.
    Focal(FocalOptions),
    /// Binary cross-entropy of a sigmoid, divided by all pixels, ignored ones too.
    BinaryCrossEntropy,
    /// One minus the intersection over union of probabilities and target.
    SoftIou,
    /// One minus the Dice coefficient of probabilities and target, smoothed by 50 pixels.
    Dice,
}

/// A loss of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// Per sample.
    pub losses: Vec<f64>,
    /// Of the losses' mean, with respect to the logits.
    pub gradient: Vec<f64>,
    /// What the normalized focal loss multiplied by, per sample; of no other loss.
    pub factors: Vec<Factors>,
}

/// What a normalized focal loss multiplied by in one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factors {
    /// The factor that makes the mean of the focal weights 1.
    pub factor: f64,
    /// The largest weight behind it.
    pub largest: f64,
    /// Whether every pixel counted.
    pub whole: bool,
}

impl Evaluated {
    /// The loss.
    pub fn mean(&self) -> f64 {
        self.losses.iter().sum::<f64>() / self.losses.len().max(1) as f64
    }
}

/// Of one sample.
struct OfSample {
    loss: f64,
    factors: Option<Factors>,
}

impl Loss {
    /// Of `samples` samples, `[samples, pixels]` both. Targets: 1, 0 or what is between them, -1 for a
    /// pixel that takes no part.
    pub fn evaluate(&self, logits: &[f32], targets: &[f32], samples: usize) -> Evaluated {
        let pixels = (logits.len() / samples.max(1)).max(1);
        let mut gradient = vec![0.0; logits.len()];
        let of_samples: Vec<OfSample> = gradient
            .par_chunks_mut(pixels)
            .zip(logits.par_chunks(pixels).zip(targets.par_chunks(pixels)))
            .map(|(gradient, (logits, targets))| {
                let sample = match self {
                    Self::NormalizedFocal(options) => {
                        focal::normalized(options, logits, targets, gradient)
                    }
                    Self::Focal(options) => focal::plain(options, logits, targets, gradient),
                    Self::BinaryCrossEntropy => bce::of_sample(logits, targets, gradient),
                    Self::SoftIou => soft_iou::of_sample(logits, targets, gradient),
                    Self::Dice => dice::of_sample(logits, targets, gradient),
                };
                gradient.iter_mut().for_each(|gradient| *gradient /= samples as f64);
                sample
            })
            .collect();
        Evaluated {
            losses: of_samples.iter().map(|sample| sample.loss).collect(),
            factors: of_samples.iter().filter_map(|sample| sample.factors).collect(),
            gradient,
        }
    }
}
