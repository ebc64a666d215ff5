//! Networks saved as PyTorch saves them, for programs that read nothing else.
//!
//! The container is that of `torch.save` since PyTorch 1.6: a zip archive in which nothing is
//! compressed, with the pickle of the state dict and a file of raw values for each tensor, at a multiple
//! of 64 bytes. The pickle names what `torch.load(…, weights_only=True)` permits and nothing else.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod archive;
mod pickle;
mod ritm;

use std::path::Path;

use fbrs_models::{Architecture, ParameterShape, ParameterSource};

use self::archive::Archive;
use self::pickle::{Kind, Stored, Value};
use crate::values::values;
use crate::{InputScaling, WeightsError};

/// Whose programs a PyTorch checkpoint is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flavor {
    /// f-BRS's: the state dict alone.
    Fbrs,
    /// RITM's: the state dict under `state_dict`, and what the network is under `config`.
    Ritm,
}

impl Flavor {
    /// The one that can hold a network.
    pub fn of(architecture: &Architecture) -> Self {
        if architecture.guidance().is_some() { Self::Ritm } else { Self::Fbrs }
    }
}

/// Writes a network as `torch.save` does: whole or not at all, and behind `path` where that is a link.
///
/// `source` is as for [`save_native`](crate::save_native). `batches_tracked` becomes the
/// `num_batches_tracked` of every batch normalization: the steps of training with batch statistics.
/// The same input always gives the same bytes.
///
/// Returns what the file cannot say of the network, in one sentence for whoever uses it.
///
/// ```
/// use fbrs_models::{Architecture, testing::Formula};
/// use fbrs_weights::{Checkpoint, ExtraKeys, Flavor, InputScaling, save_pytorch};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("trained.pth");
/// let architecture: Architecture = "hrnet1s_ocr1_itermask".parse()?;
/// let flavor = Flavor::of(&architecture);
/// assert_eq!(flavor, Flavor::Ritm);
/// save_pytorch(&path, &mut Formula, &architecture, &InputScaling::RITM, flavor, 1000)?;
/// let checkpoint = Checkpoint::open(&path, ExtraKeys::Refuse)?;
/// assert_eq!(checkpoint.architecture(), architecture);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`WeightsError::Flavor`] where these programs have no such network;
/// [`NormRadius`](WeightsError::NormRadius), [`Source`](WeightsError::Source),
/// [`NotFinite`](WeightsError::NotFinite) and [`Write`](WeightsError::Write) as for `save_native`. What
/// was at `path` is then as it was.
pub fn save_pytorch(
    path: impl AsRef<Path>,
    source: &mut dyn ParameterSource,
    architecture: &Architecture,
    scaling: &InputScaling,
    flavor: Flavor,
    batches_tracked: u64,
) -> Result<Option<String>, WeightsError> {
    let path = path.as_ref();
    if !InputScaling::holds_radius(scaling.norm_radius) {
        return Err(WeightsError::NormRadius { value: scaling.norm_radius });
    }
    let tensors = tensors(architecture);
    let stored = Value::StateDict(tensors.iter().map(Tensor::stored).collect());
    let root = match (flavor, architecture.guidance()) {
        (Flavor::Fbrs, None) => stored,
        (Flavor::Ritm, Some(guidance)) => Value::Dictionary(vec![
            ("state_dict", stored),
            ("config", ritm::config(architecture, guidance, scaling)),
        ]),
        (Flavor::Fbrs, Some(_)) => {
            return Err(refused(architecture, "f-BRS's programs have no networks of RITM's kind"));
        }
        (Flavor::Ritm, None) => {
            return Err(refused(architecture, "RITM's programs have no networks of f-BRS's kind"));
        }
    };

    let mut archive = Archive::new(path)?;
    archive.put("data.pkl", &pickle::pickle(&root))?;
    archive.put("byteorder", b"little")?;
    for (index, tensor) in tensors.iter().enumerate() {
        let bytes = match tensor {
            Tensor::Parameter(ParameterShape { name, shape, .. }) => {
                bytes(&values(source, name, shape)?)
            }
            // PyTorch counts with a sign.
            Tensor::Counter(_) => {
                i64::try_from(batches_tracked).unwrap_or(i64::MAX).to_le_bytes().to_vec()
            }
        };
        archive.put(&format!("data/{index}"), &bytes)?;
    }
    archive.put("version", b"3\n")?;
    archive.commit()?;
    Ok(if flavor == Flavor::Fbrs { unsaid(scaling) } else { None })
}

fn bytes(values: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.len().saturating_mul(size_of::<f32>()));
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

fn refused(architecture: &Architecture, reason: &'static str) -> WeightsError {
    WeightsError::Flavor { architecture: architecture.to_string(), reason }
}

/// What a state dict alone leaves out.
fn unsaid(scaling: &InputScaling) -> Option<String> {
    let radius = (scaling.norm_radius != InputScaling::PUBLISHED.norm_radius)
        .then(|| format!("its norm radius of {}", scaling.norm_radius));
    let colors = (!scaling.has_usual_colors()).then(|| {
        format!("its colors' mean {:?} and deviation {:?}", scaling.mean, scaling.deviation)
    });
    let unsaid: Vec<_> = radius.into_iter().chain(colors).collect();
    let unsaid = unsaid.join(" and ");
    (!unsaid.is_empty())
        .then(|| format!("f-BRS's checkpoints do not say {unsaid}: state it where it is loaded"))
}

/// One entry of a state dict.
enum Tensor {
    Parameter(ParameterShape),
    /// Batches that a batch normalization has seen.
    Counter(String),
}

impl Tensor {
    fn stored(&self) -> Stored<'_> {
        match self {
            Self::Parameter(ParameterShape { name, shape, .. }) => {
                Stored { name, kind: Kind::F32, shape }
            }
            Self::Counter(name) => Stored { name, kind: Kind::I64, shape: &[] },
        }
    }
}

/// A network's state dict in published order, counters included.
fn tensors(architecture: &Architecture) -> Vec<Tensor> {
    let mut tensors = Vec::new();
    for parameter in architecture.parameters() {
        let norm = parameter.name.strip_suffix("running_var");
        let counter = norm.map(|norm| Tensor::Counter(format!("{norm}num_batches_tracked")));
        tensors.push(Tensor::Parameter(parameter));
        tensors.extend(counter);
    }
    tensors
}
