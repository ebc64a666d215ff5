use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use fbrs_data::training::TrainingName;

/// Train a network, or fine-tune one, on photos with masks
///
/// Everything that decides the result is one configuration: a preset, a file over it, single values over
/// both. It is saved with the run, and so is what it takes to go on after an interruption.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_long_help = AFTER_HELP)]
#[command(group = ArgGroup::new("what").required(true).args(["preset", "config", "resume"]).multiple(true))]
pub(crate) struct TrainArgs {
    #[command(subcommand)]
    pub(super) command: Option<TrainCommand>,

    /// What the configuration begins with: `fbrs train presets` lists them
    #[arg(long, short, value_name = "NAME", help_heading = RUN)]
    pub(super) preset: Option<String>,
    /// A TOML file whose values lie over the preset's
    #[arg(long, short, value_name = "FILE", help_heading = RUN)]
    pub(super) config: Option<PathBuf>,
    /// One value over all others, as optimizer.rate=1e-4; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = RUN)]
    pub(super) set: Vec<String>,
    /// Go on with the run in this folder, exactly as if it had not been interrupted
    #[arg(long, value_name = "DIR", help_heading = RUN, conflicts_with_all = ["preset", "config", "set",
        "data", "validation", "init", "name", "device", "output", "preview", "check", "print_config",
        "score_samples"])]
    pub(super) resume: Option<PathBuf>,
    /// Stands behind the number of the run's folder
    #[arg(long, value_name = "NAME", help_heading = RUN)]
    pub(super) name: Option<String>,
    /// auto, cpu, wgpu, wgpu:N, cuda or cuda:N (`fbrs devices`); several, as cuda:0,cuda:1, share every batch
    #[arg(long, value_name = "D", help_heading = RUN)]
    pub(super) device: Option<String>,
    /// Where the folders of runs are [default: runs]
    #[arg(long, short, value_name = "DIR", help_heading = RUN)]
    pub(super) output: Option<PathBuf>,

    /// Photos with masks, [KIND:]PATH[=SHARE]; may be repeated
    ///
    /// A folder of your own has `images` and `masks` in it. Masks: white on black, 0 and 1, a palette, 16-bit
    /// numbers of objects, or transparency; NAME.png, or NAME_1.png, NAME_2.png, … with one object each. KIND is
    /// recognized by the folder: folder, coco, sbd, coco-lvis, lvis, coco-panoptic, ade20k, openimages, voc,
    /// grabcut, berkeley or davis. With =SHARE sets are drawn from in proportion.
    #[arg(long, short, value_name = "DATA", help_heading = DATA)]
    pub(super) data: Vec<TrainingName>,
    /// Photos with masks to judge the network by; may be repeated
    ///
    /// Without them the preset's share of the photos is held out.
    #[arg(long, value_name = "DATA", help_heading = DATA)]
    pub(super) validation: Vec<TrainingName>,
    /// Weights to begin with: `default` for the built-in ones, a file, or a name (`fbrs weights list`)
    ///
    /// For presets that begin with ImageNet weights the file of those.
    #[arg(long, value_name = "W", help_heading = DATA)]
    pub(super) init: Option<String>,

    /// Write pictures of N samples as the network would see them, and train nothing
    #[arg(long, value_name = "N", help_heading = LOOK)]
    pub(super) preview: Option<usize>,
    /// Look through all files, say what was understood, and train nothing
    #[arg(long, help_heading = LOOK)]
    pub(super) check: bool,
    /// Print the resolved configuration, and train nothing
    #[arg(long, help_heading = LOOK)]
    pub(super) print_config: bool,
    /// Write how well the weights answer every photo of --data, and train nothing
    ///
    /// FILE is JSON: for each photo a score from 0 to 1, the IoU of the answer's probabilities with the mask on the
    /// mean of four samples. A run that is given it (`data.sets[].scores`) draws hard photos more often
    /// (`data.score_gamma`). Low scores are also where to look for wrong masks.
    #[arg(long, value_name = "FILE", help_heading = LOOK,
        conflicts_with_all = ["preview", "check", "print_config"])]
    pub(super) score_samples: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum TrainCommand {
    /// List the presets
    Presets,
}

const RUN: &str = "Run";
const DATA: &str = "Data and weights";
const LOOK: &str = "Looking first";

const AFTER_HELP: &str = "\
Fine-tune the built-in network on photos of your own:
  fbrs train --preset fine-tune --data my-photos --check
  fbrs train --preset fine-tune --data my-photos --preview 8
  fbrs train --preset fine-tune --data my-photos --init default
Which of them are hard for it:
  fbrs train --preset fine-tune --data my-photos --init default --score-samples scores.json

A run is a folder, runs/FAMILY/NETWORK/NUMBER: checkpoints, logs (TensorBoard and JSON lines), pictures,
the configuration. Ctrl-C finishes the step and saves; `--resume` that folder goes on.";
