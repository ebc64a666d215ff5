use fbrs_clicks::Size;
use image::{GrayImage, Luma};
use imageproc::distance_transform::euclidean_squared_distance_transform;
use rand::Rng;

use super::areas::{Area, area};
use crate::options::FirstClick;
use crate::stream::{Draw, Weighted};

/// The pixel of a first click on a mask, if there is one.
pub(super) fn draw(
    mask: &[bool],
    size: Size,
    first: FirstClick,
    draw: &mut impl Rng,
) -> Option<u32> {
    if first.anywhere > 0.0 && draw.chance(first.anywhere) {
        return draw.pick(&area(mask)).copied();
    }
    let depths = depths(mask, size);
    if first.inner > 0.0 {
        return draw.pick(&inner(&depths, first.inner)).copied();
    }
    if depths.iter().all(|depth| *depth == 0.0) {
        return None;
    }
    let weighted = Weighted::new(depths.iter().map(|depth| f64::from(*depth)));
    u32::try_from(weighted.draw(draw)).ok()
}

/// Pixels that are deeper than the deepest one's share.
fn inner(depths: &[f32], share: f64) -> Area {
    let deepest = depths.iter().copied().fold(0.0, f32::max);
    let limit = (f64::from(deepest) / share) as f32;
    let is_inner = |depth: &f32| *depth > limit;
    area(&depths.iter().map(is_inner).collect::<Vec<bool>>())
}

/// Distances to the nearest pixel outside; beyond the image is outside.
fn depths(mask: &[bool], size: Size) -> Vec<f32> {
    let (width, height) = (size.width as u32, size.height as u32);
    let mut outside = GrayImage::from_pixel(width + 2, height + 2, Luma([255]));
    for (index, _) in (0..).zip(mask).filter(|(_, is_inside)| **is_inside) {
        if let Some(pixel) = outside.get_pixel_mut_checked(index % width + 1, index / width + 1) {
            *pixel = Luma([0]);
        }
    }
    let squared = euclidean_squared_distance_transform(&outside);
    let is_inside = |x: u32, y: u32| (1..=width).contains(&x) && (1..=height).contains(&y);
    let inside = squared.enumerate_pixels().filter(|(x, y, _)| is_inside(*x, *y));
    inside.map(|(_, _, Luma([squared]))| squared.sqrt() as f32).collect()
}

#[cfg(test)]
pub(super) fn candidates(mask: &[bool], size: Size, share: f64) -> Area {
    inner(&depths(mask, size), share)
}
