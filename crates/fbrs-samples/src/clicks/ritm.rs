use rand::Rng;

use super::areas::{Area, Beside, area};
use super::{Counts, Pixel, Target, click, first};
use crate::options::ClickOptions;
use crate::sample::TrainingPoint;
use crate::scene::Scene;
use crate::stream::Draw;

/// RITM's clicks: every click beside the target draws a strategy of its own; where that has no place, the
/// click falls out.
pub(super) fn draw(
    scene: &Scene,
    target: &Target,
    beside: &Beside,
    counts: &Counts,
    options: &ClickOptions,
    draw: &mut impl Rng,
) -> (Vec<Pixel>, Vec<Pixel>) {
    (on(scene, target, counts, options, draw), off(target, beside, counts, options, draw))
}

/// Each object's first click, then some on any of them.
fn on(
    scene: &Scene,
    target: &Target,
    counts: &Counts,
    options: &ClickOptions,
    draw: &mut impl Rng,
) -> Vec<Pixel> {
    let areas: Vec<Area> = target.on.iter().map(|mask| area(mask)).collect();
    let mut lists = Vec::with_capacity(areas.len());
    for (area, mask) in areas.iter().zip(&target.on) {
        let mut list = Vec::new();
        for number in 0..counts.on(draw) {
            let first = options.first_click.filter(|_| number == 0);
            let drawn = match first {
                Some(place) => first::draw(mask, scene.size(), place, draw)
                    .map(|index| (index, TrainingPoint::FIRST)),
                None => click(area, draw),
            };
            list.extend(drawn);
        }
        lists.push(list);
    }
    lists.retain(|list| !list.is_empty());
    if lists.len() > 1 && options.only_one_first_click {
        lists.truncate(1);
        let more = (0..counts.beside(draw)).filter_map(|_| one_of(&areas, draw)).collect();
        return joined(lists, more, options);
    }
    if lists.len() < 2 {
        return lists.pop().unwrap_or_default();
    }
    let more = (0..counts.beside(draw)).filter_map(|_| one_of(&areas, draw)).collect();
    joined(lists, more, options)
}

/// One click in each required area and one by a strategy, then some in any of them.
fn off(
    target: &Target,
    beside: &Beside,
    counts: &Counts,
    options: &ClickOptions,
    draw: &mut impl Rng,
) -> Vec<Pixel> {
    let areas: Vec<Area> = target.required.iter().map(|mask| area(mask)).collect();
    let areas = areas.get(..options.slots).unwrap_or(&areas);
    let mut lists = Vec::with_capacity(areas.len() + 1);
    for area in areas {
        let count = counts.on(draw);
        lists.push((0..count).filter_map(|_| click(area, draw)).collect::<Vec<Pixel>>());
    }
    if areas.len() < options.slots {
        let count = counts.beside(draw);
        lists.push((0..count).filter_map(|_| click(beside.draw(draw), draw)).collect());
    }
    lists.retain(|list| !list.is_empty());
    if lists.len() < 2 {
        return lists.pop().unwrap_or_default();
    }
    let any = |draw: &mut _| match areas.get(Draw::below(draw, areas.len() + 1)) {
        Some(area) => click(area, draw),
        None => click(beside.draw(draw), draw),
    };
    let more = (0..counts.beside(draw)).filter_map(|_| any(draw)).collect();
    joined(lists, more, options)
}

fn one_of(areas: &[Area], draw: &mut impl Rng) -> Option<Pixel> {
    let area = draw.pick(areas)?;
    click(area, draw)
}

/// The first click of each list, then the others, as far as there is place.
fn joined(lists: Vec<Vec<Pixel>>, more: Vec<Pixel>, options: &ClickOptions) -> Vec<Pixel> {
    let firsts = lists.into_iter().filter_map(|list| list.into_iter().next());
    firsts.chain(more).take(options.slots).collect()
}
