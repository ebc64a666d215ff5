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

#[test]
fn areas_of_objects_agree() {
    let options = options(ClickRules::Fbrs);
    for case in list(&points("fbrs")) {
        let object = index(&case["object"]);
        let (scene, target) = chosen(&case["map"], &[object], &[object], &options);
        assert_eq!(scene.area(0), index(&case["area"]));
        let eroded = areas::testing::erode(&scene.mask(0), SIZE, 3);
        assert_eq!(eroded, mask(&case["eroded"]));
        let used = if case["erosion_accepted"].as_bool().unwrap() { eroded } else { scene.mask(0) };
        assert_eq!(target.on, [used]);
        assert_eq!(area(&target.on[0]).len(), index(&case["used_area"]));
        let beside = Beside::new(&scene, &target, &options.clicks);
        assert_eq!(as_mask(&beside.border, SIZE), mask(&case["border"]));
    }
}

#[test]
fn areas_of_targets_agree() {
    for case in list(&points("candidates")) {
        let present = indices(&case["present"]);
        let mut options = options(ClickRules::Fbrs);
        // The only object that is too small has 13 pixels.
        let small = indices(&case["ignored_as_small"]);
        options.min_object_area = if small.is_empty() { 1 } else { 14 };
        let (scene, target) = chosen(&case["map"], &present, &indices(&case["chosen"]), &options);
        assert_eq!(scene.eligible().len(), present.len() - small.len());
        let inside: Vec<bool> = target.values.iter().map(|value| *value > 0.0).collect();
        assert_eq!(inside, mask(&case["target"]));
        let on: Vec<Vec<bool>> = list(&case["positive"]).iter().map(mask).collect();
        assert_eq!(target.on, on);
        let beside = Beside::new(&scene, &target, &options.clicks);
        let off = &case["neg"];
        assert_eq!(as_mask(&beside.background, SIZE), mask(&off["bg"]));
        let other = if off["other"] == "as bg" { &off["bg"] } else { &off["other"] };
        assert_eq!(as_mask(&beside.other, SIZE), mask(other));
        assert_eq!(as_mask(&beside.border, SIZE), mask(&off["border"]));
    }
}

#[test]
fn first_clicks_in_the_middle_agree() {
    for case in list(&points("ritm_first_click_candidates")) {
        let value = index(&case["object"]) as u16;
        let inside: Vec<bool> = map(&case["map"]).into_iter().map(|found| found == value).collect();
        let found = first::candidates(&inside, SIZE, number(&case["k"]));
        assert_eq!(as_mask(&found, SIZE), mask(&case["candidates"]), "{case}");
    }
}

#[test]
fn without_an_object_clicks_lie_on_free_pixels() {
    let golden = points("no_object");
    for rules in [ClickRules::Fbrs, ClickRules::Ritm] {
        let mut options = options(rules);
        options.min_object_area = 1000;
        let labelled = labelled(SIZE, map(&golden["map"]), &[1, 2, 3]);
        let scene = scene_of(&labelled, &options);
        let map = map(&golden["map"]);
        let mut hit = BTreeSet::new();
        let mut stream = stream();
        for _ in 0..3000 {
            let drawn = draw(&scene, &options.clicks, &hard, &mut stream);
            assert_eq!((drawn.chosen, drawn.target), (0, vec![0.0; SIZE.area()]));
            let (on, off) = drawn.points.split_at(options.clicks.slots);
            assert!(on.iter().all(Option::is_none));
            hit.extend(off.iter().flatten().map(|point| pixel(*point)));
        }
        assert!(hit.iter().all(|index| map[*index] == 0));
        assert_eq!(hit.len(), index(&golden["negative_candidates"]));
    }
}

fn pixel(point: TrainingPoint) -> usize {
    point.row as usize * SIZE.width + point.col as usize
}

