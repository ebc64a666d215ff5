//! Agreement of every network with the published implementation, tensor by tensor
//! (`tests/golden/architectures.json`), and of its parts with each other.
//!
//! `FBRS_TEST_DEVICE` (`cpu`, `wgpu`, `cuda`) chooses the device; the default is `cpu`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData, Tolerance};
use fbrs_models::testing::{self, Formula, device, image};
use fbrs_models::{
    Architecture, BoxError, ClickInput, ClickPoints, Cut, DeepLabConfig, Fusion, Guidance,
    GuidanceWay, HrNetConfig, Network, ParameterShape, ParameterSource, PreviousMask, ResNet,
    resize_bilinear,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    state_dict: Vec<(String, Vec<usize>, String)>,
    params: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    h: usize,
    w: usize,
    points: Vec<(f32, f32)>,
    tensors: BTreeMap<String, Expected>,
}

#[derive(Deserialize)]
struct Expected {
    shape: Vec<usize>,
    mean: f64,
    std: f64,
    absmax: f64,
    sample_index: Vec<usize>,
    sample: Vec<f64>,
}

/// The published networks, and the Lite network in a file of its own.
fn golden() -> BTreeMap<String, Golden> {
    let read = |name| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/");
        std::fs::read_to_string(format!("{folder}{name}")).unwrap()
    };
    let mut golden: BTreeMap<_, _> = serde_json::from_str(&read("architectures.json")).unwrap();
    let lite = serde_json::from_str(&read("lite.json")).unwrap();
    golden.insert("lite0_dh64".to_owned(), lite);
    golden
}

/// The largest allowed difference, relative to the tensor's largest absolute value. On CUDA, products
/// of matrices round their factors to TF32.
fn tolerance() -> f64 {
    match std::env::var("FBRS_TEST_DEVICE") {
        Ok(device) if device.starts_with("cuda") => 1e-3,
        _ => 1e-4,
    }
}

fn check(label: &str, expected: &Expected, tensor: Tensor<4>) {
    assert_eq!(tensor.dims().to_vec(), expected.shape, "{label}");
    let values: Vec<f64> = tensor.into_data().iter::<f64>().collect();
    let error = expected
        .sample_index
        .iter()
        .zip(&expected.sample)
        .map(|(&index, sample)| (values[index] - sample).abs() / expected.absmax)
        .fold(0.0, f64::max);
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let absmax = values.iter().fold(0.0, |max: f64, value| max.max(value.abs()));
    let close = |value: f64, expected_value: f64| {
        (value - expected_value).abs() <= tolerance() * expected.absmax
    };
    assert!(error <= tolerance(), "{label}: error {error:.2e}");
    assert!(close(mean, expected.mean), "{label}: mean {mean}, expected {}", expected.mean);
    assert!(close(variance.sqrt(), expected.std), "{label}: deviation {}", variance.sqrt());
    assert!(close(absmax, expected.absmax), "{label}: largest {absmax}");
    println!("{label}: error {error:.1e}");
}

fn input(case: &Case, device: &Device) -> (Tensor<4>, ClickInput) {
    let image = TensorData::new(image(case.h, case.w), [1, 3, case.h, case.w]);
    let signs: Vec<_> = case.points.chunks(case.points.len() / 2).collect();
    let maps: Vec<f32> =
        signs.iter().flat_map(|points| distance_map(points, case.h, case.w)).collect();
    let maps = TensorData::new(maps, [1, 2, case.h, case.w]);
    let used = |points: &[(f32, f32)]| {
        let used = points.iter().filter(|(row, col)| *row >= 0.0 || *col >= 0.0);
        used.map(|(row, col)| [*row, *col]).collect()
    };
    let points = ClickPoints { positive: used(signs[0]), negative: used(signs[1]) };
    let maps = Tensor::from_data(maps, device);
    let told = ClickInput { maps, previous_mask: None, points: [points].into() };
    (Tensor::from_data(image, device), told)
}

/// Distance map of radius 260, so that this crate can be tested alone.
fn distance_map(points: &[(f32, f32)], height: usize, width: usize) -> Vec<f32> {
    let pixels = (0..height).flat_map(|row| (0..width).map(move |col| (row as f32, col as f32)));
    let squared = |(row, col): (f32, f32)| {
        let used = points.iter().filter(|(r, c)| *r >= 0.0 || *c >= 0.0);
        used.map(|(r, c)| ((row - r) / 260.0).powi(2) + ((col - c) / 260.0).powi(2))
            .fold(1e6, f32::min)
    };
    pixels.map(|pixel| (2.0 * squared(pixel).sqrt()).tanh()).collect()
}

