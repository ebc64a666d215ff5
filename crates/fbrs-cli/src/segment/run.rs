use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ArgMatches;
use fbrs::weights::{Checkpoint, ExtraKeys, printable};
use fbrs::{
    Click, ClickReport, Event, ImageSpace, Mode, Options, Photo, Segmenter, Session, Size, Watch,
};
use image::{DynamicImage, RgbImage};

use super::args::SegmentArgs;
use super::mask::MaskSummary;
use super::pictures::Outputs;
use super::report::{ClickCost, OutputNames, Report, Seconds, WeightsName, lossy, seconds};
use super::{clicks, photo};
use crate::devices::{self, DeviceName};
use crate::exit::Exit;
use crate::outputs::{self, Place, Writing};
use crate::print::{self, Voice};
use crate::progress;
use crate::weights::places;

/// A loaded network, and how it came to be.
struct Loaded {
    segmenter: Segmenter,
    weights: WeightsName,
    time: Duration,
}

/// Runs `fbrs segment`. Whatever can be refused is refused before the network is loaded.
pub(crate) fn run(args: SegmentArgs, matches: Option<&ArgMatches>, voice: Voice) -> Result<()> {
    let matches = matches.context("the arguments of segment are missing")?;
    let checkpoint = open(&args, voice)?;
    let architecture = checkpoint.architecture();
    let clicks = clicks::collect(&args, matches, architecture.sees_previous_mask())?;
    let options = args.options(&architecture);
    options.check()?;
    let photo = photo::read(&args.photo, voice)?;
    let size = Size { height: photo.height() as usize, width: photo.width() as usize };
    clicks::check(&clicks, size)?;
    let start = args.start_mask.as_deref().map(|path| photo::read_mask(path, voice)).transpose()?;
    let outputs = Outputs::plan(&args)?;

    let loaded = load(&args, checkpoint, voice)?;
    let photo = Photo::from(photo);
    let mut session = loaded.segmenter.session(photo.clone(), options.clone())?;
    if let Some(start) = start {
        let started = session.start_from_mask(&start);
        started.map_err(|error| Exit::Input.because(format!("--start-mask: {error}")))?;
    }
    let reports = answer(&mut session, &clicks, &options, voice)?;

    let prediction = session.prediction().context("clicks were answered without a prediction")?;
    let mask = prediction.mask(options.refine.threshold)?;
    let summary = MaskSummary::of(&mask);
    if summary.area == 0 {
        let advice = "click elsewhere on the object, or lower --threshold";
        voice.warn(format!("the mask is empty: {advice}"));
    }
    let probabilities =
        outputs.probabilities.is_some().then(|| prediction.probability_image().into());
    // The session and all that it holds are not needed any more: the photo itself is drawn on.
    drop((session, prediction));
    let drawn = outputs.overlay.is_some().then(|| {
        let mut canvas = photo.into_pixels();
        fbrs_draw::overlay(&mut canvas, &mask, &clicks).map(|()| canvas)
    });
    let drawn = drawn.transpose()?;
    let pictures = Pictures {
        mask: mask.into(),
        overlay: drawn.map(RgbImage::into),
        probabilities,
        trace: trace(&outputs, &clicks, &reports)?,
    };
    write(&outputs, &pictures)?;

    if args.json {
        print::print_json(&Report {
            photo: lossy(&args.photo),
            width: size.width,
            height: size.height,
            mode: options.refine.mode.name(),
            threshold: options.refine.threshold,
            device: DeviceName::of(loaded.segmenter.device()),
            weights: loaded.weights,
            mask: summary,
            clicks: clicks.iter().zip(&reports).map(|(c, r)| ClickCost::of(c, r)).collect(),
            outputs: OutputNames {
                mask: args.output.as_deref().map(lossy),
                overlay: args.overlay.as_deref().map(lossy),
                probabilities: args.probabilities.as_deref().map(lossy),
                trace: args.trace.as_deref().map(lossy),
            },
            seconds: Seconds {
                load: seconds(loaded.time),
                clicks: seconds(reports.iter().map(|report| report.total).sum()),
            },
        })?;
    } else {
        let names = outputs.places().map(|place| place.asked().display().to_string());
        let names = names.collect::<Vec<_>>().join(", ");
        let share = 100.0 * summary.share;
        voice.remark(format!("{share:.1} % of {size} pixels are object; wrote {names}"));
    }
    Ok(())
}

