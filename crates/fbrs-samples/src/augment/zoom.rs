//! Crops around one object, in its scale.

use fbrs_clicks::Size;
use fbrs_data::training::LabelledPhoto;
use rand::Rng;

use super::draw::Drawn;
use super::geometry::Geometry;
use super::pixels::Rect;
use crate::options::{SampleOptions, ZoomIn};
use crate::scene::{Scene, Table};
use crate::stream::Draw;

/// First and last row, first and last column.
pub(super) type Bounds = [f64; 4];

/// A zoomed crop, if it is this sample's turn and there is an object to zoom in on.
pub(super) fn try_one(
    labelled: &LabelledPhoto,
    table: &Table,
    drawn: &Drawn<'_>,
    options: &SampleOptions,
    draw: &mut impl Rng,
) -> Option<(Geometry, Scene)> {
    let zoom_in = options.augmentation.zoom_in.as_ref()?;
    let (probability, least_area) = match zoom_in {
        ZoomIn::Shaped { probability, .. } => (*probability, options.min_object_area.max(1)),
        ZoomIn::AsInference { probability, area_above, .. } => (*probability, area_above + 1),
    };
    if !draw.chance(probability) {
        return None;
    }
    let object = *draw.pick(&table.objects_of_at_least(labelled, least_area))?;
    let whole = drawn.turned(1.0, draw);
    let frame = whole.crop();
    let bounds = bounds(&whole, frame, |place| table.is_of(labelled, object, place))?;
    let window = match zoom_in {
        ZoomIn::Shaped { expansion, .. } => {
            let shaped = shaped(bounds, options.crop);
            expanded(shaped, draw.between(*expansion), 0.0)
        }
        ZoomIn::AsInference { expansion, min_side, jitter, .. } => {
            let bounds = expanded(bounds, *expansion, *min_side as f64);
            jittered(bounds, *jitter, draw)
        }
    };
    let [top, bottom, left, right] = window.map(|limit| limit as i64);
    let window = Rect::between(top, left, bottom + 1, right + 1).within(frame);
    if window.size.area() == 0 {
        return None;
    }
    let geometry = Geometry { window, crop: options.crop, ..whole };
    let scene = Scene::new(labelled, &table.only(object), &geometry, options);
    scene.has_object().then_some((geometry, scene))
}

/// The box around what is inside.
fn bounds(whole: &Geometry, size: Size, is_inside: impl Fn(u32) -> bool) -> Option<Bounds> {
    let mut bounds: Option<[usize; 4]> = None;
    let mut index = 0;
    whole.each_label(|place| {
        if place.is_some_and(&is_inside) {
            let (row, col) = (index / size.width, index % size.width);
            let [top, bottom, left, right] = bounds.unwrap_or([row, row, col, col]);
            bounds = Some([top.min(row), bottom.max(row), left.min(col), right.max(col)]);
        }
        index += 1;
    });
    bounds.map(|bounds| bounds.map(|limit| limit as f64))
}

/// The least box around it that has the crop's shape.
fn shaped([top, bottom, left, right]: Bounds, crop: Size) -> Bounds {
    let (row, col) = (0.5 * (top + bottom), 0.5 * (left + right));
    let (mut height, mut width) = (bottom - top + 1.0, right - left + 1.0);
    let shape = crop.height as f64 / crop.width as f64;
    if height / width < shape {
        height = shape * width;
    } else {
        width = height / shape;
    }
    [row - 0.5 * height, row + 0.5 * height, col - 0.5 * width, col + 0.5 * width]
}

/// Enlarged about its middle, to whole pixels.
pub(super) fn expanded([top, bottom, left, right]: Bounds, expansion: f64, least: f64) -> Bounds {
    let sides = |first: f64, last: f64| {
        let middle = 0.5 * (first + last);
        let half = 0.5 * (expansion * (last - first + 1.0)).max(least);
        [(middle - half).round_ties_even(), (middle + half).round_ties_even()]
    };
    let ([top, bottom], [left, right]) = (sides(top, bottom), sides(left, right));
    [top, bottom, left, right]
}

fn jittered([top, bottom, left, right]: Bounds, jitter: f64, draw: &mut impl Rng) -> Bounds {
    let (height, width) = (bottom - top + 1.0, right - left + 1.0);
    let mut moved =
        |limit: f64, side: f64| (limit + draw.between([-jitter, jitter]) * side).trunc();
    [moved(top, height), moved(bottom, height), moved(left, width), moved(right, width)]
}
