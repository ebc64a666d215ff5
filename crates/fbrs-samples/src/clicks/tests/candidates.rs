use super::*;

#[test]
fn areas_of_objects_agree() {
    let options = options(ClickRules::Fbrs);
    for case in list(&points("fbrs")) {
        let object = index(&case["object"]);
        let (scene, target) = chosen(&case["map"], &[object], &[object], &options);
        assert_eq!(scene.area(0), index(&case["area"]));
        let eroded = areas::erode(&scene.mask(0), SIZE, 3);
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
