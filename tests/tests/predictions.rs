//! Whole clicks agree with the published implementation: `golden/predictions/`. The goldens were made
//! with f32 checkpoints; the weights here are their f16 forms, so the two may differ by that rounding.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use fbrs::weights::{Checkpoint, ExtraKeys};
use fbrs::{DeviceChoice, Mode, Segmenter};
use fbrs_tests::golden::{Comparison, replay};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/predictions")
}

/// Every case of the published implementation, replayed once for all tests.
fn comparisons() -> &'static [Comparison] {
    static COMPARISONS: OnceLock<Vec<Comparison>> = OnceLock::new();
    COMPARISONS.get_or_init(|| {
        let folder = folder();
        let weights = folder.join("../weights/hrnet18s_ocr64.safetensors");
        let checkpoint = Checkpoint::open(weights, ExtraKeys::Refuse).unwrap();
        let device = DeviceChoice::Cpu.open().unwrap();
        let segmenter = Segmenter::from_checkpoint(checkpoint, device).unwrap();
        let cases = folder.join("hrnet18s_ocr64");
        replay(&segmenter, "hrnet18s_ocr64", &cases, &folder.join("photos"), |_| true).unwrap()
    })
}

fn of(wanted: impl Fn(&Comparison) -> bool) -> Vec<&'static Comparison> {
    let found: Vec<_> = comparisons().iter().filter(|c| wanted(c)).collect();
    assert!(!found.is_empty());
    found
}

#[test]
fn every_view_is_the_same() {
    for c in comparisons() {
        assert!(c.same_view, "{}", c.label);
    }
}

#[test]
fn probabilities_agree_without_refinement() {
    for c in of(|c| c.mode == Mode::NoBrs) {
        let difference = c.probability.unwrap();
        assert!(difference <= 4e-3, "{}: {difference}", c.label);
        assert!(c.mask_iou >= 0.998, "{}: {}", c.label, c.mask_iou);
    }
}

/// With the published click limits: the network is told of every click of these cases.
#[test]
fn refined_clicks_agree() {
    for c in of(|c| c.mode != Mode::NoBrs && !c.label.contains("limit1")) {
        assert_eq!(c.losses.0.len(), c.losses.1.len(), "{}: evaluations", c.label);
        assert!(c.mask_iou >= 0.998, "{}: {}", c.label, c.mask_iou);
        for (here, golden) in c.losses.0.iter().zip(&c.losses.1) {
            assert!((here - golden).abs() <= 5e-3 * golden, "{}: {here} {golden}", c.label);
        }
    }
}

/// With one click told to the network, the others act through the loss alone: long searches. The
/// first of them runs along the golden one, loss by loss. The next ones start where it ended and part
/// by the weights' rounding, so that masks are held to a mean; with the f32 checkpoint nine in ten
/// are the golden ones to the pixel (`check_predictions`).
#[test]
fn long_searches_agree() {
    let all = of(|c| c.label.contains("limit1"));
    for c in all.iter().filter(|c| c.label.ends_with("click 2")) {
        assert_eq!(c.losses.0.len(), c.losses.1.len(), "{}: evaluations", c.label);
        for (here, golden) in c.losses.0.iter().zip(&c.losses.1) {
            assert!((here - golden).abs() <= 5e-3 * golden, "{}: {here} {golden}", c.label);
        }
        assert!(c.mask_iou >= 0.97, "{}: {}", c.label, c.mask_iou);
    }
    let mean = all.iter().map(|c| c.mask_iou).sum::<f64>() / all.len() as f64;
    assert!(mean >= 0.98, "mean IoU of masks {mean}");
}

/// The built-in network, without refinement: its own implementation in PyTorch, views chosen as
/// published.
#[test]
fn the_built_in_network_agrees() {
    let (segmenter, folder) = (Segmenter::built_in().unwrap(), folder());
    let cases = folder.join("lite0_dh64");
    let found = replay(&segmenter, "lite0_dh64", &cases, &folder.join("photos"), |_| true).unwrap();
    assert_eq!(found.len(), 8);
    for c in found {
        assert!(c.same_view, "{}", c.label);
        let difference = c.probability.unwrap();
        assert!(difference <= 8e-3, "{}: {difference}", c.label);
        assert!(c.mask_iou >= 0.995, "{}: {}", c.label, c.mask_iou);
    }
}
