use crate::click::Click;
use crate::position::{CropSpace, ImageSpace, Position, Size};
use crate::region::Region;

/// How a region of the photo became the crop that the network sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CropTransform {
    region: Region,
    crop: Size,
}

impl CropTransform {
    /// The image at its own size.
    pub fn identity(image: Size) -> Self {
        Self { region: Region::whole(image), crop: image }
    }

    /// The region at its own size.
    pub fn unscaled(region: Region) -> Self {
        Self { region, crop: region.size() }
    }

    /// The region resized so that its longer side has `target` pixels; sides rounded half to even,
    /// at least 1.
    pub fn longest_side(region: Region, target: usize) -> Self {
        Self { region, crop: scaled(region.size(), target) }
    }

    /// The region resized to a square of `side` pixels, whatever its aspect.
    pub fn stretched(region: Region, side: usize) -> Self {
        Self { region, crop: Size { height: side.max(1), width: side.max(1) } }
    }

    /// The same with a smaller crop where its longer side exceeds `limit`: what the photo is resized to.
    pub fn limited(self, limit: usize) -> Self {
        match self.crop.longest_side() > limit {
            true => Self { crop: scaled(self.crop, limit), ..self },
            false => self,
        }
    }

    /// The part of the photo.
    pub fn region(&self) -> Region {
        self.region
    }

    /// The size that the network sees.
    pub fn crop(&self) -> Size {
        self.crop
    }

    /// `r' = crop_height · (r - top) / region_height`, and likewise for columns.
    pub fn to_crop(&self, position: Position<ImageSpace>) -> Position<CropSpace> {
        let region = self.region.size();
        let axis = |x: f64, first: usize, length: usize, crop: usize| {
            crop as f64 * (x - first as f64) / length as f64
        };
        Position::from_row_col(
            axis(position.row, self.region.top(), region.height, self.crop.height),
            axis(position.col, self.region.left(), region.width, self.crop.width),
        )
    }

    /// [`CropTransform::to_crop`] of a click.
    pub fn click_to_crop(&self, click: Click<ImageSpace>) -> Click<CropSpace> {
        Click { position: self.to_crop(click.position), sign: click.sign }
    }
}

fn scaled(size: Size, target: usize) -> Size {
    let scale = target as f64 / size.longest_side().max(1) as f64;
    let side = |length: usize| ((length as f64 * scale).round_ties_even() as usize).max(1);
    Size { height: side(size.height), width: side(size.width) }
}
