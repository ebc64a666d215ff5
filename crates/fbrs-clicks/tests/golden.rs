//! Agreement with what the published implementation computed (`tests/golden/geometry.json`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fbrs_clicks::{
    Click, ClickDiscs, CropSpace, CropTransform, DiscRule, ImageSpace, NetworkPoints, Position,
    Region, Sign, Size, disc_maps, distance_maps, tile_offsets,
};
use serde_json::Value;

fn golden(key: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/geometry.json");
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()[key].clone()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn index(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn pair(value: &Value) -> (f64, f64) {
    (number(&value[0]), number(&value[1]))
}

fn size(value: &Value) -> Size {
    Size { height: index(&value["height"]), width: index(&value["width"]) }
}

fn clicks<Space>(value: &Value) -> Vec<Click<Space>> {
    let click = |value: &Value| Click {
        position: Position::from_row_col(number(&value["row"]), number(&value["col"])),
        sign: if value["positive"].as_bool().unwrap() { Sign::Positive } else { Sign::Negative },
    };
    list(value).iter().map(click).collect()
}

fn region(value: &Value) -> Region {
    let [top, bottom, left, right] = [0, 1, 2, 3].map(|end| index(&value[end]));
    Region::new(top..=bottom, left..=right).unwrap()
}

#[test]
fn distance_maps_agree() {
    let golden = golden("distance_maps");
    for case in list(&golden["cases"]) {
        let points = list(&case["points_row_col"]);
        let half = points.len() / 2;
        let clicks: Vec<Click<CropSpace>> = points
            .iter()
            .enumerate()
            .map(|(slot, point)| {
                let (row, col) = pair(point);
                let sign = if slot < half { Sign::Positive } else { Sign::Negative };
                Click { position: Position::from_row_col(row, col), sign }
            })
            .collect();
        let points = NetworkPoints::new(&clicks, None);
        let (size, radius) = (size(case), number(&golden["norm_radius"]) as f32);
        let maps = distance_maps(&points, size, radius);
        let close = |value: f32, expected: f64| {
            assert!((f64::from(value) - expected).abs() < 1e-6, "{value} {expected}");
        };
        if let Some(expected) = case["maps"].as_array() {
            let expected: Vec<f64> = expected.iter().flat_map(list).map(number).collect();
            assert_eq!(maps.len(), expected.len());
            maps.iter().zip(expected).for_each(|(value, expected)| close(*value, expected));
            continue;
        }
        for (map, mean) in maps.chunks(size.area()).zip(list(&case["mean"])) {
            close(map.iter().sum::<f32>() / size.area() as f32, number(mean));
        }
        for (at, expected) in list(&case["sample_row_col"]).iter().zip(list(&case["sample"])) {
            for (map, expected) in maps.chunks(size.area()).zip(list(expected)) {
                close(map[index(&at[0]) * size.width + index(&at[1])], number(expected));
            }
        }
    }
}

/// Click maps of RITM's networks, pixel by pixel, as its evaluation draws them.
#[test]
fn disc_maps_agree() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/discs.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let radius = number(&golden["radius"]) as f32;
    for case in list(&golden["cases"]) {
        let points = list(&case["points_row_col_index"]);
        let clicks: Vec<Click<CropSpace>> = points
            .iter()
            .enumerate()
            .map(|(slot, point)| {
                let position = Position::from_row_col(number(&point[0]), number(&point[1]));
                let sign = if slot < points.len() / 2 { Sign::Positive } else { Sign::Negative };
                Click { position, sign }
            })
            .collect();
        let size = Size { height: index(&case["height"]), width: index(&case["width"]) };
        let maps = disc_maps(&NetworkPoints::new(&clicks, None), size, radius);
        let drawn: Vec<String> = maps
            .chunks(size.width)
            .map(|row| row.iter().map(|value| if *value == 1.0 { '#' } else { '.' }).collect())
            .collect();
        let expected: Vec<_> = list(&case["evaluation"]).iter().flat_map(list).collect();
        assert_eq!(drawn.len(), expected.len(), "{}", case["name"]);
        for (drawn, expected) in drawn.iter().zip(expected) {
            assert_eq!(Some(drawn.as_str()), expected.as_str(), "{}", case["name"]);
        }
    }
}

/// RITM's networks without discs: the same distance maps, and the same slots.
#[test]
fn points_and_distance_maps_of_ritm_agree() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/discs.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let expected = &golden["distance_maps_without_discs"];
    let points = list(&expected["points_row_col_index"]);
    let used = points.iter().enumerate().filter(|(_, point)| number(&point[0]) >= 0.0);
    let in_order = used.map(|(slot, point)| {
        let position = Position::from_row_col(number(&point[0]), number(&point[1]));
        let sign = if slot < points.len() / 2 { Sign::Positive } else { Sign::Negative };
        Click { position, sign }
    });
    let told: Vec<Click<CropSpace>> = in_order.collect();
    let radius = number(&expected["norm_radius"]) as f32;
    let maps = distance_maps(&NetworkPoints::new(&told, None), size(expected), radius);
    let values: Vec<_> = list(&expected["maps"]).iter().flat_map(list).collect();
    assert_eq!(maps.len(), values.len());
    for (here, expected) in maps.iter().zip(values) {
        assert!((f64::from(*here) - number(expected)).abs() <= 1e-6, "{here} {expected}");
    }
    for case in list(&golden["network_points"]) {
        let limit = case["net_clicks_limit"].as_u64().map(|limit| limit as usize);
        let points = NetworkPoints::new(&clicks(&case["clicks"]), limit);
        let slot =
            |slot: Option<Position<CropSpace>>| slot.map_or((-1.0, -1.0), |p| (p.row, p.col));
        let slots: Vec<_> = points.slots().map(slot).collect();
        let expected: Vec<_> = list(&case["points_row_col_index"]).iter().map(pair).collect();
        assert_eq!(slots, expected);
    }
}

