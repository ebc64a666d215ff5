//! Backbones that were trained on other tasks, ImageNet's classification above all.

mod lite;
mod mismatch;
mod names;

use std::collections::HashSet;
use std::path::Path;

use fbrs_data::text::printable;
use fbrs_models::{Architecture, ParameterShape};

use crate::entry::{Contents, Entry};
use crate::reading::Reading;
use crate::recognize::{Matched, matched};
use crate::state_dict::{StateDict, state_dict};
use crate::{Partial, WeightsError, open};

pub use lite::LiteOrigin;
use lite::Naming;
pub use mismatch::BackboneMismatch;
use names::Family;

/// Share of a backbone's values that a file must fill, in percent.
const ENOUGH: usize = 90;

/// An opened file with a ResNet, an HRNet or an EfficientNet-Lite0, a classifier or any other network
/// around it.
///
/// ```no_run
/// use fbrs_models::Architecture;
/// use fbrs_weights::Backbone;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let architecture: Architecture = "resnet50_dh128".parse()?;
/// let mut backbone = Backbone::open("resnet50.pth")?.for_network(&architecture)?;
/// println!("{} parameters come from the file", backbone.filled().len());
/// // Of torchvision's file: the stem's.
/// for name in backbone.missing() {
///     println!("the file does not have {name}");
/// }
/// # struct Initial;
/// # impl fbrs_models::ParameterSource for Initial {
/// #     fn read(&mut self, _: &str, shape: &[usize]) -> Result<Vec<f32>, fbrs_models::BoxError> {
/// #         Ok(vec![0.0; shape.iter().product()])
/// #     }
/// # }
/// let mut parameters = backbone.over(Initial);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Backbone {
    reading: Reading,
    family: Family,
    kind: String,
    /// Under the names that they have in their own network, without prefixes.
    entries: Vec<Entry>,
    beside: Vec<String>,
    remark: Option<String>,
    origin: Option<LiteOrigin>,
}

impl Backbone {
    /// Opens a file of any format of weights: PyTorch's two containers, safetensors. It may hold its
    /// state dict under a key and under any prefix, and more than a backbone.
    ///
    /// # Errors
    /// As [`Checkpoint::open`](crate::Checkpoint::open) where the file is no sound file of weights;
    /// [`WeightsError::Unrecognized`] where it has none of the known backbones.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        let path = path.as_ref();
        let Contents { container, source, mut entries, .. } = open::open(path)?;
        let reading = Reading { shown: printable(&path.display().to_string()), container, source };
        let Some(family) = Family::of(&entries) else {
            let first: Vec<_> =
                entries.iter().take(3).map(|entry| printable(&entry.name)).collect();
            let reason = format!(
                "expected the names of a ResNet (layer1.0.conv1.weight, …), an HRNet \
                 (stage2.0.branches.0.0.conv1.weight, …) or an EfficientNet-Lite0 (conv_stem.weight, \
                 blocks.0.0.conv_dw.weight, …), found {} tensors ({}, …)",
                entries.len(),
                first.join(", ")
            );
            return Err(WeightsError::Unrecognized { file: reading.shown, reason });
        };
        if let Family::Lite(naming) = family {
            entries.iter_mut().for_each(|entry| entry.name = naming.plain(&entry.name));
        }
        let StateDict { entries, beside, remark } = state_dict(entries, family.mark());
        let kind = family.kind(&entries);
        Ok(Self { reading, family, kind, entries, beside, remark, origin: None })
    }

    /// What the file holds: "ResNet-50", "HRNetV2-W18", "a ResNet of 2, 2, 2, 2 blocks".
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// States whose training an EfficientNet-Lite0 comes from, which its file does not say.
    #[must_use]
    pub fn with_lite_origin(self, origin: LiteOrigin) -> Self {
        Self { origin: Some(origin), ..self }
    }

    /// The parameters of a network's backbone that are in the file. Of an HRNet for segmentation, the
    /// layers of its own head that the network's auxiliary head has too are taken beside it.
    ///
    /// # Errors
    /// [`WeightsError::Backbone`] where they are less than 90 % of the backbone's values, or the file's
    /// network has more layers than the backbone; [`WeightsError::Unsupported`] where a parameter is
    /// stored in numbers that no parameter can be.
    pub fn for_network(self, architecture: &Architecture) -> Result<Partial, WeightsError> {
        let Self { reading, family, kind, entries, mut beside, mut remark, origin } = self;
        let parameters = names::backbone(architecture);
        let total = values(&parameters);
        let has_head = family == Family::HrNet && entries.iter().any(names::is_head);
        let head = if has_head { names::auxiliary_head(architecture) } else { Vec::new() };
        let prefix = names::prefix(architecture);
        let name = |parameter: &ParameterShape| parameter.name.clone();
        let own: HashSet<_> = parameters.iter().map(name).collect();
        let all: HashSet<_> = head.iter().map(name).chain(own.iter().cloned()).collect();
        let renamed = |mut entry: Entry| {
            let name = family.in_network(&entry.name).map(|name| format!("{prefix}{name}"));
            if let Some(name) = name.filter(|name| all.contains(name)) {
                entry.name = name;
            }
            entry
        };
        let entries = entries.into_iter().map(renamed).collect();
        let wanted = parameters.iter().chain(&head).cloned().collect();
        let mut matched = matched(&reading.shown, wanted, entries)?;
        let filled = matched.matched.iter().filter(|entry| own.contains(&entry.name));
        let filled: usize = filled.map(|entry| entry.shape.iter().product::<usize>()).sum();
        let surplus: Vec<_> =
            matched.others.iter().filter(|name| family.is_own(name)).cloned().collect();
        let percent = filled.saturating_mul(100).checked_div(total).unwrap_or_default();
        if percent < ENOUGH || !surplus.is_empty() {
            return Err(refused(reading.shown, kind, architecture, percent, matched, surplus));
        }
        matched.others.append(&mut beside);
        let needs_change = matches!(family, Family::Lite(naming) if naming != Naming::Ours);
        if needs_change && origin.is_none() {
            remark = Some(match remark {
                Some(remark) => format!("{remark}; {}", lite::GUESSED),
                None => lite::GUESSED.to_owned(),
            });
        }
        let mut partial = Partial::new(reading, matched, remark);
        if needs_change {
            lite::adapt(&mut partial, prefix, origin.unwrap_or(LiteOrigin::TensorFlow));
        }
        Ok(partial)
    }
}

fn refused(
    file: String,
    kind: String,
    architecture: &Architecture,
    percent: usize,
    matched: Matched,
    mut surplus: Vec<String>,
) -> WeightsError {
    surplus.sort();
    let Matched { missing, misshaped, .. } = matched;
    WeightsError::Backbone(Box::new(BackboneMismatch {
        file,
        kind,
        architecture: architecture.to_string(),
        percent,
        missing,
        misshaped,
        unexpected: surplus,
        expected: names::expected(architecture),
    }))
}

fn values(parameters: &[ParameterShape]) -> usize {
    parameters.iter().map(ParameterShape::count).sum()
}
