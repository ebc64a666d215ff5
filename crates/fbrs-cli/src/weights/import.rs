use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use fbrs::weights::{Checkpoint, ExtraKeys, Precision, Provenance, printable};

use crate::exit::Exit;
use crate::outputs::{Place, ending};
use crate::print::{self, Voice};
use crate::{interrupt, progress};

/// Turn a PyTorch checkpoint into a native file
///
/// A native file (safetensors) opens faster, says what it is and where it comes from, and is half
/// as large in f16. The same input always gives the same bytes.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// A state dict as torch.save writes it (.pth, zip or older stream), or a native file
    file: PathBuf,
    /// The native file to write
    #[arg(long, short, value_name = "OUT.safetensors")]
    output: PathBuf,
    /// Number format of convolution kernels; biases and BatchNorm are always f32
    #[arg(long, value_enum, default_value_t)]
    precision: PrecisionName,
    /// What the network was trained on, for the file to tell
    #[arg(long, value_name = "TEXT")]
    training_set: Option<String>,
    /// Licence or terms of use, for the file to tell
    #[arg(long, value_name = "TEXT")]
    terms: Option<String>,
    /// Radius of the network's distance maps, where it is not the published 260 pixels
    #[arg(long, value_name = "PIXELS", value_parser = parse_radius)]
    norm_radius: Option<f32>,
    /// Leave out tensors that the network does not have, instead of refusing the file
    #[arg(long, visible_alias = "allow-extra")]
    ignore_extra: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum PrecisionName {
    #[default]
    F32,
    F16,
}

fn parse_radius(text: &str) -> Result<f32, String> {
    let radius = text.parse().ok().filter(|radius: &f32| radius.is_finite() && *radius > 0.0);
    radius.ok_or_else(|| "expected a positive number of pixels".to_owned())
}

pub(crate) fn run(args: ImportArgs, voice: Voice) -> Result<()> {
    if ending(&args.output) != "safetensors" {
        let (name, instead) = (args.output.display(), args.output.with_extension("safetensors"));
        let instead = instead.display();
        let sentence =
            format!("{name}: expected a name that ends in .safetensors, such as {instead}");
        return Err(Exit::Usage.because(sentence));
    }
    let bar = progress::spinner(voice);
    bar.set_message(format!("importing {}", args.file.display()));
    let extra = if args.ignore_extra { ExtraKeys::Ignore } else { ExtraKeys::Refuse };
    let mut checkpoint = Checkpoint::open(&args.file, extra)?;
    let place = Place::try_out(&args.output)?;
    if place.is(&args.file) {
        let name = args.output.display();
        let sentence = format!("{name} is the input: give the output another name");
        return Err(Exit::Usage.because(sentence));
    }
    if let Some(radius) = args.norm_radius {
        checkpoint = checkpoint.with_norm_radius(radius)?;
    }
    // What a native file says of its making holds for what is made of it.
    let known = checkpoint.provenance().clone();
    let mut provenance = Provenance::of_file(&args.file)?;
    provenance.training_set = args.training_set.or(known.training_set);
    provenance.terms = args.terms.or(known.terms);
    let precision = match args.precision {
        PrecisionName::F32 => Precision::F32,
        PrecisionName::F16 => Precision::F16,
    };
    {
        let _uninterrupted = interrupt::hold_off();
        checkpoint.save_native(&args.output, precision, &provenance)?;
    }
    bar.finish_and_clear();
    if let Some(remark) = checkpoint.remark() {
        voice.warn(format!("{}: {remark}", printable(checkpoint.file())));
    }
    if !checkpoint.ignored().is_empty() {
        let names: Vec<_> = checkpoint.ignored().iter().map(|name| printable(name)).collect();
        voice.warn(format!("left out: {}", names.join(", ")));
    }
    let (name, architecture) = (args.output.display(), checkpoint.architecture());
    if voice.quiet {
        return Ok(());
    }
    print::print(&format!("{name}: {architecture}\n"))
}