#[test]
fn network_points_agree() {
    for case in list(&golden("network_points")) {
        let limit = case["net_clicks_limit"].as_u64().map(|limit| limit as usize);
        let points = NetworkPoints::new(&clicks(&case["clicks"]), limit);
        let slot =
            |slot: Option<Position<CropSpace>>| slot.map_or((-1.0, -1.0), |p| (p.row, p.col));
        let slots: Vec<_> = points.slots().map(slot).collect();
        let expected: Vec<_> = list(&case["points"]).iter().map(pair).collect();
        assert_eq!(slots, expected);
    }
}

#[test]
fn zoom_in_regions_agree() {
    let golden = golden("zoom_in_roi");
    let ratio = number(&golden["expansion_ratio"]);
    let (min_side, target) = (index(&golden["min_crop_size"]), index(&golden["target_size"]));
    for case in list(&golden["cases"]) {
        let image = size(case);
        let clicks: Vec<Click<ImageSpace>> = clicks(&case["clicks"]);
        let mut mask = vec![false; image.area()];
        let ends = |key: &str| index(&case[key][0])..=index(&case[key][1]);
        for row in ends("mask_rows") {
            for col in ends("mask_cols") {
                mask[row * image.width + col] = true;
            }
        }
        for click in clicks.iter().filter(|click| click.is_positive()) {
            let (row, col) = (click.position.row as usize, click.position.col as usize);
            mask[row * image.width + col] = true;
        }
        let found = Region::bounding_box(&mask, image).unwrap().expanded(ratio, min_side, image);
        assert_eq!(found, region(&case["roi_rmin_rmax_cmin_cmax"]));
        let map = CropTransform::longest_side(found, target);
        let crop = &case["crop_height_width"];
        assert_eq!(map.crop(), Size { height: index(&crop[0]), width: index(&crop[1]) });
        for (click, expected) in clicks.iter().zip(list(&case["clicks_in_crop"])) {
            let position = map.to_crop(click.position);
            let (row, col) = pair(expected);
            assert!((position.row - row).abs() < 1e-9 && (position.col - col).abs() < 1e-9);
        }
        let inside = clicks
            .iter()
            .filter(|click| click.is_positive())
            .all(|click| found.holds(click.position));
        assert_eq!(inside, case["positive_clicks_inside"].as_bool().unwrap());
    }
}

