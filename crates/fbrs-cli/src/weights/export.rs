use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use fbrs::Architecture;
use fbrs::weights::{ExtraKeys, Flavor, printable, save_pytorch};

use super::places;
use crate::exit::Exit;
use crate::interrupt;
use crate::outputs::{Place, ending};
use crate::print::Voice;

/// Write weights as a PyTorch checkpoint, for the published Python programs
///
/// `torch.load` reads it, and so do f-BRS (a bare state dict) and RITM (with its configuration), each its own
/// networks.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// `default` for the built-in weights, a file, or a name (`fbrs weights list`)
    weights: String,
    /// The checkpoint to write
    #[arg(long, short, value_name = "OUT.pth")]
    output: PathBuf,
}

pub(crate) fn run(args: ExportArgs, voice: Voice) -> Result<()> {
    if ending(&args.output) != "pth" {
        let (name, instead) = (args.output.display(), args.output.with_extension("pth"));
        let instead = instead.display();
        let sentence = format!("{name}: expected a name that ends in .pth, such as {instead}");
        return Err(Exit::Usage.because(sentence));
    }
    let found = places().locate(&args.weights)?;
    let mut checkpoint = found.open(ExtraKeys::Ignore)?;
    let place = Place::try_out(&args.output)?;
    if place.is(std::path::Path::new(&args.weights)) {
        let sentence = "the output is the input: give it another name";
        return Err(Exit::Usage.because(sentence));
    }
    let (architecture, scaling) = (checkpoint.architecture(), checkpoint.scaling());
    let flavor = Flavor::of(&architecture);
    let unsaid = {
        let _uninterrupted = interrupt::hold_off();
        save_pytorch(&args.output, &mut checkpoint, &architecture, &scaling, flavor, 0)?
    };
    if matches!(architecture, Architecture::Lite(_)) {
        voice.warn("torch.load reads it; the published programs have no network of this family");
    }
    if let Some(unsaid) = unsaid {
        voice.warn(unsaid);
    }
    voice.remark(format!("wrote {}", printable(&args.output.display().to_string())));
    Ok(())
}
