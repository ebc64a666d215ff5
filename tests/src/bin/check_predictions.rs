//! Replays any folder of golden predictions:
//! `check_predictions WEIGHTS FOLDER PHOTOS [DEVICE [CASE]]`.
//!
//! `WEIGHTS` is what `fbrs segment --weights` takes; the goldens must be of weights with the file's
//! name. `CASE` leaves out the cases whose label does not contain it (`NoBRS 000000000030_1`). Prints
//! a line per click and a summary. Fails where a click without refinement has another view, or a
//! probability that is off by more than 4e-3 (goldens have 8 bits); searches can part by rounding, so
//! refined clicks are not judged.

use std::path::Path;

use fbrs::{DeviceChoice, Mode, Segmenter};
use fbrs_tests::golden::{Error, replay};

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [weights, folder, photos, rest @ ..] = arguments.as_slice() else {
        return Err("usage: check_predictions WEIGHTS FOLDER PHOTOS [DEVICE [CASE]]".into());
    };
    let device = rest.first().map_or(Ok(DeviceChoice::Cpu), |device| device.parse())?;
    let case = rest.get(1).map_or("", String::as_str);
    let segmenter = Segmenter::load(weights, device)?;
    println!("{segmenter:?}");
    let name = Path::new(weights).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let comparisons = replay(&segmenter, &name, Path::new(folder), Path::new(photos), |label| {
        label.contains(case)
    })?;
    if comparisons.is_empty() {
        return Err(format!("{folder}: no case is called {case:?}").into());
    }
    for c in &comparisons {
        let probability = c.probability.map_or("-".to_owned(), |p| format!("{p:.4}"));
        let relative = |(here, golden): (&f64, &f64)| (here - golden).abs() / golden.abs();
        let losses: Vec<String> = c
            .losses
            .0
            .iter()
            .zip(&c.losses.1)
            .map(|pair| format!("{:.0e}", relative(pair)))
            .collect();
        println!(
            "{:<52} view {} probability {probability} mask {:.5} evaluations {}/{} z {:.4}/{:.4} \
             losses {}",
            c.label,
            if c.same_view { "same" } else { "OTHER" },
            c.mask_iou,
            c.losses.0.len(),
            c.losses.1.len(),
            c.z_norm.0,
            c.z_norm.1.unwrap_or(0.0),
            losses.join(" "),
        );
    }
    let count = comparisons.len() as f64;
    let masks = comparisons.iter().map(|c| c.mask_iou);
    println!(
        "{} clicks: views alike {}, largest difference of probabilities {:.4}, masks' IoU mean \
         {:.5} least {:.5}, first losses' largest relative difference {:.1e}",
        comparisons.len(),
        comparisons.iter().filter(|c| c.same_view).count(),
        comparisons.iter().filter_map(|c| c.probability).fold(0.0, f64::max),
        masks.clone().sum::<f64>() / count,
        masks.fold(1.0, f64::min),
        comparisons.iter().map(|c| c.first_loss()).fold(0.0, f64::max),
    );
    let off = comparisons.iter().find(|c| {
        c.mode == Mode::NoBrs && (!c.same_view || c.probability.is_some_and(|p| p > 4e-3))
    });
    match off {
        Some(off) => Err(format!("{}: not as the golden", off.label).into()),
        None => Ok(()),
    }
}
