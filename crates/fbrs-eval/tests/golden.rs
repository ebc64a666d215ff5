//! The simulated user and the NoC against the published implementation's
//! (`tests/golden/geometry.json`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fbrs::Size;
use fbrs_data::annotations::{Label, Truth};
use fbrs_eval::{Noc, SimulatedUser};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    simulated_clicks: Vec<Case>,
    noc: NocCase,
}

#[derive(Deserialize)]
struct Case {
    height: usize,
    width: usize,
    gt_rows: Vec<String>,
    pred_rows: Vec<String>,
    iou_of_prediction: f64,
    clicks_positive_row_col: Vec<(bool, usize, usize)>,
}

#[derive(Deserialize)]
struct NocCase {
    ious: Vec<Vec<f64>>,
    thresholds: Vec<f64>,
    max_clicks: usize,
    noc: Vec<f64>,
    over_max: Vec<usize>,
}

fn golden() -> Golden {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/geometry.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn simulated_clicks_are_the_published_ones() {
    let golden = golden();
    assert_eq!(golden.simulated_clicks.len(), 10);
    for (number, case) in golden.simulated_clicks.iter().enumerate() {
        let size = Size { height: case.height, width: case.width };
        let labels = case.gt_rows.iter().flat_map(|row| row.chars()).map(|letter| match letter {
            '#' => Label::Object,
            '.' => Label::Background,
            '?' => Label::Ignore,
            letter => panic!("{letter}"),
        });
        let truth = Truth::new(size, labels.collect()).unwrap();
        let mut mask: Vec<bool> =
            case.pred_rows.iter().flat_map(|row| row.chars()).map(|letter| letter == '#').collect();
        assert!((truth.iou(&mask) - case.iou_of_prediction).abs() < 1e-12, "case {number}");
        let mut user = SimulatedUser::new(&truth);
        for (positive, row, col) in &case.clicks_positive_row_col {
            let click = user.next_click(&mask);
            let (at, of) = (click.position, click.is_positive());
            assert_eq!(
                (of, at.row, at.col),
                (*positive, *row as f64, *col as f64),
                "case {number}"
            );
            for row in row.saturating_sub(2)..(row + 3).min(case.height) {
                for col in col.saturating_sub(2)..(col + 3).min(case.width) {
                    mask[row * case.width + col] = *positive;
                }
            }
        }
    }
}

#[test]
fn noc_is_the_published_one() {
    let case = golden().noc;
    for ((threshold, noc), over) in case.thresholds.iter().zip(&case.noc).zip(&case.over_max) {
        let ious = case.ious.iter().map(Vec::as_slice);
        let found = Noc::new(ious, *threshold, case.max_clicks);
        assert!((found.mean - noc).abs() < 1e-12);
        assert_eq!(found.at_maximum, *over);
    }
}
