//! Burn's optimizers against PyTorch's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use burn::tensor::{DType, Device, Tensor, TensorData};
use fbrs_train::optimizer::{Optimization, OptimizerOptions};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/optimizers.json")).unwrap()
}

fn options(run: &Value) -> OptimizerOptions {
    let decay = run["params"]["weight_decay"].as_f64().unwrap_or(0.0) as f32;
    let adam = ([0.9, 0.999], 1e-8);
    match run["name"].as_str().unwrap() {
        "adam" | "adam_wd" => {
            OptimizerOptions::Adam { betas: adam.0, epsilon: adam.1, weight_decay: decay }
        }
        "adamw" => OptimizerOptions::AdamW { betas: adam.0, epsilon: adam.1, weight_decay: decay },
        "sgd" | "sgd_momentum_wd" => OptimizerOptions::Sgd {
            momentum: run["params"]["momentum"].as_f64().unwrap_or(0.0),
            weight_decay: decay,
        },
        other => panic!("{other}"),
    }
}

fn tensor(values: &[f64]) -> Tensor<1> {
    let data = TensorData::new(values.to_vec(), [values.len()]);
    Tensor::from_data(data, (&Device::flex(), DType::F64))
}

#[test]
fn six_steps_are_pytorchs() {
    let golden = golden();
    let start: Vec<f64> = serde_json::from_value(golden["start"].clone()).unwrap();
    for run in golden["runs"].as_array().unwrap() {
        let mut optimization = Optimization::new(&options(run), true);
        let mut value = tensor(&start);
        for (t, step) in run["steps"].as_array().unwrap().iter().enumerate() {
            let gradient: Vec<f64> =
                (0..5).map(|i| (0.9 * t as f64 + f64::from(i)).sin() * 10f64.powi(-i)).collect();
            let rate = step["lr"].as_f64().unwrap();
            value = optimization.step("p", &[5], rate, value, tensor(&gradient));
            let own: Vec<f64> = value.clone().try_into_vec_as::<f64>().unwrap();
            let published: Vec<f64> = serde_json::from_value(step["p"].clone()).unwrap();
            for (own, published) in own.iter().zip(&published) {
                // Burn keeps the decays in f32.
                assert!((own - published).abs() < 1e-8, "{} {t}: {own} {published}", run["name"]);
            }
        }
    }
}

#[test]
fn what_is_remembered_goes_on_elsewhere_to_the_bit() {
    let device = Device::flex();
    let single = |values: &[f32]| -> Tensor<1> {
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &device)
    };
    for run in golden()["runs"].as_array().unwrap() {
        let options = options(run);
        let mut first = Optimization::new(&options, true);
        let mut value = single(&[0.3, -0.2, 0.9]);
        for step in 1..4u8 {
            let gradient = single(&[0.1, f32::from(step) * -0.3, 0.02]);
            value = first.step("p", &[3], 1e-2, value, gradient);
        }
        let mut second = Optimization::new(&options, true);
        second.restore(first.moments().unwrap(), &device).unwrap();
        let [one, two] = [&mut first, &mut second].map(|optimization| {
            let gradient = single(&[-0.4, 0.2, 0.7]);
            let moved = optimization.step("p", &[3], 1e-2, value.clone(), gradient);
            moved.try_into_vec_as::<f32>().unwrap()
        });
        assert_eq!(one, two, "{}", run["name"]);
    }
}

#[test]
fn what_another_optimizer_remembers_is_refused() {
    let device = Device::flex();
    let one = || Tensor::<1>::ones([1], &device);
    let sgd = OptimizerOptions::Sgd { momentum: 0.9, weight_decay: 0.0 };
    let mut first = Optimization::new(&sgd, true);
    first.step("p", &[1], 0.1, one(), one());
    let mut adam = Optimization::new(&OptimizerOptions::PUBLISHED, true);
    let error = adam.restore(first.moments().unwrap(), &device).unwrap_err();
    assert!(error.to_string().contains("of p is incomplete"), "{error}");
}
