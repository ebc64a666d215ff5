//! Loading the built-in weights: opening, reading, folding, moving to the device.
#![allow(clippy::expect_used, missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use fbrs::Segmenter;

fn load(criterion: &mut Criterion) {
    criterion.bench_function("load the built-in weights, cpu", |bencher| {
        bencher.iter(|| Segmenter::built_in().expect("the built-in weights load"));
    });
}

criterion_group!(benches, load);
criterion_main!(benches);
