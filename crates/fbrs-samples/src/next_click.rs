use fbrs_clicks::{Sign, Size};
use rand::Rng;

use crate::distance::distances;
use crate::sample::TrainingPoint;
use crate::stream::Draw;

/// Predictions below it miss an object's pixel, predictions above it wrongly claim one.
const THRESHOLD: f32 = 0.49;

/// A click on an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextClick {
    /// The pixel's row.
    pub row: usize,
    /// Its column.
    pub col: usize,
    /// Whether a part of the object was missed, or too much was claimed.
    pub sign: Sign,
}

/// The click after a prediction (probabilities, row by row): somewhere deep inside the larger error; none where
/// nothing is wrong. Pixels whose target is below 0 are no errors.
pub fn next_click(
    prediction: &[f32],
    target: &[f32],
    size: Size,
    draw: &mut impl Rng,
) -> Option<NextClick> {
    let (candidates, sign) = candidates(prediction, target, size);
    let index = *draw.pick(&candidates)?;
    Some(NextClick { row: index / size.width, col: index % size.width, sign })
}

/// All pixels that the next click may be, and its sign.
fn candidates(prediction: &[f32], target: &[f32], size: Size) -> (Vec<usize>, Sign) {
    let errors = |is_error: fn(f32, f32) -> bool| {
        let pixels = target.iter().zip(prediction);
        let errors: Vec<bool> = pixels
            .map(|(target, predicted)| *target >= 0.0 && is_error(*target, *predicted))
            .collect();
        distances(&errors, size)
    };
    let missed = errors(|target, predicted| target > 0.5 && predicted < THRESHOLD);
    let claimed = errors(|target, predicted| target <= 0.5 && predicted > THRESHOLD);
    let deepest = |depths: &[u32]| depths.iter().max().copied().unwrap_or(0);
    let (depths, sign) = match deepest(&missed) > deepest(&claimed) {
        true => (missed, Sign::Positive),
        false => (claimed, Sign::Negative),
    };
    let deepest = deepest(&depths);
    let is_deep = |depth: u32| 2 * u64::from(depth) > u64::from(deepest);
    let deep = depths.iter().enumerate().filter(|(_, depth)| is_deep(**depth));
    (deep.map(|(index, _)| index).collect(), sign)
}

/// Writes a click into the first free slot of its sign, or, where all are taken, into the last.
pub fn write_click(points: &mut [Option<TrainingPoint>], click: NextClick, order: u32) {
    let (on, off) = points.split_at_mut(points.len() / 2);
    let slots = if click.sign == Sign::Positive { on } else { off };
    let free = slots.iter().position(Option::is_none);
    let slot = free.or(slots.len().checked_sub(1));
    if let Some(slot) = slot.and_then(|slot| slots.get_mut(slot)) {
        *slot = Some(TrainingPoint { row: click.row as f32, col: click.col as f32, order });
    }
}

#[cfg(test)]
mod tests;
