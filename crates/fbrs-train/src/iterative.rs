//! Clicks on the network's own errors, before the step that learns from them.
//!
//! Some rounds, without gradients and with running statistics: the network answers, and every sample
//! gets one more click where its answer is most wrong. What the step sees as the previous mask is the
//! answer before the last click, as it is when people click.

use fbrs_models::{ImageFeatures, Network};
use fbrs_samples::{Stream, next_click, write_click};

use crate::Result;
use crate::batch::Batch;
use crate::learner::read;

/// Adds `rounds` clicks to every sample; the answer before the last of them, `[batch, height · width]`
/// probabilities.
pub(crate) fn add_clicks(
    network: &Network,
    features: &ImageFeatures,
    batch: &mut Batch,
    rounds: u32,
    mut stream: impl FnMut(usize, u32) -> Stream,
) -> Result<Option<Vec<f32>>> {
    let mut previous: Option<Vec<f32>> = None;
    let device = network.device();
    for round in 1..=rounds {
        let told = batch.told(previous.clone(), device);
        let logits = network.answer(features, told);
        let probabilities: Vec<f32> = read(logits)?.into_iter().map(sigmoid).collect();
        let area = batch.size.area();
        let of_samples = batch.samples.iter().zip(probabilities.chunks(area.max(1)));
        for (index, (sample, prediction)) in of_samples.enumerate() {
            let mut stream = stream(index, round);
            let click = next_click(prediction, &sample.target, batch.size, &mut stream);
            if let (Some(click), Some(points)) = (click, batch.points.get_mut(index)) {
                write_click(points, click, round);
            }
        }
        previous = Some(probabilities);
    }
    Ok(previous)
}

pub(crate) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}
