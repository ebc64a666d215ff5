//! What a RITM checkpoint says of its network under `config`.
//!
//! All parameters of the network's class are stored, given or not, each as `{type, value, specified}`.
//! As the published loader does: a stored value holds whatever today's default is; one that this
//! program does not know is refused where somebody gave it and passed over where it was a default.

use fbrs_data::text::printable;
use fbrs_models::{
    Architecture, DeepLabConfig, Fusion, Guidance, GuidanceWay, HrNetConfig, PreviousMask, ResNet,
};
use serde_json::Value;

use crate::recognize::MAX_WIDTH;
use crate::scaling::{EXPECTED_NORMALIZATION, EXPECTED_RADIUS, InputScaling};

/// Parameters that change nothing in use: they belong to training, or choose between two ways of
/// computing the same.
const WITHOUT_EFFECT: [&str; 6] = [
    "aspp_dropout",
    "backbone_lr_mult",
    "with_aux_output",
    "cpu_dist_maps",
    "norm_layer",
    "backbone_norm_layer",
];

/// Parameters that are read below.
const KNOWN: [&str; 13] = [
    "width",
    "ocr_width",
    "small",
    "backbone",
    "deeplab_ch",
    "use_rgb_conv",
    "use_leaky_relu",
    "use_disks",
    "norm_radius",
    "with_prev_mask",
    "binary_prev_mask",
    "conv_extend",
    "norm_mean_std",
];

/// A network as its configuration has it.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) architecture: Architecture,
    pub(crate) scaling: InputScaling,
}

/// Reads a configuration; `None` for one of another kind, which programs put beside their weights.
/// The error is a clause that says what is wrong.
pub(crate) fn describe(config: &Value) -> Result<Option<Described>, String> {
    let (Some(class), Some(parameters)) = (config.get("class"), config.get("params")) else {
        return Ok(None);
    };
    let (Some(class), Some(parameters)) = (class.as_str(), parameters.as_object()) else {
        return Ok(None);
    };
    let is_hrnet = match class.rsplit('.').next() {
        Some("HRNetModel") => true,
        Some("DeeplabModel") => false,
        _ => {
            let class = printable(class);
            return Err(format!(
                "its config is of class {class}, expected HRNetModel or DeeplabModel"
            ));
        }
    };
    for (name, record) in parameters {
        let given = record.get("specified").and_then(Value::as_bool).unwrap_or(true);
        let value = record.get("value").unwrap_or(&Value::Null);
        let known = KNOWN.contains(&name.as_str()) || WITHOUT_EFFECT.contains(&name.as_str());
        if name == "clicks_groups" {
            if !value.is_null() {
                return Err("its config divides clicks into groups (clicks_groups), which is not \
                            supported"
                    .to_owned());
            }
        } else if !known && given {
            let name = printable(name);
            return Err(format!("its config sets {name}, which this program does not know"));
        }
    }
    let config = Parameters(parameters);
    let way = match (config.truth("use_rgb_conv", true)?, config.truth("conv_extend", false)?) {
        (true, _) => GuidanceWay::RgbConv,
        (false, true) => GuidanceWay::StemExtended,
        (false, false) => GuidanceWay::Stem,
    };
    let masks = (config.truth("with_prev_mask", false)?, config.truth("binary_prev_mask", false)?);
    let previous_mask = match masks {
        (false, _) => PreviousMask::None,
        (true, false) => PreviousMask::Probabilities,
        (true, true) => PreviousMask::Binary,
    };
    // The extended way has no activation; the other name for the same network is not used.
    let leaky = config.truth("use_leaky_relu", false)? || way == GuidanceWay::StemExtended;
    let discs = config.truth("use_disks", false)?;
    let fusion = Fusion::Guided(Guidance { way, leaky, previous_mask, discs });
    let architecture = if is_hrnet {
        Architecture::HrNet(HrNetConfig {
            small: config.truth("small", false)?,
            width: config.width("width", 48, 1)?,
            ocr_width: config.width("ocr_width", 256, 0)?,
            fusion,
        })
    } else {
        let channels = config.width("deeplab_ch", 256, 2)?;
        if channels % 2 != 0 {
            return Err(format!("its config has deeplab_ch {channels}, expected an even number"));
        }
        Architecture::DeepLab(DeepLabConfig { backbone: config.backbone()?, channels, fusion })
    };
    Ok(Some(Described { architecture, scaling: config.scaling()? }))
}

/// The parameters by name.
struct Parameters<'a>(&'a serde_json::Map<String, Value>);

