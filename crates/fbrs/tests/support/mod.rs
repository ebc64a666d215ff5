//! What the tests of sessions share.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::sync::OnceLock;

use fbrs::{
    Click, ImageSpace, Mode, NetClicks, Options, Position, RefineOptions, Segmenter, Session, View,
    ZoomIn,
};
use image::{Rgb, RgbImage};

pub fn segmenter() -> &'static Segmenter {
    static SEGMENTER: OnceLock<Segmenter> = OnceLock::new();
    SEGMENTER.get_or_init(|| Segmenter::built_in().unwrap())
}

/// A red box on green, 120×90.
pub fn photo() -> RgbImage {
    RgbImage::from_fn(120, 90, |x, y| {
        let inside = (40..80).contains(&x) && (30..60).contains(&y);
        Rgb(if inside { [200, 50, (x * 2) as u8] } else { [40, 120, (y * 2) as u8] })
    })
}

pub fn on(row: f64, col: f64) -> Click<ImageSpace> {
    Click::positive(Position::from_row_col(row, col))
}

pub fn off(row: f64, col: f64) -> Click<ImageSpace> {
    Click::negative(Position::from_row_col(row, col))
}

pub fn options(mode: Mode) -> Options {
    Options::default().with_refine(RefineOptions::default().with_mode(mode))
}

pub fn session(options: Options) -> Session {
    segmenter().session(photo(), options).unwrap()
}

/// Small views and click limits, so that regions are replaced and features cached within few clicks.
pub fn eventful(mode: Mode) -> Options {
    let zoom = ZoomIn::default().with_target_size(64).with_min_region_size(20);
    let refine = RefineOptions::default()
        .with_mode(mode)
        .with_net_clicks(NetClicks::First(2))
        .with_max_evaluations(3);
    Options::default().with_view(View::ZoomIn(zoom)).with_refine(refine)
}

pub const CLICKS: [(bool, f64, f64); 5] = [
    (true, 45.0, 60.0),
    (false, 10.0, 10.0),
    (true, 35.0, 45.0),
    (false, 45.0, 90.0),
    (true, 57.0, 77.0),
];

pub fn listed((positive, row, col): (bool, f64, f64)) -> Click<ImageSpace> {
    if positive { on(row, col) } else { off(row, col) }
}
