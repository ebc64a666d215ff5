//! Backbones from other tasks' files, and checkpoints that lack a part.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::Path;

use fbrs_models::testing::{self, Formula};
use fbrs_models::{Architecture, BoxError, ParameterSource};
use fbrs_weights::{
    Backbone, Checkpoint, ExtraKeys, Fault, Flavor, InputScaling, LiteOrigin, Partial,
    WeightsError, save_pytorch,
};
use safetensors::tensor::Dtype;
use support::{Spoilt, golden, write_zeros};

type Shapes = Vec<(String, Vec<usize>)>;

fn architecture(name: &str) -> Architecture {
    name.parse().unwrap()
}

/// A network's parameters below a prefix, without it.
fn below(network: &str, prefix: &str) -> Shapes {
    let parameters = architecture(network).parameters().into_iter();
    let below = parameters.filter_map(|parameter| {
        let name = parameter.name.strip_prefix(prefix)?.to_owned();
        Some((name, parameter.shape))
    });
    below.collect()
}

/// A ResNet as Gluon has it, with its classifier.
fn resnet(network: &str) -> Shapes {
    let mut tensors = below(network, "feature_extractor.backbone.");
    let features = if network.starts_with("resnet34") { 512 } else { 2048 };
    tensors.push(("fc.weight".to_owned(), vec![1000, features]));
    tensors.push(("fc.bias".to_owned(), vec![1000]));
    tensors
}

/// A deep ResNet as torchvision has it: with one convolution for a stem.
fn torchvision(network: &str) -> Shapes {
    let mut tensors = resnet(network);
    tensors.retain(|(name, _)| !name.starts_with("conv1.") && !name.starts_with("bn1."));
    tensors.push(("conv1.weight".to_owned(), vec![64, 3, 7, 7]));
    for part in ["weight", "bias", "running_mean", "running_var"] {
        tensors.push((format!("bn1.{part}"), vec![64]));
    }
    tensors
}

/// An HRNet as its own project has it for ImageNet.
fn hrnet(network: &str) -> Shapes {
    let heads = ["aux_head", "cls_head", "conv3x3_ocr", "ocr_distri_head"];
    let mut tensors = below(network, "feature_extractor.");
    tensors.retain(|(name, _)| !heads.iter().any(|head| name.starts_with(head)));
    for (name, shape) in [
        ("incre_modules.0.0.conv1.weight", vec![32, 18, 1, 1]),
        ("downsamp_modules.0.0.weight", vec![256, 128, 3, 3]),
        ("final_layer.0.weight", vec![2048, 1024, 1, 1]),
        ("classifier.weight", vec![1000, 2048]),
    ] {
        tensors.push((name.to_owned(), shape));
    }
    tensors
}

/// Opens a file of so many zeros for a network.
fn opened(tensors: &Shapes, prefix: &str, network: &str) -> Result<Partial, WeightsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backbone.safetensors");
    let named = tensors.iter().map(|(name, shape)| (format!("{prefix}{name}"), shape.clone()));
    write_zeros(&path, &named.collect::<Vec<_>>());
    Backbone::open(&path)?.for_network(&architecture(network))
}

#[test]
fn resnets_fill_the_networks_of_their_depth() {
    for network in ["resnet34_dh128", "resnet50_dh128", "resnet101_dh256", "resnet152_dh256"] {
        let tensors = resnet(network);
        for prefix in ["", "module.", "model.", "backbone.", "state_dict.module."] {
            let partial = opened(&tensors, prefix, network).unwrap();
            assert_eq!(partial.filled().len(), tensors.len() - 2, "{network} {prefix}");
            assert_eq!((partial.missing().len(), partial.misshaped().len()), (0, 0));
            assert_eq!(partial.unused(), ["fc.bias", "fc.weight"]);
            assert_eq!(partial.remark(), None);
        }
    }
}

