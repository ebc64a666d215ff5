//! Large checkpoints, made by `tools/check_large_checkpoints.sh`: time, memory, every value.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::time::Instant;

use fbrs_models::ParameterSource;
use fbrs_weights::{Checkpoint, ExtraKeys};
use support::stored;

/// Reads one file as a network would, one tensor after the other, all of them kept.
#[test]
#[ignore = "needs a file: FBRS_LARGE_CHECKPOINT=FILE"]
fn read_large_checkpoint() {
    let path = std::env::var("FBRS_LARGE_CHECKPOINT").unwrap();
    let start = Instant::now();
    let mut checkpoint = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap();
    let opened = start.elapsed();
    let tensors = checkpoint.tensors().to_vec();
    let values: Vec<_> = tensors
        .iter()
        .map(|tensor| checkpoint.read(&tensor.name, &tensor.shape).unwrap())
        .collect();
    let read = start.elapsed();
    let size = 4 * checkpoint.parameter_count();
    println!(
        "{path}: {} ({}), {} MB in the file, {} MB in f32; opened in {opened:?}, read in {read:?}",
        checkpoint.architecture(),
        checkpoint.container(),
        checkpoint.file_size() / 1_000_000,
        size / 1_000_000,
    );
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        let peak = line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024;
        println!("peak memory {} MB: {:.2} × f32", peak / 1_000_000, peak as f64 / size as f64);
        // The program itself takes some, which counts beside a small network.
        assert!(size < 50_000_000 || peak as f64 <= 1.3 * size as f64);
    }
    for (tensor, values) in tensors.iter().zip(&values) {
        assert!(*values == stored(&tensor.name, &tensor.shape, tensor.element), "{}", tensor.name);
    }
}
