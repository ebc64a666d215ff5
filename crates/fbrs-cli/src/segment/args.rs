use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{ArgGroup, Args, ValueEnum};
use fbrs::{
    DeviceChoice, DiscRule, Mode, NetClicks, Options, RefineOptions, ScaleActivation, Tiles, View,
    ZoomIn,
};

use super::clicks::{Spot, parse_spot};

/// From clicks on a photo to the mask of an object
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
#[command(override_usage = "fbrs segment <PHOTO> --pos <X,Y> [--neg <X,Y>]… -o <FILE> [OPTIONS]")]
#[command(group = ArgGroup::new("wanted").required(true).multiple(true)
    .args(["output", "overlay", "probabilities", "json"]))]
pub(crate) struct SegmentArgs {
    /// The photo: PNG, JPEG, WebP, TIFF, BMP, GIF or PNM
    ///
    /// Told by content, not by name. Orientation as its EXIF data say; at most 16384 pixels a side
    /// and 120 megapixels. Of alpha the colors alone are used.
    pub(super) photo: PathBuf,

    /// A click on the object
    ///
    /// May be repeated; clicks act in the order in which --pos and --neg are written.
    #[arg(long = "pos", value_name = "X,Y", value_parser = parse_spot)]
    #[arg(allow_hyphen_values = true, help_heading = CLICKS)]
    pub(super) positive: Vec<Spot>,
    /// A click on what is not the object
    #[arg(long = "neg", value_name = "X,Y", value_parser = parse_spot)]
    #[arg(allow_hyphen_values = true, help_heading = CLICKS)]
    pub(super) negative: Vec<Spot>,
    /// Clicks from a JSON file, `-` for standard input
    ///
    /// A list in the order of clicking: [{"x": 320, "y": 200, "positive": true}, …].
    #[arg(long, value_name = "FILE", conflicts_with_all = ["positive", "negative"])]
    #[arg(help_heading = CLICKS)]
    pub(super) clicks: Option<PathBuf>,

    /// Write the mask: 255 on the object, 0 elsewhere, 8-bit gray, the photo's size
    ///
    /// PNG, TIFF or PGM, by the ending of the name.
    #[arg(long, short, value_name = "FILE", help_heading = OUTPUTS)]
    pub(super) output: Option<PathBuf>,
    /// Write the photo with mask, outline and clicks drawn on it
    ///
    /// PNG, JPEG, TIFF, BMP, WebP or PPM, by the ending of the name.
    #[arg(long, value_name = "FILE", help_heading = OUTPUTS)]
    pub(super) overlay: Option<PathBuf>,
    /// Write the probabilities: 255 · p, rounded, 8-bit gray
    #[arg(long, value_name = "FILE", help_heading = OUTPUTS)]
    pub(super) probabilities: Option<PathBuf>,
    /// Print one JSON object: sizes, the mask's area and box, what each click cost, the device
    #[arg(long, help_heading = OUTPUTS)]
    pub(super) json: bool,
    /// Write what each click did, as JSON: region, crop, evaluations, losses, time per part
    #[arg(long, value_name = "FILE", help_heading = OUTPUTS)]
    pub(super) trace: Option<PathBuf>,
    /// Probability above which a pixel is object, between 0 and 1
    #[arg(long, value_name = "P", default_value_t = 0.5, allow_hyphen_values = true)]
    #[arg(help_heading = OUTPUTS)]
    pub(super) threshold: f32,

    /// `default` for the built-in weights, a file, or a name (`fbrs weights list`)
    #[arg(long, value_name = "W", default_value = "default", help_heading = NETWORK)]
    pub(super) weights: String,
    /// Take weights that hold more tensors than their network has
    #[arg(long, visible_alias = "allow-extra", help_heading = NETWORK)]
    pub(super) ignore_extra: bool,
    /// auto, cpu, wgpu[:N] or cuda[:N] (`fbrs devices`)
    #[arg(long, value_name = "D", default_value = "auto", help_heading = NETWORK)]
    pub(super) device: DeviceChoice,
    /// Do not average the answers to the photo and to its mirror image: twice as fast
    #[arg(long, help_heading = NETWORK)]
    no_flip: bool,

    /// Show the network the whole photo at every click
    #[arg(long, conflicts_with_all = ["tiles", "zoom_in_size"], help_heading = VIEW)]
    no_zoom_in: bool,
    /// Longer side of what the network sees once it zooms in, in pixels
    #[arg(long, value_name = "N", default_value_t = 400, conflicts_with = "tiles")]
    #[arg(help_heading = VIEW)]
    zoom_in_size: usize,
    /// Show the network overlapping tiles of N pixels a side instead of zooming in
    ///
    /// For fine structures in big photos; costs time and memory with the photo's area.
    #[arg(long, value_name = "N", help_heading = VIEW)]
    tiles: Option<usize>,
    /// Shrink what the network sees to this longer side, in pixels; `none` for no limit
    #[arg(long, value_name = "N", default_value = "800", value_parser = parse_limit)]
    #[arg(help_heading = VIEW)]
    max_size: Limit,