/// An ignored pixel is never clicked, though the published program offers it as one of the object.
#[test]
fn ignored_pixels_are_never_clicked() {
    let golden = points("ritm_ignored_region_published");
    let mut map = map(&Value::from("A"));
    let is_ignored = |index: usize| (6..18).contains(&(index / 36)) && index % 36 >= 26;
    (0..map.len()).filter(|index| is_ignored(*index)).for_each(|index| map[index] = 9);
    let mut labelled = labelled(SIZE, map, &[1, 2, 3]);
    labelled.ignored.push(Region { layer: 0, value: 9 });
    for rules in [ClickRules::Fbrs, ClickRules::Ritm] {
        let options = options(rules);
        let scene = scene_of(&labelled, &options);
        let mut stream = stream();
        for _ in 0..3000 {
            let drawn = draw(&scene, &options.clicks, &hard, &mut stream);
            assert!(drawn.points.iter().flatten().all(|point| !is_ignored(pixel(*point))));
            let count = |value: f32| drawn.target.iter().filter(|found| **found == value).count();
            if count(1.0) == 197 {
                let found = [(-1, count(-1.0)), (0, count(0.0)), (1, count(1.0))];
                let golden = list(&golden["target_values"]);
                let expected =
                    golden.iter().map(|pair| (pair[0].as_i64().unwrap(), index(&pair[1])));
                assert!(expected.eq(found));
            }
        }
    }
}

#[test]
fn small_objects_are_ignored_where_nothing_larger_is() {
    let name = Value::from("A");
    let mut options = options(ClickRules::Fbrs);
    options.small_objects = crate::options::Unlabelled::Ignored;
    options.min_object_area = 14;
    let mut labelled = labelled(SIZE, map(&name), &[1, 2, 3]);
    let scene = scene_of(&labelled, &options);
    assert_eq!(scene.eligible(), [0, 1]);
    assert_eq!(scene.ignored().iter().filter(|is_ignored| **is_ignored).count(), 13);
    // A small part of object 1 is object 1.
    let part = LabelMap::from_fn(36, 28, |x, y| Luma([u16::from(x == 12 && (8..12).contains(&y))]));
    labelled.layers.push(part);
    let region = Region { layer: 1, value: 1 };
    labelled.objects.push(Object { region, parent: Some(0), children: Vec::new() });
    labelled.objects[0].children.push(3);
    let scene = scene_of(&labelled, &options);
    assert_eq!(scene.ignored().iter().filter(|is_ignored| **is_ignored).count(), 13);
    assert_eq!(scene.children(0), [] as [usize; 0]);
}

/// How often there were how many, from 0 on.
fn counts(drawn: &[Drawn], slots: usize, is_on: bool) -> Vec<usize> {
    let mut counts = vec![0; slots + 1];
    for drawn in drawn {
        let (on, off) = drawn.points.split_at(slots);
        counts[(if is_on { on } else { off }).iter().flatten().count()] += 1;
    }
    counts
}

fn draws(scene: &Scene, options: &SampleOptions) -> Vec<Drawn> {
    let mut stream = stream();
    (0..DRAWS).map(|_| draw(scene, &options.clicks, &hard, &mut stream)).collect()
}

/// Counts follow the exact probabilities, merging its own.
#[test]
fn numbers_of_clicks_are_as_likely_as_they_should_be() {
    let golden = points("counts");
    for (rules, key, suffix) in [
        (ClickRules::Fbrs, "fbrs (10 slots, gamma 0.7)", "10"),
        (ClickRules::Ritm, "ritm (24 slots, gamma 0.8)", "24"),
    ] {
        let golden = &golden[key];
        let mut options = options(rules);
        let slots = options.clicks.slots;
        let labelled = labelled(SIZE, map(&Value::from("C")), &[1, 2, 3, 4]);
        let scene = scene_of(&labelled, &options);
        let drawn = draws(&scene, &options);
        let merged = drawn.iter().filter(|drawn| drawn.chosen == 2).count();
        assert_likely(&[DRAWS - merged, merged], &[0.85, 0.15]);
        let off = numbers(&golden[format!("negative_0_to_{suffix}")]);
        assert_likely(&counts(&drawn, slots, false), &off);

        options.clicks.merge = 0.0;
        let drawn = draws(&scene, &options);
        assert!(drawn.iter().all(|drawn| drawn.chosen == 1));
        let on = numbers(&golden[format!("positive_1_to_{suffix}")]);
        assert_likely(&counts(&drawn, slots, true)[1..], &on);
        let used = |is_on| {
            let counts = counts(&drawn, slots, is_on);
            (0..).zip(counts).map(|(number, count)| number * count).sum::<usize>() as f64
                / DRAWS as f64
        };
        assert!((used(true) - number(&golden["mean_positive"])).abs() < 0.1);
        assert!((used(false) - number(&golden["mean_negative"])).abs() < 0.1);
    }
}