/// Finds and opens the weights, whose values are read later.
fn open(args: &SegmentArgs, voice: Voice) -> Result<Checkpoint> {
    let extra = if args.ignore_extra { ExtraKeys::Ignore } else { ExtraKeys::Refuse };
    let checkpoint = places().locate(&args.weights)?.open(extra)?;
    if let Some(remark) = checkpoint.remark() {
        voice.warn(format!("{}: {remark}", printable(checkpoint.file())));
    }
    Ok(checkpoint)
}

fn load(args: &SegmentArgs, checkpoint: Checkpoint, voice: Voice) -> Result<Loaded> {
    let started = Instant::now();
    let bar = progress::spinner(voice);
    bar.set_message(format!("loading {}", args.weights));
    let file = checkpoint.file().to_owned();
    let device = bar.suspend(|| devices::open(args.device, voice))?;
    let segmenter = Segmenter::from_checkpoint_with(checkpoint, device, |done, total| {
        bar.set_message(format!("loading {}: {} %", args.weights, 100 * done / total.max(1)));
    })?;
    bar.finish_and_clear();
    let architecture = segmenter.architecture().to_string();
    let weights = WeightsName { asked: args.weights.clone(), file, architecture };
    Ok(Loaded { segmenter, weights, time: started.elapsed() })
}

/// Answers all clicks; one report for each.
fn answer(
    session: &mut Session,
    clicks: &[Click<ImageSpace>],
    options: &Options,
    voice: Voice,
) -> Result<Vec<ClickReport>> {
    let refine = &options.refine;
    let per_click = if refine.mode == Mode::NoBrs { 1 } else { refine.max_evaluations.max(1) };
    let count = clicks.len() as u64;
    let bar = progress::steps(voice, per_click.saturating_mul(count));
    let mut reports = Vec::new();
    for (click, number) in clicks.iter().zip(1..) {
        let done = per_click.saturating_mul(number - 1);
        bar.set_position(done);
        bar.set_message(format!("click {number}/{count}"));
        let mut see = |event: &Event<'_>| {
            if let Event::Evaluation { number: evaluation, .. } = event {
                bar.set_position(done.saturating_add((*evaluation as u64).min(per_click)));
                let evaluation = format!("evaluation {evaluation}/{per_click}");
                bar.set_message(format!("click {number}/{count}, {evaluation}"));
            }
        };
        session.click_with(*click, &mut Watch::new().seen_by(&mut see))?;
        reports.extend(session.report().cloned());
    }
    bar.finish_and_clear();
    Ok(reports)
}

fn trace(
    outputs: &Outputs,
    clicks: &[Click<ImageSpace>],
    reports: &[ClickReport],
) -> Result<Option<String>> {
    if outputs.trace.is_none() {
        return Ok(None);
    }
    let clicks = clicks.iter().zip(reports);
    let costs: Vec<_> = clicks.map(|(c, r)| ClickCost::with_detail(c, r)).collect();
    Ok(Some(serde_json::to_string_pretty(&costs)? + "\n"))
}

/// What is to be written.
struct Pictures {
    mask: DynamicImage,
    overlay: Option<DynamicImage>,
    probabilities: Option<DynamicImage>,
    trace: Option<String>,
}

fn write(outputs: &Outputs, pictures: &Pictures) -> Result<()> {
    let mut files: Vec<(&Place, Writing<'_>)> = Vec::new();
    let planned = [
        (&outputs.mask, Some(&pictures.mask)),
        (&outputs.overlay, pictures.overlay.as_ref()),
        (&outputs.probabilities, pictures.probabilities.as_ref()),
    ];
    for (output, picture) in planned {
        if let (Some(output), Some(picture)) = (output, picture) {
            files.push((&output.place, Box::new(move |out| output.write(picture, out))));
        }
    }
    if let (Some(place), Some(text)) = (&outputs.trace, &pictures.trace) {
        files.push((place, Box::new(|out| out.write_all(text.as_bytes()))));
    }
    outputs::write_all(files)
}
