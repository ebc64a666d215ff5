use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use fbrs::{Architecture, DeviceChoice, Mode, Preset};
use fbrs_data::sets::{CocoOptions, DataName};
use fbrs_eval::{PUBLISHED_THRESHOLDS, Settings, Shard};

use crate::args::{Limit, parse_limit};

/// How many clicks until masks are good enough (NoC), on data with ground truth
///
/// A simulated user clicks where the mask is most wrong. Results go into a journal, object by
/// object: an interrupted run continues where it was.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct EvalArgs {
    #[command(subcommand)]
    pub(super) command: Option<EvalCommand>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum EvalCommand {
    Merge(MergeArgs),
    Compare(CompareArgs),
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) data: DataArgs,

    /// Where results are kept; a run that is called again continues
    ///
    /// A shard's journal is called after it: run.jsonl becomes run.2of5.jsonl. Objects are known by
    /// their names: after a change of photos or masks, begin it anew (--restart).
    #[arg(long, value_name = "FILE", default_value = "fbrs-eval.jsonl", help_heading = RUN)]
    pub(super) journal: PathBuf,
    /// Begin again, whatever the journal holds
    #[arg(long, help_heading = RUN)]
    pub(super) restart: bool,
    /// Objects that are worked on at a time; changes no result
    #[arg(long, value_name = "N", default_value = "1", help_heading = RUN)]
    pub(super) jobs: NonZeroUsize,
    /// Evaluate a part: I/N, or `auto` as a Slurm array or a Kubernetes indexed job says
    #[arg(long, value_name = "I/N", help_heading = RUN)]
    pub(super) shard: Option<Shard>,

    #[command(flatten)]
    pub(super) report: ReportArgs,

    /// `default` for the built-in weights, a file, or a name (`fbrs weights list`)
    #[arg(long, value_name = "W", default_value = "default", help_heading = NETWORK)]
    pub(super) weights: String,
    /// auto, cpu, wgpu, wgpu:N, cuda or cuda:N (`fbrs devices`)
    #[arg(long, value_name = "D", default_value = "auto", help_heading = NETWORK)]
    pub(super) device: DeviceChoice,
    /// NoBRS, RGB-BRS, DistMap-BRS, f-BRS-A, f-BRS-B or f-BRS-C
    ///
    /// [default: f-BRS-B; NoBRS for networks of RITM's kind]
    #[arg(long, value_name = "M", help_heading = NETWORK)]
    mode: Option<Mode>,
    /// Do not average the answers to the photo and to its mirror image
    #[arg(long, help_heading = NETWORK)]
    no_flip: bool,
    /// Show the network the whole photo at every click
    #[arg(long, conflicts_with = "zoom_in_size", help_heading = NETWORK)]
    no_zoom_in: bool,
    /// Longer side of what the network sees once it zooms in
    ///
    /// [default: 400, for DAVIS 600; 360 for networks of the Lite family]
    #[arg(long, value_name = "N", help_heading = NETWORK)]
    zoom_in_size: Option<usize>,
    /// Show the network the whole photo for the first N clicks
    ///
    /// With 0 the first click is answered again, zoomed in, where the object is small. [default: 1; 0 for
    /// networks of the Lite family]
    #[arg(long, value_name = "N", conflicts_with = "no_zoom_in", help_heading = NETWORK)]
    zoom_in_after: Option<usize>,
    /// Expand the object's box by this factor to zoom in to [default: 1.4]
    #[arg(long, value_name = "X", conflicts_with = "no_zoom_in", help_heading = NETWORK)]
    zoom_in_expansion: Option<f64>,
    /// Look as in a published evaluation: cvpr (zoomed in from the second click on, aspect kept) or
    /// fixedN (every region resized to N×N, from the first click on), as RITM's
    ///
    /// [default: cvpr]
    #[arg(long, value_name = "M", value_parser = parse_evaluation, help_heading = NETWORK)]
    #[arg(conflicts_with_all = ["no_zoom_in", "zoom_in_size", "zoom_in_after"])]
    eval_mode: Option<Preset>,
    /// Shrink what the network sees to this longer side, `none` for no limit
    ///
    /// [default: none; 360 for networks of the Lite family]
    #[arg(long, value_name = "N", value_parser = parse_limit, help_heading = NETWORK)]
    max_size: Option<Limit>,
    /// How many clicks go into the network [default: as published for the mode; all for networks of
    /// the Lite family]
    #[arg(long, value_name = "N", help_heading = NETWORK)]
    net_clicks: Option<usize>,
    /// Evaluations of the loss per click [default: 20]
    #[arg(long, value_name = "N", help_heading = NETWORK)]
    max_evaluations: Option<u64>,
    /// End a click's refinement where the mask changes by less than this [default: 0.01]
    #[arg(long, value_name = "X", help_heading = NETWORK)]
    min_iou_diff: Option<f64>,
    /// Weight of the regularization [default: 0.001; 0.02 for networks of the Lite family]
    #[arg(long, value_name = "X", help_heading = NETWORK)]
    regularization: Option<f64>,
    /// Treat click discs that leave the crop as the published program does, faults included
    #[arg(long, help_heading = NETWORK)]
    reference_discs: bool,

    /// Probability above which a pixel is object
    #[arg(long, value_name = "P", default_value_t = 0.49, help_heading = USER)]
    threshold: f64,
    /// Stop clicking on an object at this IoU
    #[arg(long, value_name = "X", default_value_t = 0.9, help_heading = USER)]
    target_iou: f64,
    /// Stop clicking on an object after this many clicks
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = USER)]
    max_clicks: usize,
}

