use super::*;

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
    for drawn in draws(&scene, &options, 3000) {
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
    for drawn in draws(&scene, &options, 3000) {
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
        let made =
            crate::sample::make(&labelled, &options, |purpose| Stream::new(1, 0, sample, purpose))
                .unwrap();
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

/// An object that is too small hands its parts to what it is part of.
#[test]
fn parts_of_small_objects_are_parts_of_what_those_are_part_of() {
    let mut labelled = nested();
    labelled.objects[1].parent = Some(2);
    labelled.objects[0].children = vec![2];
    labelled.objects[2].children = vec![1];
    let mut options = options(ClickRules::Ritm);
    options.min_object_area = 36;
    let scene = scene_of(&labelled.checked().unwrap(), &options);
    assert_eq!(scene.eligible(), [0, 1]);
    assert_eq!((scene.parent(1), scene.children(0)), (Some(0), &[1][..]));
    options.min_object_area = 600;
    assert_eq!(scene_of(&nested(), &options).children(0), [] as [usize; 0]);
    let mut without_root = nested();
    without_root.objects[0].region.value = 9;
    options.min_object_area = 1;
    let scene = scene_of(&without_root, &options);
    assert_eq!(scene.roots(), [1, 2]);
}
