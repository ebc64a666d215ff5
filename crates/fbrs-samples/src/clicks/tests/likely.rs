use super::*;

/// How often there were how many, from 0 on.
fn counts(drawn: &[Drawn], slots: usize, is_on: bool) -> Vec<usize> {
    let mut counts = vec![0; slots + 1];
    for drawn in drawn {
        let (on, off) = drawn.points.split_at(slots);
        counts[(if is_on { on } else { off }).iter().flatten().count()] += 1;
    }
    counts
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
        let drawn = draws(&scene, &options, DRAWS);
        let merged = drawn.iter().filter(|drawn| drawn.chosen == 2).count();
        assert_likely(&[DRAWS - merged, merged], &[0.85, 0.15]);
        let off = numbers(&golden[format!("negative_0_to_{suffix}")]);
        assert_likely(&counts(&drawn, slots, false), &off);

        options.clicks.merge = 0.0;
        let drawn = draws(&scene, &options, DRAWS);
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
        for drawn in draws(&scene, &options, DRAWS) {
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
    let drawn = draws(&scene_of(&labelled, &options), &options, DRAWS);
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
