//! A step of training on the golden batch, beside the published code's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use fbrs_clicks::{Click, NORM_RADIUS, NetworkPoints, Position, Size, disc_maps, distance_maps};
use fbrs_models::testing::{Formula, uniform};
use fbrs_models::{
    Architecture, BoxError, ClickInput, Drops, LearningInput, LearningNetwork, LearningOptions,
    ParameterRole, ParameterSource, Statistics,
};
use fbrs_train::groups;
use fbrs_train::losses::{FocalOptions, Loss};
use fbrs_train::optimizer::Optimization;
use serde_json::Value;

const SIDES: [usize; 2] = [96, 128];
const SAMPLES: usize = 3;
pub(crate) const MODELS: [(&str, &str); 3] = [
    ("resnet34_dh16", "resnet34_dh16"),
    ("hrnet18s_ocr16", "hrnet18s_ocr16"),
    ("ritm_hrnet18s_ocr16_prevmask", "hrnet18s_ocr16_itermask"),
];

pub(crate) fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/training_step.json")).unwrap()
}

/// The formula, but for RITM's scale, which keeps its initial value.
struct Weights;

impl ParameterSource for Weights {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        if name.ends_with(".scale") { Ok(vec![0.05]) } else { Formula.read(name, shape) }
    }
}

pub(crate) struct Batch {
    image: Vec<f64>,
    maps: Vec<f32>,
    previous: Option<Vec<f32>>,
    targets: Vec<f32>,
}

impl Batch {
    pub(crate) fn new(golden: &Value, ritm: bool) -> Self {
        let [height, width] = SIDES;
        let area = height * width;
        let u = uniform("image_b", SAMPLES * 3 * area);
        let image: Vec<f64> = if ritm {
            let (mean, std) = ([0.485f32, 0.456, 0.406], [0.229f32, 0.224, 0.225]);
            let channel = |index: usize| index / area % 3;
            let normalized = |i, u: f32| {
                (f64::from(u) - f64::from(mean[channel(i)])) / f64::from(std[channel(i)])
            };
            u.enumerate().map(|(i, u)| normalized(i, u)).collect()
        } else {
            u.map(|u| f64::from(4.0 * u - 2.0)).collect()
        };
        let mut maps = Vec::new();
        for slots in golden["inputs"]["points"].as_array().unwrap() {
            let slots: Vec<[f64; 2]> = slots
                .as_array()
                .unwrap()
                .iter()
                .map(|slot| [slot[0].as_f64().unwrap(), slot[1].as_f64().unwrap()])
                .collect();
            let clicks: Vec<_> = slots
                .iter()
                .enumerate()
                .filter(|(_, [row, col])| row.max(*col) >= 0.0)
                .map(|(slot, [row, col])| {
                    let position = Position::from_row_col(*row, *col);
                    if slot < slots.len() / 2 {
                        Click::positive(position)
                    } else {
                        Click::negative(position)
                    }
                })
                .collect();
            let points = NetworkPoints::new(&clicks, None);
            let size = Size { height, width };
            maps.extend(match ritm {
                true => disc_maps(&points, size, 5.0),
                false => distance_maps(&points, size, NORM_RADIUS),
            });
        }
        let previous = ritm.then(|| {
            let mut previous: Vec<f32> = uniform("prev_mask", SAMPLES * area).collect();
            previous[2 * area..].fill(0.0);
            previous
        });
        let label = |index: usize| {
            let (sample, row, col) = (index / area, index / width % height, index % width);
            let (r, c) = (row as f32, col as f32);
            match sample {
                0 => f32::from(((r - 44.0) / 26.0).powi(2) + ((c - 52.0) / 33.0).powi(2) <= 1.0),
                1 if col >= 118 => -1.0,
                1 => f32::from((15..=60).contains(&row) && (70..=110).contains(&col)),
                _ => 0.0,
            }
        };
        let targets: Vec<f32> = (0..SAMPLES * area).map(label).collect();
        for (sample, sums) in golden["inputs"]["label_sums"].as_array().unwrap().iter().enumerate()
        {
            let of = |label: f32| {
                let own = &targets[sample * area..(sample + 1) * area];
                own.iter().filter(|own| **own == label).count()
            };
            assert_eq!(serde_json::json!([of(-1.0), of(0.0), of(1.0)]), *sums);
        }
        Self { image, maps, previous, targets }
    }

    fn tensors(&self, device: &Device) -> (LearningInput, ClickInput) {
        let [height, width] = SIDES;
        let tensor = |values: &[f32], channels| -> Tensor<4> {
            let shape = [SAMPLES, channels, height, width];
            Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
        };
        let image = TensorData::new(self.image.clone(), [SAMPLES, 3, height, width]);
        let told = ClickInput {
            maps: tensor(&self.maps, 2),
            previous_mask: self.previous.as_ref().map(|previous| tensor(previous, 1)),
            points: Vec::new().into(),
        };
        (LearningInput::Images(Box::new(Tensor::from_data(image, device))), told)
    }
}

pub(crate) struct Stepped {
    /// Mean of the main loss, of the auxiliary one.
    losses: Vec<Vec<f64>>,
    pub(crate) total: f64,
    pub(crate) gradients: burn::tensor::Gradients,
}

