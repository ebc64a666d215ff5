//! `fbrs`: cuts objects out of photos with a few clicks.
//!
//! Each subcommand is a file or a folder of its own. What they share: [`exit`] gives every failure
//! its exit code, [`outputs`] writes files completely or not at all, [`interrupt`] keeps that
//! promise when Ctrl-C is pressed, [`print`] talks to the user.

mod advice;
mod annotate;
mod args;
mod completions;
mod dataset;
mod devices;
mod eval;
mod exit;
mod interrupt;
mod outputs;
mod print;
mod progress;
mod segment;
#[cfg(feature = "serve")]
mod serve;
mod train;
mod weights;

use std::panic;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches};

use crate::args::{Cli, Command};
use crate::exit::Exit;
use crate::print::Voice;

fn main() -> ExitCode {
    fbrs::keep_memory();
    // Drivers and the libraries above them may still panic. Some of it is meant and caught in their
    // own threads: it tells them how much memory a device has. Only what ends `run` is reported.
    let last_fault = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&last_fault);
    panic::set_hook(Box::new(move |fault| {
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = one_line(&fault.to_string());
    }));
    interrupt::handle();
    match panic::catch_unwind(run) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            print::say(one_line(&advice::sentence(&error)));
            Exit::of(&error).into()
        }
        Err(_) => {
            let fault = last_fault.lock().unwrap_or_else(PoisonError::into_inner);
            print::say(format!("fault in the program, please report it: {fault}"));
            Exit::Other.into()
        }
    }
}

fn run() -> Result<ExitCode> {
    let matches = match Cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return answer(&error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return answer(&error),
    };
    let voice = Voice { quiet: cli.quiet, verbose: cli.verbose };
    match cli.command {
        Command::Segment(args) => segment::run(*args, matches.subcommand_matches("segment"), voice),
        Command::Eval(args) => eval::run(*args, voice),
        Command::Annotate(args) => annotate::run(args, voice),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(*args, voice),
        Command::Dataset(args) => dataset::run(args, voice),
        Command::Train(args) => train::run(*args, voice),
        Command::Weights(args) => weights::run(args.command, voice),
        Command::Devices(args) => devices::run(args),
        Command::Completions(args) => completions::run(args),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Shows help where it was asked for or nothing was; else says what is wrong with the arguments.
fn answer(error: &clap::Error) -> Result<ExitCode> {
    use clap::error::ErrorKind::{
        DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion, ValueValidation,
    };
    match error.kind() {
        DisplayHelp | DisplayVersion => {
            // Help on a closed pipe is of no use to anyone.
            let _ = error.print();
            Ok(ExitCode::SUCCESS)
        }
        DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            Ok(Exit::Usage.into())
        }
        _ if let Some(stray) = stray(error) => {
            // A click of two words is the likeliest mistake.
            let advice = match stray.parse::<f64>() {
                Ok(_) => "a click is one word: --pos X,Y",
                Err(_) => "`fbrs --help` shows how",
            };
            let sentence = format!("'{stray}' is a stray argument, nothing takes it ({advice})");
            Err(Exit::Usage.because(sentence))
        }
        kind => {
            let text = error.render().to_string();
            // The usage is in the help, and a tip is good only where it knows a better argument.
            let ends = ["\nUsage:", "\nFor more information", "\n  tip: to pass"];
            let end = ends.iter().filter_map(|end| text.find(end)).min().unwrap_or(text.len());
            let text = text.get(..end).unwrap_or(&text).replace("\n\n  tip: ", "; ");
            let sentence = one_line(text.strip_prefix("error: ").unwrap_or(&text));
            let advice = match kind {
                ValueValidation => "",
                _ => " (`fbrs --help` shows how)",
            };
            Err(Exit::Usage.because(sentence + advice))
        }
    }
}

/// An argument that is no option and that nothing takes. A command that works without a subcommand
/// would take it for one.
fn stray(error: &clap::Error) -> Option<&str> {
    use clap::error::ErrorKind::{ArgumentConflict, InvalidSubcommand, UnknownArgument};
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        UnknownArgument => text(ContextKind::InvalidArg).filter(|text| !text.starts_with('-')),
        // A name that is nearly a subcommand's is meant as one.
        InvalidSubcommand if error.get(ContextKind::SuggestedSubcommand).is_some() => None,
        InvalidSubcommand | ArgumentConflict => {
            text(ContextKind::InvalidSubcommand).filter(|name| !is_meant_as_subcommand(name))
        }
        _ => None,
    }
}

/// Whether the command that was called knows this subcommand, or needs one.
fn is_meant_as_subcommand(name: &str) -> bool {
    let mut arguments = std::env::args_os().skip(1);
    let called = arguments.find(|argument| !argument.as_encoded_bytes().starts_with(b"-"));
    let program = Cli::command();
    let called = called.and_then(|called| program.find_subcommand(called));
    called.is_none_or(|command| {
        command.is_subcommand_required_set() || command.find_subcommand(name).is_some()
    })
}

/// Joins the lines of a message: one sentence, whatever a library had to say.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}
