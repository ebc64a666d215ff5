//! What is drawn over the photo: masks with their colors.

use std::ops::Range;
use std::sync::Arc;

use egui::{Color32, ColorImage};
use fbrs_annotation::Mask;

use super::tiles::{TILE, Tile};

/// Masks, the lowest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Scene {
    pub(crate) masks: Vec<Painted>,
    /// How strongly masks cover the photo, from 0 to 1.
    pub(crate) opacity: f32,
    /// Whether masks are outlined.
    pub(crate) outlines: bool,
}

/// A mask and how it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Painted {
    pub(crate) mask: Mask,
    pub(crate) color: [u8; 3],
    /// Which lines it is hatched with, so that classes differ for those who see few colors.
    pub(crate) hatch: Hatch,
    /// Whether it stands out from the others.
    pub(crate) selected: bool,
}

/// Lines across a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hatch {
    None,
    Falling,
    Rising,
    Level,
    Upright,
    Crossed,
}

impl Hatch {
    /// That of a class.
    pub(crate) fn of(class: Option<u32>) -> Self {
        let Some(class) = class else { return Self::None };
        const ALL: [Hatch; 6] = [
            Hatch::None,
            Hatch::Falling,
            Hatch::Rising,
            Hatch::Level,
            Hatch::Upright,
            Hatch::Crossed,
        ];
        // Colors repeat after seven classes: then another hatch begins.
        ALL.get((class as usize).saturating_sub(1) / 7 % ALL.len()).copied().unwrap_or(Self::None)
    }

    fn holds(self, x: usize, y: usize) -> bool {
        const STEP: usize = 10;
        let line = |at: usize| at % STEP < 2;
        match self {
            Self::None => false,
            Self::Falling => line(x + STEP * TILE as usize - y),
            Self::Rising => line(x + y),
            Self::Level => line(y),
            Self::Upright => line(x),
            Self::Crossed => line(x) || line(y),
        }
    }
}

impl Scene {
    /// Whether any mask can be seen.
    pub(crate) fn is_empty(&self) -> bool {
        self.masks.iter().all(|painted| painted.mask.is_empty())
    }

    /// A tile of the scene; `None` where nothing of it is there. `thick`: width of outlines in the
    /// tile's pixels.
    pub(crate) fn paint(&self, tile: Tile, size: [usize; 2], thick: usize) -> Option<ColorImage> {
        let [width, height] = size;
        let mut image: Option<ColorImage> = None;
        let mut inside = Inside::new(width, height, thick);
        for painted in &self.masks {
            if !inside.fill(&painted.mask, tile) {
                continue;
            }
            let image = image
                .get_or_insert_with(|| ColorImage::filled([width, height], Color32::TRANSPARENT));
            self.lay(painted, &inside, image);
        }
        image
    }

    fn lay(&self, painted: &Painted, inside: &Inside, image: &mut ColorImage) {
        let [r, g, b] = painted.color;
        let opacity = if painted.selected { 1.3 * self.opacity } else { self.opacity };
        let alpha = |share: f32| (255.0 * share.clamp(0.0, 1.0)) as u8;
        let fill = Color32::from_rgba_unmultiplied(r, g, b, alpha(opacity));
        let line = Color32::from_rgba_unmultiplied(r, g, b, alpha(opacity + 0.3));
        let edge = Color32::from_rgb(r, g, b);
        let rim = Color32::from_rgb(255, 255, 255);
        for y in inside.rows.clone() {
            for x in inside.cols.clone() {
                if !inside.holds(x, y) {
                    continue;
                }
                let color = match inside.depth(x, y) {
                    0 if self.outlines && painted.selected => rim,
                    depth if self.outlines && depth < inside.thick => edge,
                    depth if self.outlines && painted.selected && depth <= inside.thick => edge,
                    _ if painted.hatch.holds(x, y) => line,
                    _ => fill,
                };
                if let Some(pixel) = image.pixels.get_mut(y * inside.width + x) {
                    *pixel = over(color, *pixel);
                }
            }
        }
    }
}

/// A premultiplied color on another.
fn over(top: Color32, below: Color32) -> Color32 {
    let rest = 255 - u16::from(top.a());
    let mix = |a: u8, b: u8| a.saturating_add(((u16::from(b) * rest + 127) / 255) as u8);
    let [r, g, b, a] = top.to_array();
    let [r2, g2, b2, a2] = below.to_array();
    Color32::from_rgba_premultiplied(mix(r, r2), mix(g, g2), mix(b, b2), mix(a, a2))
}

/// Which pixels of a tile, and of a margin around it, a mask has.
struct Inside {
    width: usize,
    height: usize,
    thick: usize,
    margin: usize,
    values: Vec<bool>,
    /// Where in the tile the mask is, at the most.
    rows: Range<usize>,
    cols: Range<usize>,
}

impl Inside {
    fn new(width: usize, height: usize, thick: usize) -> Self {
        let margin = thick + 1;
        let values = vec![false; (width + 2 * margin) * (height + 2 * margin)];
        Self { width, height, thick, margin, values, rows: 0..height, cols: 0..width }
    }

    fn stride(&self) -> usize {
        self.width + 2 * self.margin
    }

