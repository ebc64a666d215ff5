//! Initial weights and learning rates by parameter, against the published code's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fbrs_models::{Architecture, ParameterSource};
use fbrs_train::groups::{is_backbone, ritm_slows};
use fbrs_train::init::InitialWeights;
use serde_json::Value;

#[test]
fn every_convolution_has_the_published_deviation() {
    let golden: Value = serde_json::from_str(include_str!("golden/init.json")).unwrap();
    for row in golden["init"]["rows"].as_array().unwrap() {
        let name = row[1].as_str().unwrap();
        let shape: Vec<usize> = serde_json::from_value(row[2].clone()).unwrap();
        let expected = row[5].as_f64().unwrap();
        let values = InitialWeights { seed: 3 }.read(name, &shape).unwrap();
        let count = values.len() as f64;
        let mean = values.iter().copied().map(f64::from).sum::<f64>() / count;
        let squares = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>();
        let off = ((squares / count).sqrt() / expected - 1.0).abs();
        // Five times what chance makes of so many numbers.
        assert!(off < 5.0 / (2.0 * count).sqrt(), "{name} {shape:?}: {off}");
        assert!(mean.abs() < 5.0 * expected / count.sqrt(), "{name}: {mean}");
    }
}

#[test]
fn all_else_has_the_published_constants() {
    let golden: Value = serde_json::from_str(include_str!("golden/init.json")).unwrap();
    for (model, constants) in golden["init_constants"].as_object().unwrap() {
        let architecture: Architecture = model.parse().unwrap();
        for row in constants.as_array().unwrap() {
            let (part, least, most) = (row[0].as_str().unwrap(), row[1].as_f64(), row[2].as_f64());
            let flat = architecture.parameters().into_iter();
            let flat =
                flat.filter(|own| own.shape.len() == 1 && own.name.ends_with(&format!(".{part}")));
            let mut count = 0;
            for own in flat {
                let values = InitialWeights { seed: 3 }.read(&own.name, &own.shape).unwrap();
                let [low, high] =
                    [f32::min, f32::max].map(|pick| values.iter().copied().reduce(pick).unwrap());
                assert_eq!(
                    [Some(f64::from(low)), Some(f64::from(high))],
                    [least, most],
                    "{}",
                    own.name
                );
                count += 1;
            }
            assert_eq!(Some(count), row[3].as_u64(), "{model} {part}");
        }
        let read = |name: &str| InitialWeights { seed: 3 }.read(name, &[1]).unwrap()[0];
        assert_eq!(read("a.running_mean"), 0.0);
        assert_eq!(read("a.running_var"), 1.0);
        assert_eq!(read("maps_transform.3.scale"), 0.05);
    }
}

#[test]
fn the_backbone_learns_at_a_tenth_of_the_rate() {
    let golden: Value = serde_json::from_str(include_str!("golden/parameter_groups.json")).unwrap();
    let mut compared = 0;
    for group in golden.as_array().unwrap() {
        let model = group["model"].as_str().unwrap();
        let name = match model.strip_prefix("ritm ") {
            None => model.to_owned(),
            Some("resnet34_dh128") => "resnet34_dh128_baseline".to_owned(),
            Some(name) => name.replace(' ', "_"),
        };
        let architecture: Architecture = name.parse().unwrap();
        let learned: Vec<_> = architecture
            .parameters()
            .into_iter()
            .filter(|own| !own.name.contains("running_"))
            .collect();
        if let Some(count) = group["backbone_tensors"].as_u64() {
            let slow = learned.iter().filter(|own| is_backbone(&architecture, &own.name)).count();
            assert_eq!(Some(slow as u64), Some(count), "{model}");
            assert_eq!(
                (learned.len() - slow) as u64,
                group["other_tensors"].as_u64().unwrap(),
                "{model}"
            );
        } else {
            for (prefix, rates) in group["tensors_by_prefix_and_lr"].as_object().unwrap() {
                let of = learned.iter().filter(|own| own.name.starts_with(&format!("{prefix}.")));
                for own in of {
                    let slow = is_backbone(&architecture, &own.name)
                        || ritm_slows(&architecture, &own.name);
                    let rate = if slow { "5e-05" } else { "0.0005" };
                    assert!(rates.get(rate).is_some(), "{model} {}: {rates}", own.name);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 500, "{compared}");
}