#[test]
fn torchvisions_deep_resnets_fill_all_but_the_stem() {
    for network in ["resnet50_dh128", "resnet101_dh256", "resnet152_dh256_itermask"] {
        let partial = opened(&torchvision(network), "", network).unwrap();
        let missing: Vec<_> = partial.missing().iter().map(String::as_str).collect();
        let name = |name: &str| format!("feature_extractor.backbone.{name}");
        assert_eq!(missing.len(), 11, "{missing:?}");
        assert!(missing.iter().all(|missing| missing.starts_with(&name("conv1."))));
        // The stem's last normalization has the published name and other channels.
        let misshaped: Vec<_> = partial.misshaped().iter().map(|one| one.name.clone()).collect();
        let parts = ["weight", "bias", "running_mean", "running_var"];
        assert_eq!(misshaped, parts.map(|part| name(&format!("bn1.{part}"))));
        assert!(partial.unused().contains(&"conv1.weight".to_owned()));
    }
}

#[test]
fn hrnets_fill_the_networks_of_their_width() {
    for network in ["hrnet18_ocr64", "hrnet18s_ocr48_itermask", "hrnet32_ocr128", "hrnet48_ocr128"]
    {
        let tensors = hrnet(network);
        for prefix in ["", "model.", "module.model."] {
            let partial = opened(&tensors, prefix, network).unwrap();
            assert_eq!(partial.filled().len(), tensors.len() - 4, "{network}");
            assert_eq!((partial.missing().len(), partial.misshaped().len()), (0, 0));
            assert_eq!(partial.unused().len(), 4);
        }
    }
}

#[test]
fn the_head_of_an_hrnet_for_segmentation_becomes_the_auxiliary_head() {
    let mut tensors = hrnet("hrnet18_ocr64");
    tensors.push(("last_layer.0.weight".to_owned(), vec![270, 270, 1, 1]));
    tensors.push(("last_layer.3.weight".to_owned(), vec![19, 270, 1, 1]));
    let partial = opened(&tensors, "model.", "hrnet18_ocr64").unwrap();
    let name = "feature_extractor.aux_head.0.weight".to_owned();
    assert!(partial.filled().contains(&name));
    assert_eq!(partial.misshaped().len(), 1);
    assert_eq!(partial.misshaped()[0].found, [19, 270, 1, 1]);
}

#[test]
fn a_file_of_another_network_is_refused_and_the_right_one_named() {
    let resnet18: Shapes = resnet("resnet34_dh128")
        .into_iter()
        .filter(|(name, _)| {
            ![
                "layer1.2", "layer2.2", "layer2.3", "layer3.2", "layer3.3", "layer3.4", "layer3.5",
                "layer4.2",
            ]
            .iter()
            .any(|block| name.starts_with(block))
        })
        .collect();
    let mut wide = resnet("resnet50_dh128");
    for (name, shape) in &mut wide {
        if name.contains(".conv2.") {
            shape[0] *= 2;
            shape[1] *= 2;
        }
    }
    let mut squeezed = lite();
    squeezed.push(("blocks.1.0.se.conv_reduce.weight".to_owned(), vec![4, 96, 1, 1]));
    let mut deeper = lite();
    deeper.push(("blocks.1.2.conv_dw.weight".to_owned(), vec![144, 1, 3, 3]));
    for (tensors, network, says) in [
        (resnet18, "resnet34_dh128", &["ResNet-18", "missing (", "ResNet-34: torchvision's"][..]),
        // What a shallower network needs is all there; it is another network all the same.
        (resnet("resnet101_dh256"), "resnet50_dh128", &["ResNet-101", "100 %", "resnet50_v1s"]),
        (resnet("resnet50_dh128"), "resnet101_dh256", &["ResNet-50", "resnet101_v1s"]),
        (resnet("resnet50_dh128"), "resnet34_dh128", &["ResNet-50", "of another shape"]),
        (wide, "resnet50_dh128", &["64, 64, 3, 3", "128, 128, 3, 3"]),
        (resnet("resnet34_dh128"), "hrnet18_ocr64", &["ResNet-34", "1 %", "HRNetV2-W18 (timm"]),
        (hrnet("hrnet18_ocr64"), "hrnet18s_ocr64", &["HRNetV2-W18,", "W18-Small-v2"]),
        (hrnet("hrnet18s_ocr64"), "hrnet18_ocr64", &["HRNetV2-W18-Small", "HRNetV2-W18 ("]),
        (hrnet("hrnet32_ocr128"), "hrnet48_ocr128", &["HRNetV2-W32", "HRNetV2-W48 ("]),
        (hrnet("hrnet18_ocr64"), "resnet50_dh128", &["HRNetV2-W18", "ResNet-50: Gluon's"]),
        (squeezed, "lite0_dh64", &["squeeze-and-excitation", "tf_efficientnet_lite0"]),
        (deeper, "lite0_dh64", &["an EfficientNet of 17 blocks", "1 unexpected"]),
    ] {
        let error = opened(&tensors, "", network).unwrap_err();
        assert_eq!(error.fault(), Fault::File);
        let message = error.to_string();
        assert!(says.iter().all(|says| message.contains(says)), "{network}: {message}");
        assert!(message.len() < 900, "{message}");
    }
}