#[derive(Debug, Args)]
pub(super) struct DataArgs {
    /// A data set: its layout and where it lies; may be repeated
    ///
    /// Layouts: grabcut, berkeley, davis, coco-mval, sbd, folder (images and masks), coco (a file
    /// of instances).
    #[arg(long = "data", value_name = "KIND=PATH", required = true, help_heading = DATA)]
    pub(super) names: Vec<DataName>,
    #[command(flatten)]
    pub(super) coco: CocoArgs,
}

#[derive(Debug, Args)]
pub(super) struct CocoArgs {
    /// COCO instances: folder of the photos [default: near the file]
    #[arg(long, value_name = "DIR", help_heading = DATA)]
    images: Option<PathBuf>,
    /// COCO instances: leave out objects of a smaller area, in pixels
    #[arg(long, value_name = "N", help_heading = DATA)]
    min_area: Option<f64>,
    /// COCO instances: leave out objects of a larger area, in pixels
    #[arg(long, value_name = "N", help_heading = DATA)]
    max_area: Option<f64>,
    /// COCO instances: take crowds as objects as well
    #[arg(long, help_heading = DATA)]
    crowd: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Write a page with table, plots and pictures into this folder
    #[arg(long, value_name = "DIR", help_heading = REPORT)]
    pub(super) report: Option<PathBuf>,
    /// Print one JSON object instead of the table
    #[arg(long, help_heading = REPORT)]
    pub(super) json: bool,
    /// IoUs, in percent, at which clicks are counted
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_percent)]
    #[arg(help_heading = REPORT, default_values_t = PUBLISHED_THRESHOLDS.map(|at| Percent(100.0 * at)))]
    thresholds: Vec<Percent>,
}

/// Put the journals of shards together, or show one again
///
/// Objects that no journal holds are counted as missing.
#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// The journals
    #[arg(required = true)]
    pub(super) journals: Vec<PathBuf>,
    /// Write one journal of all
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// The data sets, for the report's pictures
    #[arg(long = "data", value_name = "KIND=PATH", help_heading = DATA)]
    pub(super) names: Vec<DataName>,
    #[command(flatten)]
    pub(super) coco: CocoArgs,
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

/// Compare two runs, object by object, with a paired test
///
/// Wilcoxon's signed-rank test, two-sided, of the numbers of clicks and of the IoU after the last
/// click: p is the probability of a difference at least as large if there were none.
#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// Journal of the first run
    pub(super) a: PathBuf,
    /// Journal of the second run
    pub(super) b: PathBuf,
    /// Print one JSON object instead of tables
    #[arg(long)]
    pub(super) json: bool,
    /// IoUs, in percent, at which clicks are counted
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_percent)]
    #[arg(default_values_t = PUBLISHED_THRESHOLDS.map(|at| Percent(100.0 * at)))]
    pub(super) thresholds: Vec<Percent>,
}

