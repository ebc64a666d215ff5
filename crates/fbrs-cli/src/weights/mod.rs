//! `fbrs weights`: list, inspect, import, export, fetch.

mod export;
mod fetch;
mod import;
mod inspect;
mod list;

use anyhow::Result;
use clap::{Args, Subcommand};
use fbrs::weights::Places;

use crate::print::Voice;

/// Network weights: list, inspect, import, export, fetch
#[derive(Debug, Args)]
pub(crate) struct WeightsArgs {
    #[command(subcommand)]
    pub(crate) command: WeightsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WeightsCommand {
    List(list::ListArgs),
    Inspect(inspect::InspectArgs),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
    Fetch(fetch::FetchArgs),
}

/// Where the program looks for weights: its user's `./weights`, then the cache folder.
pub(crate) fn places() -> Places {
    Places::default().looking_first_in("weights")
}

pub(crate) fn run(command: WeightsCommand, voice: Voice) -> Result<()> {
    match command {
        WeightsCommand::List(args) => list::run(args),
        WeightsCommand::Inspect(args) => inspect::run(args),
        WeightsCommand::Import(args) => import::run(args, voice),
        WeightsCommand::Export(args) => export::run(args, voice),
        WeightsCommand::Fetch(args) => fetch::run(args, voice),
    }
}
