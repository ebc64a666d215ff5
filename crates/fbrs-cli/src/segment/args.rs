use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{ArgGroup, Args, ValueEnum};
use fbrs::{
    Architecture, DeviceChoice, DiscRule, Mode, NetClicks, Options, Preset, ScaleActivation, Tiles,
    View,
};

use super::clicks::{Spot, parse_spot};
use crate::args::{Limit, parse_limit};

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

    /// Start from a mask of the photo's size: what is above 127 is object
    ///
    /// Networks that see their previous mask are given it, and may answer with less. For others it is
    /// a part of the object that negative clicks alone reduce.
    #[arg(long, value_name = "FILE", help_heading = CLICKS)]
    pub(super) start_mask: Option<PathBuf>,

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
    ///
    /// [default: 0.5; 0.49 with the presets cvpr and fixedN]
    #[arg(long, value_name = "P", allow_hyphen_values = true, help_heading = OUTPUTS)]
    threshold: Option<f32>,

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

    /// Begin with the options of a published program: cvpr, fixedN, fbrs-demo or ritm-demo
    ///
    /// The other options change them. [default: what suits the network]
    #[arg(long, value_name = "NAME", help_heading = VIEW)]
    preset: Option<Preset>,
    /// Show the network the whole photo at every click
    #[arg(long, conflicts_with_all = ["tiles", "zoom_in_size"], help_heading = VIEW)]
    no_zoom_in: bool,
    /// Longer side of what the network sees once it zooms in, in pixels
    ///
    /// [default: 400; 360 for networks of the Lite family]
    #[arg(long, value_name = "N", conflicts_with = "tiles", help_heading = VIEW)]
    zoom_in_size: Option<usize>,
    /// Show the network the whole photo for the first N clicks
    ///
    /// With 0 the first click is answered again, zoomed in, where the object is small. [default: 1; 0 for
    /// networks of the Lite family]
    #[arg(long, value_name = "N", conflicts_with_all = ["tiles", "no_zoom_in"])]
    #[arg(help_heading = VIEW)]
    zoom_in_after: Option<usize>,
    /// Expand the object's box by this factor to zoom in to [default: 1.4]
    #[arg(long, value_name = "X", conflicts_with_all = ["tiles", "no_zoom_in"])]
    #[arg(help_heading = VIEW)]
    zoom_in_expansion: Option<f64>,
    /// Show the network overlapping tiles of N pixels a side instead of zooming in
    ///
    /// For fine structures in big photos; costs time and memory with the photo's area.
    #[arg(long, value_name = "N", help_heading = VIEW)]
    tiles: Option<usize>,
    /// Shrink what the network sees to this longer side, in pixels; `none` for no limit
    ///
    /// [default: 800; 360 for networks of the Lite family]
    #[arg(long, value_name = "N", value_parser = parse_limit, help_heading = VIEW)]
    max_size: Option<Limit>,

    /// How clicks are enforced: see below
    ///
    /// [default: f-BRS-B; NoBRS for networks of RITM's kind]
    #[arg(long, value_name = "M", value_parser = ModeParser)]
    #[arg(hide_possible_values = true, help_heading = REFINEMENT)]
    mode: Option<Mode>,
    /// Refine from the click after this many on [default: 1]
    #[arg(long, value_name = "N", help_heading = REFINEMENT)]
    optimize_after: Option<usize>,
    /// How many clicks go into the network, `all` for no limit; later ones act through the loss
    ///
    /// [default: as published: all with NoBRS, 5 with RGB-BRS and DistMap-BRS, 8 with f-BRS; all for
    /// networks of the Lite family]
    #[arg(long, value_name = "N", value_parser = parse_limit, help_heading = REFINEMENT)]
    net_clicks: Option<Limit>,
    /// Evaluations of the loss per click [default: 20]
    #[arg(long, value_name = "N", help_heading = REFINEMENT)]
    max_evaluations: Option<u64>,
    /// Answer each click within this many milliseconds: when they have passed, the best answer so far
    /// holds
    ///
    /// A click's first answer is always computed, and may take longer.
    #[arg(long, value_name = "MS", help_heading = REFINEMENT)]
    max_time: Option<u64>,
    /// End a click's refinement where the mask changes by less than this; 0 turns the test off
    ///
    /// [default: 0.01]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = REFINEMENT)]
    min_iou_diff: Option<f64>,
    /// Weight of the regularization [default: 0.001; 0.02 for networks of the Lite family]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = REFINEMENT)]
    regularization: Option<f64>,
    /// Factor of the biases in the regularization of f-BRS [default: 10]
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = REFINEMENT)]
    bias_regularization: Option<f64>,
    /// What the scales of f-BRS pass through [default: linear]
    #[arg(long, value_name = "F", value_enum, help_heading = REFINEMENT)]
    scale_activation: Option<Activation>,
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
  NoBRS        the network's plain answer: fastest, need not agree with the clicks; the default of
               RITM's networks, which were made to need no more
  f-BRS-A      refines features behind the backbone
  f-BRS-B      refines features before the head: the default of the others, good and quick
  f-BRS-C      refines features before the last layers: quicker, a little weaker
  DistMap-BRS  refines the distance maps of the clicks: slow
  RGB-BRS      refines the photo itself: slowest
  Refinement starts with the second click and pulls the answer towards what every click says.

