//! What the decoder is told of the clicks: where they are, and what looks like the clicked places.

use burn::tensor::activation::relu;
use burn::tensor::{Tensor, TensorData};

use crate::click_input::ClickPoints;
use crate::resize::resize_bilinear;

/// Channels of the click maps: two distance maps and two maps of what is near.
pub(super) const CLICK_MAPS: usize = 4;
/// A distance map's value times this is 1 where "near" ends, about 22 pixels from a click.
const NEAR: f64 = 6.0;
/// Channels of an embedding that are compared on their own.
const GROUP: usize = 16;
/// Keeps the length of an embedding away from 0.
const EPSILON: f64 = 1e-6;

/// Both distance maps at another size, then `max(0, 1 - 6·m)` of both: `[batch, 4, h, w]`.
pub(crate) fn click_maps(maps: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    let maps = resize_bilinear(maps, size);
    let near = relu(maps.clone() * -NEAR + 1.0);
    Tensor::cat(vec![maps, near], 1)
}

/// Every group of 16 channels scaled to length 1 at each pixel.
pub(super) fn unit(x: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let groups = channels / GROUP;
    let x = x.reshape([batch * groups, GROUP, height, width]);
    let length = (x.clone().powi_scalar(2).sum_dim(1) + EPSILON).sqrt();
    (x / length).reshape([batch, channels, height, width])
}

/// The similarity maps of an embedding.
pub(super) struct Similarity;

impl Similarity {
    /// Number of maps: per group one for each sign.
    pub(super) const fn channels(embedding: usize) -> usize {
        2 * embedding / GROUP
    }
}

/// Per group of the embedding the largest dot product with its value at a positive click, then the
/// same for negative clicks; -1 where there is none: `[batch, 2·groups, h, w]`.
///
/// `embedding`: [`unit`] ones, `[batch, channels, h, w]`; `points`: per image, in pixels of an image
/// of `size`.
pub(crate) fn similarity(
    embedding: &Tensor<4>,
    points: &[ClickPoints],
    size: [usize; 2],
) -> Tensor<4> {
    let [batch, channels, height, width] = embedding.dims();
    let (groups, area) = (channels / GROUP, height * width);
    let device = embedding.device();
    let flat = embedding.clone().reshape([batch, channels, area]);
    let of_sign = |positive: bool| {
        let of = |points: &ClickPoints| match positive {
            true => points.positive.clone(),
            false => points.negative.clone(),
        };
        let points: Vec<_> = points.iter().map(of).collect();
        let slots = points.iter().map(Vec::len).max().unwrap_or(0);
        if slots == 0 {
            return Tensor::full([batch, groups, height, width], -1.0, &device);
        }
        // Row `slot` holds the weights of the pixels that are read there: [batch, slots, area].
        let mut reading = vec![0.0f32; batch * slots * area];
        let mut used = vec![0.0f32; batch * slots];
        for (image, points) in points.iter().enumerate() {
            for (slot, point) in points.iter().enumerate() {
                let index = image * slots + slot;
                used[index] = 1.0;
                let row = &mut reading[index * area..(index + 1) * area];
                for (at, weight) in taps(*point, size, [height, width]) {
                    row[at] += weight;
                }
            }
        }
        let reading = TensorData::new(reading, [batch, slots, area]);
        let reading = Tensor::<3>::from_data(reading, &device);
        let read =
            reading.matmul(flat.clone().swap_dims(1, 2)).reshape([batch, slots, groups, GROUP]);
        let read = read.swap_dims(1, 2).reshape([batch * groups, slots, GROUP]);
        let products = read.matmul(flat.clone().reshape([batch * groups, GROUP, area]));
        let products = products.reshape([batch, groups, slots, area]);
        let used = Tensor::<4>::from_data(TensorData::new(used, [batch, 1, slots, 1]), &device);
        let products = products * used.clone() + (used - 1.0);
        products.max_dim(2).reshape([batch, groups, height, width])
    };
    Tensor::cat(vec![of_sign(true), of_sign(false)], 1)
}

/// The pixels of a map between which a point of the image lies, and their weights.
fn taps(point: [f32; 2], size: [usize; 2], map: [usize; 2]) -> [(usize, f32); 4] {
    let axis = |at: f32, from: usize, to: usize| {
        let last = to.saturating_sub(1);
        let scale = last as f32 / from.saturating_sub(1).max(1) as f32;
        let at = (at * scale).clamp(0.0, last as f32);
        let low = (at.floor() as usize).min(to.saturating_sub(2));
        [(low, 1.0 - (at - low as f32)), ((low + 1).min(last), at - low as f32)]
    };
    let rows = axis(point[0], size[0], map[0]);
    let cols = axis(point[1], size[1], map[1]);
    let tap = |row: usize, col: usize| {
        let ((row, by_row), (col, by_col)) = (rows[row], cols[col]);
        (row * map[1] + col, by_row * by_col)
    };
    [tap(0, 0), tap(0, 1), tap(1, 0), tap(1, 1)]
}
