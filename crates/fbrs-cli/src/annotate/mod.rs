//! `fbrs annotate`: objects marked in photos, in a window; out to other programs' formats and in from
//! them.

mod export;
mod import;
#[cfg(feature = "annotate")]
mod window;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use fbrs_annotation::export::{Format, Report};
use fbrs_annotation::{Error, Folder, Project};

use crate::exit::Exit;
use crate::interrupt;
use crate::print::{self, Voice};

/// Mark objects in photos, in a window
///
/// Click on the object, right-click what is too much, Space finishes it. Every change is kept beside the
/// photos at once (NAME.fbrs.json); `export` and `import` write and read other programs' formats and need
/// no window. F1 in the window shows all keys.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[cfg_attr(not(feature = "annotate"), command(subcommand_required = true))]
pub(crate) struct AnnotateArgs {
    #[command(subcommand)]
    command: Option<AnnotateCommand>,
    #[cfg(feature = "annotate")]
    #[command(flatten)]
    window: window::WindowArgs,
}

#[derive(Debug, Subcommand)]
enum AnnotateCommand {
    Export(export::ExportArgs),
    Import(import::ImportArgs),
}

pub(crate) fn run(args: AnnotateArgs, voice: Voice) -> Result<()> {
    match args.command {
        Some(AnnotateCommand::Export(args)) => export::run(args, voice),
        Some(AnnotateCommand::Import(args)) => import::run(args, voice),
        #[cfg(feature = "annotate")]
        None => window::run(args.window),
        #[cfg(not(feature = "annotate"))]
        None => {
            Err(Exit::Usage
                .because("this build has no window: `fbrs annotate export` and `import`"))
        }
    }
}

/// The photos, and where their annotations are.
#[derive(Debug, Args)]
struct FolderArgs {
    /// The folder of the photos
    folder: PathBuf,
    /// Where the annotations are, if not beside the photos
    #[arg(long, value_name = "DIR")]
    documents: Option<PathBuf>,
}

impl FolderArgs {
    fn folder(&self) -> Folder {
        Folder::new(&self.folder, self.documents.clone())
    }
}

fn project(folder: &Folder) -> Result<Project> {
    Project::read(&folder.project()).map_err(failure)
}

/// The exit code of what failed.
fn failure(error: Error) -> anyhow::Error {
    let exit = match &error {
        Error::File(_)
        | Error::Photo(_)
        | Error::Damaged { .. }
        | Error::Newer { .. }
        | Error::List { .. } => Exit::Input,
        Error::Write { .. } => Exit::Output,
        Error::Refused(_) => Exit::Usage,
        Error::Stopped => interrupt::asked().unwrap_or(Exit::Interrupted),
        _ => Exit::Other,
    };
    exit.because(error.to_string())
}

/// Shows a report; the exit code tells whether something is missing.
fn show(report: &Report, done: &str, json: bool, voice: Voice) -> Result<()> {
    if json {
        print::print_json(report)?;
    } else if !voice.quiet {
        let lines: String = report.lines().map(|line| print::safe(&line) + "\n").collect();
        print::print(&(lines + &print::safe(done) + "\n"))?;
    }
    match report.is_incomplete() {
        false => Ok(()),
        true => Err(Exit::Incomplete.because("something was left out, which the report names")),
    }
}

/// "1 photo", "3 photos".
fn count(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn parse_format(text: &str) -> Result<Format, String> {
    text.trim().parse()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
