//! Networks that learn.
//!
//! The same descriptions as of the networks that run (`deeplab`, `hrnet`, `lite`), of layers whose
//! parameters have gradients and whose batch normalization has statistics of its own. What has been
//! learned runs as any other network: [`LearningNetwork::network`] folds the normalization in and takes
//! the fast ways through a network that no gradient asks for.

mod building;
mod conv;
mod dropout;
mod norm;
mod parameter;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use burn::tensor::{Device, FloatDType, Tensor};

use crate::architecture::{Architecture, LiteConfig};
use crate::build::{BoxError, Build, ParameterError, ParameterSource};
use crate::click_input::ClickInput;
use crate::conv::{ConvSpec, Folding, Layer, Reading};
use crate::cut::{Beside, Cut, CutState};
use crate::family::Family;
use crate::hrnet::HrNetHead;
use crate::image_features::{ImageFeatures, Of};
use crate::lite::LiteTaps;
use crate::network::Network;
use crate::resize::resize_bilinear;

use building::Building;
pub(crate) use conv::LearningConv;
use conv::Running;
pub(crate) use dropout::Dropout;
pub use parameter::{Parameter, ParameterRole};

/// Whose mean and variance batch normalization uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistics {
    /// The batch's. Some layers see one value per sample, so that a batch has two samples at least.
    OfBatch,
    /// The running ones, which stay as they are: for small batches and for fine-tuning.
    Frozen,
}

/// How a network learns.
pub struct LearningOptions<'a> {
    /// Whose mean and variance batch normalization uses, in the parts that learn.
    pub statistics: Statistics,
    /// Share of the values (DeepLab: behind ASPP) or channels (HRNet: behind OCR) that are dropped, in
    /// [0, 1).
    pub dropout: f64,
    /// What convolutions compute with. With one of 16 bits their inputs, weights and biases are rounded to
    /// it, and so are the gradients that go back through them; parameters, normalization, activations and
    /// sums of gradients stay f32: mixed precision (Micikevicius et al. 2018).
    pub arithmetic: FloatDType,
    /// Whether the layer with this published name learns. One that does not keeps its parameters, and
    /// its normalization uses the running statistics.
    pub learns: &'a dyn Fn(&str) -> bool,
}

/// What a network that learns reads.
#[derive(Debug, Clone)]
pub enum LearningInput {
    /// Normalized images, `[batch, 3, height, width]`.
    Images(Box<Tensor<4>>),
    /// Of a Lite network whose encoder does not learn: what the encoder gave for images of a size
    /// (height, width).
    Taps(Box<LiteTaps>, [usize; 2]),
}

/// What dropout draws. The same values are dropped of a sample, in whatever part of its batch it comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drops {
    /// Decides what is dropped in a batch.
    pub seed: u64,
    /// The place of the first sample in its batch.
    pub first: usize,
}

/// What a network that learns answers, `[batch, 1, height, width]`.
#[derive(Debug, Clone)]
pub struct LearningOutput {
    /// The logits.
    pub logits: Tensor<4>,
    /// The logits of auxiliary heads: one of an HRNet with object attention, two of a Lite network
    /// (of ASPP and of the layers at stride 8), else none.
    pub auxiliary: Vec<Tensor<4>>,
}

/// Batch statistics were asked of one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a batch of 1 sample has no statistics: some layers see one value per sample; take a batch of 2 \
     or more, or freeze the batch normalization"
)]
pub struct BatchOfOne;

/// A network whose parameters have gradients.
#[derive(Debug)]
pub struct LearningNetwork {
    architecture: Architecture,
    device: Device,
    family: Family<LearningConv>,
    /// Of a Lite network: heads on ASPP's and `mid_fusion`'s output, for training alone.
    heads: Vec<LearningConv>,
    parameters: Vec<Arc<Parameter>>,
    of_batch: bool,
    running: Arc<Running>,
}

/// What the names of parameters begin with that no checkpoint has, because training alone needs them.
pub const TRAINING_ONLY: &str = "training_only.";

