use rayon::prelude::*;

use crate::points::NetworkPoints;
use crate::position::{CropSpace, Position, Size};

/// Norm radius of the published networks, in pixels of the crop.
pub const NORM_RADIUS: f32 = 260.0;

/// Squared distance where there is no click.
const FAR: f32 = 1e6;

/// Distance maps: two channels, positive first, `2 · height · width` values in [0, 1], row-major.
///
/// `tanh(2 · sqrt(D))`, where `D` is the smallest squared distance to a click of the sign, in units
/// of `norm_radius` pixels (Sofiiuk et al. 2020).
pub fn distance_maps(points: &NetworkPoints, size: Size, norm_radius: f32) -> Vec<f32> {
    let mut maps = vec![0.0; 2 * size.area()];
    let (positive, negative) = maps.split_at_mut(size.area());
    fill(positive, points.positive().collect(), size, norm_radius);
    fill(negative, points.negative().collect(), size, norm_radius);
    maps
}

fn fill(map: &mut [f32], points: Vec<Position<CropSpace>>, size: Size, norm_radius: f32) {
    map.par_chunks_mut(size.width.max(1)).enumerate().for_each(|(row, values)| {
        for (col, value) in values.iter_mut().enumerate() {
            let squared = |point: &Position<CropSpace>| {
                let rows = (row as f32 - point.row as f32) / norm_radius;
                let cols = (col as f32 - point.col as f32) / norm_radius;
                rows * rows + cols * cols
            };
            let nearest = points.iter().map(squared).fold(FAR, f32::min);
            *value = (2.0 * nearest.sqrt()).tanh();
        }
    });
}

/// Disc maps: two channels, positive first, `2 · height · width` values, row-major: 1 where a pixel
/// is at most `radius` pixels from a click of the sign, else 0 (Sofiiuk et al. 2021). Clicks are not
/// rounded; what of a disc lies outside is cut off.
pub fn disc_maps(points: &NetworkPoints, size: Size, radius: f32) -> Vec<f32> {
    let mut maps = vec![0.0; 2 * size.area()];
    let (positive, negative) = maps.split_at_mut(size.area());
    draw(positive, points.positive(), size, radius);
    draw(negative, points.negative(), size, radius);
    maps
}

fn draw(
    map: &mut [f32],
    points: impl Iterator<Item = Position<CropSpace>>,
    size: Size,
    radius: f32,
) {
    for point in points {
        let square = |pixel: usize, at: f64| {
            let distance = (pixel as f64 - at) as f32;
            distance * distance
        };
        let reach = f64::from(radius) + 1.0;
        let range = |at: f64, length: usize| {
            let end = (at + reach).ceil().clamp(0.0, length as f64) as usize;
            (at - reach).floor().clamp(0.0, length as f64) as usize..end
        };
        for row in range(point.row, size.height) {
            for col in range(point.col, size.width) {
                let is_in = square(row, point.row) + square(col, point.col) <= radius * radius;
                if let (true, Some(pixel)) = (is_in, map.get_mut(row * size.width + col)) {
                    *pixel = 1.0;
                }
            }
        }
    }
}
