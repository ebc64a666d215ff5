//! Distances as OpenCV approximates them: `distanceTransform` with `DIST_L2` and a mask of 5×5.

use fbrs_clicks::Size;

/// 1, 1.4 and 2.1969, in 65536ths.
const STRAIGHT: u32 = 65_536;
const DIAGONAL: u32 = 91_750;
const KNIGHT: u32 = 143_976;
/// Farther than anything.
const FAR: u32 = u32::MAX / 2;
/// Pixels around the image: one that counts as outside, two that are never looked at.
const FRAME: usize = 3;

/// The distance of each pixel of a mask to the nearest one that is not of it, in 65536ths of a pixel; beyond
/// the image is outside.
pub(crate) fn distances(mask: &[bool], size: Size) -> Vec<u32> {
    let stride = size.width + 2 * FRAME;
    let at = |row: usize, col: usize| (row + FRAME) * stride + col + FRAME;
    let mut distances = vec![FAR; stride * (size.height + 2 * FRAME)];
    // What counts as outside. Beyond that everything is far, and stays so: it is never looked at again.
    for row in FRAME - 1..size.height + FRAME + 1 {
        for col in FRAME - 1..size.width + FRAME + 1 {
            if let Some(distance) = distances.get_mut(row * stride + col) {
                *distance = 0;
            }
        }
    }
    let inside: Vec<usize> = (0..)
        .zip(mask)
        .filter(|(_, is_inside)| **is_inside)
        .map(|(index, _): (usize, _)| at(index / size.width, index % size.width))
        .collect();
    for here in &inside {
        if let Some(distance) = distances.get_mut(*here) {
            *distance = FAR;
        }
    }
    let steps = [
        (2 * stride + 1, KNIGHT),
        (2 * stride - 1, KNIGHT),
        (stride + 2, KNIGHT),
        (stride + 1, DIAGONAL),
        (stride, STRAIGHT),
        (stride - 1, DIAGONAL),
        (stride - 2, KNIGHT),
        (1, STRAIGHT),
    ];
    // Once from above, once from below; what is not of the mask is at 0 already.
    let before = |here: usize, step: usize| here.checked_sub(step);
    for here in &inside {
        relax(&mut distances, *here, &steps, before);
    }
    let after = |here: usize, step: usize| here.checked_add(step);
    for here in inside.iter().rev() {
        relax(&mut distances, *here, &steps, after);
    }
    let row = |row| distances.get(at(row, 0)..at(row, size.width)).unwrap_or(&[]);
    (0..size.height).flat_map(row).copied().collect()
}

/// Brings a pixel as near as its neighbors on one side make it.
fn relax(
    distances: &mut [u32],
    here: usize,
    steps: &[(usize, u32)],
    there: impl Fn(usize, usize) -> Option<usize>,
) {
    let by = |(step, cost): &(usize, u32)| Some(distances.get(there(here, *step)?)? + cost);
    let nearest = steps.iter().filter_map(by).min();
    if let (Some(nearest), Some(distance)) = (nearest, distances.get_mut(here)) {
        *distance = nearest.min(*distance);
    }
}
