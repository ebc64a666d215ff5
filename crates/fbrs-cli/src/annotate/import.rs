use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use fbrs_annotation::export::{Format, Kind};
use fbrs_annotation::import::{self, Settings};
use fbrs_data::text::printable;

use super::{FolderArgs, count, failure, parse_format, project, show};
use crate::exit::Exit;
use crate::print::Voice;
use crate::{interrupt, progress};

/// Take in what other programs have marked
///
/// Objects are put on top of those that are there. What is there already is passed over. Classes that
/// are new are added. Photos are found by the path that a file names or is called after, else by
/// their names.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// A file, or a folder of files
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    /// coco, labelme, yolo, ids, classes or objects [default: told by the files]
    #[arg(long, value_name = "F", value_parser = parse_format)]
    format: Option<Format>,
    /// Masks are of the photos as they are stored: turn them as EXIF tells
    #[arg(long)]
    turn: bool,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
What is read:
  coco      instances in JSON: polygons, run lengths as numbers and packed
  labelme   STEM.json: polygons, rectangles, circles and masks
  yolo      STEM.txt with polygons; names from data.yaml or classes.txt
  ids       PNG in which each value above 0 is an object
  classes   PNG in which each value above 0 is a class; names from classes.txt
  objects   PNG of a mask each, STEM_ID_CLASS.png or STEM.png

Exit code 7: what could be read is taken in, but not all; the report names the rest.";

pub(super) fn run(args: ImportArgs, voice: Voice) -> Result<()> {
    let folder = args.folder.folder();
    let lock = folder.lock();
    if matches!(lock, Ok(None)) {
        let sentence =
            "a window of `fbrs annotate` works on this folder: import there, or close it first";
        return Err(Exit::Usage.because(sentence));
    }
    let mut project = project(&folder)?;
    let settings = Settings { format: args.format, turn: args.turn };
    let bar = progress::steps(voice, 0);
    bar.set_message("importing");
    let mut report = {
        // A signal waits for the photo at hand.
        let _uninterrupted = interrupt::hold_off();
        import::import(&folder, &mut project, &args.from, settings, |done, total| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            !interrupt::is_asked()
        })
        .map_err(failure)?
    };
    bar.finish_and_clear();
    if report.skipped.iter().any(|entry| entry.kind == Kind::Turned) {
        report.remarks.push("--turn turns masks of photos as they are stored".to_owned());
    }
    let mut done =
        format!("took {} into {}", count(report.objects, "object"), count(report.photos, "photo"));
    if !report.classes.is_empty() {
        let names: Vec<_> = report.classes.iter().map(|name| printable(name)).collect();
        done += &format!("; new classes: {}", names.join(", "));
    }
    show(&report, &done, args.json, voice)
}
