//! A whole click of a session without refinement: the third one on a photo of 640×480 pixels,
//! zoomed in to 400, with its mirror image.
#![allow(clippy::expect_used, missing_docs)]

use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use fbrs::{Click, Mode, Options, RefineOptions, Segmenter};
use image::{Rgb, RgbImage};

fn click(criterion: &mut Criterion) {
    let segmenter = Segmenter::built_in().expect("the built-in weights load");
    let photo = RgbImage::from_fn(640, 480, |x, y| {
        let inside = (200..440).contains(&x) && (120..360).contains(&y);
        Rgb(if inside { [200, (x % 64) as u8, 40] } else { [40, 90, (y % 64) as u8] })
    });
    let refine = RefineOptions::default().with_mode(Mode::NoBrs);
    let options = Options::default().with_refine(refine);
    let mut group = criterion.benchmark_group("one NoBRS click, cpu");
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    group.bench_function("hrnet18s_ocr64", |bencher| {
        bencher.iter_batched(
            || {
                let mut session =
                    segmenter.session(photo.clone(), options.clone()).expect("a session");
                session.click(Click::positive_at(320.0, 240.0)).expect("first click");
                session.click(Click::positive_at(240.0, 160.0)).expect("second click");
                session
            },
            |mut session| {
                session.click(Click::negative_at(60.0, 60.0)).expect("third click");
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, click);
criterion_main!(benches);