const DATA: &str = "Data";
const RUN: &str = "Run";
const REPORT: &str = "Report";
const NETWORK: &str = "Network and refinement";
const USER: &str = "Simulated user";

const AFTER_HELP: &str = "\
Examples:
  fbrs eval --data grabcut=GrabCut --data berkeley=Berkeley --weights resnet50_dh128_sbd
  fbrs eval --data folder=mine --jobs 2 --report report
  fbrs eval --data coco=instances_val2017.json --min-area 1024 --shard 1/4 --journal coco.jsonl
  fbrs eval merge coco.*of4.jsonl --report report
  fbrs eval compare a.jsonl b.jsonl

A folder of one's own holds images/ and masks/. A mask has the photo's name but for the ending; it
is 0 and 255, or 0 and label numbers, each an object. NAME_K.png is object K of photo NAME. Masks
with soft edges are refused; the border in VOC's palette (index 255) counts nowhere.

Exit code 7: the run is finished, but objects could not be evaluated or are missing; the report
names them.";

/// The presets that are evaluations.
fn parse_evaluation(text: &str) -> Result<Preset, String> {
    match text.parse() {
        Ok(preset @ (Preset::Evaluation | Preset::FixedEvaluation(_))) => Ok(preset),
        _ => Err("expected cvpr, or fixed and a side: fixed400".to_owned()),
    }
}

/// A share in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Percent(f64);

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn parse_percent(text: &str) -> Result<Percent, String> {
    let percent = text.trim().parse::<f64>().ok();
    let percent = percent.filter(|percent| *percent > 0.0 && *percent <= 100.0);
    percent.map(Percent).ok_or_else(|| "expected a number above 0, at most 100".to_owned())
}

/// IoUs from percent.
pub(super) fn shares(percents: &[Percent]) -> Vec<f64> {
    percents.iter().map(|Percent(percent)| percent / 100.0).collect()
}

impl ReportArgs {
    pub(super) fn thresholds(&self) -> Vec<f64> {
        shares(&self.thresholds)
    }
}

impl CocoArgs {
    pub(super) fn options(&self) -> CocoOptions {
        CocoOptions {
            images: self.images.clone(),
            min_area: self.min_area,
            max_area: self.max_area,
            crowd: self.crowd,
        }
    }
}

impl RunArgs {
    /// What was asked for, and else what suits the network.
    pub(super) fn settings(&self, architecture: &Architecture) -> Settings {
        let mut usual = Settings::for_network(architecture);
        match self.eval_mode {
            Some(Preset::Evaluation) => {
                let published = Settings::default();
                usual.zoom_size = published.zoom_size;
                usual.zoom_after = published.zoom_after;
                usual.max_size = published.max_size;
            }
            Some(Preset::FixedEvaluation(side)) => {
                usual.zoom_size = Some(side);
                (usual.zoom_from_start, usual.zoom_fixed) = (true, true);
                usual.max_size = None;
            }
            _ => {}
        }
        Settings {
            mode: self.mode.map_or(usual.mode, |mode| mode.to_string()),
            threshold: self.threshold,
            target_iou: self.target_iou,
            max_clicks: self.max_clicks,
            zoom_in: !self.no_zoom_in,
            zoom_size: self.zoom_in_size.or(usual.zoom_size),
            zoom_after: self.zoom_in_after.unwrap_or(usual.zoom_after),
            zoom_from_start: usual.zoom_from_start,
            zoom_fixed: usual.zoom_fixed,
            zoom_expansion: self.zoom_in_expansion.unwrap_or(usual.zoom_expansion),
            flip: !self.no_flip && usual.flip,
            max_size: self.max_size.map_or(usual.max_size, |limit| limit.0),
            net_clicks: self.net_clicks.or(usual.net_clicks),
            min_iou_diff: self.min_iou_diff.unwrap_or(usual.min_iou_diff),
            max_evaluations: self.max_evaluations.unwrap_or(usual.max_evaluations),
            regularization: self.regularization.unwrap_or(usual.regularization),
            reference_discs: self.reference_discs,
        }
    }
}