impl LearningNetwork {
    /// Reads the parameters of `architecture` from `source` onto `device`, which has no gradients.
    ///
    /// A Lite network asks for two more convolutions than its checkpoint has, `training_only.aspp` and
    /// `training_only.mid_fusion`.
    ///
    /// # Errors
    /// The first parameter that the source cannot give.
    pub fn build(
        architecture: &Architecture,
        source: &mut dyn ParameterSource,
        device: &Device,
        options: &LearningOptions<'_>,
    ) -> Result<Self, ParameterError> {
        let running = Running {
            dropout: options.dropout,
            seed: AtomicU64::new(0),
            first: AtomicUsize::new(0),
        };
        let running = Arc::new(running);
        let mut building = Building {
            reading: Reading { source, device, folding: Folding::Separate },
            options,
            running: running.clone(),
            parameters: Vec::new(),
        };
        let family = Family::build(architecture, &mut building)?;
        let heads = match architecture {
            Architecture::Lite(LiteConfig { channels }) => ["aspp", "mid_fusion"]
                .into_iter()
                .map(|of| ConvSpec::new(format!("{TRAINING_ONLY}{of}"), *channels, 1, 1).bias())
                .map(|spec| building.conv(spec))
                .collect::<Result<_, _>>()?,
            _ => Vec::new(),
        };
        Ok(Self {
            architecture: *architecture,
            device: device.clone(),
            family,
            heads,
            parameters: building.parameters,
            of_batch: options.statistics == Statistics::OfBatch,
            running,
        })
    }

    /// What this network is.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Where its parameters lie.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Every parameter, in published order, those for training alone behind them.
    pub fn parameters(&self) -> &[Arc<Parameter>] {
        &self.parameters
    }

    /// Runs the network with gradients; running statistics follow the batch's. Input tensors lie on the
    /// device without gradients. Logits are resized to `size` (height, width), bilinear with align_corners.
    ///
    /// # Errors
    /// [`BatchOfOne`] where batch normalization uses the batch's statistics.
    ///
    /// # Panics
    /// Where taps are given to a network of another family.
    pub fn forward(
        &self,
        input: LearningInput,
        told: ClickInput,
        size: [usize; 2],
        drops: Drops,
    ) -> Result<LearningOutput, BatchOfOne> {
        if self.of_batch && told.maps.dims()[0] < 2 {
            return Err(BatchOfOne);
        }
        self.running.seed.store(drops.seed, Ordering::Relaxed);
        self.running.first.store(drops.first, Ordering::Relaxed);
        let told = ClickInput {
            maps: told.maps.autodiff(),
            previous_mask: told.previous_mask.map(Tensor::autodiff),
            points: told.points,
        };
        let image = match (input, &self.family) {
            (LearningInput::Images(image), family) => family.image_features(image.autodiff()),
            (LearningInput::Taps(taps, size), Family::Lite(net)) => ImageFeatures {
                of: Of::Lite(Box::new(net.features_of_taps(taps.autodiff()))),
                size,
            },
            (LearningInput::Taps(..), _) => unreachable!("taps are a Lite network's"),
        };
        let state = self.family.fuse(&image, told);
        let (logits, auxiliary) = self.behind_fusion(state);
        let resized = |logits| resize_bilinear(logits, size);
        Ok(LearningOutput {
            logits: resized(logits),
            auxiliary: auxiliary.into_iter().map(resized).collect(),
        })
    }

    /// From behind the fusion of image and clicks to the logits and those of auxiliary heads, at the
    /// resolution that they have.
    fn behind_fusion(&self, state: CutState) -> (Tensor<4>, Vec<Tensor<4>>) {
        match (&self.family, state.beside) {
            (Family::HrNet(net), _) if let HrNetHead::Ocr(ocr) = &net.head => {
                let aux = ocr.auxiliary(state.features.clone());
                let features = ocr.with_auxiliary(state.features, aux.clone());
                (net.output(features), vec![aux])
            }
            (Family::Lite(net), Beside::Lite(beside)) => {
                let context = net.decoder.aspp.forward(state.features);
                let mid = net.decoder.mid_fusion(context.clone(), &beside);
                let aux = self.heads.iter().zip([context, mid.clone()]);
                let aux = aux.map(|(head, features)| head.forward(features)).collect();
                (net.output(net.decoder.middle(mid, *beside)), aux)
            }
            (family, beside) => {
                let mut state = CutState { beside, ..state };
                while state.cut < Cut::Late {
                    state = family.advance(state);
                }
                (family.output(state.features), Vec::new())
            }
        }
    }

    /// What has been learned, to be run without gradients, and as any checkpoint's network.
    ///
    /// # Errors
    /// Where a parameter is no finite number any more.
    pub fn network(&self) -> Result<Network, ParameterError> {
        Network::build(&self.architecture, &mut self.learned(), &self.device)
    }

    /// The parameters as they are by now, to be run or saved.
    pub fn learned(&self) -> Learned<'_> {
        let by_name = self.parameters.iter().map(|own| (own.name(), own.as_ref()));
        Learned(by_name.collect())
    }
}

/// The parameters that a network has by now.
#[derive(Debug)]
pub struct Learned<'a>(HashMap<&'a str, &'a Parameter>);

impl ParameterSource for Learned<'_> {
    fn read(&mut self, name: &str, _shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        let parameter = self.0.get(name).ok_or("the network has no such parameter")?;
        parameter.read()
    }
}
