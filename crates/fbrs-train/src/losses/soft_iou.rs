use super::OfSample;
use super::pixel::pixels;

/// Keeps the divisor away from 0.
const EPSILON: f64 = 1e-8;

/// `1 - Σ p·y / (Σ max(p, y) + ε)`.
pub(super) fn of_sample(logits: &[f32], targets: &[f32], gradient: &mut [f64]) -> OfSample {
    let (mut both, mut either) = (0.0, EPSILON);
    for pixel in pixels(logits, targets).flatten() {
        let probability = pixel.probability();
        both += probability * pixel.target;
        either += probability.max(pixel.target);
    }
    for (pixel, gradient) in pixels(logits, targets).zip(gradient) {
        let Some(pixel) = pixel else { continue };
        let of_either = if pixel.probability() > pixel.target { 1.0 } else { 0.0 };
        let slope = (pixel.target - both / either * of_either) / either;
        *gradient = -slope * pixel.slope();
    }
    OfSample { loss: 1.0 - both / either, factors: None }
}
