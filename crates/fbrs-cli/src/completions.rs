//! `fbrs completions`: what a shell needs to complete this program's arguments.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::print;

/// Print shell completions
///
/// For example `fbrs completions bash > ~/.local/share/bash-completion/completions/fbrs`, or
/// `fbrs completions zsh > ~/.zfunc/_fbrs`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "fbrs", &mut script);
    print::print(&String::from_utf8_lossy(&script))
}
