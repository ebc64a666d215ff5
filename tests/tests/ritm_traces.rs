//! Sequences of clicks through the published predictor of RITM, a formula in the network's place:
//! `golden/ritm_traces.json`. What the network sees and what becomes of its answer is compared, without
//! the rounding of a network between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use burn::tensor::{Tensor, TensorData};
use fbrs::image::{GrayImage, Luma, Rgb, RgbImage};
use fbrs::weights::{Checkpoint, ExtraKeys, InputScaling, Precision, Provenance, save_native};
use fbrs::{
    Click, DeviceChoice, ImageSpace, Mode, Options, Position, RefineOptions, Region, Segmenter,
    Session, Sign, Size, View, ZoomIn,
};
use fbrs_models::testing::{Formula, stand_in, uniform};
use fbrs_models::{ClickInput, ClickPoints};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    traces: Vec<Trace>,
}

#[derive(Deserialize)]
struct Trace {
    name: String,
    height: u32,
    width: u32,
    zoom_in: Option<Zoom>,
    max_size: Option<usize>,
    flip: bool,
    with_prev_mask: bool,
    external_mask_rows_cols: Option<[u32; 4]>,
    minus_10_from_two_negative_clicks: bool,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Zoom {
    skip_clicks: Option<i64>,
    target_size: Target,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Target {
    LongerSide(usize),
    Exactly([usize; 2]),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Undo { undo: bool, previous_mask_now: Summary },
    Click(Box<Clicked>),
}

#[derive(Deserialize)]
struct Clicked {
    click: ClickAt,
    network_calls: usize,
    #[serde(rename = "stored_region_rmin_rmax_cmin_cmax")]
    region: Option<[usize; 4]>,
    #[serde(rename = "network_input_height_width")]
    input: [usize; 2],
    batch: usize,
    /// Per image of the batch: positive slots, then negative ones, unused ones negative.
    #[serde(rename = "points_row_col_index")]
    points: Vec<Vec<[f32; 3]>>,
    previous_mask_seen: Option<Summary>,
    image_seen: Summary,
    probabilities: Summary,
    #[serde(rename = "pixels_above_0.5")]
    pixels: usize,
}

#[derive(Deserialize)]
struct ClickAt {
    positive: bool,
    row: f64,
    col: f64,
}

impl ClickAt {
    fn as_click(&self) -> Click<ImageSpace> {
        let sign = if self.positive { Sign::Positive } else { Sign::Negative };
        Click { position: Position::from_row_col(self.row, self.col), sign }
    }
}

#[derive(Deserialize)]
struct Summary {
    shape: Vec<usize>,
    mean: f64,
    sample_index: Vec<usize>,
    sample: Vec<f64>,
}

impl Summary {
    /// To within a tolerance at the samples, a tenth of it in the mean.
    fn check(&self, label: &str, what: &str, values: &[f32], tolerance: f64) {
        assert_eq!(self.shape.iter().product::<usize>(), values.len(), "{label}: {what}");
        let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
        let same = (mean - self.mean).abs() <= 0.1 * tolerance;
        assert!(same, "{label}: mean of {what}: {mean} {}", self.mean);
        for (index, expected) in self.sample_index.iter().zip(&self.sample) {
            let here = f64::from(values[*index]);
            let same = (here - expected).abs() <= tolerance;
            assert!(same, "{label}: {what} {index}: {here} {expected}");
        }
    }
}

/// What rounding leaves.
const ROUNDING: f64 = 1e-4;
/// What a second resampling changes.
const RESAMPLING: f64 = 0.02;

/// What the network was once asked.
struct Asked {
    size: [usize; 2],
    batch: usize,
    image: Vec<f32>,
    previous_mask: Option<Vec<f32>>,
    points: Arc<[ClickPoints]>,
}

type Record = Arc<Mutex<Vec<Asked>>>;

/// The formula that stands in for the network.
fn formula(asked: &Asked, minus_10: bool) -> Vec<f32> {
    let [height, width] = asked.size;
    let area = height * width;
    let longer = height.max(width) as f32;
    let nearest = |points: &[[f32; 2]], row: usize, col: usize| {
        let apart =
            |point: &[f32; 2]| (point[0] - row as f32).hypot(point[1] - col as f32) / longer;
        points.iter().map(apart).reduce(f32::min)
    };
    let logit = |batch: usize, pixel: usize| {
        let (points, row, col) = (&asked.points[batch], pixel / width, pixel % width);
        let positive = nearest(&points.positive, row, col).map_or(-4.0, |d| 4.0 - 24.0 * d);
        let negative =
            nearest(&points.negative, row, col).map_or(0.0, |d| (6.0 - 60.0 * d).max(0.0));
        let mask = asked.previous_mask.as_ref();
        let mask = mask.map_or(0.0, |mask| 2.0 * (mask[batch * area + pixel] - 0.5));
        let color = |channel: usize| asked.image[(3 * batch + channel) * area + pixel];
        let gray = (color(0) + color(1) + color(2)) / 3.0 - 0.5;
        let less = if minus_10 && points.negative.len() >= 2 { 10.0 } else { 0.0 };
        positive - negative + mask + gray - less
    };
    (0..asked.batch * area).map(|index| logit(index / area, index % area)).collect()
}

/// A network whose place the formula takes, with a previous mask or without.
fn network(name: &str) -> Segmenter {
    let path = format!("fbrs-traces-{}-{name}.safetensors", std::process::id());
    let path = std::env::temp_dir().join(path);
    // The golden image is told in [0, 1].
    let mut scaling = InputScaling::RITM;
    (scaling.mean, scaling.deviation) = ([0.0; 3], [1.0; 3]);
    let (architecture, provenance) = (name.parse().unwrap(), Provenance::default());
    save_native(&path, &mut Formula, &architecture, &scaling, Precision::F32, &provenance).unwrap();
    let checkpoint = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap();
    let device = DeviceChoice::Cpu.open().unwrap();
    let segmenter = Segmenter::from_checkpoint(checkpoint, device).unwrap();
    fs::remove_file(path).unwrap();
    segmenter
}

/// A session that answers by the formula, and what it was asked.
fn session(trace: &Trace) -> (Session, Record) {
    static NETWORKS: OnceLock<[Segmenter; 2]> = OnceLock::new();
    let names = ["hrnet2s_ocr2_baseline", "hrnet2s_ocr2_itermask"];
    let segmenter = &NETWORKS.get_or_init(|| names.map(network))[usize::from(trace.with_prev_mask)];
    let record = Record::default();
    let (seen, minus_10) = (record.clone(), trace.minus_10_from_two_negative_clicks);
    let with_prev_mask = trace.with_prev_mask;
    let answer = move |image: &Tensor<4>, told: &ClickInput| {
        let read = |tensor: &Tensor<4>| tensor.clone().try_into_vec_as::<f32>().unwrap();
        let [batch, _, height, width] = image.dims();
        let nothing = || vec![0.0; batch * height * width];
        let mask = || told.previous_mask.as_ref().map_or_else(nothing, read);
        let asked = Asked {
            size: [height, width],
            batch,
            image: read(image),
            previous_mask: with_prev_mask.then(mask),
            points: told.points.clone(),
        };
        let logits = TensorData::new(formula(&asked, minus_10), [batch, 1, height, width]);
        seen.lock().unwrap().push(asked);
        Tensor::from_data(logits, &image.device())
    };
    let segmenter = segmenter.answering(|network| stand_in(network, answer));
    (segmenter.session(photo(trace), options(trace)).unwrap(), record)
}

fn photo(trace: &Trace) -> RgbImage {
    let area = (trace.height * trace.width) as usize;
    let values: Vec<u8> = uniform("image", 3 * area).map(|u| (256.0 * u).floor() as u8).collect();
    RgbImage::from_fn(trace.width, trace.height, |x, y| {
        let at = (y * trace.width + x) as usize;
        Rgb([values[at], values[area + at], values[2 * area + at]])
    })
}

fn options(trace: &Trace) -> Options {
    let view = trace.zoom_in.as_ref().map_or(View::Whole, |zoom| {
        let skip = zoom.skip_clicks.unwrap_or(1);
        let options = ZoomIn::default()
            .with_from_start(skip < 0)
            .with_skip_clicks(usize::try_from(skip).unwrap_or(0));
        View::ZoomIn(match zoom.target_size {
            Target::LongerSide(side) => options.with_target_size(side).with_fixed_crop(false),
            Target::Exactly([height, width]) => {
                assert_eq!(height, width);
                options.with_target_size(width).with_fixed_crop(true)
            }
        })
    });
    let refine = RefineOptions::default().with_mode(Mode::NoBrs);
    let options = Options::default().with_refine(refine).with_view(view);
    options.with_max_size(trace.max_size).with_flip(trace.flip)
}

/// How far a step can be compared.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Compared {
    /// Photo, place and clicks that the network sees.
    View,
    /// The previous mask that it sees as well.
    Mask,
    /// The answer as well, but for a second resampling.
    Nearly,
    All,
}

/// Traces that start from a mask in ways that are not repeated. The demo gives the mask at every click,
/// never the answers, and predicts the first click twice so that the region comes from its answer. In
/// the other, the repetition forgets the mask. Here the region comes from the mask, nothing is predicted
/// twice, and later clicks see the answers: `a_mask_to_start_from_gives_the_region`.
const STARTED_OTHERWISE: [&str; 2] = [
    "external mask as the demo does it",
    "external mask with skip_clicks 0: the repetition forgets it",
];

/// The published faults that are not repeated: from which step on how much is the same.
fn faults(name: &str) -> &'static [(usize, Compared)] {
    match name {
        // A crop below the limit is resampled twice.
        "longest side limited, then a zoomed crop below the limit" => &[(1, Compared::Nearly)],
        // The answer for the whole image is squeezed into the region that was stored.
        "mask becomes empty while a region is stored" => {
            &[(4, Compared::Mask), (5, Compared::View)]
        }
        _ => &[],
    }
}

