//! The program's arguments; each subcommand's own are in its file.

use clap::{Parser, Subcommand};

use crate::annotate::AnnotateArgs;
use crate::completions::CompletionsArgs;
use crate::dataset::DatasetArgs;
use crate::devices::DevicesArgs;
use crate::eval::EvalArgs;
use crate::segment::SegmentArgs;
#[cfg(feature = "serve")]
use crate::serve::ServeArgs;
use crate::train::TrainArgs;
use crate::weights::WeightsArgs;

/// Cut objects out of photos with a few clicks
///
/// Click on an object (positive) and beside it (negative); a network and a small optimization
/// through it (f-BRS) answer with the object's mask.
#[derive(Debug, Parser)]
#[command(name = "fbrs", version, propagate_version = true, max_term_width = 100)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Say nothing on standard error but errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Say on standard error what is done, even where it is no terminal
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Segment(Box<SegmentArgs>),
    Eval(Box<EvalArgs>),
    Annotate(AnnotateArgs),
    #[cfg(feature = "serve")]
    Serve(Box<ServeArgs>),
    Train(Box<TrainArgs>),
    Dataset(DatasetArgs),
    Weights(WeightsArgs),
    Devices(DevicesArgs),
    Completions(CompletionsArgs),
}

const AFTER_HELP: &str = "\
A first mask:
  fbrs segment photo.jpg --pos 320,200 -o mask.png --overlay look.png

`fbrs segment --help` explains clicks and modes. Progress is shown on a terminal alone.

Exit codes:
  0    done
  1    anything that is none of the others
  2    wrong usage: an option, a click outside the photo, an unknown mode or device name
  3    a photo, a file of clicks or of annotations that cannot be read
  4    weights that cannot be found, read or fetched
  5    a device that this machine or this build does not have, or that fails
  6    an output that cannot be written
  7    an evaluation, export or import that is finished, but for objects that could not be evaluated,
       written or read, or are missing
  129, 130, 143  ended by a signal: the terminal is gone, Ctrl-C, asked to end (kill)
Whatever the code, an output is complete or was not touched.";

/// A number, or no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(pub(crate) Option<usize>);

pub(crate) fn parse_limit(text: &str) -> Result<Limit, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "none" | "all" => Ok(Limit(None)),
        number => match number.parse() {
            Ok(number) => Ok(Limit(Some(number))),
            Err(_) => Err("expected a whole number, or \"none\" for no limit".to_owned()),
        },
    }
}
