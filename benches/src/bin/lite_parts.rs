//! A click without refinement on a network of the Lite family, by part: what is computed once for a
//! crop, and what every click computes; beside `tools/pytorch_baseline/bench_lite.py`.
//!
//! `lite_parts [REPEATS] [SIDE]`: a SIDE×SIDE crop (400) of the golden formula's image with its mirror
//! image and four clicks. Prints a JSON object: the least seconds of each part.

use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor, TensorData};
use fbrs_models::{ClickInput, ClickPoints, Cut, testing};
use serde_json::json;

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let repeats = arguments.next().transpose()?.unwrap_or(10);
    let side = arguments.next().transpose()?.unwrap_or(400);
    let device = Device::flex();
    let network = fbrs_benches::network("lite0_dh64", &device)?;
    let image = TensorData::new(testing::image(side, side), [1, 3, side, side]);
    let image = Tensor::<4>::from_data(image, &device);
    let image = Tensor::cat(vec![image.clone(), image.flip([3])], 0);
    let part = |share: f32| side as f32 * share;
    let points = ClickPoints {
        positive: vec![[part(0.5), part(0.5)], [part(0.4), part(0.6)]],
        negative: vec![[part(0.1), part(0.15)], [part(0.8), part(0.8)]],
    };
    let told = || ClickInput {
        maps: Tensor::ones([2, 2, side, side], &device) * 0.3,
        previous_mask: None,
        points: [points.clone(), points.clone()].into(),
    };
    let mut least = [Duration::MAX; 3];
    for _ in 0..repeats {
        let begun = Instant::now();
        let features = network.image_features(image.clone());
        let encoded = begun.elapsed();
        let told = told();
        let begun = Instant::now();
        let fused = network.run_to(Cut::Early, &features, told);
        let fusion = begun.elapsed();
        let begun = Instant::now();
        let logits = network.run_from_to_stride(fused);
        logits.try_into_vec_as::<f32>()?;
        let decoded = begun.elapsed();
        for (least, time) in least.iter_mut().zip([encoded, fusion, decoded]) {
            *least = time.min(*least);
        }
    }
    let [encoded, fusion, decoded] = least.map(|time| (time.as_secs_f64() * 1e5).round() / 1e5);
    let report = json!({ "side": side, "once_per_crop_s": encoded, "fusion_s": fusion,
        "decoder_s": decoded, "click_s": fusion + decoded });
    println!("{report}");
    Ok(())
}
