//! What a network of RITM's kind is, as RITM's own checkpoints have it under `config`.

use fbrs_models::{Architecture, Guidance, GuidanceWay, PreviousMask, ResNet};

use super::pickle::Value;
use crate::InputScaling;

const BATCH_NORM: &str = "torch.nn.modules.batchnorm.BatchNorm2d";

/// The class and every parameter of its constructor: first those that are the network's own, then
/// those that are as RITM's class has them by default.
pub(super) fn config<'a>(
    architecture: &Architecture,
    guidance: Guidance,
    scaling: &InputScaling,
) -> Value<'a> {
    let mut parameters = Vec::new();
    let class = match architecture {
        Architecture::DeepLab(config) => {
            // As the published scripts have it; it changes nothing in use.
            let dropout = if config.channels < 256 { 0.2 } else { 0.5 };
            parameters.extend([
                given("backbone", Value::Text(name(config.backbone))),
                given("deeplab_ch", whole(config.channels)),
                given("aspp_dropout", Value::Real(dropout)),
            ]);
            "isegm.model.is_deeplab_model.DeeplabModel"
        }
        Architecture::HrNet(config) => {
            parameters.extend([
                given("width", whole(config.width)),
                given("ocr_width", whole(config.ocr_width)),
                given("small", Value::Truth(config.small)),
                given("with_aux_output", Value::Truth(config.ocr_width > 0)),
            ]);
            "isegm.model.is_hrnet_model.HRNetModel"
        }
        // Never of RITM's kind.
        Architecture::Lite(_) => "",
    };
    let truth = |name, truth| given(name, Value::Truth(truth));
    parameters.extend([
        truth("use_leaky_relu", guidance.leaky),
        truth("use_rgb_conv", guidance.way == GuidanceWay::RgbConv),
        truth("use_disks", guidance.discs),
        given("norm_radius", radius(scaling.norm_radius)),
        truth("with_prev_mask", guidance.previous_mask != PreviousMask::None),
    ]);
    // Older revisions of the class do not know these, and pass over what nobody gave.
    let (binary, extended) =
        (guidance.previous_mask == PreviousMask::Binary, guidance.way == GuidanceWay::StemExtended);
    let colors = Value::Tuple(vec![three(scaling.mean), three(scaling.deviation)]);
    parameters.extend([
        ("binary_prev_mask", record("builtin", Value::Truth(binary), binary)),
        ("conv_extend", record("builtin", Value::Truth(extended), extended)),
        ("norm_mean_std", record("builtin", colors, !scaling.has_usual_colors())),
        ("backbone_lr_mult", record("builtin", Value::Real(0.1), false)),
        ("norm_layer", record("class", Value::Text(BATCH_NORM), false)),
        ("cpu_dist_maps", record("builtin", Value::Truth(false), false)),
        ("clicks_groups", record("builtin", Value::None, false)),
    ]);
    if matches!(architecture, Architecture::DeepLab(_)) {
        parameters.push(("backbone_norm_layer", record("builtin", Value::None, false)));
    }
    Value::Dictionary(vec![
        ("class", Value::Text(class)),
        ("params", Value::Dictionary(parameters)),
    ])
}

fn given<'a>(name: &'static str, value: Value<'a>) -> (&'static str, Value<'a>) {
    (name, record("builtin", value, true))
}

fn record<'a>(kind: &'static str, value: Value<'a>, given: bool) -> Value<'a> {
    Value::Dictionary(vec![
        ("type", Value::Text(kind)),
        ("value", value),
        ("specified", Value::Truth(given)),
    ])
}

fn name(backbone: ResNet) -> &'static str {
    match backbone {
        ResNet::R34 => "resnet34",
        ResNet::R50 => "resnet50",
        ResNet::R101 => "resnet101",
        ResNet::R152 => "resnet152",
    }
}

fn whole<'a>(number: usize) -> Value<'a> {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A whole number where it is one, as the published files have it.
fn radius<'a>(pixels: f32) -> Value<'a> {
    if pixels.fract() == 0.0 { Value::Integer(pixels as i64) } else { Value::Real(decimal(pixels)) }
}

fn three<'a>(numbers: [f32; 3]) -> Value<'a> {
    Value::List(numbers.into_iter().map(|number| Value::Real(decimal(number))).collect())
}

/// The number that the shortest decimals of another mean: 0.485, not 0.48500001430511475.
fn decimal(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}
