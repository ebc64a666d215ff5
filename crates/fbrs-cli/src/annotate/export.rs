use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use fbrs_annotation::export::{self, Format, Settings};

use super::{FolderArgs, count, failure, parse_format, project, show, shown};
use crate::print::Voice;
use crate::{interrupt, progress};

/// Write what is marked in other programs' formats
///
/// Photos with objects are written, and those that are done. Everything is of the photos as a viewer
/// shows them (EXIF orientation applied). The same annotations give the same bytes.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// coco, labelme, yolo, ids, classes, objects or cutouts; several with commas
    #[arg(long, value_name = "F,…", required = true, value_delimiter = ',')]
    #[arg(value_parser = parse_format)]
    format: Vec<Format>,
    /// The folder to write into; files of the same names are replaced, others left alone
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// COCO: run lengths for all objects, not for those with holes alone
    #[arg(long)]
    always_rle: bool,
    /// Labelme: masks, or polygons that programs fill to the same masks
    #[arg(long, value_enum, default_value_t)]
    labelme: Shapes,
    /// COCO, labelme and YOLO: leave the outline by up to so many pixels, for fewer corners
    ///
    /// The report tells how much of the mask is left, as intersection over union.
    #[arg(long, value_name = "PIXELS", default_value_t = 0.0, value_parser = parse_tolerance)]
    tolerance: f64,
    /// Ids: colors by which people tell objects apart, where there are at most 255
    #[arg(long)]
    palette: bool,
    /// Cutouts: pixels around the object
    #[arg(long, value_name = "N", default_value_t = 0)]
    margin: u32,
    /// YOLO: percent of the photos that are for validation
    #[arg(long, value_name = "P", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
    validation: u8,
    /// The photos too, upright, into images/
    ///
    /// Those that need no turning keep every byte; turned ones become JPEG of quality 95, or PNG. COCO,
    /// labelme and YOLO then name these copies.
    #[arg(long)]
    photos: bool,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Shapes {
    #[default]
    Mask,
    Polygon,
}

const AFTER_HELP: &str = "\
Formats:
  coco      instances.json: polygons along the pixels' edges; run lengths where there are holes
  labelme   STEM.json for each photo
  yolo      labels/STEM.txt, data.yaml, train.txt and val.txt
  ids       ids/STEM.png: 1, 2, 3, … by the objects' order (looks black; --palette)
  classes   classes/STEM.png in colors: the classes' numbers
  objects   objects/STEM_ID_CLASS.png: 255 on the object, 0 elsewhere
  cutouts   cutouts/STEM_ID_CLASS.png: the object alone, transparent around
  --photos  images/PHOTO, beside any of them: YOLO's training looks for it there
classes.txt, beside yolo, classes and objects, has a name a line, the first that of class 1.

Where each pixel has one object, the later one has it. The report names photos and objects that a
format cannot hold as they are: holes, parts, overlaps; and without --photos, photos that are stored
turned.

Exit code 7: the files are complete, but something that is marked could not be written.";

fn parse_tolerance(text: &str) -> Result<f64, String> {
    let pixels = text.trim().parse().ok();
    let pixels = pixels.filter(|pixels: &f64| pixels.is_finite() && *pixels >= 0.0);
    pixels.ok_or_else(|| "expected a number of pixels from 0 on".to_owned())
}

pub(super) fn run(args: ExportArgs, voice: Voice) -> Result<()> {
    let folder = args.folder.folder();
    let project = project(&folder)?;
    let settings = Settings {
        always_rle: args.always_rle,
        polygons: args.labelme == Shapes::Polygon,
        tolerance: args.tolerance,
        palette: args.palette,
        margin: args.margin,
        validation: args.validation,
        photos: args.photos,
        ..Settings::new(args.format)
    };
    let bar = progress::steps(voice, 0);
    bar.set_message("exporting");
    let report = {
        // A signal waits for the photo at hand.
        let _uninterrupted = interrupt::hold_off();
        export::export(&folder, &project, &settings, &args.output, |done, total| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            !interrupt::is_asked()
        })
        .map_err(failure)?
    };
    bar.finish_and_clear();
    let copies = match (report.copies, report.turned) {
        (0, _) => String::new(),
        (copies, 0) => format!(" ({})", count(copies, "photo")),
        (copies, turned) => format!(" ({}, {turned} turned)", count(copies, "photo")),
    };
    let done = format!(
        "{} of {}, {}{copies} in {}",
        count(report.objects, "object"),
        count(report.photos, "photo"),
        count(report.files, "file"),
        shown(&args.output)
    );
    show(&report, &done, args.json, voice)
}
