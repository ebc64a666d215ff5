//! Convolution with the batch normalization that belongs to it.

#[cfg(feature = "cpu")]
use std::sync::{Arc, OnceLock};

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

#[cfg(feature = "cpu")]
use burn::tensor::{Device, TensorData};

use crate::build::{ParameterError, Reading};
#[cfg(feature = "cpu")]
use crate::host::{self, HostLayer, HostShape};

/// Epsilon of every batch normalization.
const EPSILON: f64 = 1e-5;

/// Whether batch normalization is folded into the convolution it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Folding {
    /// One convolution per pair: for inference.
    #[default]
    Folded,
    /// Normalization as an operation of its own, as published.
    Separate,
}

/// Where the batch normalization of a convolution stands, and its published name.
pub(crate) enum Norm {
    None,
    /// Over the convolution's output.
    After(String),
    /// Over the convolution's input; foldable, because such a convolution is not padded.
    Before(String),
}

pub(crate) struct ConvSpec {
    pub(crate) name: String,
    pub(crate) norm: Norm,
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) dilation: usize,
    pub(crate) groups: usize,
    pub(crate) bias: bool,
}

impl ConvSpec {
    /// A square convolution of stride 1 that keeps the size, without bias or normalization.
    pub(crate) fn new(name: impl Into<String>, input: usize, output: usize, kernel: usize) -> Self {
        Self {
            name: name.into(),
            norm: Norm::None,
            input,
            output,
            kernel,
            stride: 1,
            padding: kernel / 2,
            dilation: 1,
            groups: 1,
            bias: false,
        }
    }

    pub(crate) fn norm(mut self, name: impl Into<String>) -> Self {
        self.norm = Norm::After(name.into());
        self
    }

    pub(crate) fn norm_before(mut self, name: impl Into<String>) -> Self {
        self.norm = Norm::Before(name.into());
        self
    }

    pub(crate) fn stride(mut self, stride: usize) -> Self {
        self.stride = stride;
        self
    }

    /// Dilation, with the padding that keeps the size.
    pub(crate) fn dilation(mut self, dilation: usize) -> Self {
        self.dilation = dilation;
        self.padding = dilation * (self.kernel / 2);
        self
    }

    pub(crate) fn depthwise(mut self) -> Self {
        self.groups = self.input;
        self
    }

    pub(crate) fn bias(mut self) -> Self {
        self.bias = true;
        self
    }

    fn weight_shape(&self) -> [usize; 4] {
        [self.output, self.input / self.groups, self.kernel, self.kernel]
    }

    /// Published names and shapes, in published order.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (String, Vec<usize>)> + '_ {
        let weight = (format!("{}.weight", self.name), self.weight_shape().to_vec());
        let bias = self.bias.then(|| (format!("{}.bias", self.name), vec![self.output]));
        let own = std::iter::once(weight).chain(bias);
        let (before, after) = match &self.norm {
            Norm::None => (None, None),
            Norm::Before(name) => (Some((name, self.input)), None),
            Norm::After(name) => (None, Some((name, self.output))),
        };
        let norm = |(name, channels): (&String, usize)| {
            NORM_PARAMETERS.map(|part| (format!("{name}.{part}"), vec![channels]))
        };
        before
            .map(norm)
            .into_iter()
            .flatten()
            .chain(own)
            .chain(after.map(norm).into_iter().flatten())
    }
}

const NORM_PARAMETERS: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

