//! Temporary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use fbrs_eval::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let data = open_all(&[args[1].parse().unwrap()], &CocoOptions::default()).unwrap();
    let segmenter = fbrs::Segmenter::built_in().unwrap();
    let settings = Settings { mode: args[2].clone(), reference_discs: args[4] == "ref", ..Settings::default() };
    let network = Network { weights: "hrnet18s_ocr64".into(), sha256: None, architecture: segmenter.architecture().to_string(), device: "cpu".into() };
    let configuration = Configuration { network, settings, data: data.iter().map(DataId::new).collect() };
    let (mut journal, mut results) = Journal::open(std::path::Path::new(&args[3]), &configuration, Shard::default()).unwrap();
    run(&segmenter, &data, &mut results, &mut journal, 1.try_into().unwrap(), |r| eprintln!("{} {:?} {:?}", r.key, r.problem, r.result.as_ref().map(|r| (r.iou.len(), r.iou.last().copied(), r.total_seconds())))).unwrap();
}
