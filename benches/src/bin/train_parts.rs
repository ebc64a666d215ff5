//! Steps of training, time by part: the same work as `tools/pytorch_baseline/bench_train.py`, to be run
//! beside it.
//!
//! `train_parts [BATCH] [STEPS] [NETWORK…]`: forward with batch statistics at 320×480, normalized focal loss
//! (and 0.4 times the binary cross-entropy of an HRNet's auxiliary output), backward, Adam; 8 samples, 3
//! timed steps behind one that warms up. Networks have the formula's parameters. Prints a JSON object per
//! network; `peak_mib` is the process's peak so far, so name one to learn its own.

use std::time::Instant;

use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use fbrs_benches::peak_mib;
use fbrs_models::testing::{Formula, uniform};
use fbrs_models::{
    Architecture, ClickInput, Drops, LearningInput, LearningNetwork, LearningOptions, Statistics,
};
use fbrs_train::losses::{FocalOptions, Loss};
use fbrs_train::optimizer::{Optimization, OptimizerOptions};
use serde_json::json;

type Error = Box<dyn std::error::Error + Send + Sync>;

const SIZE: [usize; 2] = [320, 480];
const NETWORKS: [&str; 2] = ["resnet34_dh128", "hrnet18s_ocr64"];

fn main() -> Result<(), Error> {
    // As the program does.
    fbrs::keep_memory();
    let (mut numbers, mut networks) = (Vec::new(), Vec::new());
    for argument in std::env::args().skip(1) {
        match argument.parse::<usize>() {
            Ok(number) => numbers.push(number),
            Err(_) => networks.push(argument),
        }
    }
    if networks.is_empty() {
        networks = NETWORKS.map(str::to_owned).to_vec();
    }
    let batch = numbers.first().copied().unwrap_or(8);
    let steps = numbers.get(1).copied().unwrap_or(3);
    for network in networks {
        let parts = run(&network, batch, steps)?;
        let all: f64 = parts.iter().sum();
        let [forward, backward, adam] = parts;
        let row = json!({
            "network": network,
            "batch": batch,
            "s_per_step": all,
            "images_per_s": batch as f64 / all,
            "parts_s": { "forward": forward, "backward": backward, "adam": adam },
            "peak_mib": peak_mib(),
        });
        println!("{row}");
    }
    Ok(())
}

/// Seconds of the quickest step's parts: forward with the loss, backward, Adam.
fn run(name: &str, batch: usize, steps: usize) -> Result<[f64; 3], Error> {
    let device = Device::flex();
    let architecture: Architecture = name.parse()?;
    let options = LearningOptions {
        statistics: Statistics::OfBatch,
        dropout: 0.0,
        arithmetic: FloatDType::F32,
        learns: &|_| true,
    };
    let network = LearningNetwork::build(&architecture, &mut Formula, &device, &options)?;
    let mut optimization = Optimization::new(&OptimizerOptions::PUBLISHED, true);
    let [height, width] = SIZE;
    let tensor = |name: &str, channels: usize| -> Tensor<4> {
        let values: Vec<f32> = uniform(name, batch * channels * height * width).collect();
        Tensor::from_data(TensorData::new(values, [batch, channels, height, width]), &device)
    };
    let (image, maps) = (tensor("image", 3), tensor("maps", 2));
    let targets: Vec<f32> = (0..batch * height * width)
        .map(|index| {
            let (row, col) = (index / width % height, index % width);
            f32::from((row / 32 * 7 + col / 32 * 3) % 5 < 2)
        })
        .collect();
    let mut best = [f64::INFINITY; 3];
    for step in 0..=steps {
        let begun = Instant::now();
        let told = ClickInput { maps: maps.clone(), previous_mask: None, points: [].into() };
        let input = LearningInput::Images(Box::new(image.clone()));
        let output = network.forward(input, told, SIZE, Drops::default())?;
        let main = Loss::NormalizedFocal(FocalOptions::PUBLISHED);
        let heads = [(output.logits, main, 1.0)].into_iter();
        let auxiliary = output.auxiliary.into_iter();
        let heads = heads.chain(auxiliary.map(|it| (it, Loss::BinaryCrossEntropy, 0.4)));
        let mut whole: Option<Tensor<1>> = None;
        for (logits, loss, weight) in heads {
            let values: Vec<f32> = logits.clone().inner().try_into_vec_as::<f32>()?;
            let evaluated = loss.evaluate(&values, &targets, batch);
            let gradient: Vec<f32> =
                evaluated.gradient.iter().map(|slope| (slope * weight) as f32).collect();
            let gradient = TensorData::new(gradient, logits.dims());
            let gradient = Tensor::<4>::from_data(gradient, &device.clone().autodiff());
            let part = (logits * gradient).sum();
            whole = Some(match whole {
                None => part,
                Some(whole) => whole + part,
            });
        }
        let forward = begun.elapsed().as_secs_f64();
        let Some(whole) = whole else { return Err("no output".into()) };
        let gradients = whole.backward();
        let backward = begun.elapsed().as_secs_f64();
        for parameter in network.parameters() {
            if let Some(gradient) = parameter.gradient(&gradients) {
                let (name, shape) = (parameter.name(), parameter.shape());
                let value = parameter.value();
                parameter.set(optimization.step(name, shape, 5e-5, value, gradient));
            }
        }
        let all = begun.elapsed().as_secs_f64();
        let parts = [forward, backward - forward, all - backward];
        if step > 0 && all < best.iter().sum() {
            best = parts;
        }
    }
    Ok(best)
}