/// The mask that a trace starts from.
fn mask(trace: &Trace) -> Option<GrayImage> {
    let [top, bottom, left, right] = trace.external_mask_rows_cols?;
    let inside = |x, y| (left..=right).contains(&x) && (top..=bottom).contains(&y);
    let value = |x, y| Luma([if inside(x, y) { 255 } else { 0 }]);
    Some(GrayImage::from_fn(trace.width, trace.height, value))
}

fn compare(trace: &Trace) {
    let (mut session, record) = session(trace);
    if let Some(mask) = mask(trace) {
        session.start_from_mask(&mask).unwrap();
    }
    for (number, step) in trace.steps.iter().enumerate() {
        let label = format!("{}, step {}", trace.name, number + 1);
        let fault = faults(&trace.name).iter().rev().find(|(first, _)| number >= *first);
        let compared = fault.map_or(Compared::All, |(_, compared)| *compared);
        match step {
            Step::Undo { undo, previous_mask_now } => {
                assert!(*undo);
                session.undo();
                let now = session.prediction().unwrap().probabilities();
                previous_mask_now.check(&label, "mask after undo", &now, ROUNDING);
            }
            Step::Click(golden) => click(&label, golden, &mut session, &record, compared),
        }
    }
}

fn click(label: &str, golden: &Clicked, session: &mut Session, record: &Record, how: Compared) {
    let prediction = session.click(golden.click.as_click()).unwrap();
    let asked: Vec<Asked> = std::mem::take(&mut *record.lock().unwrap());
    assert_eq!(asked.len(), golden.network_calls, "{label}");
    let asked = asked.last().unwrap();
    let report = session.report().unwrap();
    let whole = session.size();
    let stored = golden.region.and_then(|[t, b, l, r]| Region::new(t..=b, l..=r));
    // A region is stored there even while the whole image is seen.
    let shown = stored.filter(|_| golden.input != [whole.height, whole.width]);
    assert_eq!(report.region, shown, "{label}");
    assert_eq!(asked.size, golden.input, "{label}");
    assert_eq!(report.crop, Size { height: golden.input[0], width: golden.input[1] }, "{label}");
    assert_eq!(asked.batch, golden.batch, "{label}");
    golden.image_seen.check(label, "image", &asked.image, ROUNDING);
    assert_eq!(asked.points.len(), golden.points.len(), "{label}");
    for (here, slots) in asked.points.iter().zip(&golden.points) {
        let (positive, negative) = slots.split_at(slots.len() / 2);
        for (here, slots) in [(&here.positive, positive), (&here.negative, negative)] {
            let used: Vec<_> =
                slots.iter().filter(|slot| slot[0] >= 0.0 || slot[1] >= 0.0).collect();
            assert_eq!(here.len(), used.len(), "{label}");
            for (here, slot) in here.iter().zip(used) {
                let near = (here[0] - slot[0]).abs() <= 1e-3 && (here[1] - slot[1]).abs() <= 1e-3;
                assert!(near, "{label}: {here:?} {slot:?}");
            }
        }
    }
    let tolerance = if how == Compared::Nearly { RESAMPLING } else { ROUNDING };
    if how >= Compared::Mask
        && let Some(seen) = &golden.previous_mask_seen
    {
        seen.check(label, "previous mask", asked.previous_mask.as_ref().unwrap(), tolerance);
    }
    if how >= Compared::Nearly {
        let probabilities = prediction.probabilities();
        golden.probabilities.check(label, "probabilities", &probabilities, tolerance);
        let pixels = probabilities.iter().filter(|value| **value > 0.5).count();
        let allowed = if how == Compared::Nearly { golden.pixels / 50 } else { 2 };
        assert!(pixels.abs_diff(golden.pixels) <= allowed, "{label}: {pixels} {}", golden.pixels);
    }
}

