use fbrs::{Architecture, DiscRule, Mode, NetClicks, Options, RefineOptions, View, ZoomIn};
use fbrs_data::sets::{Layout, OpenedData};
use fbrs_data::text::printable;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Clicks on an object.
const MOST_CLICKS: usize = 1000;

/// How objects are clicked and answered. The default is the published evaluation of f-BRS-B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Published name of the mode.
    pub mode: String,
    /// A pixel is object where its probability exceeds this. Published: 0.49.
    pub threshold: f64,
    /// Clicking of an object ends when its IoU is at least this. Published: 0.9.
    pub target_iou: f64,
    /// Clicking of an object ends after this many clicks. Published: 20.
    pub max_clicks: usize,
    /// Zooms in to the object. Published: on.
    pub zoom_in: bool,
    /// Longer side of the zoom-in crop; `None` for the published one of each data set: 600 for
    /// DAVIS, 400 for the others.
    pub zoom_size: Option<usize>,
    /// As [`ZoomIn::skip_clicks`].
    #[serde(default = "published::skip_clicks")]
    pub zoom_after: usize,
    /// As [`ZoomIn::from_start`].
    #[serde(default)]
    pub zoom_from_start: bool,
    /// As [`ZoomIn::fixed_crop`].
    #[serde(default)]
    pub zoom_fixed: bool,
    /// As [`ZoomIn::expansion_ratio`].
    #[serde(default = "published::expansion_ratio")]
    pub zoom_expansion: f64,
    /// Averages the answers to the image and to its mirror image. Published: on.
    pub flip: bool,
    /// Longest side that the network sees; `None`, as published, for no limit.
    pub max_size: Option<usize>,
    /// Clicks that go into the network; `None` for the mode's published number.
    pub net_clicks: Option<usize>,
    /// As [`RefineOptions::min_iou_diff`].
    pub min_iou_diff: f64,
    /// As [`RefineOptions::max_evaluations`].
    pub max_evaluations: u64,
    /// As [`RefineOptions::regularization`].
    #[serde(default = "published::regularization")]
    pub regularization: f64,
    /// Click discs that leave the crop behave as in the published code.
    pub reference_discs: bool,
}

/// What runs did before these settings were in their journals.
mod published {
    use fbrs::{RefineOptions, ZoomIn};

    pub(super) fn skip_clicks() -> usize {
        ZoomIn::default().skip_clicks
    }

    pub(super) fn expansion_ratio() -> f64 {
        ZoomIn::default().expansion_ratio
    }

    pub(super) fn regularization() -> f64 {
        RefineOptions::default().regularization
    }
}

impl Default for Settings {
    fn default() -> Self {
        let refine = RefineOptions::default();
        Self {
            mode: refine.mode.to_string(),
            threshold: 0.49,
            target_iou: 0.9,
            max_clicks: 20,
            zoom_in: true,
            zoom_size: None,
            zoom_after: published::skip_clicks(),
            zoom_from_start: false,
            zoom_fixed: false,
            zoom_expansion: published::expansion_ratio(),
            flip: true,
            max_size: None,
            net_clicks: None,
            min_iou_diff: refine.min_iou_diff,
            max_evaluations: refine.max_evaluations,
            regularization: refine.regularization,
            reference_discs: false,
        }
    }
}

impl Settings {
    /// The published evaluation for the published networks, and for others the settings that they
    /// are used with ([`Options::for_network`]), judged in the published way.
    pub fn for_network(architecture: &Architecture) -> Self {
        let Options { view, max_size, flip, refine, .. } = Options::for_network(architecture);
        let mode = refine.mode.to_string();
        let Architecture::Lite(_) = architecture else { return Self { mode, ..Self::default() } };
        let mut settings = Self { mode, max_size, flip, ..Self::default() };
        if let View::ZoomIn(zoom) = view {
            settings.zoom_size = Some(zoom.target_size);
            settings.zoom_after = zoom.skip_clicks;
            settings.zoom_expansion = zoom.expansion_ratio;
        }
        settings.net_clicks = match refine.net_clicks {
            NetClicks::First(count) => Some(count),
            NetClicks::All => Some(MOST_CLICKS),
            _ => None,
        };
        settings.min_iou_diff = refine.min_iou_diff;
        settings.max_evaluations = refine.max_evaluations;
        settings.regularization = refine.regularization;
        settings
    }