#[test]
fn a_file_without_a_backbone_is_refused() {
    let tensors = vec![("encoder.weight".to_owned(), vec![3])];
    let error = opened(&tensors, "", "resnet50_dh128").unwrap_err();
    assert!(matches!(error, WeightsError::Unrecognized { .. }));
    let message = error.to_string();
    assert!(message.contains("layer1.0.conv1.weight") && message.contains("encoder.weight"));
}

#[test]
fn whole_numbers_for_parameters_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backbone.safetensors");
    let mut tensors = Spoilt::new("hrnet1s_ocr1");
    tensors.put("feature_extractor.conv1.weight", Dtype::I32, &[64, 3, 3, 3]);
    tensors.write(&path, &[]);
    let backbone = Backbone::open(&path).unwrap();
    let error = backbone.for_network(&architecture("hrnet1s_ocr1")).unwrap_err().to_string();
    assert!(error.contains("conv1.weight holds i32 numbers"), "{error}");
}

/// Parameters that are all alike.
struct Even(f32);

impl ParameterSource for Even {
    fn read(&mut self, _: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        Ok(vec![self.0; shape.iter().product()])
    }
}

/// Both of PyTorch's containers, as whole networks: a backbone is taken out of any checkpoint.
#[test]
fn values_are_the_files_where_it_has_them_and_others_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.pth");
    let tiny = architecture("hrnet1s_ocr1");
    let scaling = InputScaling::PUBLISHED;
    save_pytorch(&path, &mut Formula, &tiny, &scaling, Flavor::Fbrs, 3).unwrap();
    let target = architecture("hrnet1s_ocr2_itermask");
    for (file, is_exact) in [(path, true), (golden("stream.pth"), false)] {
        let mut backbone = Backbone::open(&file).unwrap().for_network(&target).unwrap();
        assert!(backbone.missing().is_empty(), "{:?}", backbone.missing());
        let filled = backbone.filled().to_vec();
        let mut source = backbone.over(Even(0.5));
        for parameter in target.parameters() {
            let (name, shape) = (&parameter.name, &parameter.shape);
            let values = source.read(name, shape).unwrap();
            let formula = testing::values(name, shape);
            if filled.contains(name) {
                let close =
                    |(a, b): (&f32, &f32)| (a - b).abs() <= if is_exact { 0.0 } else { 0.01 };
                assert!(values.iter().zip(&formula).all(close), "{name}");
            } else {
                assert_eq!(values, Even(0.5).read(name, shape).unwrap(), "{name}");
                let outside = ["maps_transform", "_head", "conv3x3_ocr"];
                assert!(outside.iter().any(|part| name.contains(part)), "{name}");
            }
        }
    }
}

/// EfficientNet-Lite0 as timm calls its layers.
fn lite() -> Shapes {
    let stages = [1, 2, 2, 3, 3, 4, 1];
    let mut places = Vec::new();
    for (stage, blocks) in stages.into_iter().enumerate() {
        places.extend((0..blocks).map(|index| (stage, index)));
    }
    let renamed =
        below("lite0_dh64", "feature_extractor.backbone.").into_iter().map(|(name, shape)| {
            let Some(rest) = name.strip_prefix("blocks.") else {
                return (name.replace("bn0", "bn1"), shape);
            };
            let (block, rest) = rest.split_once('.').unwrap();
            let (layer, part) = rest.split_once('.').unwrap();
            let (stage, index) = places[block.parse::<usize>().unwrap()];
            let layer = match (stage, layer) {
                (0, "depthwise_conv") => "conv_dw",
                (0, "project_conv") => "conv_pw",
                (0, norm) => norm,
                (_, "expand_conv") => "conv_pw",
                (_, "bn0") => "bn1",
                (_, "depthwise_conv") => "conv_dw",
                (_, "bn1") => "bn2",
                (_, "project_conv") => "conv_pwl",
                (_, "bn2") => "bn3",
                (_, other) => panic!("{other}"),
            };
            (format!("blocks.{stage}.{index}.{layer}.{part}"), shape)
        });
    let mut tensors: Shapes = renamed.collect();
    tensors.push(("conv_head.weight".to_owned(), vec![1280, 320, 1, 1]));
    tensors.push(("bn2.weight".to_owned(), vec![1280]));
    tensors.push(("classifier.weight".to_owned(), vec![1000, 1280]));
    tensors
}

