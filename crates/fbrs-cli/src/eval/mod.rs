//! `fbrs eval`: how many clicks until masks are good enough?

mod args;
mod compare;
mod merge;
mod run;

use std::path::{Path, PathBuf};

use anyhow::Result;
use fbrs_data::files::Destination;
use fbrs_data::sets::{DataName, OpenedData, open_all};
use fbrs_data::text::printable;
use fbrs_eval::{Error, ErrorKind, Page, Report, Results};

pub(crate) use args::EvalArgs;
use args::{CocoArgs, EvalCommand, ReportArgs};

use crate::exit::Exit;
use crate::interrupt;
use crate::print::{self, Voice};

pub(crate) fn run(args: EvalArgs, voice: Voice) -> Result<()> {
    match args.command {
        None => run::run(args.run, voice),
        Some(EvalCommand::Merge(args)) => merge::run(args, voice),
        Some(EvalCommand::Compare(args)) => compare::run(args),
    }
}

/// Shows results as they were asked for; the exit code tells whether any are missing.
fn show(args: &ReportArgs, results: &Results, data: &[OpenedData], voice: Voice) -> Result<()> {
    let report = Report::new(results, &args.thresholds());
    match args.json {
        true => print::print_json(&report)?,
        false => print::print(&fbrs_eval::table(&report))?,
    }
    if let Some(folder) = &args.report {
        let page = fbrs_eval::page(&report, results, data).map_err(failure)?;
        let uninterrupted = interrupt::hold_off();
        let path = page.write(folder).map_err(failure)?;
        drop(uninterrupted);
        voice.remark(format!("wrote {}", printable(&path.display().to_string())));
    }
    if report.is_complete() {
        return Ok(());
    }
    let count = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 object {what}")),
        count => Some(format!("{count} objects {what}")),
    };
    let parts = [
        count(report.problems.len(), "could not be evaluated, which the report names"),
        count(report.missing, "not evaluated yet"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    Err(Exit::Incomplete.because(parts.join("; ")))
}

/// The exit code of a failed evaluation.
fn failure(error: Error) -> anyhow::Error {
    let exit = match error.kind() {
        ErrorKind::Input => Exit::Input,
        ErrorKind::Output => Exit::Output,
        ErrorKind::Usage => Exit::Usage,
        _ => Exit::Other,
    };
    match error {
        Error::Segment(error) => error.into(),
        Error::Data(fbrs_data::Error::NoPhotos { .. }) => {
            exit.because(format!("{error} (--images DIR)"))
        }
        Error::Journal { .. } => exit.because(with_advice(&error.to_string())),
        error => exit.because(error.to_string()),
    }
}

/// A sentence on a journal with the option that begins one anew.
fn with_advice(sentence: &str) -> String {
    sentence.replace("begin the journal anew", "begin it anew (--restart)")
}

/// Lists the data sets and tells what is to be known of them.
fn open(names: &[DataName], coco: &CocoArgs, voice: Voice) -> Result<Vec<OpenedData>> {
    let data = open_all(names, &coco.options()).map_err(|error| failure(error.into()))?;
    for data in &data {
        for remark in &data.remarks {
            voice.warn(format!("{}: {remark}", printable(&data.name)));
        }
    }
    Ok(data)
}

/// Refuses to write over a file that is read: `outputs` and `inputs` of one command.
fn refuse_overlaps(outputs: &[PathBuf], inputs: &[&Path]) -> Result<()> {
    let same = |output: &Path, input: &Path| {
        let target = Destination::new(output);
        target.is_ok_and(|target| target.is(input))
    };
    for output in outputs {
        if let Some(input) = inputs.iter().find(|input| same(output, input)) {
            let input = printable(&input.display().to_string());
            return Err(
                Exit::Usage.because(format!("{input} is read, it cannot be written as well"))
            );
        }
    }
    Ok(())
}

/// The files of a report's folder.
fn files_of(args: &ReportArgs) -> Vec<PathBuf> {
    let folder = args.report.iter();
    folder.flat_map(|folder| Page::FILES.map(|name| folder.join(name))).collect()
}

fn name_of(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
