//! One forward pass of each network at 2×3×400×400: an image and its mirror image.
//!
//! `FBRS_BENCH_DEVICE` (`cpu`, `wgpu`, `cuda`) chooses the device; the default is `cpu`.
#![allow(clippy::expect_used, missing_docs)]

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use fbrs::DeviceChoice;

const NETWORKS: [&str; 10] = [
    "resnet34_dh128",
    "resnet50_dh128",
    "resnet101_dh256",
    "hrnet18s_ocr64",
    "hrnet18_ocr64",
    "hrnet32_ocr128",
    "hrnet48_ocr128",
    "lite0_dh64",
    "hrnet18s_ocr48_itermask",
    "hrnet18_ocr64_itermask",
];

fn forward(criterion: &mut Criterion) {
    let choice: DeviceChoice = std::env::var("FBRS_BENCH_DEVICE")
        .unwrap_or_else(|_| "cpu".to_owned())
        .parse()
        .expect("FBRS_BENCH_DEVICE names a device");
    let chosen = choice.open().expect("the device opens");
    let device = &chosen.to_burn();
    let mut group = criterion.benchmark_group(format!("forward 2×3×400×400, {}", chosen.choice()));
    group.sample_size(10).warm_up_time(Duration::from_millis(1500));
    for name in NETWORKS {
        let network = fbrs_benches::network(name, device).expect("a known architecture");
        let (image, told) = fbrs_benches::inputs(device);
        group.bench_function(name, |bencher| {
            bencher.iter(|| network.forward(image.clone(), told.clone()).into_data());
        });
    }
    group.finish();
}

criterion_group!(benches, forward);
criterion_main!(benches);