/// Writes the formula's values of the names in the file.
fn write_formula(path: &Path, tensors: &Shapes) {
    let mut file = Spoilt(Default::default());
    for (name, shape) in tensors {
        let values = testing::values(name, shape);
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        file.0.insert(name.clone(), (Dtype::F32, shape.clone(), bytes));
    }
    file.write(path, &[]);
}

const STEM: (&str, [usize; 4]) = ("feature_extractor.backbone.conv_stem.weight", [32, 3, 3, 3]);
const MEAN: &str = "feature_extractor.backbone.bn0.running_mean";
const FACTOR: &str = "feature_extractor.backbone.blocks.3.bn1.weight";

#[test]
fn an_efficientnet_lite0_answers_alike_on_our_colors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lite.safetensors");
    write_formula(&path, &lite());
    let target = architecture("lite0_dh64");
    let mut partial = Backbone::open(&path).unwrap().for_network(&target).unwrap();
    assert!(partial.missing().is_empty(), "{:?}", partial.missing());
    assert_eq!(partial.filled().len(), lite().len() - 3);
    assert_eq!(partial.unused(), ["bn2.weight", "classifier.weight", "conv_head.weight"]);
    assert!(partial.remark().unwrap().contains("TensorFlow's is taken for granted"));
    // Not the stem's: as in the file, under timm's name.
    let depthwise = "feature_extractor.backbone.blocks.3.depthwise_conv.weight";
    let values = partial.values(depthwise, &[144, 1, 5, 5]).unwrap().unwrap();
    assert_eq!(values, testing::values("blocks.2.0.conv_dw.weight", &[144, 1, 5, 5]));

    // A pixel of any color, everywhere: what the stem's normalization sees, less its running mean, is
    // the same in both networks.
    let kernels = partial.values(STEM.0, &STEM.1).unwrap().unwrap();
    let means = partial.values(MEAN, &[32]).unwrap().unwrap();
    let published = testing::values("conv_stem.weight", &STEM.1);
    let published_means = testing::values("bn1.running_mean", &[32]);
    let InputScaling { mean, deviation, .. } = InputScaling::PUBLISHED;
    for color in [[0.0, 0.0, 0.0], [255.0, 10.0, 120.0], [40.0, 200.0, 255.0]] {
        let ours: [f64; 3] = std::array::from_fn(|channel| {
            (color[channel] / 255.0 - f64::from(mean[channel])) / f64::from(deviation[channel])
        });
        let theirs = color.map(|value| (value - 127.0) / 128.0);
        for output in 0..32 {
            let answer = |kernels: &[f32], color: [f64; 3]| -> f64 {
                let kernel = kernels[output * 27..(output + 1) * 27].chunks(9);
                kernel
                    .zip(color)
                    .map(|(area, value)| area.iter().map(|w| f64::from(*w) * value).sum::<f64>())
                    .sum()
            };
            let expected = answer(&published, theirs) - f64::from(published_means[output]);
            let found = answer(&kernels, ours) - f64::from(means[output]);
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
}

#[test]
fn timms_own_efficientnet_lite0_has_our_colors_and_another_epsilon() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lite.safetensors");
    write_formula(&path, &lite());
    let backbone = Backbone::open(&path).unwrap().with_lite_origin(LiteOrigin::Timm);
    let mut partial = backbone.for_network(&architecture("lite0_dh64")).unwrap();
    assert_eq!(partial.remark(), None);
    let kernels = partial.values(STEM.0, &STEM.1).unwrap().unwrap();
    assert_eq!(kernels, testing::values("conv_stem.weight", &STEM.1));
    let factors = partial.values(FACTOR, &[144]).unwrap().unwrap();
    let published = testing::values("blocks.2.0.bn2.weight", &[144]);
    let variances = testing::values("blocks.2.0.bn2.running_var", &[144]);
    for ((factor, published), variance) in factors.iter().zip(published).zip(variances) {
        let expected = published / (variance + 1e-5).sqrt();
        assert!((factor / (variance + 1e-3).sqrt() - expected).abs() < 1e-6);
        assert_ne!(*factor, published);
    }
}

