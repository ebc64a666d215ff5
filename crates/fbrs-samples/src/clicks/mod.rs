//! Which object a sample is about, and where it is clicked.

mod areas;
mod fbrs;
mod first;
mod hierarchy;
mod ritm;

use fbrs_data::training::LabelledPhoto;
use image::{GrayImage, Luma};
use rand::Rng;

use self::areas::{Area, Beside};
use crate::augment::Geometry;
use crate::options::{ClickOptions, ClickRules};
use crate::sample::TrainingPoint;
use crate::scene::Scene;
use crate::stream::{Draw, Weighted};

/// A target and its clicks.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) target: Vec<f32>,
    pub(crate) points: Vec<Option<TrainingPoint>>,
    pub(crate) chosen: usize,
}

/// The chosen object or objects and where they may be clicked.
#[derive(Debug, Clone)]
struct Target {
    /// From 0 to 1; what is ignored is not yet marked.
    values: Vec<f32>,
    /// One area for each object.
    on: Vec<Vec<bool>>,
    /// Areas beside the target that get a click each.
    required: Vec<Vec<bool>>,
}

/// A click's pixel and its order.
type Pixel = (u32, u32);

/// Draws object, target and clicks; `soft` gives an object's soft mask.
pub(crate) fn draw(
    scene: &Scene,
    options: &ClickOptions,
    soft: &dyn Fn(usize) -> Vec<f32>,
    draw: &mut impl Rng,
) -> Drawn {
    let counts = Counts::new(options);
    let target = choose(scene, options, soft, draw);
    let beside = Beside::new(scene, &target, options);
    let (on, off) = match options.rules {
        ClickRules::Fbrs => fbrs::draw(&target, &beside, &counts, options, draw),
        ClickRules::Ritm => ritm::draw(scene, &target, &beside, &counts, options, draw),
    };
    let width = scene.size().width as u32;
    let slots = |pixels: Vec<Pixel>| {
        let point = |(index, order): Pixel| {
            let (row, col) = ((index / width) as f32, (index % width) as f32);
            Some(TrainingPoint { row, col, order })
        };
        let points = pixels.into_iter().map(point).chain(std::iter::repeat(None));
        points.take(options.slots)
    };
    let points = slots(on).chain(slots(off)).collect();
    let chosen = target.on.len();
    let mut values = target.values;
    for (value, is_ignored) in values.iter_mut().zip(scene.ignored()) {
        if *is_ignored {
            *value = -1.0;
        }
    }
    Drawn { target: values, points, chosen }
}

/// An object's mask with soft edges, where resampling made them.
pub(crate) fn soft_mask(labelled: &LabelledPhoto, object: usize, geometry: &Geometry) -> Vec<f32> {
    let region = labelled.objects.get(object).map(|object| object.region);
    let layer = region.and_then(|region| Some((labelled.layers.get(region.layer)?, region.value)));
    let Some((layer, value)) = layer else { return vec![0.0; geometry.crop().area()] };
    let mask = GrayImage::from_fn(layer.width(), layer.height(), |x, y| {
        let is_inside = layer.get_pixel_checked(x, y).is_some_and(|Luma([found])| *found == value);
        Luma([if is_inside { 255 } else { 0 }])
    });
    geometry.shades(&mask)
}

fn choose(
    scene: &Scene,
    options: &ClickOptions,
    soft: &dyn Fn(usize) -> Vec<f32>,
    draw: &mut impl Rng,
) -> Target {
    let candidates = match options.rules {
        ClickRules::Fbrs => scene.eligible().to_vec(),
        ClickRules::Ritm => scene.roots(),
    };
    let chosen = match candidates.len() > 1 && draw.chance(options.merge) {
        true => {
            let most = candidates.len().min(options.max_merged);
            let count = 2 + draw.below(most - 1);
            draw.distinct(&candidates, count)
        }
        false => draw.pick(&candidates).copied().into_iter().collect(),
    };
    let mut target =
        Target { values: vec![0.0; scene.size().area()], on: Vec::new(), required: Vec::new() };
    for object in chosen {
        let part = hierarchy::part(scene, object, options, soft, draw);
        for (value, part) in target.values.iter_mut().zip(part.values) {
            *value = value.max(part);
        }
        target.on.push(areas::eroded(part.on, scene.size(), options.erosion, draw));
        let required = part.required.into_iter();
        let erode = |area| areas::eroded(area, scene.size(), options.erosion, draw);
        target.required.extend(required.map(erode));
    }
    target
}

/// How many clicks there are.
struct Counts {
    on: Weighted,
    beside: Weighted,
}

impl Counts {
    fn new(options: &ClickOptions) -> Self {
        let powers = |count: usize| {
            let gamma = options.gamma;
            Weighted::new(
                std::iter::successors(Some(1.0), move |last| Some(last * gamma)).take(count),
            )
        };
        Self { on: powers(options.slots), beside: powers(options.slots + 1) }
    }

    /// From 1 up to the slots.
    fn on(&self, draw: &mut impl Rng) -> usize {
        1 + self.on.draw(draw)
    }

    /// From 0 up to the slots.
    fn beside(&self, draw: &mut impl Rng) -> usize {
        self.beside.draw(draw)
    }
}

/// A drawn click in an area, if there is any place.
fn click(area: &Area, draw: &mut impl Rng) -> Option<Pixel> {
    draw.pick(area).map(|index| (*index, TrainingPoint::DRAWN))
}

#[cfg(test)]
mod tests;
