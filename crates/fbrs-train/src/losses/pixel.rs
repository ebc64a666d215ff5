//! What losses need of a pixel.

/// A pixel that counts.
#[derive(Clone, Copy)]
pub(super) struct Pixel {
    pub(super) logit: f64,
    pub(super) target: f64,
}

impl Pixel {
    /// `None` for a pixel that takes no part.
    pub(super) fn new(logit: f32, target: f32) -> Option<Self> {
        (target >= 0.0).then(|| Self { logit: f64::from(logit), target: f64::from(target) })
    }

    pub(super) fn probability(self) -> f64 {
        sigmoid(self.logit)
    }

    /// Derivative of the probability by the logit.
    pub(super) fn slope(self) -> f64 {
        sigmoid(self.logit) * sigmoid(-self.logit)
    }
}

/// The pixels in order; `None` for those that take no part.
pub(super) fn pixels<'a>(
    logits: &'a [f32],
    targets: &'a [f32],
) -> impl Iterator<Item = Option<Pixel>> + 'a {
    logits.iter().zip(targets).map(|(logit, target)| Pixel::new(*logit, *target))
}

pub(super) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// `ln(1 + eˣ)`.
pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