#[test]
fn a_lite_network_of_ours_needs_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours.safetensors");
    Spoilt::new("lite0_dh64").write(&path, &[]);
    let target = architecture("lite0_dh64");
    let mut partial = Backbone::open(&path).unwrap().for_network(&target).unwrap();
    assert_eq!(partial.remark(), None);
    for parameter in target.parameters() {
        if let Some(values) = partial.values(&parameter.name, &parameter.shape).unwrap() {
            assert_eq!(values, testing::values(&parameter.name, &parameter.shape));
        }
    }
    assert!(partial.filled().iter().all(|name| name.contains(".backbone.")));
}

#[test]
fn a_checkpoint_that_lacks_parameters_is_opened_on_request_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("partial.safetensors");
    let mut tensors = Spoilt::new("hrnet1s_ocr1");
    tensors.0.remove("rgb_conv.0.bias").unwrap();
    tensors.put("feature_extractor.cls_head.weight", Dtype::F32, &[1, 7, 1, 1]);
    tensors.put("something.else", Dtype::F32, &[1]);
    tensors.rename(|name| format!("module.{name}"));
    tensors.write(&path, &[]);
    let error = Checkpoint::open(&path, ExtraKeys::Ignore).unwrap_err();
    assert!(matches!(error, WeightsError::Mismatch(_)), "{error}");

    let target = architecture("hrnet1s_ocr1");
    let mut partial = Partial::open(&path, &target).unwrap();
    assert_eq!(partial.missing(), ["rgb_conv.0.bias"]);
    assert_eq!(partial.misshaped()[0].name, "feature_extractor.cls_head.weight");
    assert_eq!(partial.unused(), ["something.else"]);
    assert_eq!(partial.filled().len(), target.parameters().len() - 2);
    assert_eq!(partial.values("rgb_conv.0.bias", &[8]).unwrap(), None);
    let error = partial.values("rgb_conv.0.weight", &[8]).unwrap_err();
    assert_eq!(error.fault(), Fault::Caller);
    let mut source = partial.over(Even(0.25));
    assert_eq!(source.read("rgb_conv.0.bias", &[8]).unwrap(), [0.25; 8]);
    let values = source.read("rgb_conv.0.weight", &[8, 5, 1, 1]).unwrap();
    assert_eq!(values, testing::values("rgb_conv.0.weight", &[8, 5, 1, 1]));
}

#[test]
fn a_network_of_another_kind_starts_from_what_both_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fbrs.safetensors");
    Spoilt::new("hrnet1s_ocr1").write(&path, &[]);
    let partial = Partial::open(&path, &architecture("hrnet1s_ocr1_itermask")).unwrap();
    assert_eq!(partial.missing().len(), 5);
    assert!(partial.missing().iter().all(|name| name.starts_with("maps_transform.")));
    assert!(partial.unused().iter().all(|name| name.starts_with("rgb_conv.")));

    let error = Partial::open(&path, &architecture("resnet34_dh128_nofusion")).unwrap_err();
    assert!(error.to_string().contains("is one of resnet34_dh128_nofusion's"), "{error}");
}

#[test]
fn a_value_that_is_no_number_is_told_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nan.safetensors");
    let mut tensors = Spoilt::new("hrnet1s_ocr1");
    tensors.set_first("feature_extractor.bn1.bias", f32::NAN);
    tensors.write(&path, &[]);
    let target = architecture("hrnet1s_ocr1");
    let mut partial = Backbone::open(&path).unwrap().for_network(&target).unwrap();
    let error = partial.values("feature_extractor.bn1.bias", &[64]).unwrap_err();
    assert!(matches!(error, WeightsError::NotFinite { .. }), "{error}");
    assert!(error.to_string().contains("bn1.bias"));
}
