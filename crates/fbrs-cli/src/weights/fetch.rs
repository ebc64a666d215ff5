use std::ops::ControlFlow;

use anyhow::Result;
use clap::Args;
use fbrs::weights::{cache_folder, fetch, find_published};

use crate::print::{self, Voice};
use crate::{interrupt, progress};

/// Download published weights into the cache folder
///
/// Run it again to go on with a download that was stopped. The SHA-256 of what comes is checked
/// against the known one, or recorded at the first time and checked from then on. Prints the path
/// of the native file that was made of it.
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// The name (`fbrs weights list`), or its beginning
    name: String,
}

pub(crate) fn run(args: FetchArgs, voice: Voice) -> Result<()> {
    let published = find_published(&args.name)?;
    let bar = progress::bytes(voice);
    bar.set_message(published.name.clone());
    bar.set_length(published.megabytes.saturating_mul(1_000_000));
    // A part of a download is kept as it is, so that Ctrl-C may end the program at any time, but
    // not while the native file is made: after the last byte, or after any where none is known to
    // be the last.
    let mut making = None;
    let fetched = fetch::fetch(&published, &cache_folder(), |progress| {
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
        bar.set_position(progress.done);
        if making.is_none() && progress.total.is_none_or(|total| progress.done >= total) {
            making = Some(interrupt::hold_off());
        }
        match interrupt::is_asked() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    drop(making);
    bar.finish_and_clear();
    let fetched = fetched?;
    match fetched.was_there {
        true => voice.remark(format!("{} is there already", published.name)),
        false => voice.remark(format!("SHA-256 of the download: {}", fetched.sha256)),
    }
    print::print(&format!("{}\n", fetched.path.display()))
}
