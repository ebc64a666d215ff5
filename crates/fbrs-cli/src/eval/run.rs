use std::path::Path;

use anyhow::Result;
use fbrs::weights::{Checkpoint, ExtraKeys, Location, Provenance};
use fbrs::{ChosenDevice, Segmenter};
use fbrs_data::text::printable;
use fbrs_eval::{Configuration, DataId, Journal, Network, Record};

use super::args::RunArgs;
use super::{failure, files_of, name_of, open, refuse_overlaps, show};
use crate::print::Voice;
use crate::weights::places;
use crate::{devices, progress};

pub(super) fn run(args: RunArgs, voice: Voice) -> Result<()> {
    let shard = args.shard.unwrap_or_default();
    let path = shard.journal(&args.journal);
    let mut outputs = files_of(&args.report);
    outputs.push(path.clone());
    let weights = Path::new(&args.weights);
    let mut inputs: Vec<_> = args.data.names.iter().map(|name| name.path.as_path()).collect();
    inputs.push(weights);
    refuse_overlaps(&outputs, &inputs)?;
    let listing = progress::spinner(voice);
    listing.set_message("listing objects");
    let data = listing.suspend(|| open(&args.data.names, &args.data.coco, voice))?;
    let location = places().locate(&args.weights)?;
    let checkpoint = location.open(ExtraKeys::Refuse)?;
    let settings = args.settings(&checkpoint.architecture());
    for data in &data {
        settings.options(data.layout).map_err(failure)?;
    }
    let device = listing.suspend(|| devices::open(args.device, voice))?;
    listing.set_message("loading the network");
    let (segmenter, network) = load(&args, &location, checkpoint, device)?;
    listing.finish_and_clear();
    let ids = data.iter().map(DataId::new).collect();
    let configuration = Configuration { network, settings, data: ids };
    let begin = if args.restart { Journal::begin_anew } else { Journal::open };
    let (mut journal, mut results) = begin(&path, &configuration, shard).map_err(failure)?;
    let shown = printable(&path.display().to_string());
    let total = results.records.len() + results.missing();
    if !results.records.is_empty() {
        let known = results.records.len();
        voice.remark(format!("continuing {shown}: {known} of {total} objects"));
    }
    let bar = progress::steps(voice, total as u64);
    bar.set_position(results.evaluated().count() as u64);
    let watch = |record: &Record| {
        bar.inc(1);
        let name = printable(&record.data);
        match (&record.result, &record.problem) {
            (Some(result), _) => {
                let iou = result.iou.last().copied().unwrap_or(0.0);
                let clicks = result.iou.len();
                bar.set_message(format!("{name} {}: {clicks} clicks, IoU {iou:.3}", record.key));
            }
            (None, Some(problem)) => {
                bar.suspend(|| voice.warn(format!("{name}, {}: {problem}", record.key)));
            }
            (None, None) => {}
        }
    };
    fbrs_eval::run(&segmenter, &data, &mut results, &mut journal, args.jobs, watch)
        .map_err(failure)?;
    bar.finish_and_clear();
    voice.remark(format!("results are in {shown}"));
    show(&args.report, &results, &data, voice)
}

fn load(
    args: &RunArgs,
    location: &Location,
    checkpoint: Checkpoint,
    device: ChosenDevice,
) -> Result<(Segmenter, Network)> {
    let kind = device.choice().to_string();
    let kind = kind.split(':').next().unwrap_or_default().to_owned();
    let (weights, sha256) = match location {
        Location::File(path) => (name_of(path), Provenance::of_file(path)?.source_sha256),
        Location::BuiltIn(name) => {
            ((*name).to_owned(), checkpoint.provenance().source_sha256.clone())
        }
        _ => (args.weights.clone(), checkpoint.provenance().source_sha256.clone()),
    };
    let architecture = checkpoint.architecture().to_string();
    let segmenter = Segmenter::from_checkpoint(checkpoint, device)?;
    Ok((segmenter, Network { weights, sha256, architecture, device: kind }))
}
