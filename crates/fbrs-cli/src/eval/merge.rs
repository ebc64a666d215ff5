use anyhow::Result;
use fbrs_eval::{DataId, open_all};

use super::args::MergeArgs;
use super::{failure, show};
use crate::exit::Exit;
use crate::print::Voice;

pub(super) fn run(args: MergeArgs, voice: Voice) -> Result<()> {
    let results = fbrs_eval::merge(&args.journals).map_err(failure)?;
    let data = open_all(&args.names, &args.coco.options()).map_err(failure)?;
    let ids: Vec<_> = data.iter().map(DataId::new).collect();
    if !ids.is_empty() && ids != results.configuration.data {
        return Err(Exit::Usage.because("--data names other data sets than the journals"));
    }
    if let Some(output) = &args.output {
        results.write(output).map_err(failure)?;
    }
    show(&args.report, &results, &data, voice)
}