/// `x · scale + shift` per channel: a batch normalization with running statistics.
struct Affine {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Affine {
    fn read(name: &str, channels: usize, reading: &mut Reading) -> Result<Self, ParameterError> {
        let mut part = |part| reading.values(format!("{name}.{part}"), &[channels]);
        let [gamma, beta, mean, variance] = NORM_PARAMETERS;
        let (gamma, beta, mean, variance) =
            (part(gamma)?, part(beta)?, part(mean)?, part(variance)?);
        let mut affine = Self { scale: gamma, shift: beta };
        let statistics = mean.iter().zip(&variance);
        let parts = affine.scale.iter_mut().zip(&mut affine.shift);
        for ((scale, shift), (&mean, &variance)) in parts.zip(statistics) {
            let factor = f64::from(*scale) / (f64::from(variance) + EPSILON).sqrt();
            *shift = (f64::from(*shift) - f64::from(mean) * factor) as f32;
            *scale = factor as f32;
        }
        Ok(affine)
    }
}

/// The same on a device, `[1, channels, 1, 1]` each.
#[derive(Debug, Clone)]
struct ChannelAffine {
    scale: Tensor<4>,
    shift: Tensor<4>,
}

impl ChannelAffine {
    fn new(affine: Affine, reading: &Reading) -> Self {
        let shape = [1, affine.scale.len(), 1, 1];
        Self {
            scale: reading.tensor(affine.scale, shape),
            shift: reading.tensor(affine.shift, shape),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        x * self.scale.clone() + self.shift.clone()
    }
}

/// A convolution, and its batch normalization where that is not folded into it.
#[derive(Debug, Clone)]
pub(crate) struct Conv {
    weights: Weights,
    before: Option<ChannelAffine>,
    after: Option<ChannelAffine>,
    options: ConvOptions<2>,
}

/// Where a convolution's values lie.
#[derive(Debug, Clone)]
enum Weights {
    Device(Box<DeviceWeights>),
    #[cfg(feature = "cpu")]
    Host(Arc<HostWeights>),
}

#[derive(Debug, Clone)]
struct DeviceWeights {
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
}

/// Values on the processor, for its own kernels.
#[cfg(feature = "cpu")]
#[derive(Debug)]
struct HostWeights {
    layer: Arc<HostLayer>,
    /// For Burn's kernels, where its own do not take a tensor; made when first needed.
    for_burn: OnceLock<DeviceWeights>,
}

#[cfg(feature = "cpu")]
impl HostWeights {
    fn for_burn(&self) -> &DeviceWeights {
        self.for_burn.get_or_init(|| {
            let device = Device::flex();
            let (weight, shape) = self.layer.weight();
            let bias = self.layer.bias().to_vec();
            let outputs = [bias.len()];
            DeviceWeights {
                weight: Tensor::from_data(TensorData::new(weight, shape), &device),
                bias: Some(Tensor::from_data(TensorData::new(bias, outputs), &device)),
            }
        })
    }
}

/// A convolution's values before they go to a device.
struct Values {
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
    before: Option<Affine>,
    after: Option<Affine>,
}

impl Values {
    fn read(spec: &ConvSpec, reading: &mut Reading) -> Result<Self, ParameterError> {
        let before = match &spec.norm {
            Norm::Before(name) => Some(Affine::read(name, spec.input, reading)?),
            _ => None,
        };
        let mut weight = reading.values(format!("{}.weight", spec.name), &spec.weight_shape())?;
        let mut bias = match spec.bias {
            true => Some(reading.values(format!("{}.bias", spec.name), &[spec.output])?),
            false => None,
        };
        let after = match &spec.norm {
            Norm::After(name) => Some(Affine::read(name, spec.output, reading)?),
            _ => None,
        };
        if reading.folding == Folding::Separate {
            return Ok(Self { weight, bias, before, after });
        }
        if let Some(affine) = before {
            fold_before(&mut weight, &mut bias, &affine, spec.output);
        }
        if let Some(affine) = after {
            fold_after(&mut weight, &mut bias, affine);
        }
        Ok(Self { weight, bias, before: None, after: None })
    }

    /// Two convolutions, of the first `channels` input channels and of the others, whose outputs
    /// add up to this one's.
    fn split(self, spec: &ConvSpec, channels: usize) -> [Self; 2] {
        let area = spec.kernel * spec.kernel;
        let rows = || self.weight.chunks(spec.input * area);
        let first = rows().flat_map(|row| row.iter().take(channels * area).copied()).collect();
        let second = rows().flat_map(|row| row.iter().skip(channels * area).copied()).collect();
        // The normalization's shift belongs to the sum, so only one of the two carries it.
        let unshifted = self.after.as_ref().map(|affine| Affine {
            scale: affine.scale.clone(),
            shift: vec![0.0; affine.shift.len()],
        });
        [
            Self { weight: first, bias: self.bias, before: None, after: self.after },
            Self { weight: second, bias: None, before: None, after: unshifted },
        ]
    }