fn agree(name: &str) {
    let golden = golden().remove(name).unwrap();
    let architecture: Architecture = name.parse().unwrap();
    assert_eq!(architecture.to_string(), name);
    let device = device();
    let folded = Network::build(&architecture, &mut Formula, &device).unwrap();
    let unfolded = testing::build_unfolded(&architecture, &mut Formula, &device).unwrap();
    for (folding, network) in [("folded", folded), ("unfolded", unfolded)] {
        for case in &golden.cases {
            let label = |tensor: &str| format!("{name} {folding} {}×{} {tensor}", case.h, case.w);
            let mut left: BTreeMap<&str, &Expected> =
                case.tensors.iter().map(|(name, expected)| (name.as_str(), expected)).collect();
            // Of a network's inner tensors the golden data hold some.
            let mut check = |tensor: &str, value: Tensor<4>| {
                if let Some(expected) = left.remove(tensor) {
                    check(&label(tensor), expected, value);
                }
            };
            let (image, told) = input(case, &device);
            check("dist_maps", told.maps.clone());
            for (tensor, value) in testing::inner_tensors(&network, image.clone(), told.clone()) {
                check(&tensor, value);
            }
            check("logits", network.forward(image, told));
            assert!(left.is_empty(), "not compared: {:?}", left.keys());
        }
    }
}

#[test]
fn resnet34_agrees() {
    agree("resnet34_dh128");
}

#[test]
fn resnet50_agrees() {
    agree("resnet50_dh128");
}

#[test]
fn resnet101_agrees() {
    agree("resnet101_dh256");
}

#[test]
fn hrnet18s_agrees() {
    agree("hrnet18s_ocr64");
}

#[test]
fn hrnet18_agrees() {
    agree("hrnet18_ocr64");
}

#[test]
fn hrnet32_agrees() {
    agree("hrnet32_ocr128");
}

#[test]
fn hrnet48_agrees() {
    agree("hrnet48_ocr128");
}

#[test]
fn lite_agrees() {
    agree("lite0_dh64");
}

/// A network of RITM's kind, and what its file says of it.
#[derive(Deserialize)]
struct RitmGolden {
    class: String,
    config: BTreeMap<String, serde_json::Value>,
    state_dict: Vec<(String, Vec<usize>, String)>,
    params: usize,
    /// Whether the state dict has more than what is in front of the backbone.
    complete: bool,
    cases: Vec<RitmCase>,
}

#[derive(Deserialize)]
struct RitmCase {
    h: usize,
    w: usize,
    points_row_col_index: Vec<(f32, f32, f32)>,
    tensors: BTreeMap<String, Expected>,
}

fn ritm_golden() -> BTreeMap<String, RitmGolden> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/ritm.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

impl RitmGolden {
    fn flag(&self, name: &str) -> bool {
        self.config[name].as_bool().unwrap()
    }

    fn number(&self, name: &str) -> usize {
        self.config[name].as_u64().unwrap() as usize
    }

    fn architecture(&self) -> Architecture {
        let way = match (self.flag("use_rgb_conv"), self.flag("conv_extend")) {
            (true, _) => GuidanceWay::RgbConv,
            (false, true) => GuidanceWay::StemExtended,
            (false, false) => GuidanceWay::Stem,
        };
        let previous_mask = match (self.flag("with_prev_mask"), self.flag("binary_prev_mask")) {
            (false, _) => PreviousMask::None,
            (true, false) => PreviousMask::Probabilities,
            (true, true) => PreviousMask::Binary,
        };
        let (leaky, discs) = (self.flag("use_leaky_relu"), self.flag("use_disks"));
        let fusion = Fusion::Guided(Guidance { way, leaky, previous_mask, discs });
        if self.class.contains("deeplab") {
            let backbone = match self.config["backbone"].as_str().unwrap() {
                "resnet34" => ResNet::R34,
                "resnet50" => ResNet::R50,
                other => panic!("{other}"),
            };
            let channels = self.number("deeplab_ch");
            return Architecture::DeepLab(DeepLabConfig { backbone, channels, fusion });
        }
        let (width, ocr_width) = (self.number("width"), self.number("ocr_width"));
        Architecture::HrNet(HrNetConfig { small: self.flag("small"), width, ocr_width, fusion })
    }
}

/// The formula's parameters with a negative scale of the click maps.
struct NegativeScale;