The first click needs the whole photo, later ones the surroundings of what was found. A file is
written completely or not at all, an output never over the photo. `fbrs --help` lists exit codes.";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Activation {
    Linear,
    Tanh,
    Sin,
}

/// Reads modes as [`Mode`] does and offers their names to shells.
#[derive(Debug, Clone)]
pub(crate) struct ModeParser;

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
    /// How the session is to answer clicks: what was asked for, and else what suits the network.
    pub(super) fn options(&self, architecture: &Architecture) -> Options {
        let usual = || Options::for_network(architecture);
        let mut options = self.preset.map_or_else(usual, Preset::options);
        options.flip &= !self.no_flip;
        set(&mut options.max_size, self.max_size.map(|limit| limit.0));
        options.view = match (self.tiles, self.no_zoom_in, options.view) {
            (Some(size), ..) => View::Tiles(Tiles::default().with_size(size)),
            (None, true, _) => View::Whole,
            (None, false, View::ZoomIn(mut zoom)) => {
                set(&mut zoom.target_size, self.zoom_in_size);
                set(&mut zoom.skip_clicks, self.zoom_in_after);
                set(&mut zoom.expansion_ratio, self.zoom_in_expansion);
                View::ZoomIn(zoom)
            }
            (None, false, view) => view,
        };
        let refine = &mut options.refine;
        set(&mut refine.threshold, self.threshold);
        refine.max_time = self.max_time.map(Duration::from_millis);
        set(&mut refine.mode, self.mode);
        set(&mut refine.optimize_after, self.optimize_after);
        set(&mut refine.max_evaluations, self.max_evaluations);
        set(&mut refine.min_iou_diff, self.min_iou_diff);
        set(&mut refine.regularization, self.regularization);
        set(&mut refine.bias_regularization, self.bias_regularization);
        let net_clicks = self.net_clicks.map(|limit| limit.0);
        set(
            &mut refine.net_clicks,
            net_clicks.map(|limit| limit.map_or(NetClicks::All, NetClicks::First)),
        );
        let activation = self.scale_activation.map(|activation| match activation {
            Activation::Linear => ScaleActivation::Linear,
            Activation::Tanh => ScaleActivation::Tanh,
            Activation::Sin => ScaleActivation::Sin,
        });
        set(&mut refine.scale_activation, activation);
        set(&mut refine.discs, self.reference_discs.then_some(DiscRule::Reference));
        options
    }
}

/// What was asked for, where something was.
fn set<T>(option: &mut T, asked: Option<T>) {
    if let Some(asked) = asked {
        *option = asked;
    }
}
