use super::OfSample;
use super::pixel::{pixels, softplus};

/// `softplus(x) - x·y`, divided by all pixels, ignored ones too.
pub(super) fn of_sample(logits: &[f32], targets: &[f32], gradient: &mut [f64]) -> OfSample {
    let count = logits.len().max(1) as f64;
    let mut loss = 0.0;
    for (pixel, gradient) in pixels(logits, targets).zip(gradient) {
        let Some(pixel) = pixel else { continue };
        loss += softplus(pixel.logit) - pixel.logit * pixel.target;
        *gradient = (pixel.probability() - pixel.target) / count;
    }
    OfSample { loss: loss / count, factors: None }
}
