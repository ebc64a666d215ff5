//! `fbrs dataset`: what training needs of data sets beside reading them.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use fbrs_data::text::printable;
use fbrs_data::training::{Split, combine};

use crate::exit::Exit;
use crate::print::Voice;
use crate::progress;

/// Prepare data sets for training
#[derive(Debug, Args)]
pub(crate) struct DatasetArgs {
    #[command(subcommand)]
    command: DatasetCommand,
}

#[derive(Debug, Subcommand)]
enum DatasetCommand {
    Combine(CombineArgs),
}

/// Combine LVIS with COCO: objects, their parts, and stuff, as RITM's networks were trained
///
/// Writes SPLIT/combined.json and SPLIT/masks/ into LVIS's folder, which `fbrs train --data coco-lvis:DIR`
/// reads.
#[derive(Debug, Args)]
struct CombineArgs {
    /// LVIS 1.0: train/lvis_train.json and train/images, val/… likewise
    #[arg(long, value_name = "DIR")]
    lvis: PathBuf,
    /// COCO: annotations/ with the instances and the panoptic segmentation of 2017
    #[arg(long, value_name = "DIR")]
    coco: PathBuf,
    /// Which part
    #[arg(long, value_enum, default_value_t)]
    split: SplitName,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum SplitName {
    #[default]
    Train,
    Val,
}

pub(crate) fn run(args: DatasetArgs, voice: Voice) -> Result<()> {
    let DatasetCommand::Combine(args) = args.command;
    let split = match args.split {
        SplitName::Train => Split::Train,
        SplitName::Val => Split::Val,
    };
    let bar = progress::steps(voice, 0);
    let made = combine(&args.lvis, &args.coco, split, &|done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        bar.set_message("combining");
    });
    bar.finish_and_clear();
    let made = made.map_err(|error| Exit::Input.because(error.to_string()))?;
    voice.warn(format!(
        "{}: {} photos with {} objects, {} of them parts of others, and {} regions of stuff",
        printable(&made.file.display().to_string()),
        made.photos,
        made.objects,
        made.parts,
        made.stuff
    ));
    for (name, problem) in &made.problems {
        voice.warn(format!("{}: {problem}", printable(name)));
    }
    match made.problems.len() {
        0 => Ok(()),
        count => Err(Exit::Incomplete.because(format!("{count} photos could not be combined"))),
    }
}
