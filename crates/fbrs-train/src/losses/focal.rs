//! Focal losses: pixels that are told right weigh less, `(1 - pₜ)^γ`, pₜ the probability that the
//! pixel's own class is given.

use super::pixel::{Pixel, pixels, sigmoid, softplus};
use super::{Factors, OfSample};

/// Keeps divisors away from 0.
const EPSILON: f64 = 1e-12;

/// Of a focal loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FocalOptions {
    /// Weight of the object's pixels; the background's have one minus it.
    pub alpha: f64,
    /// Exponent of the focal weight.
    pub gamma: f64,
    /// Largest weight that normalization may give a pixel.
    pub max_weight: Option<f64>,
    /// Largest factor of normalization.
    pub max_factor: Option<f64>,
}

impl FocalOptions {
    /// α 0.5, γ 2: of every published configuration.
    pub const PUBLISHED: Self = Self { alpha: 0.5, gamma: 2.0, max_weight: None, max_factor: None };

    fn alpha_of(&self, target: f64) -> f64 {
        if target > 0.5 { self.alpha } else { 1.0 - self.alpha }
    }
}

/// What a pixel's own class is given.
struct Told {
    /// `1 - pₜ`.
    missing: f64,
    /// `ln pₜ`.
    log: f64,
    /// Derivative of pₜ by the logit.
    slope: f64,
    /// Derivative of `ln pₜ` by the logit.
    log_slope: f64,
}

impl Told {
    fn of(pixel: Pixel) -> Self {
        let Pixel { logit, target } = pixel;
        if target == 0.0 || target == 1.0 {
            // Of the logit's sign alone, and so exact where the probability is not.
            let side = if target == 1.0 { 1.0 } else { -1.0 };
            let missing = sigmoid(-side * logit);
            return Self {
                missing,
                log: -softplus(-side * logit),
                slope: side * pixel.slope(),
                log_slope: side * missing,
            };
        }
        let probability = pixel.probability();
        let missing = (target - probability).abs();
        let slope = (target - probability).signum() * pixel.slope();
        let given = (1.0 - missing).max(EPSILON);
        Self { missing, log: given.ln(), slope, log_slope: slope / given }
    }

    /// The focal weight `(1 - pₜ)^γ` and its derivative by the logit.
    fn weight(&self, gamma: f64) -> [f64; 2] {
        [self.missing.powf(gamma), -gamma * self.missing.powf(gamma - 1.0) * self.slope]
    }
}

/// `-α · M·q · ln pₜ` over the counted pixels, q the focal weight and M one over q's mean; M has no
/// gradient.
pub(super) fn normalized(
    options: &FocalOptions,
    logits: &[f32],
    targets: &[f32],
    gradient: &mut [f64],
) -> OfSample {
    let (mut count, mut sum, mut largest) = (0.0f64, 0.0f64, 0.0f64);
    for pixel in pixels(logits, targets).flatten() {
        let [weight, _] = Told::of(pixel).weight(options.gamma);
        count += 1.0;
        sum += weight;
        largest = largest.max(weight);
    }
    let factor = count / (sum + EPSILON);
    let factor = options.max_factor.map_or(factor, |most| factor.min(most));
    let loss = summed(options, factor, logits, targets, gradient);
    let divisor = count + EPSILON;
    gradient.iter_mut().for_each(|gradient| *gradient /= divisor);
    let whole = count > 0.0 && count as usize == logits.len();
    let largest = options.max_weight.unwrap_or(f64::INFINITY).min(factor * largest);
    OfSample { loss: loss / divisor, factors: Some(Factors { factor, largest, whole }) }
}

/// `-α · q · ln pₜ` over the counted pixels.
pub(super) fn plain(
    options: &FocalOptions,
    logits: &[f32],
    targets: &[f32],
    gradient: &mut [f64],
) -> OfSample {
    let count = pixels(logits, targets).flatten().count() as f64;
    let options = FocalOptions { max_weight: None, ..*options };
    let loss = summed(&options, 1.0, logits, targets, gradient);
    let divisor = count + EPSILON;
    gradient.iter_mut().for_each(|gradient| *gradient /= divisor);
    OfSample { loss: loss / divisor, factors: None }
}

fn summed(
    options: &FocalOptions,
    factor: f64,
    logits: &[f32],
    targets: &[f32],
    gradient: &mut [f64],
) -> f64 {
    let mut loss = 0.0;
    for (pixel, gradient) in pixels(logits, targets).zip(gradient) {
        let Some(pixel) = pixel else { continue };
        let told = Told::of(pixel);
        let [weight, slope] = told.weight(options.gamma).map(|value| value * factor);
        // Where the weight is at its bound, it has no gradient.
        let [weight, slope] = match options.max_weight {
            Some(most) if weight > most => [most, 0.0],
            _ => [weight, slope],
        };
        let alpha = options.alpha_of(pixel.target);
        loss -= alpha * weight * told.log;
        *gradient = -alpha * (slope * told.log + weight * told.log_slope);
    }
    loss
}
