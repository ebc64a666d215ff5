//! Schedules, metric and running averages, held to the numbers of the published programs.
#![allow(clippy::unwrap_used, clippy::panic)]

use fbrs_train::config::{Config, preset, preset_names};
use fbrs_train::metric::{AdaptiveIou, FocalAverages, FocalSample};
use fbrs_train::schedule::Schedule;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/run.json")).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Label maps as text or numbers: -1 where ignored.
fn labels(value: &Value) -> Vec<f64> {
    let letter = |letter| match letter {
        '0' => 0.0,
        '1' => 1.0,
        _ => -1.0,
    };
    let rows = list(value).iter().flat_map(list);
    rows.flat_map(|row| match row {
        Value::String(row) => row.chars().map(letter).collect::<Vec<_>>(),
        row => list(row).iter().map(number).collect(),
    })
    .collect()
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(1e-9);
    assert!(error < tolerance, "{what}: {found}, expected {expected}");
}

/// The presets that a golden schedule is of.
fn presets_of(name: &str) -> Vec<Config> {
    let is_of = |preset: &str| match name {
        "fbrs sbd, every model" => preset.starts_with("f-brs/"),
        "ritm iter_mask sbd" => preset == "ritm/iter_mask/hrnet18_sbd_3p",
        "ritm cocolvis" => {
            preset.starts_with("ritm/iter_mask/") && preset.contains("cocolvis")
                || preset == "ritm/baselines/hrnet18_cocolvis"
        }
        "ritm sbd, vocsbd, ade20k" => {
            preset.starts_with("ritm/baselines/")
                && (preset.ends_with("sbd") || preset.ends_with("ade20k"))
        }
        "ritm coco, openimages" => preset.ends_with("_coco") || preset.ends_with("_openimages"),
        "ritm lvis, loss ablation" => {
            preset.ends_with("_lvis")
                || preset.starts_with("ritm/ablation/")
                || preset == "ritm/baselines/r34_cocolvis"
        }
        _ => panic!("{name}"),
    };
    preset_names().iter().filter(|name| is_of(name)).map(|name| preset(name).unwrap()).collect()
}

#[test]
fn rates_of_every_published_preset() {
    let golden = golden();
    let mut checked = 0;
    for schedule in list(&golden["schedules"]) {
        let name = schedule["name"].as_str().unwrap();
        for config in presets_of(name) {
            let steps = 7;
            let ours = Schedule::new(&config, steps);
            assert_eq!(
                ours.steps(),
                schedule["epochs"].as_u64().unwrap() * steps,
                "{}",
                config.preset
            );
            for rates in list(&schedule["lr_by_epoch"]) {
                let epoch = rates[0].as_u64().unwrap();
                // The first and the last step of the epoch: what is logged is what was used.
                for step in [epoch * steps, epoch * steps + steps - 1] {
                    let found = ours.rates(step);
                    close(found.backbone, number(&rates[1]), 1e-9, name);
                    close(found.other, number(&rates[2]), 1e-9, name);
                }
            }
            checked += 1;
        }
    }
    let published = preset_names().iter().filter(|name| name.contains('/')).count();
    assert_eq!((checked, published), (28, 28));
}

#[test]
fn the_adaptive_iou_follows_the_network() {
    let golden = &golden()["adaptive_iou"];
    let mut metric = AdaptiveIou::default();
    for update in list(&golden["updates"]) {
        let phase = number(&update["phase"]);
        let targets = labels(&update["labels"]);
        let probability = |(index, label): (usize, &f64)| {
            let sign = (label - 0.5).signum();
            let logit = (1.2 * sign + 1.5 * (0.9 * index as f64 + phase).sin()) as f32;
            1.0 / (1.0 + (-logit).exp())
        };
        let probabilities: Vec<_> = targets.iter().enumerate().map(probability).collect();
        let targets: Vec<_> = targets.iter().map(|&label| label as f32).collect();
        metric.update(&probabilities, &targets, 6 * 8);
        let what = update["what"].as_str().unwrap();
        // The published program has IoUs in single precision.
        close(metric.threshold(), number(&update["iou_thresh"]), 1e-8, what);
        close(metric.ema(), number(&update["ema_iou"]), 1e-6, what);
        let mean = number(&update["epoch_iou_sum"]) / number(&update["epoch_batches"]);
        close(metric.epoch_value(), mean, 1e-6, what);
    }
    close(metric.epoch_value(), number(&golden["epoch_value"]), 1e-6, "epoch");
    let (threshold, ema) = (metric.threshold(), metric.ema());
    metric.begin_epoch();
    assert_eq!((metric.threshold(), metric.ema(), metric.epoch_value()), (threshold, ema, 0.0));
}

/// What the normalized focal loss knows of a sample, by its definition.
fn focal_sample(logits: &[f64], targets: &[f64], gamma: f64, most: f64) -> FocalSample {
    let weights = logits.iter().zip(targets).map(|(logit, target)| {
        let probability = 1.0 / (1.0 + (-logit).exp());
        if *target < 0.0 { 0.0 } else { (target - probability).abs().powf(gamma) }
    });
    let weights: Vec<_> = weights.collect();
    let counted = targets.iter().filter(|target| **target >= 0.0).count();
    let multiplier = counted as f64 / (weights.iter().sum::<f64>() + 1e-12);
    let largest = weights.iter().copied().fold(0.0, f64::max) * multiplier;
    FocalSample { multiplier, largest: largest.min(most), has_ignored: counted < targets.len() }
}

#[test]
fn running_averages_of_the_focal_loss() {
    let golden = &golden()["focal"];
    let cases = list(&golden["cases"]);
    for case in cases {
        let input = &golden["inputs"][case["input"].as_str().unwrap()];
        let targets = labels(&input["labels"]);
        let logit = |index: usize| {
            let angle = 0.7 * index as f64 + number(&input["phase"]);
            f64::from((number(&input["amp"]) * angle.sin()) as f32)
        };
        let logits: Vec<_> = (0..targets.len()).map(logit).collect();
        let most = case["params"]["max_mult"].as_f64().unwrap_or(f64::INFINITY);
        let gamma = number(&case["params"]["gamma"]);
        let samples: Vec<_> = logits
            .chunks(35)
            .zip(targets.chunks(35))
            .map(|(logits, targets)| focal_sample(logits, targets, gamma, most))
            .collect();
        let mut averages = FocalAverages::default();
        averages.update(&samples);
        close(averages.k, number(&case["k_after"]), 1e-6, &case.to_string());
        if let Some(m) = case["m_after"].as_f64() {
            close(averages.m, m, 1e-6, &case.to_string());
        }
    }
    assert_eq!(cases.len(), 25);
}
