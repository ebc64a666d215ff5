mod candidates;
mod likely;
mod parts;
mod places;

use std::collections::BTreeSet;

use fbrs_clicks::Size;
use fbrs_data::training::{LabelMap, Object, Region};
use image::Luma;
use serde_json::Value;

use super::areas::{Area, area};
use super::*;
use crate::options::{Erosion, FirstClick, SampleOptions};
use crate::stream::{Purpose, Stream};
use crate::testing::{
    SIZE, assert_likely, index, indices, labelled, list, map, mask, number, numbers, points,
};

/// Draws for statistics.
const DRAWS: usize = 20_000;

fn stream() -> Stream {
    Stream::new(3, 0, 0, Purpose::Clicks)
}

/// Published behavior; always eroded.
fn options(rules: ClickRules) -> SampleOptions {
    let options = match rules {
        ClickRules::Fbrs => SampleOptions::fbrs(),
        ClickRules::Ritm => SampleOptions::ritm(),
    };
    let mut options = options.published();
    options.min_object_area = 1;
    options.clicks.erosion.probability = 1.0;
    options
}

fn scene_of(labelled: &LabelledPhoto, options: &SampleOptions) -> Scene {
    let size =
        Size { height: labelled.photo.height() as usize, width: labelled.photo.width() as usize };
    let table = crate::scene::Table::new(labelled);
    Scene::new(labelled, &table, &Geometry::whole(size), options)
}

fn hard(_: usize) -> Vec<f32> {
    panic!("nobody asked for soft masks")
}

/// The scene of a map and the target of these of its objects.
fn chosen(
    name: &Value,
    present: &[usize],
    chosen: &[usize],
    options: &SampleOptions,
) -> (Scene, Target) {
    let present: Vec<u16> = present.iter().map(|value| *value as u16).collect();
    let scene = scene_of(&labelled(SIZE, map(name), &present), options);
    let mut target =
        Target { values: vec![0.0; SIZE.area()], on: Vec::new(), required: Vec::new() };
    for value in chosen {
        let object = present.iter().position(|found| usize::from(*found) == *value).unwrap();
        let part = hierarchy::part(&scene, object, &options.clicks, &hard, &mut stream());
        for (value, part) in target.values.iter_mut().zip(part.values) {
            *value = value.max(part);
        }
        target.on.push(areas::eroded(part.on, SIZE, options.clicks.erosion, &mut stream()));
    }
    (scene, target)
}

fn as_mask(area: &Area, size: Size) -> Vec<bool> {
    let mut mask = vec![false; size.area()];
    area.iter().for_each(|index| mask[*index as usize] = true);
    mask
}

fn pixel(point: TrainingPoint) -> usize {
    point.row as usize * SIZE.width + point.col as usize
}

fn draws(scene: &Scene, options: &SampleOptions, count: usize) -> Vec<Drawn> {
    let mut stream = stream();
    (0..count).map(|_| draw(scene, &options.clicks, &hard, &mut stream)).collect()
}
