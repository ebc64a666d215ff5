use super::OfSample;
use super::pixel::pixels;

/// Pixels that are added to both sums, so that small objects do not rule.
const SMOOTHING: f64 = 50.0;

/// `1 - (2·Σ p·y + 50) / (Σ p + Σ y + 50)`.
pub(super) fn of_sample(logits: &[f32], targets: &[f32], gradient: &mut [f64]) -> OfSample {
    let (mut both, mut sum) = (SMOOTHING, SMOOTHING);
    for pixel in pixels(logits, targets).flatten() {
        let probability = pixel.probability();
        both += 2.0 * probability * pixel.target;
        sum += probability + pixel.target;
    }
    for (pixel, gradient) in pixels(logits, targets).zip(gradient) {
        let Some(pixel) = pixel else { continue };
        *gradient = -(2.0 * pixel.target - both / sum) / sum * pixel.slope();
    }
    OfSample { loss: 1.0 - both / sum, factors: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let logits = [0.3f32, -1.2, 2.0, 0.1, -0.4];
        let targets = [1.0f32, 0.0, 1.0, -1.0, 0.4];
        let loss = |logits: &[f32]| of_sample(logits, &targets, &mut [0.0; 5]).loss;
        let mut gradient = [0.0; 5];
        of_sample(&logits, &targets, &mut gradient);
        for index in 0..logits.len() {
            let step = 1.0 / 64.0;
            let moved = |by: f32| {
                let mut logits = logits;
                logits[index] += by;
                loss(&logits)
            };
            let slope = (moved(step) - moved(-step)) / f64::from(2.0 * step);
            assert!((slope - gradient[index]).abs() < 1e-5, "{index}: {slope} {gradient:?}");
        }
        assert_eq!(gradient[3], 0.0);
    }
}