    /// How clicks are enforced: see below
    #[arg(long, value_name = "M", default_value = "f-BRS-B", value_parser = ModeParser)]
    #[arg(hide_possible_values = true, help_heading = REFINEMENT)]
    mode: Mode,
    /// Refine from the click after this many on
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = REFINEMENT)]
    optimize_after: usize,
    /// How many clicks go into the network, `all` for no limit; later ones act through the loss
    ///
    /// [default: as published: all with NoBRS, 5 with RGB-BRS and DistMap-BRS, 8 with f-BRS]
    #[arg(long, value_name = "N", value_parser = parse_limit, help_heading = REFINEMENT)]
    net_clicks: Option<Limit>,
    /// Evaluations of the loss per click
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = REFINEMENT)]
    max_evaluations: u64,
    /// Answer each click within this many milliseconds: when they have passed, the best answer so far
    /// holds
    ///
    /// A click's first answer is always computed, and may take longer.
    #[arg(long, value_name = "MS", help_heading = REFINEMENT)]
    max_time: Option<u64>,
    /// End a click's refinement where the mask changes by less than this; 0 turns the test off
    #[arg(long, value_name = "X", default_value_t = 0.01, allow_hyphen_values = true)]
    #[arg(help_heading = REFINEMENT)]
    min_iou_diff: f64,
    /// Weight of the regularization
    #[arg(long, value_name = "X", default_value_t = 0.001, allow_hyphen_values = true)]
    #[arg(help_heading = REFINEMENT)]
    regularization: f64,
    /// Factor of the biases in the regularization of f-BRS
    #[arg(long, value_name = "X", default_value_t = 10.0, allow_hyphen_values = true)]
    #[arg(help_heading = REFINEMENT)]
    bias_regularization: f64,
    /// What the scales of f-BRS pass through
    #[arg(long, value_name = "F", value_enum, default_value_t, help_heading = REFINEMENT)]
    scale_activation: Activation,
    /// Treat click discs that leave the crop as the published program does, faults included
    #[arg(long, help_heading = REFINEMENT)]
    reference_discs: bool,
}

const CLICKS: &str = "Clicks";
const OUTPUTS: &str = "Outputs (at least one of -o, --overlay, --probabilities, --json)";
const NETWORK: &str = "Network";
const VIEW: &str = "What the network sees";
const REFINEMENT: &str = "Refinement";

const AFTER_HELP: &str = "\
Examples:
  fbrs segment photo.jpg --pos 320,200 -o mask.png
  fbrs segment photo.jpg --pos 320,200 --neg 40,60 --pos 350,310 -o mask.png --overlay look.png
  fbrs segment photo.jpg --clicks clicks.json --mode NoBRS --json > answer.json

Coordinates:
  X to the right, Y down, in pixels of the photo as a viewer shows it, from 0,0, the middle of the
  top left pixel. Fractions are fine: 10.5,20. Begin with the middle of the object, then click
  where the mask is wrong: --pos where object is missing, --neg where there is too much.

Modes (any case, hyphens optional):
  NoBRS        the network's plain answer: fastest, need not agree with the clicks
  f-BRS-A      refines features behind the backbone
  f-BRS-B      refines features before the head: the default, good and quick
  f-BRS-C      refines features before the last layers: quicker, a little weaker
  DistMap-BRS  refines the distance maps of the clicks: slow
  RGB-BRS      refines the photo itself: slowest
  Refinement starts with the second click and pulls the answer towards what every click says.

The first click needs the whole photo, later ones the surroundings of what was found. A file is
written completely or not at all, an output never over the photo. `fbrs --help` lists exit codes.";

/// A number, or no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit(Option<usize>);

fn parse_limit(text: &str) -> Result<Limit, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "none" | "all" => Ok(Limit(None)),
        number => match number.parse() {
            Ok(number) => Ok(Limit(Some(number))),
            Err(_) => Err("expected a whole number, or \"none\" for no limit".to_owned()),
        },
    }
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Activation {
    #[default]
    Linear,
    Tanh,
    Sin,
}

/// Reads modes as [`Mode`] does and offers their names to shells.
#[derive(Debug, Clone)]
struct ModeParser;

impl TypedValueParser for ModeParser {
    type Value = Mode;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Mode, clap::Error> {
        let parser = StringValueParser::new().try_map(|text| text.parse::<Mode>());
        parser.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Mode::ALL.iter().map(|mode| PossibleValue::new(mode.name()))))
    }
}

impl SegmentArgs {
    /// How the session is to answer clicks.
    pub(super) fn options(&self) -> Options {
        let view = match (self.tiles, self.no_zoom_in) {
            (Some(size), _) => View::Tiles(Tiles::default().with_size(size)),
            (None, true) => View::Whole,
            (None, false) => View::ZoomIn(ZoomIn::default().with_target_size(self.zoom_in_size)),
        };
        let refine = RefineOptions::default()
            .with_mode(self.mode)
            .with_optimize_after(self.optimize_after)
            .with_net_clicks(match self.net_clicks {
                None => NetClicks::Published,
                Some(Limit(None)) => NetClicks::All,
                Some(Limit(Some(count))) => NetClicks::First(count),
            })
            .with_max_evaluations(self.max_evaluations)
            .with_threshold(self.threshold)
            .with_min_iou_diff(self.min_iou_diff)
            .with_regularization(self.regularization)
            .with_bias_regularization(self.bias_regularization)
            .with_scale_activation(match self.scale_activation {
                Activation::Linear => ScaleActivation::Linear,
                Activation::Tanh => ScaleActivation::Tanh,
                Activation::Sin => ScaleActivation::Sin,
            })
            .with_discs(match self.reference_discs {
                true => DiscRule::Reference,
                false => DiscRule::Clipped,
            })
            .with_max_time(self.max_time.map(Duration::from_millis));
        Options::default()
            .with_view(view)
            .with_max_size(self.max_size.0)
            .with_flip(!self.no_flip)
            .with_refine(refine)
    }
}