/// Whose turn it is, and every pixel of its area, as often as any other.
#[test]
fn objects_and_pixels_are_as_likely_as_they_should_be() {
    for rules in [ClickRules::Fbrs, ClickRules::Ritm] {
        let mut options = options(rules);
        options.clicks.merge = 0.0;
        let labelled = labelled(SIZE, map(&Value::from("C")), &[1, 2, 3, 4]);
        let scene = scene_of(&labelled, &options);
        let mut objects = [0; 4];
        let mut pixels = vec![0; SIZE.area()];
        for drawn in draws(&scene, &options) {
            let object = (0..4).find(|object| {
                let mask = scene.mask(*object);
                drawn.target.iter().zip(mask).all(|(value, inside)| (*value > 0.0) == inside)
            });
            objects[object.unwrap()] += 1;
            if object == Some(1) {
                let on = drawn.points[..options.clicks.slots].iter().flatten();
                on.for_each(|point| pixels[pixel(*point)] += 1);
            }
        }
        assert_likely(&objects, &[0.25; 4]);
        // Object 2 is too small to be eroded.
        let mask = scene.mask(1);
        let inside: Vec<usize> =
            pixels.iter().zip(&mask).filter(|(_, is)| **is).map(|(count, _)| *count).collect();
        assert_eq!(inside.iter().sum::<usize>(), pixels.iter().sum::<usize>());
        assert_likely(&inside, &[1.0 / 49.0; 49]);
    }
}

/// The probability of each pixel beside a target to be clicked next.
fn shares(beside: &Beside, options: &ClickOptions) -> Vec<f64> {
    let mut shares = vec![0.0; SIZE.area()];
    let strategies = options.strategies;
    for (area, share) in [
        (&beside.background, strategies.background),
        (&beside.other, strategies.other),
        (&beside.border, strategies.border),
    ] {
        area.iter().for_each(|index| shares[*index as usize] += share / area.len() as f64);
    }
    shares
}