fn traces() -> Vec<Trace> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/ritm_traces.json");
    let golden: File = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(golden.traces.len(), 16);
    golden.traces
}

#[test]
fn every_trace_agrees() {
    let (otherwise, alike): (Vec<_>, Vec<_>) =
        traces().into_iter().partition(|trace| STARTED_OTHERWISE.contains(&trace.name.as_str()));
    assert_eq!((otherwise.len(), alike.len()), (2, 14));
    for trace in &alike {
        compare(trace);
    }
}

/// The first click's region surrounds the mask, the network sees the mask there, and the click after it
/// sees the answer.
#[test]
fn a_mask_to_start_from_gives_the_region() {
    for trace in traces().iter().filter(|trace| STARTED_OTHERWISE.contains(&trace.name.as_str())) {
        let (mut session, record) = session(trace);
        session.start_from_mask(&mask(trace).unwrap()).unwrap();
        let mut clicks = trace.steps.iter().map(|step| match step {
            Step::Click(golden) => golden.click.as_click(),
            Step::Undo { .. } => panic!("{}: a step that is no click", trace.name),
        });
        session.click(clicks.next().unwrap()).unwrap();
        let report = session.report().unwrap();
        // The mask and the click at (150, 210) in it, 1.4 times as large and at least 200 pixels.
        let View::ZoomIn(zoom) = options(trace).view else { panic!("{}: no zoom-in", trace.name) };
        let object = Region::new(120..=169, 190..=249).unwrap();
        let region = object.expanded(zoom.expansion_ratio, zoom.min_region_size, session.size());
        assert_eq!(report.region, Some(region), "{}", trace.name);
        let asked = std::mem::take(&mut *record.lock().unwrap());
        assert_eq!(asked.len(), 1, "{}", trace.name);
        let seen = asked[0].previous_mask.as_ref().unwrap();
        let share = seen.iter().sum::<f32>() / seen.len() as f32;
        let expected = object.size().area() as f32 / region.size().area() as f32;
        assert!((share - expected).abs() <= 0.005, "{}: {share} {expected}", trace.name);

        let answer = session.prediction().unwrap().probabilities();
        session.click(clicks.next().unwrap()).unwrap();
        let asked = record.lock().unwrap().pop().unwrap();
        let seen = asked.previous_mask.unwrap();
        let report = session.report().unwrap();
        assert_eq!(report.region, Some(region), "{}: it stays", trace.name);
        let mean = |values: &mut dyn Iterator<Item = f32>| {
            let (sum, count) = values.fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
            sum / count
        };
        let inside = region.rows().flat_map(|row| region.cols().map(move |col| row * 420 + col));
        let expected = mean(&mut inside.map(|pixel| answer[pixel]));
        let here = mean(&mut seen.into_iter());
        assert!((here - expected).abs() <= 0.005, "{}: {here} {expected}", trace.name);
    }
}

/// Where a mask becomes empty, the answer is that for the whole image, and not squeezed into a region.
#[test]
fn an_empty_mask_is_answered_for_the_whole_image() {
    let traces = traces();
    let trace = traces.iter().find(|trace| trace.name.starts_with("mask becomes")).unwrap();
    let (mut session, record) = session(trace);
    for step in trace.steps.iter().take(5) {
        let Step::Click(golden) = step else { panic!("a step that is no click") };
        session.click(golden.click.as_click()).unwrap();
    }
    let asked = record.lock().unwrap().pop().unwrap();
    let logits = formula(&asked, true);
    let area = asked.size[0] * asked.size[1];
    let width = asked.size[1];
    let probabilities = session.prediction().unwrap().probabilities();
    for (pixel, here) in probabilities.iter().enumerate() {
        let mirrored = area + pixel / width * width + width - 1 - pixel % width;
        let logit = 0.5 * (logits[pixel] + logits[mirrored]);
        assert!((here - 1.0 / (1.0 + (-logit).exp())).abs() <= 1e-6);
    }
}