    /// The options of sessions on data of this layout.
    ///
    /// # Errors
    /// [`Error::Parameter`] and [`Error::Segment`] for a parameter out of its range.
    pub fn options(&self, layout: Layout) -> Result<Options> {
        let mode = self.mode.parse::<Mode>().map_err(|_| Error::Parameter {
            name: "mode",
            expected: "a published mode",
            found: self.mode.clone(),
        })?;
        if !(1..=MOST_CLICKS).contains(&self.max_clicks) {
            let found = self.max_clicks.to_string();
            return Err(Error::Parameter { name: "max clicks", expected: "1 to 1000", found });
        }
        if !(self.target_iou > 0.0 && self.target_iou <= 1.0) {
            let found = self.target_iou.to_string();
            let expected = "a number above 0, at most 1";
            return Err(Error::Parameter { name: "target IoU", expected, found });
        }
        let zoom_size = self.zoom_size.unwrap_or_else(|| layout.published_zoom_size());
        let zoom = ZoomIn::default()
            .with_target_size(zoom_size)
            .with_skip_clicks(self.zoom_after)
            .with_from_start(self.zoom_from_start)
            .with_fixed_crop(self.zoom_fixed)
            .with_expansion_ratio(self.zoom_expansion);
        let refine = RefineOptions::default()
            .with_mode(mode)
            .with_net_clicks(self.net_clicks.map_or(NetClicks::Published, NetClicks::First))
            .with_max_evaluations(self.max_evaluations)
            .with_threshold(self.threshold as f32)
            .with_min_iou_diff(self.min_iou_diff)
            .with_regularization(self.regularization)
            .with_discs(match self.reference_discs {
                true => DiscRule::Reference,
                false => DiscRule::Clipped,
            });
        let options = Options::default()
            .with_view(if self.zoom_in { View::ZoomIn(zoom) } else { View::Whole })
            .with_max_size(self.max_size)
            .with_flip(self.flip)
            .with_refine(refine);
        options.check()?;
        Ok(options)
    }
}

/// The network that is evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Name of the weights, without folder and ending.
    pub weights: String,
    /// SHA-256 of their file, hexadecimal; of the file they were made from where they are part of
    /// the program.
    pub sha256: Option<String>,
    /// The architecture.
    pub architecture: String,
    /// Kind of the device: cpu, wgpu or cuda.
    pub device: String,
}

/// A data set as a journal knows it. Not where it lies: machines mount it at different places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataId {
    /// Its name in tables.
    pub name: String,
    /// Its layout.
    pub layout: Layout,
    /// Number of its objects.
    pub objects: usize,
    /// SHA-256 over the names of its objects, hexadecimal.
    pub sha256: String,
}

impl DataId {
    /// The identity of an opened data set.
    pub fn new(data: &OpenedData) -> Self {
        let mut hasher = Sha256::new();
        for key in &data.objects {
            hasher.update(key.image.as_bytes());
            hasher.update([0, u8::from(key.object.is_some())]);
            hasher.update(key.object.unwrap_or(0).to_le_bytes());
        }
        let sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let (name, layout) = (data.name.clone(), data.layout);
        Self { name, layout, objects: data.objects.len(), sha256 }
    }
}

/// All that the results of a run depend on: the first line of its journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The network.
    pub network: Network,
    /// The settings.
    pub settings: Settings,
    /// The data sets, in order.
    pub data: Vec<DataId>,
}

impl Configuration {
    /// Number of objects of all data sets.
    pub fn objects(&self) -> usize {
        self.data.iter().fold(0, |sum, data| sum.saturating_add(data.objects))
    }

    /// What differs from another configuration, in words: there, here.
    pub fn differences(&self, there: &Self) -> Vec<String> {
        let json = |configuration| serde_json::to_value(configuration).unwrap_or_default();
        let mut differences = Vec::new();
        compare("", &json(there), &json(self), &mut differences);
        differences
    }
}

fn compare(
    name: &str,
    there: &serde_json::Value,
    here: &serde_json::Value,
    differences: &mut Vec<String>,
) {
    use serde_json::Value;
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match (there, here) {
        (there, here) if there == here => {}
        (Value::Object(there), Value::Object(here)) => {
            for (key, value) in here {
                compare(&inner(key), there.get(key).unwrap_or(&Value::Null), value, differences);
            }
        }
        (Value::Array(there), Value::Array(here)) if there.len() == here.len() => {
            for (index, (there, here)) in there.iter().zip(here).enumerate() {
                compare(&inner(&index.to_string()), there, here, differences);
            }
        }
        (Value::Array(there), Value::Array(here)) => {
            differences.push(format!("{name}: {} there, {} here", there.len(), here.len()));
        }
        (there, here) => {
            let (there, here) = (printable(&there.to_string()), printable(&here.to_string()));
            differences.push(format!("{name}: {there} there, {here} here"));
        }
    }
}