#[test]
fn box_overlap_agrees() {
    for case in list(&golden("bbox_iou")) {
        let iou = region(&case["a"]).iou(region(&case["b"]));
        assert!((iou - number(&case["iou"])).abs() < 1e-12);
    }
}

#[test]
fn reference_discs_agree() {
    let golden = golden("click_discs");
    for case in list(&golden["cases"]) {
        let (row, col) = pair(&case["row_col"]);
        let size = size(&golden);
        let click = Click::positive(Position::from_row_col(row, col));
        let discs = ClickDiscs::new(&[click], size, DiscRule::Reference);
        let pixel = |pixel: &Value| index(&pixel[0]) * size.width + index(&pixel[1]);
        let expected: Vec<_> = list(&case["set_pixels"]).iter().map(pixel).collect();
        assert_eq!(discs.positive(), expected, "{row} {col}");
        assert!(discs.negative().is_empty());
    }
}

#[test]
fn clipped_discs_stay_at_their_click() {
    let size = Size { height: 8, width: 10 };
    let pixels = |row: f64, col: f64| {
        let click = Click::negative(Position::from_row_col(row, col));
        ClickDiscs::new(&[click], size, DiscRule::Clipped).negative().to_vec()
    };
    assert_eq!(pixels(0.0, 3.0), [2, 3, 4, 12, 13, 14]);
    assert_eq!(pixels(0.0, 0.0), [0, 1, 10, 11]);
    assert_eq!(pixels(-1.0, 3.0), [2, 3, 4]);
    assert_eq!(pixels(7.0, 9.0), [68, 69, 78, 79]);
    assert_eq!(pixels(7.6, 9.0), [78, 79]);
    for (row, col) in [(-5.0, 3.0), (-2.0, -3.0), (12.0, 3.0), (1e300, 3.0), (-1e300, 3.0)] {
        assert!(pixels(row, col).is_empty(), "{row} {col}");
    }
    // Away from the top and left edges both rules agree, golden cases included.
    for case in list(&golden("click_discs")["cases"]) {
        let (row, col) = pair(&case["row_col"]);
        if row >= 1.0 && col >= 1.0 {
            let click = Click::positive(Position::from_row_col(row, col));
            let rule = |rule| ClickDiscs::new(&[click], size, rule);
            assert_eq!(rule(DiscRule::Clipped), rule(DiscRule::Reference));
        }
    }
}

#[test]
fn overlapping_discs_count_each_pixel_once() {
    let click = Click::positive(Position::from_row_col(3.0, 3.0));
    let discs = ClickDiscs::new(&[click, click], Size { height: 8, width: 10 }, DiscRule::Clipped);
    assert_eq!(discs.positive().len(), 9);
}

#[test]
fn tile_offsets_agree() {
    for case in list(&golden("crop_offsets")) {
        let offsets = tile_offsets(
            index(&case["length"]),
            index(&case["crop"]),
            number(&case["min_overlap"]),
        );
        let expected: Vec<_> = list(&case["offsets"]).iter().map(index).collect();
        assert_eq!(offsets, expected);
    }
}

#[test]
fn tiles_cover_every_length() {
    for length in 1..700 {
        for tile in [1, 2, 3, 64, 320] {
            let offsets = tile_offsets(length, tile, 0.2);
            let mut end = 0;
            for offset in offsets {
                assert!(offset <= end, "{length} {tile}: a gap before {offset}");
                end = offset + tile;
            }
            assert!(end >= length);
            assert!(length <= tile || end == length);
        }
    }
}

#[test]
fn mirrored_clicks_come_back() {
    let size = Size { height: 5, width: 9 };
    let click: Click<CropSpace> = Click::negative(Position::from_row_col(2.0, 1.5));
    assert_eq!(click.mirrored(size).position.col, 6.5);
    assert_eq!(click.mirrored(size).mirrored(size), click);
}

#[test]
fn an_empty_mask_has_no_box() {
    assert_eq!(Region::bounding_box(&[false; 12], Size { height: 3, width: 4 }), None);
}