/// Clicks beside one object among others: their places, and how much of a sample follows one strategy.
#[test]
fn clicks_beside_the_object_follow_the_strategies() {
    let golden = points("statistics_map_C_object_3_20000");
    for (rules, key) in [(ClickRules::Fbrs, "fbrs"), (ClickRules::Ritm, "ritm")] {
        let options = options(rules);
        let (scene, target) = chosen(&Value::from("C"), &[1, 2, 3, 4], &[3], &options);
        let beside = Beside::new(&scene, &target, &options.clicks);
        let areas = &golden["areas"];
        assert_eq!(beside.background.len(), index(&areas["bg"]));
        assert_eq!(beside.border.len(), index(&areas["border"]));
        assert_eq!(beside.other.len(), index(&areas["other"]));
        let (border, other) = (as_mask(&beside.border, SIZE), as_mask(&beside.other, SIZE));

        let counts = Counts::new(&options.clicks);
        let mut stream = stream();
        let samples: Vec<Vec<usize>> = (0..DRAWS)
            .map(|_| {
                let (_, off) = match rules {
                    ClickRules::Fbrs => {
                        fbrs::draw(&target, &beside, &counts, &options.clicks, &mut stream)
                    }
                    ClickRules::Ritm => {
                        ritm::draw(&scene, &target, &beside, &counts, &options.clicks, &mut stream)
                    }
                };
                off.into_iter().map(|(index, _)| index as usize).collect()
            })
            .collect();
        // The first click of each sample is independent of all others under either rule.
        let mut pixels = vec![0; SIZE.area()];
        samples.iter().filter_map(|sample| sample.first()).for_each(|at| pixels[*at] += 1);
        let shares = shares(&beside, &options.clicks);
        // Pixels that are equally likely, together where they are hardly ever hit.
        let mut classes: Vec<(f64, usize)> = Vec::new();
        let mut rare = (0.0, 0);
        for (share, count) in shares.iter().zip(&pixels) {
            if *share * (DRAWS as f64) < 20.0 {
                rare = (rare.0 + share, rare.1 + count);
            } else {
                classes.push((*share, *count));
            }
        }
        classes.push(rare);
        let (probabilities, found): (Vec<f64>, Vec<usize>) = classes.into_iter().unzip();
        assert_likely(&found, &probabilities);

        let golden = &golden[key];
        let all: Vec<usize> = samples.iter().flatten().copied().collect();
        let share = |mask: &[bool]| {
            all.iter().filter(|index| mask[**index]).count() as f64 / all.len() as f64
        };
        let close = |found: f64, key: &str| {
            let expected = number(&golden[key]);
            assert!((found - expected).abs() < 0.02, "{key}: {found}, published {expected}");
        };
        close(share(&border), "share_in_border_band");
        close(share(&other), "share_on_other_objects");
        let several: Vec<&Vec<usize>> = samples.iter().filter(|sample| sample.len() > 1).collect();
        let mixed = several.iter().filter(|sample| {
            let inside = sample.iter().filter(|index| border[**index]).count();
            inside > 0 && inside < sample.len()
        });
        close(
            mixed.count() as f64 / several.len() as f64,
            "share_of_samples_with_2_or_more_that_mix_inside_and_outside_of_the_band",
        );
        for (number, expected) in numbers(&golden["negatives_0_up_share"]).iter().enumerate() {
            let found = samples.iter().filter(|sample| sample.len() == number).count();
            let found = found as f64 / DRAWS as f64;
            assert!((found - expected).abs() < 0.02, "{number}: {found}, published {expected}");
        }
    }
}

/// The published statistics of f-BRS on a map with four objects.
#[test]
fn statistics_of_a_map_are_the_published_ones() {
    let golden = points("statistics_map_C_20000");
    let mut options = options(ClickRules::Fbrs);
    options.clicks.erosion.probability = 0.9;
    let labelled = labelled(SIZE, map(&Value::from("C")), &[1, 2, 3, 4]);
    let drawn = draws(&scene_of(&labelled, &options), &options);
    let (single, merged): (Vec<Drawn>, Vec<Drawn>) =
        drawn.iter().cloned().partition(|drawn| drawn.chosen == 1);
    let close = |found: f64, expected: f64| {
        assert!((found - expected).abs() < 0.012, "{found}, published {expected}");
    };
    close(merged.len() as f64 / DRAWS as f64, number(&golden["share_merged"]));
    for (found, drawn, key) in [
        (counts(&single, 10, true), single.len(), "positive_share_single"),
        (counts(&drawn, 10, false), drawn.len(), "negative_share"),
    ] {
        for (found, expected) in found.iter().zip(numbers(&golden[key])) {
            close(*found as f64 / drawn as f64, expected);
        }
    }
    // Both objects are clicked.
    assert!(merged.iter().all(|drawn| drawn.points[..10].iter().flatten().count() >= 2));
}

