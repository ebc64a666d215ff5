//! Losses and their gradients against the published code's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fbrs_train::losses::{FocalOptions, Loss};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/losses.json")).unwrap()
}

struct Input {
    logits: Vec<f32>,
    targets: Vec<f32>,
}

fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(flat).collect(),
        Value::Number(number) => vec![number.as_f64().unwrap()],
        Value::String(row) => row
            .chars()
            .map(|c| if c == '?' { -1.0 } else { f64::from(c.to_digit(10).unwrap()) })
            .collect(),
        _ => panic!("{value}"),
    }
}

fn input(golden: &Value, name: &str) -> Input {
    let input = &golden["inputs"][name];
    let (amp, phase) = (input["amp"].as_f64().unwrap(), input["phase"].as_f64().unwrap());
    let logits: Vec<f32> =
        (0..70).map(|k| (amp * (0.7 * f64::from(k) + phase).sin()) as f32).collect();
    for (own, published) in logits.iter().zip(flat(&input["logits_first8"])) {
        assert!((f64::from(*own) - published).abs() < 1e-6 * amp);
    }
    let targets = flat(&input["labels"]).into_iter().map(|label| label as f32).collect();
    Input { logits, targets }
}

fn close(own: &[f64], published: &[f64], tolerance: f64, what: &str) {
    assert_eq!(own.len(), published.len(), "{what}");
    let largest = published.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    for (index, (own, published)) in own.iter().zip(published).enumerate() {
        assert!(
            (own - published).abs() <= tolerance * largest.max(1e-30),
            "{what} {index}: {own} {published}"
        );
    }
}

#[test]
fn values_and_gradients_are_those_of_the_published_code() {
    let golden = golden();
    let mut compared = 0;
    for case in golden["cases"].as_array().unwrap() {
        let (loss, code) = (case["loss"].as_str().unwrap(), case["code"].as_str().unwrap());
        let params = &case["params"];
        // Options that no configuration has, a divisor that is a fault, and the f32 faults of
        // saturated pixels.
        let left_out = params.get("size_average").is_some()
            || params.get("detach_delimeter").is_some()
            || (loss == "focal" && code == "fbrs");
        let name = case["input"].as_str().unwrap();
        if left_out || (name == "saturated" && ["nfl", "focal"].contains(&loss)) {
            continue;
        }
        let focal = || FocalOptions {
            alpha: params["alpha"].as_f64().unwrap(),
            gamma: params["gamma"].as_f64().unwrap(),
            max_weight: params.get("max_mult").map(|most| most.as_f64().unwrap()),
            max_factor: None,
        };
        let own = match loss {
            "nfl" => Loss::NormalizedFocal(focal()),
            "focal" => Loss::Focal(focal()),
            "bce" => Loss::BinaryCrossEntropy,
            "softiou" => Loss::SoftIou,
            other => panic!("{other}"),
        };
        let Input { logits, targets } = input(&golden, name);
        let own = own.evaluate(&logits, &targets, 2);
        let what = format!("{code} {loss} {name} {params}");
        // The published focal loss has an ε of 1e-9 in its logarithm, and saturated pixels show it.
        let exact = if loss == "focal" || name == "saturated" { 1e-6 } else { 1e-9 };
        close(&own.losses, &flat(&case["f64"]["per_sample"]), exact, &what);
        close(&[own.mean()], &flat(&case["f64"]["mean"]), exact, &what);
        match case["f64"].get("grad") {
            Some(gradient) => close(
                &own.gradient,
                &flat(gradient),
                if loss == "focal" { 1e-5 } else { 1e-6 },
                &what,
            ),
            None => close(&own.gradient, &flat(&case["f32"]["grad"]), 3e-6, &what),
        }
        compared += 1;
    }
    assert_eq!(compared, 49);
}

#[test]
fn saturated_pixels_keep_their_gradient() {
    let golden = golden();
    let Input { logits, targets } = input(&golden, "saturated");
    let own = Loss::NormalizedFocal(FocalOptions::PUBLISHED).evaluate(&logits, &targets, 2);
    let proposals = golden["from_logits_proposal"].as_array().unwrap();
    let proposal = proposals.iter().find(|case| case["input"] == "saturated").unwrap();
    close(&own.losses, &flat(&proposal["per_sample"]), 1e-9, "loss");
    close(&own.gradient, &flat(&proposal["grad"]), 1e-7, "gradient");
    for (logit, (target, gradient)) in logits.iter().zip(targets.iter().zip(&own.gradient)) {
        if (*logit > 17.0 && *target == 0.0) || (*logit < -17.0 && *target == 1.0) {
            assert!(gradient.abs() > 1e-4, "{logit} {target}: {gradient}");
        }
    }
}

#[test]
fn a_sample_without_pixels_that_count_is_0() {
    for loss in [
        Loss::NormalizedFocal(FocalOptions::PUBLISHED),
        Loss::Focal(FocalOptions::PUBLISHED),
        Loss::BinaryCrossEntropy,
        Loss::SoftIou,
        Loss::Dice,
    ] {
        let own = loss.evaluate(&[3.0, -700.0, 700.0], &[-1.0; 3], 1);
        assert!(own.losses.iter().all(|loss| loss.is_finite()), "{loss:?}");
        assert_eq!(own.gradient, [0.0; 3], "{loss:?}");
    }
}
