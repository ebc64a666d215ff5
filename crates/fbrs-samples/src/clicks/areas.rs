//! Areas that clicks are drawn from.

use fbrs_clicks::Size;
use rand::Rng;

use super::Target;
use crate::options::{ClickOptions, Erosion};
use crate::scene::Scene;
use crate::stream::{Draw, Weighted};

/// Numbers of pixels, row by row.
pub(super) type Area = Vec<u32>;

/// An eroded area with no more pixels than this is not used.
const TOO_SMALL: usize = 10;

pub(super) fn area(mask: &[bool]) -> Area {
    (0..).zip(mask).filter(|(_, is_inside)| **is_inside).map(|(index, _)| index).collect()
}

/// Eroded by a square as often as asked for, if enough is left; beyond the crop everything counts as inside.
pub(super) fn eroded(
    mask: Vec<bool>,
    size: Size,
    erosion: Erosion,
    draw: &mut impl Rng,
) -> Vec<bool> {
    if !draw.chance(erosion.probability) {
        return mask;
    }
    let eroded = erode(&mask, size, erosion.pixels);
    if eroded.iter().filter(|is_inside| **is_inside).count() > TOO_SMALL { eroded } else { mask }
}

pub(super) fn erode(mask: &[bool], size: Size, pixels: u8) -> Vec<bool> {
    inverse(&dilate(&inverse(mask), size, usize::from(pixels)))
}

/// What a square of this radius makes of a mask, without the mask.
fn border(mask: &[bool], size: Size, radius: usize) -> Vec<bool> {
    let dilated = dilate(mask, size, radius).into_iter();
    dilated.zip(mask).map(|(dilated, is_inside)| dilated && !is_inside).collect()
}

/// All pixels whose row and column differ from those of a pixel of the mask by no more than the radius.
fn dilate(mask: &[bool], size: Size, radius: usize) -> Vec<bool> {
    let width = size.width.max(1);
    let mut across = vec![false; mask.len()];
    for (row, across) in mask.chunks(width).zip(across.chunks_mut(width)) {
        let reach = |left: &mut usize, (is_inside, dilated): (&bool, &mut bool)| {
            *left = if *is_inside { radius + 1 } else { left.saturating_sub(1) };
            *dilated |= *left > 0;
            Some(())
        };
        row.iter().zip(across.iter_mut()).scan(0, reach).for_each(drop);
        row.iter().zip(across).rev().scan(0, reach).for_each(drop);
    }
    let mut dilated = vec![false; mask.len()];
    reach(across.chunks(width).zip(dilated.chunks_mut(width)), radius, width);
    reach(across.chunks(width).zip(dilated.chunks_mut(width)).rev(), radius, width);
    dilated
}

/// Lets each pixel reach so many rows on, in the order in which rows come.
fn reach<'a>(
    rows: impl Iterator<Item = (&'a [bool], &'a mut [bool])>,
    radius: usize,
    width: usize,
) {
    let mut left = vec![0; width];
    for (row, dilated) in rows {
        for ((left, is_inside), dilated) in left.iter_mut().zip(row).zip(dilated) {
            *left = if *is_inside { radius + 1 } else { left.saturating_sub(1) };
            *dilated |= *left > 0;
        }
    }
}

fn inverse(mask: &[bool]) -> Vec<bool> {
    mask.iter().map(|is_inside| !is_inside).collect()
}

/// Where clicks beside the target may lie. Ignored pixels are in no area.
#[derive(Debug, Clone)]
pub(super) struct Beside {
    pub(super) background: Area,
    pub(super) other: Area,
    pub(super) border: Area,
    strategies: Weighted,
}

impl Beside {
    pub(super) fn new(scene: &Scene, target: &Target, options: &ClickOptions) -> Self {
        let shares = options.strategies;
        let strategies = Weighted::new([shares.background, shares.other, shares.border]);
        let ignored = scene.ignored();
        let usable = |mask: &[bool]| {
            let usable: Vec<bool> =
                mask.iter().zip(ignored).map(|(inside, ignored)| *inside && !ignored).collect();
            area(&usable)
        };
        if target.on.is_empty() {
            let background = usable(&inverse(&scene.occupied()));
            let (other, border) = (background.clone(), background.clone());
            return Self { background, other, border, strategies };
        }
        let least = if options.soft_targets { 0.5 } else { 0.0 };
        let inside: Vec<bool> = target.values.iter().map(|value| *value > least).collect();
        let background = usable(&inverse(&inside));
        let other = match scene.eligible().len() <= target.on.len() {
            true => background.clone(),
            false => {
                let pixels = scene.occupied().into_iter().zip(&inside);
                usable(&pixels.map(|(occupied, inside)| occupied && !inside).collect::<Vec<bool>>())
            }
        };
        let counted = inside.iter().zip(ignored).filter(|(inside, ignored)| **inside && !**ignored);
        let radius = (shares.border_width * (counted.count() as f64).sqrt()).ceil() as usize;
        let border = usable(&border(&inside, scene.size(), radius));
        Self { background, other, border, strategies }
    }

    /// The area of a strategy, drawn by its share.
    pub(super) fn draw(&self, draw: &mut impl Rng) -> &Area {
        match self.strategies.draw(draw) {
            0 => &self.background,
            1 => &self.other,
            _ => &self.border,
        }
    }
}
