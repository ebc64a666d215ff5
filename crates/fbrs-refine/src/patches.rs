//! The gradient from patches around the clicks instead of the whole of the features.
//!
//! Gradients flow from the pixels of the click discs alone. Where the rest of the network sees only
//! a neighborhood of a pixel, the patches around those pixels give the same gradient as the whole
//! map: a patch's edge is either the map's own edge, where both pad with zeros, or too far away to
//! be seen.

use burn::tensor::{Tensor, TensorData};
use fbrs_models::CutState;

use crate::logits::Logits;
use crate::objective::Discs;

/// Beyond this share of the map, patches do not pay.
const WORTHWHILE: f64 = 0.6;
/// Spread of a click disc on the map at stride 4.
const DISC_SPREAD: usize = 4;

pub(crate) struct Patches {
    at_cut: CutState,
    side: [usize; 2],
    /// (index into the logits, index into the patches' logits) of every pixel with a gradient.
    pixels: Vec<(usize, usize)>,
    count: usize,
}

impl Patches {
    /// Patches for the discs of those `images` of the whole batch that `at_cut` is a batch of;
    /// `None` where the whole of the features is cheaper.
    pub(crate) fn new(
        at_cut: &CutState,
        discs: &Discs,
        logits: &Logits,
        images: &[usize],
        neighborhood: usize,
    ) -> Option<Self> {
        let map = logits.map_size();
        let side = |length: usize| length.min(2 * neighborhood + DISC_SPREAD);
        let side = [side(map.height), side(map.width)];
        let mut touched: Vec<(usize, usize)> = discs
            .pixels()
            .filter_map(|(image, pixel, _)| {
                Some((images.iter().position(|own| *own == image)?, pixel))
            })
            .flat_map(|(image, pixel)| logits.taps(pixel).map(|(index, _)| (image, index)))
            .collect();
        touched.sort_unstable();
        touched.dedup();
        let mut corners: Vec<(usize, usize, usize)> = Vec::new();
        let mut pixels = Vec::new();
        for (image, index) in touched {
            let (row, col) = (index / map.width, index % map.width);
            let serves = |&(batch, top, left): &(usize, usize, usize)| {
                batch == image
                    && sees(row, top, side[0], map.height, neighborhood)
                    && sees(col, left, side[1], map.width, neighborhood)
            };
            let patch = corners.iter().position(serves).unwrap_or_else(|| {
                let corner = |at: usize, side: usize, length: usize| {
                    at.saturating_sub(neighborhood).min(length - side)
                };
                corners.push((
                    image,
                    corner(row, side[0], map.height),
                    corner(col, side[1], map.width),
                ));
                corners.len() - 1
            });
            let (_, top, left) = *corners.get(patch)?;
            let inside = (row - top) * side[1] + (col - left);
            let whole = images.get(image)? * map.area() + index;
            pixels.push((whole, patch * side[0] * side[1] + inside));
        }
        let cost = (corners.len() * side[0] * side[1]) as f64;
        if corners.is_empty() || cost > WORTHWHILE * (images.len() * map.area()) as f64 {
            return None;
        }
        let count = corners.len();
        Some(Self { at_cut: at_cut.patches(&corners, side), side, pixels, count })
    }

    /// The patches' features, unrefined.
    pub(crate) fn at_cut(&self) -> &CutState {
        &self.at_cut
    }

    /// The gradient with respect to the patches' logits.
    pub(crate) fn gather(&self, gradient: &[f32]) -> Tensor<4> {
        let mut values = vec![0.0f32; self.count * self.side[0] * self.side[1]];
        for &(from, to) in &self.pixels {
            if let (Some(value), Some(gradient)) = (values.get_mut(to), gradient.get(from)) {
                *value = *gradient;
            }
        }
        let shape = [self.count, 1, self.side[0], self.side[1]];
        let device = self.at_cut.features().device();
        Tensor::from_data(TensorData::new(values, shape), &device)
    }
}

/// Whether a patch of `side` pixels from `first` holds all that pixel `at` of an axis sees.
fn sees(at: usize, first: usize, side: usize, length: usize, neighborhood: usize) -> bool {
    let end = first + side;
    at >= first
        && at < end
        && (first == 0 || at - first >= neighborhood)
        && (end == length || end - 1 - at >= neighborhood)
}
