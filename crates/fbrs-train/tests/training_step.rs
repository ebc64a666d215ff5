//! Steps of training against the published code's: losses, gradients, running statistics, and what
//! Adam makes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stepping;

use std::collections::BTreeMap;

use fbrs_models::{LearningNetwork, Statistics};
use fbrs_train::optimizer::{Optimization, OptimizerOptions};
use serde_json::Value;

use stepping::{
    Batch, MODELS, adam_step, compare_gradients, compare_losses, compare_statistics,
    forward_backward, golden, network, norm, numbers, relative,
};

fn is_behind_third_stage(name: &str) -> bool {
    name.starts_with("head.")
        || ["layer4", "aspp", "head", "skip_project"].iter().any(|part| {
            name.contains(&format!("feature_extractor.{part}"))
                || name.contains(&format!("backbone.{part}"))
        })
}

#[test]
fn with_frozen_statistics() {
    let golden = golden();
    for (model, architecture) in MODELS {
        let published = &golden["models"][model]["frozen_bn"];
        let network = network(architecture, Statistics::Frozen);
        let batch = Batch::new(&golden, model.starts_with("ritm"));
        let stepped = forward_backward(&network, &batch);
        compare_losses(&stepped, &published["step_f64"], 1e-5, model);
        // In the ResNet's third stage two values in front of a ReLU are 0 but for 1e-8 of the largest: rounding
        // decides whether gradients flow through them.
        let most = |name: &str, _| match model {
            "resnet34_dh16" if !is_behind_third_stage(name) => 1e-3,
            "ritm_hrnet18s_ocr16_prevmask" => 5e-3,
            _ => 1e-4,
        };
        compare_gradients(&network, &stepped, &published["grad_norms"], most, model);
    }
}

#[test]
fn with_statistics_of_the_batch() {
    let golden = golden();
    for (model, architecture) in MODELS {
        let published = &golden["models"][model];
        let network = network(architecture, Statistics::OfBatch);
        let before: Vec<_> =
            network.parameters().iter().map(|parameter| numbers(parameter.value())).collect();
        let batch = Batch::new(&golden, model.starts_with("ritm"));
        let mut optimization = Optimization::new(&OptimizerOptions::PUBLISHED, true);
        for step in 0..3 {
            let stepped = forward_backward(&network, &batch);
            let tolerance = [3e-5, 2e-3, 1e-2][step];
            let losses = &published["steps_f64"][step];
            compare_losses(&stepped, losses, if step == 0 { 1e-4 } else { 3e-2 }, model);
            let off = relative(stepped.total, losses["total"].as_f64().unwrap());
            assert!(off < tolerance, "{model} step {step}: {} {off:e}", stepped.total);
            if step == 0 {
                // Normalizations of as few as three values let rounding grow to 1e-5 in f32, and in
                // almost every layer some value in front of a ReLU lies as near to 0: whether a
                // gradient flows through it is chance. With frozen statistics it is not.
                let most = |_: &str, deviation: f64| (8.0 * deviation).max(5e-2);
                let norms = &published["grad_norms"]["by_name"];
                compare_gradients(&network, &stepped, norms, most, model);
                compare_statistics(&network, &published["bn_after_1_step"], 1e-3);
            }
            let steps = adam_step(&network, &stepped, &mut optimization);
            if step == 0 {
                compare_change(&network, &before, &steps, published, model);
            }
        }
        // A normalization of three values shows every difference that Adam's full steps made.
        let tolerance = if model.starts_with("resnet") { 5e-2 } else { 5e-3 };
        compare_statistics(&network, &published["bn_after_3_steps"], tolerance);
    }
}

/// Gradients below this are rounding as much as anything.
const NOISE: f64 = 1e-6;

/// The first step of Adam changes a value by its rate where its gradient is not noise; of one that is, the
/// step may be anything up to that. `steps`: the rate and the gradient of every parameter.
fn compare_change(
    network: &LearningNetwork,
    before: &[Vec<f64>],
    steps: &BTreeMap<String, (f64, Vec<f64>)>,
    published: &Value,
    model: &str,
) {
    let norms = &published["grad_norms"]["by_name"];
    let changes = &published["after_one_adam_step"]["by_name"];
    let mut compared = 0;
    for (parameter, before) in network.parameters().iter().zip(before) {
        let name = parameter.name();
        let (Some(norms), Some(change)) = (norms.get(name), changes.get(name)) else { continue };
        if norms[0].as_f64().unwrap() < 1e-9 {
            continue;
        }
        let (rate, slopes) = &steps[name];
        let after = numbers(parameter.value());
        let changes = after.iter().zip(before).map(|(a, b)| a - b);
        let mut noise = 0;
        let mut decided = Vec::new();
        for (change, slope) in changes.zip(slopes) {
            match slope.abs() < NOISE {
                true => noise += 1,
                false => decided.push(change),
            }
        }
        let least = norm(&decided);
        let most = (least.powi(2) + f64::from(noise) * rate.powi(2)).sqrt();
        let expected = change[1].as_f64().unwrap();
        let allowed = (5.0 * change[2].as_f64().unwrap()).max(2e-3);
        let range = least - allowed * expected..=most + allowed * expected;
        assert!(
            range.contains(&expected),
            "{model} {name}: {range:?} {expected}, {noise} of noise"
        );
        compared += 1;
    }
    assert!(compared > 100, "{compared}");
}
