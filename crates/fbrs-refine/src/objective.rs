//! Loss over click discs and its gradient with respect to the logits at stride 4; ending tests.

use fbrs_clicks::{Click, ClickDiscs, CropSpace, DiscRule};

use crate::frame::Frame;
use crate::logits::Logits;

/// Keeps the mean over no pixel finite.
const EPSILON: f64 = 1e-5;

/// Where the network's answer is compared with the clicks: discs of every image of the batch.
pub(crate) struct Discs {
    images: Vec<ClickDiscs>,
    positive: f64,
    negative: f64,
}

/// The data term at some logits.
pub(crate) struct Agreement {
    /// `Σ disc₊·(1-p)² / (Σ disc₊ + ε) + Σ disc₋·p² / (Σ disc₋ + ε)`.
    pub(crate) loss: f64,
    /// Whether every disc's pixel lies on its side of the threshold.
    pub(crate) all_agree: bool,
}

impl Discs {
    pub(crate) fn new(frame: &Frame, clicks: &[Vec<Click<CropSpace>>], rule: DiscRule) -> Self {
        let images: Vec<_> = frame
            .batch_clicks(clicks)
            .iter()
            .map(|clicks| ClickDiscs::new(clicks, frame.size(), rule))
            .collect();
        let count = |pixels: fn(&ClickDiscs) -> &[usize]| {
            images.iter().map(|discs| pixels(discs).len()).sum::<usize>() as f64 + EPSILON
        };
        let (positive, negative) = (count(ClickDiscs::positive), count(ClickDiscs::negative));
        Self { images, positive, negative }
    }

    /// Whether any disc is in this image of the batch.
    pub(crate) fn touch(&self, image: usize) -> bool {
        let of = self.images.get(image);
        of.is_some_and(|discs| !(discs.positive().is_empty() && discs.negative().is_empty()))
    }

    /// Every (image, pixel of the crop, is positive).
    pub(crate) fn pixels(&self) -> impl Iterator<Item = (usize, usize, bool)> + '_ {
        self.images.iter().enumerate().flat_map(|(image, discs)| {
            let of = move |pixels: &'_ [usize], positive| {
                pixels.iter().map(move |&pixel| (image, pixel, positive)).collect::<Vec<_>>()
            };
            of(discs.positive(), true).into_iter().chain(of(discs.negative(), false))
        })
    }

    pub(crate) fn agreement(&self, logits: &Logits, threshold: f64) -> Agreement {
        let (mut positive, mut negative, mut all_agree) = (0.0, 0.0, true);
        for (image, pixel, is_positive) in self.pixels() {
            let p = sigmoid(f64::from(logits.at(image, pixel)));
            if is_positive {
                positive += (1.0 - p).powi(2);
                all_agree &= 1.0 - p < 1.0 - threshold;
            } else {
                negative += p.powi(2);
                all_agree &= p < threshold;
            }
        }
        Agreement { loss: positive / self.positive + negative / self.negative, all_agree }
    }

    /// Gradient of the data term with respect to the logits at stride 4, shaped like them.
    pub(crate) fn gradient(&self, logits: &Logits) -> Vec<f32> {
        let mut gradient = vec![0.0f64; logits.values().len()];
        let area = logits.map_size().area();
        for (image, pixel, is_positive) in self.pixels() {
            let p = sigmoid(f64::from(logits.at(image, pixel)));
            let slope = p * (1.0 - p);
            let at_pixel = if is_positive {
                -2.0 * (1.0 - p) * slope / self.positive
            } else {
                2.0 * p * slope / self.negative
            };
            for (index, weight) in logits.taps(pixel) {
                if let Some(gradient) = gradient.get_mut(image * area + index) {
                    *gradient += at_pixel * f64::from(weight);
                }
            }
        }
        gradient.into_iter().map(|gradient| gradient as f32).collect()
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The logit of a probability, at the resolution of f32.
pub(crate) fn logit(probability: f32) -> f32 {
    let p = f64::from(probability);
    (p / (1.0 - p)).ln() as f32
}

/// Mean over the images, those with an empty union left out, of the IoU of two masks; `None` where
/// all are left out.
pub(crate) fn mean_iou(a: &[bool], b: &[bool], area: usize) -> Option<f64> {
    let mut ious = Vec::new();
    for (a, b) in a.chunks(area.max(1)).zip(b.chunks(area.max(1))) {
        let count =
            |both: fn(bool, bool) -> bool| a.iter().zip(b).filter(|(a, b)| both(**a, **b)).count();
        let union = count(|a, b| a | b);
        if union > 0 {
            ious.push(count(|a, b| a & b) as f64 / union as f64);
        }
    }
    (!ious.is_empty()).then(|| ious.iter().sum::<f64>() / ious.len() as f64)
}
