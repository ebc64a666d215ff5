//! A photo and its labels become a crop: moved, scaled and colored at random.

mod affine;
mod color;
mod draw;
mod geometry;
mod orientation;
mod pixels;
mod resize;
mod zoom;

use fbrs_data::training::LabelledPhoto;
use image::RgbImage;
use rand::Rng;

use self::draw::Drawn;
pub(crate) use self::geometry::Geometry;
use crate::options::SampleOptions;
use crate::scene::{Scene, Table};
use crate::stream::Draw;

/// Tries at a crop with an object in it.
const TRIES: usize = 20;

/// A photo without any object that a crop could be made around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoObject;

/// A crop.
pub(crate) struct Augmented {
    pub(crate) photo: RgbImage,
    pub(crate) scene: Scene,
    pub(crate) geometry: Geometry,
}

/// Varies a photo until an object is in the crop, 20 times at most; then one is in its middle.
pub(crate) fn augment(
    labelled: &LabelledPhoto,
    options: &SampleOptions,
    draw: &mut impl Rng,
) -> Result<Augmented, NoObject> {
    let table = Table::new(labelled);
    let (geometry, scene) = place(labelled, &table, options, draw)?;
    let mut photo = geometry.photo(&labelled.photo);
    if let Some(colors) = &options.augmentation.colors {
        color::vary(&mut photo, colors, draw);
    }
    Ok(Augmented { photo, scene, geometry })
}

fn place(
    labelled: &LabelledPhoto,
    table: &Table,
    options: &SampleOptions,
    draw: &mut impl Rng,
) -> Result<(Geometry, Scene), NoObject> {
    let drawn = Drawn::new(geometry::size_of(&labelled.photo), options);
    if let Some(zoomed) = zoom::try_one(labelled, table, &drawn, options, draw) {
        return Ok(zoomed);
    }
    let mut scale = drawn.scale(draw);
    for attempt in 0..TRIES {
        if attempt > 0 && options.augmentation.redraw_scale {
            scale = drawn.scale(draw);
        }
        let geometry = drawn.geometry(scale, draw);
        let scene = Scene::new(labelled, table, &geometry, options);
        if scene.has_object() || draw.chance(options.keep_background) {
            return Ok((geometry, scene));
        }
    }
    let place = table.place_of_an_object(labelled, options.min_object_area, draw);
    let (row, col) = place.ok_or(NoObject)?;
    // Where a photo is made smaller, the pixel itself may be left out.
    for scale in [scale, 1.0] {
        let geometry = drawn.around(scale, row, col);
        let scene = Scene::new(labelled, table, &geometry, options);
        if scene.has_object() {
            return Ok((geometry, scene));
        }
    }
    Err(NoObject)
}

#[cfg(test)]
mod tests;