pub(crate) fn forward_backward(network: &LearningNetwork, batch: &Batch) -> Stepped {
    let (input, told) = batch.tensors(network.device());
    let output = network.forward(input, told, SIDES, Drops::default()).unwrap();
    let mut losses = Vec::new();
    let mut total = 0.0;
    let mut weighted = None;
    let main = Loss::NormalizedFocal(FocalOptions::PUBLISHED);
    let heads = [(output.logits, main, 1.0)]
        .into_iter()
        .chain(output.auxiliary.into_iter().map(|aux| (aux, Loss::BinaryCrossEntropy, 0.4)));
    for (logits, loss, weight) in heads {
        let values = logits.clone().inner().try_into_vec_as::<f32>().unwrap();
        let evaluated = loss.evaluate(&values, &batch.targets, SAMPLES);
        total += weight * evaluated.mean();
        let gradient: Vec<f64> = evaluated.gradient.iter().map(|g| g * weight).collect();
        let gradient = TensorData::new(gradient, logits.dims());
        let gradient = Tensor::<4>::from_data(gradient, &network.device().clone().autodiff());
        let part = (logits * gradient).sum();
        weighted = Some(match weighted {
            None => part,
            Some(weighted) => weighted + part,
        });
        losses.push(evaluated.losses);
    }
    Stepped { losses, total, gradients: weighted.unwrap().backward() }
}

pub(crate) fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value.powi(2)).sum::<f64>().sqrt()
}

/// Numbers of whatever type the device has.
pub(crate) fn numbers(tensor: Tensor<1>) -> Vec<f64> {
    tensor.try_into_vec_as::<f64>().unwrap()
}

pub(crate) fn relative(own: f64, published: f64) -> f64 {
    (own - published).abs() / published.abs().max(1e-12)
}

pub(crate) fn network(architecture: &str, statistics: Statistics) -> LearningNetwork {
    let architecture: Architecture = architecture.parse().unwrap();
    let options = LearningOptions {
        statistics,
        dropout: 0.0,
        arithmetic: FloatDType::F32,
        learns: &|_| true,
    };
    LearningNetwork::build(&architecture, &mut Weights, &Device::flex(), &options).unwrap()
}

/// Makes the step of the gradients with the published groups; the rate and the gradient of every parameter.
pub(crate) fn adam_step(
    network: &LearningNetwork,
    stepped: &Stepped,
    optimization: &mut Optimization,
) -> BTreeMap<String, (f64, Vec<f64>)> {
    let architecture = network.architecture();
    let mut steps = BTreeMap::new();
    for parameter in network.parameters() {
        let name = parameter.name();
        let Some(gradient) = parameter.gradient(&stepped.gradients) else { continue };
        let slow =
            groups::is_backbone(architecture, name) || groups::ritm_slows(architecture, name);
        let rate = if slow { 5e-5 } else { 5e-4 };
        steps.insert(name.to_owned(), (rate, numbers(gradient.clone())));
        let (shape, value) = (parameter.shape(), parameter.value());
        parameter.set(optimization.step(name, shape, rate, value, gradient));
    }
    steps
}

pub(crate) fn compare_losses(stepped: &Stepped, published: &Value, tolerance: f64, what: &str) {
    for (own, key) in stepped.losses.iter().zip(["instance_loss", "instance_aux_loss"]) {
        let published = &published[format!("{key}_per_sample")];
        for (own, published) in own.iter().zip(published.as_array().unwrap()) {
            let off = relative(*own, published.as_f64().unwrap());
            assert!(off < tolerance, "{what} {key}: {own} {published}");
        }
    }
    let off = relative(stepped.total, published["total"].as_f64().unwrap());
    assert!(off < tolerance, "{what}: {}", stepped.total);
}

/// Gradient norms; those that are 0 but for rounding are left out.
pub(crate) fn compare_gradients(
    network: &LearningNetwork,
    stepped: &Stepped,
    published: &Value,
    tolerance: impl Fn(&str, f64) -> f64,
    what: &str,
) {
    let mut compared = 0;
    for parameter in network.parameters() {
        let Some(norms) = published.get(parameter.name()) else { continue };
        let (expected, deviation) = (norms[0].as_f64().unwrap(), norms[1].as_f64().unwrap());
        if expected < 1e-12 {
            continue;
        }
        let own = parameter.gradient(&stepped.gradients);
        let own = own.unwrap_or_else(|| panic!("{what}: no gradient of {}", parameter.name()));
        let own = norm(&numbers(own));
        let off = relative(own, expected);
        assert!(
            off < tolerance(parameter.name(), deviation),
            "{what} {}: {own} {expected}, {off:e} off, {deviation:e} allowed for",
            parameter.name()
        );
        compared += 1;
    }
    assert!(compared > 100, "{compared}");
}

pub(crate) fn compare_statistics(network: &LearningNetwork, published: &Value, tolerance: f64) {
    let mut compared = 0;
    for (norm, statistics) in published.as_object().unwrap() {
        for part in ["running_mean", "running_var"] {
            let name = format!("{norm}.{part}");
            let own = network.parameters().iter().find(|own| own.name() == name);
            let own = own.unwrap_or_else(|| panic!("{name}"));
            if own.role() == ParameterRole::Kept {
                continue;
            }
            let own = numbers(own.value());
            let published: Vec<f64> = serde_json::from_value(statistics[part].clone()).unwrap();
            let largest = published.iter().fold(0.0f64, |most, value| most.max(value.abs()));
            for (own, published) in own.iter().zip(&published) {
                let off = (own - published).abs();
                assert!(off < tolerance * largest, "{name}: {own} {published}");
            }
            compared += 1;
        }
    }
    assert!(compared >= 4, "{compared}");
}