impl ParameterSource for NegativeScale {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        match name {
            "maps_transform.3.scale" => Ok(vec![-1.5]),
            _ => Formula.read(name, shape),
        }
    }
}

/// Clicks as discs of radius 5.
fn disc_map(points: &[(f32, f32)], height: usize, width: usize) -> Vec<f32> {
    let pixels = (0..height).flat_map(|row| (0..width).map(move |col| (row as f32, col as f32)));
    let is_in = |(row, col): (f32, f32)| {
        let mut used = points.iter().filter(|(r, c)| *r >= 0.0 || *c >= 0.0);
        used.any(|(r, c)| (row - r).powi(2) + (col - c).powi(2) <= 25.0)
    };
    pixels.map(|pixel| if is_in(pixel) { 1.0 } else { 0.0 }).collect()
}

#[test]
fn networks_of_ritm_s_kind_agree() {
    const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
    const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
    // Before an operation that is folded into the one before it.
    const INNER: [&str; 4] =
        ["normalized_image", "maps_transform.0", "maps_transform.2", "feature_extractor.bn2"];
    let device = device();
    for (name, golden) in ritm_golden() {
        let architecture = golden.architecture();
        let source = || -> Box<dyn ParameterSource> {
            if name.ends_with("scale") { Box::new(NegativeScale) } else { Box::new(Formula) }
        };
        let folded = Network::build(&architecture, &mut *source(), &device).unwrap();
        let unfolded = testing::build_unfolded(&architecture, &mut *source(), &device).unwrap();
        let networks = [("folded", folded), ("unfolded", unfolded)];
        for (case, (folding, network)) in
            golden.cases.iter().flat_map(|case| networks.iter().map(move |network| (case, network)))
        {
            let area = case.h * case.w;
            let image: Vec<f32> = testing::uniform("image", 3 * area)
                .enumerate()
                .map(|(index, u)| (u - MEAN[index / area]) / DEVIATION[index / area])
                .collect();
            let image = TensorData::new(image, [1, 3, case.h, case.w]);
            let mask = testing::uniform("prev_mask", area).collect();
            let mask = TensorData::new(mask, [1, 1, case.h, case.w]);
            let points: Vec<_> =
                case.points_row_col_index.iter().map(|(row, col, _)| (*row, *col)).collect();
            let discs = architecture.guidance().unwrap().discs;
            let map = if discs { disc_map } else { distance_map };
            let maps: Vec<f32> = points
                .chunks(points.len() / 2)
                .flat_map(|points| map(points, case.h, case.w))
                .collect();
            let maps = TensorData::new(maps, [1, 2, case.h, case.w]);
            let told = ClickInput {
                maps: Tensor::from_data(maps, &device),
                previous_mask: Some(Tensor::from_data(mask, &device)),
                points: [ClickPoints::default()].into(),
            };
            let mut left: BTreeMap<&str, &Expected> =
                case.tensors.iter().map(|(name, expected)| (name.as_str(), expected)).collect();
            let mut check = |tensor: &str, value: Tensor<4>| {
                if let Some(expected) = left.remove(tensor) {
                    let label = format!("{name} {folding} {}×{} {tensor}", case.h, case.w);
                    check(&label, expected, value);
                }
            };
            let image = Tensor::from_data(image, &device);
            check("normalized_image", image.clone());
            check("dist_maps", told.maps.clone());
            for (tensor, value) in testing::inner_tensors(network, image.clone(), told.clone()) {
                check(&tensor, value);
            }
            check("logits", network.forward(image, told));
            let missed: Vec<_> = left.keys().filter(|name| !INNER.contains(name)).collect();
            assert!(missed.is_empty(), "{name}: not compared: {missed:?}");
        }
    }
}

