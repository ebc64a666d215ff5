use fbrs_clicks::Size;
use rand::Rng;

use super::affine::Affine;
use super::geometry::Geometry;
use super::orientation::Orientation;
use super::pixels::Rect;
use crate::options::{Augmentation, CropPlace, Flips, SampleOptions};
use crate::stream::Draw;

/// The most that small photos are enlarged to fill the crop.
const LARGEST_FILL: f64 = 4.0;

/// What is drawn for a photo.
pub(super) struct Drawn<'a> {
    source: Size,
    options: &'a Augmentation,
    crop: Size,
}

impl<'a> Drawn<'a> {
    pub(super) fn new(source: Size, options: &'a SampleOptions) -> Self {
        Self { source, options: &options.augmentation, crop: options.crop }
    }

    pub(super) fn scale(&self, draw: &mut impl Rng) -> f64 {
        self.options.scale.map_or(1.0, |range| draw.between(range))
    }

    /// Everything but the scale.
    pub(super) fn geometry(&self, scale: f64, draw: &mut impl Rng) -> Geometry {
        let turned = self.turned(scale, draw);
        let frame = turned.orientation.after();
        let top = self.offset(frame.height, self.crop.height, draw);
        let left = self.offset(frame.width, self.crop.width, draw);
        Geometry { window: Rect { top, left, size: self.crop }, crop: self.crop, ..turned }
    }

    /// Everything but the scale and the crop: the whole picture.
    pub(super) fn turned(&self, scale: f64, draw: &mut impl Rng) -> Geometry {
        let (top_down, left_right) = match self.options.flips {
            Flips::Horizontal => (false, draw.chance(0.5)),
            Flips::Both if draw.chance(0.5) => match draw.below(3) {
                0 => (true, false),
                1 => (false, true),
                _ => (true, true),
            },
            Flips::Both | Flips::None => (false, false),
        };
        let turns = match self.options.quarter_turns && draw.chance(0.5) {
            true => draw.below(4),
            false => 0,
        };
        let scaled = self.scaled(scale, turns % 2 == 1);
        let orientation = Orientation::new(scaled, top_down, left_right, turns);
        let frame = orientation.after();
        let shift_rotate = self.options.shift_rotate;
        let affine =
            shift_rotate.filter(|options| draw.chance(options.probability)).map(|options| {
                let mut either_way = |most: f64| draw.between([-most, most]);
                let degrees = either_way(options.degrees);
                let (right, down) = (either_way(options.shift), either_way(options.shift));
                Affine::new(frame, degrees, right, down)
            });
        let (source, window) = (self.source, Rect::whole(frame));
        Geometry { source, orientation, affine, window, crop: frame }
    }

    /// Upright, with this pixel of the photo as near to the middle of the crop as the photo allows.
    pub(super) fn around(&self, scale: f64, row: usize, col: usize) -> Geometry {
        let scaled = self.scaled(scale, false);
        let offset = |at: usize, source: usize, scaled: usize, crop: usize| {
            let slack = scaled as i64 - crop as i64;
            if slack < 0 {
                return padding(scaled, crop);
            }
            let at = (at as f64 + 0.5) * scaled as f64 / source as f64;
            ((at - crop as f64 / 2.0).round() as i64).clamp(0, slack)
        };
        let top = offset(row, self.source.height, scaled.height, self.crop.height);
        let left = offset(col, self.source.width, scaled.width, self.crop.width);
        let window = Rect { top, left, size: self.crop };
        let orientation = Orientation::upright(scaled);
        Geometry { source: self.source, orientation, affine: None, window, crop: self.crop }
    }

    fn scaled(&self, scale: f64, is_turned: bool) -> Size {
        let Size { height, width } = self.source;
        let mut scale = scale;
        if self.options.fill_crop {
            let (across, down) = if is_turned { (height, width) } else { (width, height) };
            let fills =
                (self.crop.height as f64 / down as f64).max(self.crop.width as f64 / across as f64);
            scale = scale.max(fills.min(LARGEST_FILL));
        }
        let side = |side: usize| (scale * side as f64).round_ties_even().max(1.0) as usize;
        Size { height: side(height), width: side(width) }
    }

    /// Where the crop begins, along one side; before the picture where that is smaller.
    fn offset(&self, side: usize, crop: usize, draw: &mut impl Rng) -> i64 {
        let Some(slack) = side.checked_sub(crop) else { return padding(side, crop) };
        let mut offset = || draw.below(slack + 1);
        match self.options.crop_place {
            CropPlace::Uniform => offset() as i64,
            CropPlace::Middle => ((offset() + offset()) / 2) as i64,
        }
    }
}

/// Where the crop begins around a smaller picture: the lesser half of the padding comes first.
fn padding(side: usize, crop: usize) -> i64 {
    -((crop.saturating_sub(side) / 2) as i64)
}
