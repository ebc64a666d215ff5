use std::sync::Arc;

use fbrs_clicks::{CropTransform, Region, Size};
use fbrs_models::bilinear_taps;
use fbrs_refine::Logits;

use super::rows::Placed;
use super::{CropProbabilities, Prediction};

/// The network's answer at the size at which it saw the photo: what is remembered of each click.
#[derive(Debug, PartialEq)]
pub(crate) struct CropAnswer {
    transforms: Arc<[CropTransform]>,
    /// Probabilities of each crop, row-major.
    crops: Vec<Vec<f32>>,
}

impl CropAnswer {
    /// `logits`: one map per crop.
    pub(crate) fn new(transforms: Arc<[CropTransform]>, logits: &Logits) -> Self {
        let probabilities = |crop: usize| {
            let mut values = logits.at_crop_size(crop);
            values.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp()));
            values
        };
        let crops = (0..transforms.len()).map(probabilities).collect();
        Self { transforms, crops }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.crops.iter().map(|crop| size_of_val(crop.as_slice())).sum()
    }

    pub(crate) fn crops(&self) -> impl Iterator<Item = CropProbabilities<'_>> {
        self.transforms.iter().zip(&self.crops).map(|(transform, probabilities)| {
            let (region, crop) = (transform.region(), transform.crop());
            CropProbabilities { region, crop, probabilities }
        })
    }

    /// How each crop lies in the photo.
    pub(super) fn placed(&self) -> Vec<Placed<'_>> {
        self.crops().map(Placed::new).collect()
    }

    /// The smallest region that holds all pixels of a photo of `size` above a threshold.
    pub(crate) fn bounds(self: &Arc<Self>, threshold: f32, size: Size) -> Option<Region> {
        match self.placed().as_slice() {
            [one] => one.bounds(threshold),
            _ => {
                // Where tiles overlap, their mean decides.
                let whole = Region::whole(size);
                let mut above = vec![false; size.area()];
                let prediction = Prediction::new(size, Some(self.clone()), None);
                prediction.each_row(whole, &mut above, |above, p| *above = p > threshold);
                Region::bounding_box(&above, size)
            }
        }
    }
}

/// Where both sources of a value are below this share of a threshold, so is the value.
const SURELY_BELOW: f32 = 0.999;

impl Placed<'_> {
    /// The smallest region that holds all pixels above a threshold. Only pixels that may enlarge it
    /// are looked at.
    fn bounds(&self, threshold: f32) -> Option<Region> {
        let largest: Vec<f32> =
            self.lines().map(|line| line.iter().copied().fold(0.0, f32::max)).collect();
        let below =
            |line: usize| largest.get(line).is_none_or(|value| *value < SURELY_BELOW * threshold);
        let mut found: Option<Region> = None;
        let mut mixed = Vec::new();
        for (index, row) in self.region.rows().enumerate() {
            let Some(tap) = self.rows.get(index) else { continue };
            if below(tap.low) && below(tap.high) {
                continue;
            }
            self.mix(index, &mut mixed);
            let cols = self.cols.len();
            let is_above = |col: &usize| self.value(&mixed, *col) > threshold;
            let left = self.region.left();
            let (first, last) = match found {
                None => {
                    let Some(first) = (0..cols).find(is_above) else { continue };
                    (first, (first..cols).rev().find(is_above).unwrap_or(first))
                }
                Some(found) => {
                    let (before, behind) = (found.left() - left, found.right() - left);
                    let first = (0..before).find(is_above).unwrap_or(before);
                    let last = (behind + 1..cols).rev().find(is_above).unwrap_or(behind);
                    let inside = || (before..=behind).any(|col| is_above(&col));
                    if first == before && last == behind && !inside() {
                        continue;
                    }
                    (first, last)
                }
            };
            let line = Region::new(row..=row, left + first..=left + last)?;
            found = Some(found.map_or(line, |found| found.union(line)));
        }
        found
    }
}

impl<'a> Placed<'a> {
    fn new(crop: CropProbabilities<'a>) -> Self {
        let (CropProbabilities { region, crop, probabilities }, to) = (crop, crop.region.size());
        Self {
            region,
            values: probabilities,
            width: crop.width,
            rows: bilinear_taps(crop.height, to.height),
            cols: bilinear_taps(crop.width, to.width),
        }
    }
}