#[test]
fn parameters_of_ritm_s_networks_are_the_published_ones() {
    for (name, golden) in ritm_golden() {
        let architecture = golden.architecture();
        let text = architecture.to_string();
        assert_eq!(text.parse::<Architecture>().unwrap(), architecture, "{text}");
        let parameters = architecture.parameters();
        let learned = parameters.iter().filter(|parameter| !parameter.name.contains("running_"));
        assert_eq!(learned.map(ParameterShape::count).sum::<usize>(), golden.params, "{name}");
        let mut found: Vec<_> = parameters
            .into_iter()
            .map(|p| (p.name, p.shape))
            .filter(|(name, _)| golden.complete || !name.starts_with("feature_extractor."))
            .filter(|(name, _)| golden.complete || !name.starts_with("head."))
            .collect();
        let mut expected: Vec<_> = golden
            .state_dict
            .into_iter()
            .filter(|(name, ..)| !name.ends_with("num_batches_tracked"))
            .filter(|(name, ..)| golden.complete || !name.starts_with("head."))
            .map(|(name, shape, _)| (name, shape))
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn parameters_are_the_published_ones() {
    for (name, golden) in golden() {
        let architecture: Architecture = name.parse().unwrap();
        let mut found: Vec<_> =
            architecture.parameters().into_iter().map(|p| (p.name, p.shape)).collect();
        let mut expected: Vec<_> = golden
            .state_dict
            .into_iter()
            .filter(|(name, ..)| !name.ends_with("num_batches_tracked"))
            .map(|(name, shape, _)| (name, shape))
            .collect();
        let learned = found
            .iter()
            .filter(|(name, _)| !name.contains("running_"))
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum::<usize>();
        assert_eq!(learned, golden.params, "{name}");
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn resize_agrees() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/geometry.json");
    let golden: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for case in golden["resize_bilinear_align_corners"].as_array().unwrap() {
        let size = |key: &str| [0, 1].map(|axis| case[key][axis].as_u64().unwrap() as usize);
        let [height, width] = size("in");
        let values: Vec<f32> =
            (0..height * width).map(|index| (3.0 * (index as f64).sin()) as f32).collect();
        let x = Tensor::from_data(TensorData::new(values, [1, 1, height, width]), &device());
        let expected: Vec<f32> = case["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_f64().unwrap() as f32)
            .collect();
        let [height, width] = size("out");
        resize_bilinear(x, [height, width]).into_data().assert_approx_eq::<f32>(
            &TensorData::new(expected, [1, 1, height, width]),
            Tolerance::absolute(2e-6),
        );
    }
}

/// The logits do not depend on where the network was cut.
#[test]
fn every_cut_leads_to_the_same_logits() {
    let device = device();
    let small = ["resnet34_dh2", "resnet50_dh2_nofusion", "hrnet2s_ocr3", "hrnet3_ocr2_nofusion"];
    for name in small.into_iter().chain(["lite0_dh3", "lite0_dh64"]) {
        let architecture: Architecture = name.parse().unwrap();
        let network = Network::build(&architecture, &mut Formula, &device).unwrap();
        let image = TensorData::new(image(41, 35), [1, 3, 41, 35]);
        let image = Tensor::from_data(image, &device);
        let points = ClickPoints { positive: vec![[20.0, 11.5]], negative: vec![[3.0, 30.0]] };
        let maps = Tensor::ones([1, 2, 41, 35], &device) * 0.3;
        let told = ClickInput { maps, previous_mask: None, points: [points].into() };
        let whole = network.forward(image.clone(), told.clone()).into_data();
        let features = network.image_features(image.clone());
        assert_eq!(features.image_size(), [41, 35]);
        for cut in [Cut::Image, Cut::DistanceMaps, Cut::Early, Cut::Middle, Cut::Late] {
            let state = match cut {
                Cut::Image => network.at_image(image.clone(), told.clone()),
                cut => network.run_to(cut, &features, told.clone()),
            };
            assert_eq!(state.cut(), cut);
            assert_eq!(state.features().dims()[1], network.channels_at(cut), "{name} {cut:?}");
            assert_eq!(network.run_from(state).into_data(), whole, "{name} {cut:?}");
        }
    }
}

#[test]
fn names_are_read_back() {
    let names = ["resnet34_dh128", "resnet101_dh256_nofusion", "hrnet18s_ocr64", "hrnet48_ocr128"];
    let ritm = [
        "hrnet18s_ocr48_itermask",
        "hrnet18s_ocr0_baseline",
        "hrnet18_ocr64_convextend_itermask",
        "resnet152_dh128_rgbconv_relu_distmaps_binary_itermask",
    ];
    for name in names.into_iter().chain(["lite0_dh64", "lite0_dh3"]).chain(ritm) {
        assert_eq!(name.parse::<Architecture>().unwrap().to_string(), name);
    }
    for name in [
        "",
        "resnet34",
        "resnet18_dh128",
        "resnet34_dh3",
        "hrnet_ocr64",
        "hrnet0_ocr64",
        "lite0_dh0",
        "lite0",
        "lite0_dh64_nofusion",
    ] {
        assert!(name.parse::<Architecture>().is_err(), "{name}");
    }
    assert!("hrnet99999999_ocr64".parse::<Architecture>().is_err());
}