    /// Whether any pixel of the tile itself is the mask's.
    fn fill(&mut self, mask: &Mask, tile: Tile) -> bool {
        let step = 1usize << tile.level;
        let Some(bounds) = mask.bounds() else { return false };
        let (left, top) = (tile.x as usize * TILE as usize, tile.y as usize * TILE as usize);
        let (rows, cols) = (bounds.rows(), bounds.cols());
        let is_beside = rows.end <= top * step
            || rows.start >= (top + self.height) * step
            || cols.end <= left * step
            || cols.start >= (left + self.width) * step;
        if is_beside {
            return false;
        }
        let within = |range: Range<usize>, begin: usize, length: usize| {
            let first = (range.start / step).saturating_sub(begin);
            first..(range.end.div_ceil(step) + 1).saturating_sub(begin).min(length)
        };
        self.rows = within(rows, top, self.height);
        self.cols = within(cols, left, self.width);
        self.values.fill(false);
        let (stride, margin) = (self.stride(), self.margin);
        let mut any = false;
        let height = self.height;
        for (line, values) in self.values.chunks_mut(stride).enumerate() {
            // The photo's row under the middle of this one.
            let Some(row) = (top + line).checked_sub(margin) else { continue };
            for [first, end] in mask.row(row * step + step / 2) {
                let run = pixels(*first, *end, step);
                let begin = (run.start + margin).saturating_sub(left);
                let end = (run.end + margin).saturating_sub(left).min(stride);
                if begin < end
                    && let Some(part) = values.get_mut(begin..end)
                {
                    part.fill(true);
                    let is_own = (margin..height + margin).contains(&line);
                    any |= is_own && end > margin && begin < stride - margin;
                }
            }
        }
        any
    }

    fn at(&self, x: usize, y: usize) -> bool {
        self.values.get(y * self.stride() + x).copied().unwrap_or(false)
    }

    fn holds(&self, x: usize, y: usize) -> bool {
        self.at(x + self.margin, y + self.margin)
    }

    /// How far it is to the nearest pixel outside, straight along a row or column; no more than the
    /// margin is looked at.
    fn depth(&self, x: usize, y: usize) -> usize {
        let (x, y) = (x + self.margin, y + self.margin);
        let is_open = |distance: &usize| {
            let d = *distance;
            !(self.at(x - d, y) && self.at(x + d, y) && self.at(x, y - d) && self.at(x, y + d))
        };
        (1..=self.margin).find(is_open).map_or(self.margin, |distance| distance - 1)
    }
}

/// The pixels of a level whose middles lie in a run of the photo's columns.
fn pixels(first: u32, end: u32, step: usize) -> Range<usize> {
    let middle = step / 2;
    let at = |col: u32| (col as usize + step - 1).saturating_sub(middle) / step;
    at(first)..at(end)
}

/// A scene, shared with the thread that paints it; newer scenes have larger numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    pub(crate) number: u64,
    pub(crate) scene: Arc<Scene>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use fbrs::{Position, Size};
    use fbrs_annotation::shape;

    use super::*;

    fn scene(mask: Mask) -> Scene {
        let painted = Painted { mask, color: [200, 0, 0], hatch: Hatch::None, selected: false };
        Scene { masks: vec![painted], opacity: 0.4, outlines: true }
    }

    #[test]
    fn tiles_together_are_the_mask() {
        let size = Size { height: 700, width: 900 };
        let disc = shape::stroke(size, &[Position::at_xy(510.0, 500.0)], 160.0);
        let scene = scene(disc.clone());
        for level in 0..3 {
            let step = 1usize << level;
            let (width, height) = (900usize.div_ceil(step), 700usize.div_ceil(step));
            for y in 0..height.div_ceil(TILE as usize) {
                for x in 0..width.div_ceil(TILE as usize) {
                    let tile = Tile { level, x: x as u32, y: y as u32 };
                    let tile_size = tile.size([900, 700]);
                    let painted = scene.paint(tile, tile_size, 2);
                    for at in 0..tile_size[0] * tile_size[1] {
                        let (col, row) = (at % tile_size[0], at / tile_size[0]);
                        let (col, row) = (x * TILE as usize + col, y * TILE as usize + row);
                        let middle = |at: usize| (at * step + step / 2) as f64;
                        let is_object = disc.holds(Position::at_xy(middle(col), middle(row)));
                        let alpha = painted.as_ref().map_or(0, |image| image.pixels[at].a());
                        assert_eq!(alpha > 0, is_object, "{level} {col} {row}");
                    }
                }
            }
        }
    }

    #[test]
    fn outlines_are_as_thick_as_asked_and_tiles_have_no_seams() {
        let size = Size { height: 600, width: 1100 };
        let corners = [(99.5, 9.5), (99.5, 1009.5), (499.5, 1009.5), (499.5, 9.5)];
        let corners = corners.map(|(row, col)| Position::from_row_col(row, col));
        let scene = scene(shape::polygon(size, &corners));
        let tile = Tile { level: 0, x: 1, y: 0 };
        let image = scene.paint(tile, tile.size([1100, 600]), 2).unwrap();
        let alpha = |x: usize, y: usize| image.pixels[y * 512 + x].a();
        // The upper edge, and the middle of the seam to the tile on the left.
        assert_eq!([99, 100, 101, 102].map(|y| alpha(0, y) == 255), [false, true, true, false]);
        assert!(alpha(0, 300) > 0 && alpha(0, 300) < 255);
        // 1010 - 512 is the first column outside.
        assert_eq!([495, 496, 497, 498].map(|x| alpha(x, 300)), [102, 255, 255, 0]);
    }
}
