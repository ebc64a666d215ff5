//! Reading a prediction row by row, at the photo's size.

use std::ops::Range;

use fbrs_clicks::Region;
use fbrs_models::BilinearTap;

use super::Prediction;
use super::floor::{Floor, MaskBits};

/// A prediction, ready to be read at any row.
pub(super) struct Rows<'a> {
    /// The largest of these holds.
    layers: Vec<Layer<'a>>,
}

enum Layer<'a> {
    Answer(Vec<Placed<'a>>),
    Mask(&'a MaskBits),
}

/// A crop's probabilities and where they lie in the photo.
pub(super) struct Placed<'a> {
    pub(super) region: Region,
    pub(super) values: &'a [f32],
    pub(super) width: usize,
    pub(super) rows: Vec<BilinearTap>,
    pub(super) cols: Vec<BilinearTap>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(prediction: &'a Prediction) -> Self {
        let mut layers = Vec::new();
        let mut next = Some(prediction);
        while let Some(prediction) = next {
            layers.extend(prediction.answer.iter().map(|answer| Layer::Answer(answer.placed())));
            next = match prediction.floor.as_deref() {
                Some(Floor::Part(part)) => Some(part),
                Some(Floor::Mask(mask)) => {
                    layers.push(Layer::Mask(mask));
                    None
                }
                None => None,
            };
        }
        Self { layers }
    }

    /// Fills `out` with the columns `cols` of a row.
    pub(super) fn read(&self, row: usize, cols: Range<usize>, out: &mut [f32]) {
        out.fill(0.0);
        let mut other = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            match layer {
                Layer::Mask(mask) => mask.raise(row, cols.clone(), out),
                Layer::Answer(crops) if index == 0 => answer(crops, row, cols.clone(), out),
                Layer::Answer(crops) => {
                    other.clear();
                    other.resize(out.len(), 0.0);
                    answer(crops, row, cols.clone(), &mut other);
                    out.iter_mut().zip(&other).for_each(|(out, other)| *out = out.max(*other));
                }
            }
        }
    }
}

/// The mean of the crops that cover a pixel, 0 where none does.
fn answer(crops: &[Placed<'_>], row: usize, cols: Range<usize>, out: &mut [f32]) {
    let mut covered = vec![0.0f32; if crops.len() > 1 { out.len() } else { 0 }];
    let mut mixed = Vec::new();
    for crop in crops.iter().filter(|crop| crop.region.rows().contains(&row)) {
        crop.mix(row - crop.region.top(), &mut mixed);
        let own = crop.region.cols();
        let both = own.start.max(cols.start)..own.end.min(cols.end);
        if both.is_empty() {
            continue;
        }
        let at = both.start - cols.start..both.end - cols.start;
        let taps = crop.cols.get(both.start - own.start..both.end - own.start);
        let targets = out.get_mut(at.clone()).into_iter().flatten();
        for (out, tap) in targets.zip(taps.unwrap_or_default()) {
            if let (Some(low), Some(high)) = (mixed.get(tap.low), mixed.get(tap.high)) {
                *out += tap.mix(*low, *high);
            }
        }
        covered.get_mut(at).into_iter().flatten().for_each(|count| *count += 1.0);
    }
    for (value, count) in out.iter_mut().zip(&covered) {
        *value /= count.max(1.0);
    }
}

impl Placed<'_> {
    /// The crop's rows.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks(self.width.max(1))
    }

    /// A row of the region, at the crop's columns.
    pub(super) fn mix(&self, row: usize, mixed: &mut Vec<f32>) {
        mixed.clear();
        let line = |line: usize| self.values.get(line * self.width..(line + 1) * self.width);
        let Some(tap) = self.rows.get(row) else { return };
        let (Some(low), Some(high)) = (line(tap.low), line(tap.high)) else { return };
        mixed.extend(low.iter().zip(high).map(|(low, high)| tap.mix(*low, *high)));
    }

    /// The value in a column of the region of such a row.
    pub(super) fn value(&self, mixed: &[f32], col: usize) -> f32 {
        let value = self
            .cols
            .get(col)
            .and_then(|tap| Some(tap.mix(*mixed.get(tap.low)?, *mixed.get(tap.high)?)));
        value.unwrap_or(0.0)
    }
}
