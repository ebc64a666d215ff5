//! `fbrs eval`: how many clicks until masks are good enough?

mod args;
mod compare;
mod merge;
mod run;

use std::path::Path;

use anyhow::Result;
use fbrs_eval::{Error, OpenedData, Report, Results};

pub(crate) use args::EvalArgs;
use args::{EvalCommand, ReportArgs};

use crate::exit::Exit;
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
        let page = fbrs_eval::write_page(folder, &report, results, data).map_err(failure)?;
        voice.remark(format!("wrote {}", page.display()));
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
    let exit = match &error {
        Error::Io { operation: "create" | "write" | "open", .. } => Exit::Output,
        Error::Io { .. } | Error::Data { .. } | Error::Journal { .. } => Exit::Input,
        Error::Name { .. }
        | Error::OtherConfiguration { .. }
        | Error::Shard { .. }
        | Error::Parameter { .. } => Exit::Usage,
        Error::Segment(fbrs::Error::Parameter { .. }) => Exit::Usage,
        _ => Exit::Other,
    };
    exit.because(error.to_string())
}

fn name_of(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