impl Parameters<'_> {
    fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)?.get("value")
    }

    fn wrong(&self, name: &str, expected: &str) -> String {
        let found = self.value(name).map_or_else(String::new, Value::to_string);
        let found: String = printable(&found).chars().take(60).collect();
        format!("its config has {name} = {found}, expected {expected}")
    }

    fn truth(&self, name: &str, default: bool) -> Result<bool, String> {
        match self.value(name) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(name, "true or false")),
        }
    }

    fn width(&self, name: &str, default: usize, least: usize) -> Result<usize, String> {
        let Some(value) = self.value(name) else { return Ok(default) };
        let width = value.as_u64().and_then(|width| usize::try_from(width).ok());
        let width = width.filter(|width| (least..=MAX_WIDTH).contains(width));
        width
            .ok_or_else(|| self.wrong(name, &format!("a whole number from {least} to {MAX_WIDTH}")))
    }

    fn backbone(&self) -> Result<ResNet, String> {
        match self.value("backbone").map(Value::as_str) {
            None => Ok(ResNet::R50),
            Some(Some("resnet34")) => Ok(ResNet::R34),
            Some(Some("resnet50")) => Ok(ResNet::R50),
            Some(Some("resnet101")) => Ok(ResNet::R101),
            Some(Some("resnet152")) => Ok(ResNet::R152),
            Some(_) => Err(self.wrong("backbone", "resnet34, resnet50, resnet101 or resnet152")),
        }
    }

    fn scaling(&self) -> Result<InputScaling, String> {
        let mut scaling = InputScaling::PUBLISHED;
        if let Some(value) = self.value("norm_radius") {
            let radius = value.as_f64().map(|radius| radius as f32);
            let radius = radius.filter(|radius| InputScaling::holds_radius(*radius));
            scaling.norm_radius =
                radius.ok_or_else(|| self.wrong("norm_radius", EXPECTED_RADIUS))?;
        }
        if let Some(value) = self.value("norm_mean_std") {
            let three = |index: usize| -> Option<[f32; 3]> {
                let values = value.get(index)?.as_array()?;
                let values = values.iter().map(|value| value.as_f64().map(|value| value as f32));
                values.collect::<Option<Vec<_>>>()?.try_into().ok()
            };
            let both = three(0).zip(three(1));
            let wrong = || self.wrong("norm_mean_std", EXPECTED_NORMALIZATION);
            (scaling.mean, scaling.deviation) = both.ok_or_else(wrong)?;
            if !scaling.holds_normalization() {
                return Err(wrong());
            }
        }
        Ok(scaling)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    /// The published small network's configuration, with other values.
    fn config(changes: &[(&str, Value)]) -> Value {
        let mut parameters = json!({});
        let usual = [
            ("width", json!(18)),
            ("ocr_width", json!(48)),
            ("small", json!(true)),
            ("with_prev_mask", json!(true)),
            ("use_leaky_relu", json!(true)),
            ("use_rgb_conv", json!(false)),
            ("use_disks", json!(true)),
            ("norm_radius", json!(5)),
            ("norm_mean_std", json!([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])),
        ];
        for (name, value) in usual.iter().chain(changes) {
            parameters[*name] = json!({ "type": "builtin", "value": value, "specified": true });
        }
        json!({ "class": "isegm.model.is_hrnet_model.HRNetModel", "params": parameters })
    }

    fn refusal(changes: &[(&str, Value)]) -> String {
        describe(&config(changes)).unwrap_err()
    }

    #[test]
    fn published_configurations_are_read() {
        let described = describe(&config(&[])).unwrap().unwrap();
        assert_eq!(described.architecture.to_string(), "hrnet18s_ocr48_itermask");
        assert_eq!(described.scaling, InputScaling::RITM);
        let other = [
            ("use_disks", json!(false)),
            ("norm_radius", json!(260)),
            ("with_prev_mask", json!(false)),
            ("norm_mean_std", json!([[0.5, 0.5, 0.5], [0.25, 0.25, 0.25]])),
            ("aspp_dropout", json!(0.2)),
            ("clicks_groups", Value::Null),
        ];
        let described = describe(&config(&other)).unwrap().unwrap();
        assert_eq!(described.architecture.to_string(), "hrnet18s_ocr48_distmaps_baseline");
        assert_eq!((described.scaling.norm_radius, described.scaling.mean), (260.0, [0.5; 3]));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_name() {
        for (name, value) in [
            ("width", json!(1_000_000)),
            ("width", json!(0)),
            ("width", json!(-18)),
            ("width", json!(18.5)),
            ("ocr_width", json!("48")),
            ("small", json!(1)),
            ("use_disks", json!("yes")),
            ("norm_radius", json!(0)),
            ("norm_radius", json!(1e30)),
            ("norm_mean_std", json!([[0.5, 0.5], [1, 1, 1]])),
            ("norm_mean_std", json!([[0.5, 0.5, 0.5], [1, 0, 1]])),
            ("norm_mean_std", Value::Null),
            ("clicks_groups", json!([3, 5])),
            ("some_later_option", json!(1)),
        ] {
            let error = refusal(&[(name, value.clone())]);
            assert!(error.contains(name), "{name} = {value}: {error}");
            assert!(error.len() < 250, "{error}");
        }
    }

    #[test]
    fn another_class_is_refused_and_another_description_is_none() {
        let mut other = config(&[]);
        other["class"] = json!("os.system");
        assert!(describe(&other).unwrap_err().contains("of class os.system"));
        for config in [json!(null), json!({}), json!({ "class": 3, "params": {} }), json!([1, 2])] {
            assert!(describe(&config).unwrap().is_none(), "{config}");
        }
    }

    /// A default that today's program does not know was the default of its day.
    #[test]
    fn unknown_defaults_are_passed_over() {
        let mut config = config(&[]);
        config["params"]["later"] = json!({ "type": "builtin", "value": 1, "specified": false });
        assert!(describe(&config).unwrap().is_some());
    }
}
