//! Replays golden predictions and measures how far this implementation is from them.
//!
//! A folder of goldens holds JSON files, each a list of cases: a photo, a mode, and per click what
//! the published implementation answered (`tests/golden/README.md` says how they were made).

use std::fs;
use std::path::Path;

use fbrs::{
    Click, DiscRule, Mode, NetClicks, Options, Position, RefineOptions, Region, Segmenter, Session,
    Sign, Size,
};
use image::RgbImage;
use serde::Deserialize;

/// Anything that keeps a folder from being replayed.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

#[derive(Deserialize)]
struct File {
    weights: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    image: String,
    object_mask: String,
    mode: String,
    prob_thresh: f32,
    net_clicks_limit: Option<usize>,
    clicks: Vec<GoldenClick>,
}

#[derive(Deserialize)]
struct GoldenClick {
    click: ClickAt,
    roi_rmin_rmax_cmin_cmax: Option<[usize; 4]>,
    crop_height_width: Option<[usize; 2]>,
    losses: Vec<f64>,
    z_norm: Option<f64>,
    /// Where it is missing: the probabilities above the threshold.
    mask: Option<String>,
    probabilities: Option<String>,
}

#[derive(Deserialize)]
struct ClickAt {
    positive: bool,
    row: f64,
    col: f64,
}

/// How one click of one case compares.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// File of goldens, object and number of the click.
    pub label: String,
    /// The mode.
    pub mode: Mode,
    /// Whether region and crop are the same.
    pub same_view: bool,
    /// Largest difference of probabilities, where the golden has them.
    pub probability: Option<f64>,
    /// IoU of the two masks.
    pub mask_iou: f64,
    /// Losses at each evaluation: here, golden.
    pub losses: (Vec<f64>, Vec<f64>),
    /// Norm of the refined quantity: here, golden.
    pub z_norm: (f64, Option<f64>),
}

impl Comparison {
    /// Relative difference of the first evaluation's loss; 0 where neither refined.
    pub fn first_loss(&self) -> f64 {
        match (self.losses.0.first(), self.losses.1.first()) {
            (Some(here), Some(golden)) => (here - golden).abs() / golden.abs().max(1e-12),
            (None, None) => 0.0,
            _ => f64::INFINITY,
        }
    }
}

/// Replays the cases in the JSON files of `folder`, in the order of the files' names; all of them
/// must be of weights called `weights`. `wanted` chooses cases by their label, as `NoBRS
/// 000000000030_1`.
///
/// # Errors
/// Files that are missing or not as expected.
pub fn replay(
    segmenter: &Segmenter,
    weights: &str,
    folder: &Path,
    photos: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Comparison>, Error> {
    let mut files: Vec<_> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut comparisons = Vec::new();
    for path in files {
        let file: File = serde_json::from_str(&fs::read_to_string(&path)?)?;
        if file.weights != weights {
            return Err(format!("{}: of weights {}", path.display(), file.weights).into());
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for case in &file.cases {
            let label = format!("{name} {}", case.object_mask.trim_end_matches(".png"));
            if wanted(&label) {
                replay_case(segmenter, case, &label, folder, photos, &mut comparisons)?;
            }
        }
    }
    Ok(comparisons)
}

/// A photo by its name in the goldens. A lossless copy is preferred: decoders of JPEG differ by a
/// level here and there, and refinement paths part over less.
fn open_photo(photos: &Path, name: &str) -> Result<RgbImage, Error> {
    let lossless = ["webp", "png"].map(|extension| photos.join(name).with_extension(extension));
    let path = lossless.into_iter().find(|path| path.is_file()).unwrap_or(photos.join(name));
    Ok(image::open(path)?.into_rgb8())
}

fn replay_case(
    segmenter: &Segmenter,
    case: &Case,
    label: &str,
    folder: &Path,
    photos: &Path,
    comparisons: &mut Vec<Comparison>,
) -> Result<(), Error> {
    let mode: Mode = case.mode.parse()?;
    let refine = RefineOptions::default()
        .with_mode(mode)
        .with_threshold(case.prob_thresh)
        .with_net_clicks(case.net_clicks_limit.map_or(NetClicks::Published, NetClicks::First))
        .with_discs(DiscRule::Reference);
    let options = Options::default().with_max_size(None).with_refine(refine);
    let photo = open_photo(photos, &case.image)?;
    let mut session = segmenter.session(photo, options)?;
    for (number, golden) in case.clicks.iter().enumerate() {
        let sign = if golden.click.positive { Sign::Positive } else { Sign::Negative };
        session.click(Click {
            position: Position::from_row_col(golden.click.row, golden.click.col),
            sign,
        })?;
        let label = format!("{label} click {}", number + 1);
        comparisons.push(compare(&session, golden, mode, case.prob_thresh, label, folder)?);
    }
    Ok(())
}

fn compare(
    session: &Session,
    golden: &GoldenClick,
    mode: Mode,
    threshold: f32,
    label: String,
    folder: &Path,
) -> Result<Comparison, Error> {
    let (Some(prediction), Some(report)) = (session.prediction(), session.report()) else {
        return Err("a click without a prediction".into());
    };
    let region = golden
        .roi_rmin_rmax_cmin_cmax
        .and_then(|[top, bottom, left, right]| Region::new(top..=bottom, left..=right));
    let crop = golden.crop_height_width.map(|[height, width]| Size { height, width });
    let open = |name: &String| Ok::<_, Error>(image::open(folder.join(name))?.into_luma8());
    let probabilities = golden.probabilities.as_ref().filter(|name| folder.join(name).is_file());
    let probabilities = probabilities.map(open).transpose()?;
    let probability = probabilities.as_ref().map(|expected| {
        let differences = prediction
            .probabilities()
            .into_iter()
            .zip(expected.as_raw())
            .map(|(p, byte)| (f64::from(p) - f64::from(*byte) / 255.0).abs());
        differences.fold(0.0, f64::max)
    });
    let expected = match (&golden.mask, probabilities) {
        (Some(mask), _) => open(mask)?,
        (None, Some(mut probabilities)) => {
            for byte in probabilities.iter_mut() {
                *byte = if f32::from(*byte) / 255.0 > threshold { 255 } else { 0 };
            }
            probabilities
        }
        (None, None) => return Err(format!("{label}: neither a mask nor probabilities").into()),
    };
    let mask = prediction.mask(threshold)?;
    let pixels = || mask.as_raw().iter().zip(expected.as_raw()).map(|(a, b)| (*a > 0, *b > 0));
    let union = pixels().filter(|(a, b)| a | b).count();
    let both = pixels().filter(|(a, b)| a & b).count();
    Ok(Comparison {
        label,
        mode,
        same_view: report.region == region && (region.is_none() || Some(report.crop) == crop),
        probability,
        mask_iou: if union == 0 { 1.0 } else { both as f64 / union as f64 },
        losses: (report.refine.losses.clone(), golden.losses.clone()),
        z_norm: (report.refine.z_norm, golden.z_norm),
    })
}