    fn upload(self, spec: &ConvSpec, reading: &Reading) -> Conv {
        let [output, _, height, width] = spec.weight_shape();
        let input = self.weight.len() / (output * height * width);
        Conv {
            before: self.before.map(|affine| ChannelAffine::new(affine, reading)),
            after: self.after.map(|affine| ChannelAffine::new(affine, reading)),
            options: ConvOptions::new(
                [spec.stride; 2],
                [spec.padding; 2],
                [spec.dilation; 2],
                spec.groups,
            ),
            weights: Weights::new(
                self.weight,
                self.bias,
                [output, input, height, width],
                spec,
                reading,
            ),
        }
    }
}

impl Weights {
    fn new(
        weight: Vec<f32>,
        bias: Option<Vec<f32>>,
        shape: [usize; 4],
        spec: &ConvSpec,
        reading: &Reading,
    ) -> Self {
        #[cfg(feature = "cpu")]
        if let Some(shape) = host_shape(spec, shape[1], reading.device) {
            let layer = Arc::new(HostLayer::new(&weight, bias, shape));
            return Self::Host(Arc::new(HostWeights { layer, for_burn: OnceLock::new() }));
        }
        let bias = bias.map(|bias| reading.tensor(bias, [spec.output]));
        Self::Device(Box::new(DeviceWeights { weight: reading.tensor(weight, shape), bias }))
    }
}

/// The convolution as the processor's own kernels take it; `None` where they do not serve it.
#[cfg(feature = "cpu")]
fn host_shape(spec: &ConvSpec, input: usize, device: &Device) -> Option<HostShape> {
    let depthwise = spec.groups > 1;
    let served = *device == Device::flex()
        && host::serves_this_processor()
        && (!depthwise
            || (spec.groups == spec.input && spec.input == spec.output && spec.stride == 1));
    served.then_some(HostShape {
        input: if depthwise { spec.input } else { input },
        output: spec.output,
        kernel: spec.kernel,
        stride: spec.stride,
        padding: spec.padding,
        dilation: spec.dilation,
        depthwise,
    })
}

impl Conv {
    pub(crate) fn read(spec: &ConvSpec, reading: &mut Reading) -> Result<Self, ParameterError> {
        Ok(Values::read(spec, reading)?.upload(spec, reading))
    }

    pub(crate) fn read_split(
        spec: &ConvSpec,
        channels: usize,
        reading: &mut Reading,
    ) -> Result<[Self; 2], ParameterError> {
        let parts = Values::read(spec, reading)?.split(spec, channels);
        Ok(parts.map(|part| part.upload(spec, reading)))
    }

    /// `[batch, in, height, width]` to `[batch, out, height', width']`.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.run(x, None, false)
    }

    pub(crate) fn relu(&self, x: Tensor<4>) -> Tensor<4> {
        self.run(x, None, true)
    }

    /// `relu(conv(x) + addend)`.
    pub(crate) fn add_relu(&self, x: Tensor<4>, addend: Tensor<4>) -> Tensor<4> {
        self.run(x, Some(addend), true)
    }

    fn run(&self, x: Tensor<4>, addend: Option<Tensor<4>>, with_relu: bool) -> Tensor<4> {
        let x = match &self.before {
            Some(norm) => norm.forward(x),
            None => x,
        };
        let x = match &self.weights {
            Weights::Device(weights) => self.on_device(weights, x),
            #[cfg(feature = "cpu")]
            Weights::Host(weights) => {
                let last = self.after.is_none();
                let fused = addend.as_ref().filter(|_| last);
                match weights.layer.forward(&x, fused, with_relu && last) {
                    Some(y) if last => return y,
                    Some(y) => y,
                    None => self.on_device(weights.for_burn(), x),
                }
            }
        };
        let x = match &self.after {
            Some(norm) => norm.forward(x),
            None => x,
        };
        let x = match addend {
            Some(addend) => x + addend,
            None => x,
        };
        if with_relu { relu(x) } else { x }
    }

    fn on_device(&self, weights: &DeviceWeights, x: Tensor<4>) -> Tensor<4> {
        conv2d(x, weights.weight.clone(), weights.bias.clone(), self.options.clone())
    }
}

/// `norm(W·x + c)` = `(scale·W)·x + (scale·c + shift)`.
fn fold_after(weight: &mut [f32], bias: &mut Option<Vec<f32>>, affine: Affine) {
    let per_output = weight.len() / affine.scale.len();
    for (row, &scale) in weight.chunks_mut(per_output).zip(&affine.scale) {
        row.iter_mut().for_each(|weight| *weight *= scale);
    }
    *bias = Some(match bias.take() {
        None => affine.shift,
        Some(mut bias) => {
            for ((bias, scale), shift) in bias.iter_mut().zip(&affine.scale).zip(&affine.shift) {
                *bias = *bias * scale + shift;
            }
            bias
        }
    });
}

/// `W·norm(x) + c` = `(W·scale)·x + (W·shift + c)`.
fn fold_before(weight: &mut [f32], bias: &mut Option<Vec<f32>>, affine: &Affine, outputs: usize) {
    let bias = bias.get_or_insert_with(|| vec![0.0; outputs]);
    let per_output = weight.len() / outputs;
    let per_input = per_output / affine.scale.len();
    for (row, bias) in weight.chunks_mut(per_output).zip(bias) {
        let mut shifted = f64::from(*bias);
        let affines = affine.scale.iter().zip(&affine.shift);
        for (kernel, (&scale, &shift)) in row.chunks_mut(per_input).zip(affines) {
            for weight in kernel {
                shifted += f64::from(*weight) * f64::from(shift);
                *weight *= scale;
            }
        }
        *bias = shifted as f32;
    }
}
