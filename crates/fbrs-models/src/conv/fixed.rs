//! A convolution that runs: on the processor's own kernels, or on Burn's.

#[cfg(feature = "cpu")]
use std::sync::{Arc, OnceLock};

use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

#[cfg(feature = "cpu")]
use burn::tensor::{Device, TensorData};

use super::activation::Activation;
use super::chain::Chain;
use super::fold::{Affine, Values};
use super::layer::Layer;
use super::reading::Reading;
use super::spec::ConvSpec;
use crate::build::{Build, ParameterError};
#[cfg(feature = "cpu")]
use crate::host::{HostChain, HostLayer};

/// `x · scale + shift` per channel on a device, `[1, channels, 1, 1]` each.
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

impl Weights {
    fn new(
        weight: Vec<f32>,
        bias: Option<Vec<f32>>,
        shape: [usize; 4],
        spec: &ConvSpec,
        reading: &Reading,
    ) -> Self {
        #[cfg(feature = "cpu")]
        if let Some(shape) = spec.host_shape(shape[1], reading.device) {
            let layer = Arc::new(HostLayer::new(&weight, bias, shape));
            return Self::Host(Arc::new(HostWeights { layer, for_burn: OnceLock::new() }));
        }
        let bias = bias.map(|bias| reading.tensor(bias, [spec.output]));
        Self::Device(Box::new(DeviceWeights { weight: reading.tensor(weight, shape), bias }))
    }
}

impl Conv {
    fn read(spec: &ConvSpec, reading: &mut Reading) -> Result<Self, ParameterError> {
        Ok(Self::upload(Values::read(spec, reading)?, spec, reading))
    }

    fn read_split(
        spec: &ConvSpec,
        channels: usize,
        reading: &mut Reading,
    ) -> Result<[Self; 2], ParameterError> {
        let parts = Values::read(spec, reading)?.split(spec, channels);
        Ok(parts.map(|part| Self::upload(part, spec, reading)))
    }

    fn upload(values: Values, spec: &ConvSpec, reading: &Reading) -> Self {
        let [output, _, height, width] = spec.weight_shape();
        let input = values.weight.len() / (output * height * width);
        Self {
            before: values.before.map(|affine| ChannelAffine::new(affine, reading)),
            after: values.after.map(|affine| ChannelAffine::new(affine, reading)),
            options: spec.options(),
            weights: Weights::new(
                values.weight,
                values.bias,
                [output, input, height, width],
                spec,
                reading,
            ),
        }
    }

    /// The layer as the processor's own kernels have it; `None` where they do not serve it, or its
    /// normalization is an operation of its own.
    #[cfg(feature = "cpu")]
    fn host(&self) -> Option<&HostLayer> {
        match &self.weights {
            Weights::Host(weights) if self.before.is_none() && self.after.is_none() => {
                Some(&weights.layer)
            }
            _ => None,
        }
    }

    fn on_device(&self, weights: &DeviceWeights, x: Tensor<4>) -> Tensor<4> {
        conv2d(x, weights.weight.clone(), weights.bias.clone(), self.options.clone())
    }
}

impl Layer for Conv {
    fn run(&self, x: Tensor<4>, addend: Option<Tensor<4>>, activation: Activation) -> Tensor<4> {
        let x = match &self.before {
            Some(norm) => norm.forward(x),
            None => x,
        };
        let (x, addend) = match &self.weights {
            Weights::Device(weights) => (self.on_device(weights, x), addend),
            #[cfg(feature = "cpu")]
            Weights::Host(weights) => {
                let dims = weights.layer.output_dims(x.dims());
                let fits = addend.as_ref().is_none_or(|addend| addend.dims() == dims);
                let is_last = self.after.is_none() && fits;
                let (mut fused, rest, then) = match is_last {
                    true => (addend, None, activation),
                    false => (None, addend, Activation::None),
                };
                match weights.layer.forward(&x, &mut fused, then) {
                    Some(y) if is_last => return y,
                    Some(y) => (y, rest),
                    None => (self.on_device(weights.for_burn(), x), fused.or(rest)),
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
        activation.apply(x)
    }

    #[cfg(feature = "cpu")]
    fn at_once(chain: &Chain<Self>, x: &Tensor<4>) -> Option<Tensor<4>> {
        let expand = match &chain.expand {
            Some(expand) => Some(expand.host()?),
            None => None,
        };
        let (depthwise, project) = (chain.depthwise.host()?, chain.project.host()?);
        let Chain { inner, outer, residual, .. } = *chain;
        HostChain { expand, depthwise, project, inner, outer, residual }.forward(x)
    }

    #[cfg(not(feature = "cpu"))]
    fn at_once(_: &Chain<Self>, _: &Tensor<4>) -> Option<Tensor<4>> {
        None
    }
}

impl Build for Reading<'_> {
    type Layer = Conv;
    type Error = ParameterError;

    fn conv(&mut self, spec: ConvSpec) -> Result<Conv, ParameterError> {
        Conv::read(&spec, self)
    }

    fn conv_split(&mut self, spec: ConvSpec, channels: usize) -> Result<[Conv; 2], ParameterError> {
        Conv::read_split(&spec, channels, self)
    }

    fn unused(&mut self, _spec: ConvSpec) -> Result<(), ParameterError> {
        Ok(())
    }
}
