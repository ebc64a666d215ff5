use super::*;
use crate::stream::{Purpose, Stream};
use crate::testing::{SIZE, index, list, map, mask, points};

/// A prediction that is described in words.
fn prediction(described: &str, object: &[bool]) -> Vec<f32> {
    let (rolled, then) = described
        .strip_prefix("0.1 everywhere, 0.9 on the object rolled by (")
        .and_then(|rest| rest.split_once(')'))
        .unwrap();
    let (down, right) = rolled.split_once(", ").unwrap();
    let (down, right): (i64, i64) = (down.parse().unwrap(), right.parse().unwrap());
    let (height, width) = (SIZE.height as i64, SIZE.width as i64);
    let rolled = |row: i64, col: i64| {
        let (row, col) = ((row - down).rem_euclid(height), (col - right).rem_euclid(width));
        object[(row * width + col) as usize]
    };
    let pixels = (0..height).flat_map(|row| (0..width).map(move |col| (row, col)));
    pixels
        .map(|(row, col)| match then {
            ", then 0.8 in the first three columns" if col < 3 => 0.8,
            ", then 0.1 everywhere" => 0.1,
            ", then 0.1 in columns 0 to 28" if col <= 28 => 0.1,
            "" | ", then 0.8 in the first three columns" | ", then 0.1 in columns 0 to 28" => {
                if rolled(row, col) {
                    0.9
                } else {
                    0.1
                }
            }
            other => panic!("{other}"),
        })
        .collect()
}

#[test]
fn next_clicks_agree() {
    let cases = points("ritm_next_click");
    assert_eq!(list(&cases).len(), 7);
    for case in list(&cases) {
        let value = index(&case["object"]) as u16;
        let object: Vec<bool> = map(&case["map"]).into_iter().map(|found| found == value).collect();
        let target: Vec<f32> = object.iter().map(|inside| f32::from(u8::from(*inside))).collect();
        let prediction = prediction(case["prediction"].as_str().unwrap(), &object);
        let (found, sign) = candidates(&prediction, &target, SIZE);
        let expected = mask(&case["candidates"]);
        let expected: Vec<usize> = (0..expected.len()).filter(|at| expected[*at]).collect();
        assert_eq!(found, expected, "{case}");
        assert_eq!(found.len(), index(&case["count"]));
        let mut stream = Stream::new(0, 0, 0, Purpose::NextClicks);
        let click = next_click(&prediction, &target, SIZE, &mut stream);
        match case["click"].as_str().unwrap() {
            "positive" => assert_eq!(sign, Sign::Positive),
            "negative" => assert_eq!(sign, Sign::Negative),
            _ => assert_eq!(click, None),
        }
        if let Some(click) = click {
            assert_eq!(click.sign, sign);
            assert!(found.contains(&(click.row * SIZE.width + click.col)));
        }
    }
}

/// The published program puts a negative click into the ignored region here.
#[test]
fn ignored_pixels_are_no_errors() {
    let size = Size { height: 20, width: 20 };
    let at = |row: usize, col: usize| row.max(col);
    let pixels: Vec<usize> = (0..400).map(|index| at(index / 20, index % 20)).collect();
    let is_ignored = |index: usize| index / 20 >= 12 || index % 20 >= 12;
    let target: Vec<f32> = (0..400)
        .map(|index| match is_ignored(index) {
            true => -1.0,
            false => f32::from(u8::from(pixels[index] < 10)),
        })
        .collect();
    let prediction: Vec<f32> =
        target.iter().map(|target| if *target == 0.0 { 0.1 } else { 0.9 }).collect();
    let mut stream = Stream::new(0, 0, 0, Purpose::NextClicks);
    assert_eq!(next_click(&prediction, &target, size, &mut stream), None);
    let missed: Vec<f32> = prediction.iter().map(|predicted| 1.0 - predicted).collect();
    for _ in 0..200 {
        let click = next_click(&missed, &target, size, &mut stream).unwrap();
        assert_eq!(click.sign, Sign::Positive);
        assert!(target[click.row * 20 + click.col] > 0.5);
    }
}

#[test]
fn candidates_are_equally_likely() {
    let (size, target) = (Size { height: 5, width: 5 }, [1.0; 25]);
    let mut stream = Stream::new(0, 0, 0, Purpose::NextClicks);
    let mut counts = [0; 25];
    for _ in 0..20_000 {
        let click = next_click(&[0.0; 25], &target, size, &mut stream).unwrap();
        counts[click.row * 5 + click.col] += 1;
    }
    // Depths are 1, 2 and, in the middle, 3.
    let inner: Vec<usize> = (0..25).filter(|at| counts[*at] > 0).collect();
    assert_eq!(inner, [6, 7, 8, 11, 12, 13, 16, 17, 18]);
    let counts: Vec<usize> = inner.iter().map(|at| counts[*at]).collect();
    crate::testing::assert_likely(&counts, &[1.0 / 9.0; 9]);
}

#[test]
fn a_click_goes_into_the_first_free_slot_or_the_last() {
    let point = |order| Some(TrainingPoint { row: 1.0, col: 2.0, order });
    let click = |sign| NextClick { row: 3, col: 4, sign };
    let written = |order| Some(TrainingPoint { row: 3.0, col: 4.0, order });
    let mut points = vec![point(100), None, None, point(100), point(100), point(100)];
    write_click(&mut points, click(Sign::Positive), 1);
    write_click(&mut points, click(Sign::Negative), 2);
    assert_eq!(points, [point(100), written(1), None, point(100), point(100), written(2)]);
    let mut points = [None];
    write_click(&mut points, click(Sign::Negative), 1);
    assert_eq!(points, [written(1)]);
    write_click(&mut [], click(Sign::Negative), 1);
}