#[test]
fn several_objects_are_all_clicked() {
    for rules in [ClickRules::Fbrs, ClickRules::Ritm] {
        let mut options = options(rules);
        options.clicks.merge = 1.0;
        options.clicks.max_merged = 4;
        options.clicks.slots = 5;
        let labelled = labelled(SIZE, map(&Value::from("C")), &[1, 2, 3, 4]);
        let scene = scene_of(&labelled, &options);
        let mut chosen = [0; 5];
        for drawn in draws(&scene, &options) {
            chosen[drawn.chosen] += 1;
            let on: Vec<usize> =
                drawn.points[..5].iter().flatten().map(|point| pixel(*point)).collect();
            for object in 0..4 {
                let mask = scene.mask(object);
                let is_target = (0..mask.len()).any(|at| mask[at] && drawn.target[at] > 0.0);
                assert_eq!(on.iter().any(|index| mask[*index]), is_target);
            }
        }
        assert_likely(&chosen[2..], &[1.0 / 3.0; 3]);
    }
}

#[test]
fn first_clicks_lie_in_the_middle() {
    let mut options = options(ClickRules::Ritm);
    options.clicks.merge = 1.0;
    options.clicks.first_click = Some(FirstClick::center());
    let labelled = labelled(SIZE, map(&Value::from("C")), &[1, 3]);
    let scene = scene_of(&labelled, &options);
    let firsts = |drawn: &Drawn| -> Vec<TrainingPoint> {
        let points = drawn.points.iter().flatten();
        points.filter(|point| point.order == TrainingPoint::FIRST).copied().collect()
    };
    let (_, target) = chosen(&Value::from("C"), &[1, 3], &[1, 3], &options);
    let inner: Vec<Area> =
        target.on.iter().map(|mask| first::candidates(mask, SIZE, 1.7)).collect();
    for drawn in draws(&scene, &options) {
        let firsts = firsts(&drawn);
        assert_eq!(firsts.len(), 2);
        for inner in &inner {
            assert!(firsts.iter().any(|point| inner.contains(&(pixel(*point) as u32))));
        }
        assert_eq!(drawn.points[0].map(|point| point.order), Some(TrainingPoint::FIRST));
    }
    options.clicks.only_one_first_click = true;
    assert!(draws(&scene, &options).iter().all(|drawn| firsts(drawn).len() == 1));
}

/// Drawn the likelier the deeper: a bar of 3 rows has depths 1, 2, 1 but at its ends.
#[test]
fn first_clicks_may_follow_the_depth() {
    let size = Size { height: 5, width: 5 };
    let mask: Vec<bool> =
        (0..25).map(|at| (1..4).contains(&(at / 5)) && (1..4).contains(&(at % 5))).collect();
    let (mut stream, mut counts) = (stream(), [0; 25]);
    for _ in 0..DRAWS {
        let place = FirstClick { inner: 0.0, anywhere: 0.0 };
        counts[first::draw(&mask, size, place, &mut stream).unwrap() as usize] += 1;
    }
    let expected: Vec<f64> = (0..25)
        .map(|at| match (mask[at], at) {
            (true, 12) => 0.2,
            (true, _) => 0.1,
            _ => 0.0,
        })
        .collect();
    assert_likely(&counts, &expected);
    let nothing = [false; 25];
    for inner in [0.0, 1.7] {
        let place = FirstClick { inner, anywhere: 0.5 };
        assert_eq!(first::draw(&nothing, size, place, &mut stream), None);
    }
}

/// A square with a large part and a small one, which itself is no root.
fn nested() -> LabelledPhoto {
    let inside = |top: u32, bottom: u32, left: u32, right: u32| {
        LabelMap::from_fn(36, 28, |x, y| {
            Luma([u16::from((top..bottom).contains(&y) && (left..right).contains(&x))])
        })
    };
    let mut labelled = labelled(SIZE, inside(2, 26, 2, 30).into_raw(), &[1]);
    labelled.layers.push(inside(4, 20, 4, 16));
    labelled.layers.push(inside(6, 11, 18, 25));
    for layer in [1, 2] {
        let region = Region { layer, value: 1 };
        labelled.objects.push(Object { region, parent: Some(0), children: Vec::new() });
    }
    labelled.objects[0].children = vec![1, 2];
    labelled.checked().unwrap()
}

