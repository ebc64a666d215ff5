use rand::Rng;

use crate::options::ClickOptions;
use crate::scene::Scene;
use crate::stream::Draw;

/// Children smaller than this share of their parent are not clicked when the parent is.
const SMALL_CHILD: f64 = 0.10;
/// Most children that a target lacks.
const MOST_LACKING: usize = 3;

/// An object, or a part of it, as a target.
pub(super) struct Part {
    pub(super) values: Vec<f32>,
    /// Where it may be clicked.
    pub(super) on: Vec<bool>,
    /// Areas beside it that get a click each.
    pub(super) required: Vec<Vec<bool>>,
}

/// An object as a target; with the hierarchy one of its parts, which may lack some of its own.
pub(super) fn part(
    scene: &Scene,
    root: usize,
    options: &ClickOptions,
    soft: &dyn Fn(usize) -> Vec<f32>,
    draw: &mut impl Rng,
) -> Part {
    let values = |object: usize, mask: &[bool]| match options.soft_targets {
        true => soft(object),
        false => mask.iter().map(|is_inside| f32::from(u8::from(*is_inside))).collect(),
    };
    if !options.hierarchy {
        let on = scene.mask(root);
        return Part { values: values(root, &on), on, required: Vec::new() };
    }
    let object = descend(scene, root, draw);
    let mask = scene.mask(object);
    let mut part = Part { values: values(object, &mask), on: mask, required: Vec::new() };
    if let Some(parent) = scene.parent(object) {
        let mut around = scene.mask(parent);
        cut_out(&mut around, &part.on);
        part.required.push(around);
    }
    let children = scene.children(object);
    let is_small =
        |child: &&usize| (scene.area(**child) as f64) < SMALL_CHILD * scene.area(object) as f64;
    for child in children.iter().filter(is_small) {
        cut_out(&mut part.on, &scene.mask(*child));
    }
    let lacking = match children.len() {
        0 => 0,
        count => draw.below(count.min(MOST_LACKING) + 1),
    };
    for child in draw.distinct(children, lacking) {
        let mask = scene.mask(child);
        cut_out(&mut part.on, &mask);
        for (value, child) in part.values.iter_mut().zip(values(child, &mask)) {
            *value = value.min(1.0 - child);
        }
        part.required.push(mask);
    }
    part
}

/// From the root down: every other time no farther, else to one of the children.
fn descend(scene: &Scene, root: usize, draw: &mut impl Rng) -> usize {
    let mut object = root;
    loop {
        let children = scene.children(object);
        if children.is_empty() || draw.chance(0.5) {
            return object;
        }
        match draw.pick(children) {
            Some(child) => object = *child,
            None => return object,
        }
    }
}

fn cut_out(mask: &mut [bool], other: &[bool]) {
    for (inside, other) in mask.iter_mut().zip(other) {
        *inside &= !other;
    }
}
