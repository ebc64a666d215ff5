use std::path::PathBuf;

use anyhow::Result;
use fbrs_eval::DataId;

use super::args::MergeArgs;
use super::{failure, files_of, open, refuse_overlaps, show};
use crate::exit::Exit;
use crate::interrupt;
use crate::print::Voice;

pub(super) fn run(args: MergeArgs, voice: Voice) -> Result<()> {
    let outputs: Vec<_> = args.output.iter().cloned().chain(files_of(&args.report)).collect();
    let journals = args.journals.iter().map(PathBuf::as_path);
    let inputs: Vec<_> =
        journals.chain(args.names.iter().map(|name| name.path.as_path())).collect();
    refuse_overlaps(&outputs, &inputs)?;
    let results = fbrs_eval::merge(&args.journals).map_err(failure)?;
    let data = open(&args.names, &args.coco, voice)?;
    let ids: Vec<_> = data.iter().map(DataId::new).collect();
    if !ids.is_empty() && ids != results.configuration.data {
        return Err(Exit::Usage.because("--data names other data sets than the journals"));
    }
    if let Some(output) = &args.output {
        let _uninterrupted = interrupt::hold_off();
        results.write(output).map_err(failure)?;
    }
    show(&args.report, &results, &data, voice)
}