#[test]
fn without_the_hierarchy_parts_are_no_targets() {
    let options = options(ClickRules::Ritm);
    let scene = scene_of(&nested(), &options);
    for drawn in draws(&scene, &options) {
        assert_eq!(drawn.target.iter().filter(|value| **value == 1.0).count(), 24 * 28);
    }
}

#[test]
fn with_the_hierarchy_parts_are_targets_or_lack() {
    let mut options = options(ClickRules::Ritm);
    options.clicks.hierarchy = true;
    options.clicks.erosion = Erosion { probability: 0.0, pixels: 3 };
    let scene = scene_of(&nested(), &options);
    let (large, small) = (scene.mask(1), scene.mask(2));
    let mut areas = std::collections::BTreeMap::new();
    let (whole, first, second) = (24 * 28, 16 * 12, 5 * 7);
    for drawn in draws(&scene, &options) {
        let area = drawn.target.iter().filter(|value| **value == 1.0).count();
        *areas.entry(area).or_insert(0) += 1;
        let slots = options.clicks.slots;
        let pixels = |points: &[Option<TrainingPoint>]| -> Vec<usize> {
            points.iter().flatten().map(|point| pixel(*point)).collect()
        };
        let (on, off) = (pixels(&drawn.points[..slots]), pixels(&drawn.points[slots..]));
        assert!(on.iter().all(|index| drawn.target[*index] == 1.0));
        assert!(off.iter().all(|index| drawn.target[*index] == 0.0));
        // What is cut out, and what is around a part, is clicked; a small part is not.
        if area >= whole - first - second {
            assert!(on.iter().all(|index| !small[*index]));
            for part in [&large, &small] {
                let is_cut = (0..part.len()).any(|at| part[at] && drawn.target[at] == 0.0);
                assert!(!is_cut || off.iter().any(|index| part[*index]));
            }
        } else {
            assert!(off.iter().any(|index| scene.mask(0)[*index]));
        }
    }
    // Half of the draws stop at the root. Of these a third each lacks none, one, both.
    let half = 1.0 / 2.0;
    let expected = [
        (second, half / 2.0),
        (first, half / 2.0),
        (whole - first - second, half / 3.0),
        (whole - first, half / 6.0),
        (whole - second, half / 6.0),
        (whole, half / 3.0),
    ];
    assert_eq!(areas.len(), expected.len());
    let counts: Vec<usize> = expected.iter().map(|(area, _)| areas[area]).collect();
    assert_likely(&counts, &expected.map(|(_, share)| share));
}

#[test]
fn soft_targets_are_soft_along_the_edge() {
    let labelled = nested();
    let mut options = SampleOptions::ritm();
    options.min_object_area = 1;
    options.crop = Size { height: 40, width: 50 };
    options.augmentation.scale = Some([1.3, 1.4]);
    options.clicks.soft_targets = true;
    for sample in 0..30 {
        let made = crate::sample::make(&labelled, &options, [1, 0, sample]).unwrap();
        let value_at = |at: usize| made.target[at];
        let between = made.target.iter().filter(|value| **value > 0.0 && **value < 1.0).count();
        assert!(between > 20, "{between}");
        assert!(made.target.iter().all(|value| *value == -1.0 || (0.0..=1.0).contains(value)));
        for (point, sign) in made.clicks() {
            let at = point.row as usize * 50 + point.col as usize;
            let is_on = sign == fbrs_clicks::Sign::Positive;
            assert!(if is_on { value_at(at) > 0.0 } else { (0.0..=0.5).contains(&value_at(at)) });
        }
    }
}

#[test]
fn an_object_that_fills_the_crop_has_nothing_beside_it() {
    for rules in [ClickRules::Fbrs, ClickRules::Ritm] {
        let options = options(rules);
        let scene = scene_of(&labelled(SIZE, vec![1; SIZE.area()], &[1]), &options);
        let drawn = draw(&scene, &options.clicks, &hard, &mut stream());
        let (on, off) = drawn.points.split_at(options.clicks.slots);
        assert!(on[0].is_some() && off.iter().all(Option::is_none));
    }
}
