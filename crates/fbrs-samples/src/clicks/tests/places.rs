use super::*;

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
        for drawn in draws(&scene, &options, 3000) {
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
    for drawn in draws(&scene, &options, 3000) {
        let firsts = firsts(&drawn);
        assert_eq!(firsts.len(), 2);
        for inner in &inner {
            assert!(firsts.iter().any(|point| inner.contains(&(pixel(*point) as u32))));
        }
        assert_eq!(drawn.points[0].map(|point| point.order), Some(TrainingPoint::FIRST));
    }
    options.clicks.only_one_first_click = true;
    assert!(draws(&scene, &options, 3000).iter().all(|drawn| firsts(drawn).len() == 1));
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
