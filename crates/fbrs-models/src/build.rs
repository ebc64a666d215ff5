//! Building a network: one description of the layers serves to read and to list parameters.

use std::convert::Infallible;

use burn::tensor::{Device, Tensor, TensorData};

use crate::conv::{Conv, ConvSpec, Folding};

/// Any error of a [`ParameterSource`].
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Where a network's parameters come from: a checkpoint, a native file, a formula.
pub trait ParameterSource {
    /// The values of one parameter, row-major, `shape.iter().product()` of them.
    ///
    /// # Errors
    /// Whatever keeps the values from being read.
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError>;
}

/// A parameter that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ParameterError {
    /// The source failed.
    #[error("parameter {name}: {source}")]
    Source {
        /// The parameter's published name.
        name: String,
        /// What the source said.
        source: BoxError,
    },
    /// The source gave more or fewer values than the shape holds.
    #[error("parameter {name}: expected {expected} values, got {found}")]
    Length {
        /// The parameter's published name.
        name: String,
        /// Values that the shape holds.
        expected: usize,
        /// Values that came.
        found: usize,
    },
}

/// Name and shape of one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterShape {
    /// Published name.
    pub name: String,
    /// Shape; convolutions are `[out, in / groups, height, width]`.
    pub shape: Vec<usize>,
    /// Whether the network reads it; the others are only expected to be in a checkpoint.
    pub used: bool,
}

/// Turns the description of a convolution into a layer.
pub(crate) trait Build {
    type Layer;
    type Error;

    fn conv(&mut self, spec: ConvSpec) -> Result<Self::Layer, Self::Error>;

    /// A convolution of `concat(a, b)` as one of `a`, which has `channels` channels, and one of
    /// `b`; their outputs add up to it.
    fn conv_split(
        &mut self,
        spec: ConvSpec,
        channels: usize,
    ) -> Result<[Self::Layer; 2], Self::Error>;

    /// A convolution that a checkpoint holds and the network does not need.
    fn unused(&mut self, spec: ConvSpec);
}

/// Reads every layer from a source.
pub(crate) struct Reading<'a> {
    pub(crate) source: &'a mut dyn ParameterSource,
    pub(crate) device: &'a Device,
    pub(crate) folding: Folding,
}

impl Reading<'_> {
    pub(crate) fn values(
        &mut self,
        name: String,
        shape: &[usize],
    ) -> Result<Vec<f32>, ParameterError> {
        let expected = shape.iter().product();
        match self.source.read(&name, shape) {
            Ok(values) if values.len() == expected => Ok(values),
            Ok(values) => Err(ParameterError::Length { name, expected, found: values.len() }),
            Err(source) => Err(ParameterError::Source { name, source }),
        }
    }

    pub(crate) fn tensor<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), self.device)
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

    fn unused(&mut self, _spec: ConvSpec) {}
}

/// Lists the parameters and builds nothing.
#[derive(Default)]
pub(crate) struct Listing {
    parameters: Vec<ParameterShape>,
}

impl Listing {
    pub(crate) fn into_parameters(self) -> Vec<ParameterShape> {
        self.parameters
    }

    fn add(&mut self, spec: &ConvSpec, used: bool) {
        let parameters =
            spec.parameters().map(|(name, shape)| ParameterShape { name, shape, used });
        self.parameters.extend(parameters);
    }
}

impl Build for Listing {
    type Layer = ();
    type Error = Infallible;

    fn conv(&mut self, spec: ConvSpec) -> Result<(), Infallible> {
        self.add(&spec, true);
        Ok(())
    }

    fn conv_split(&mut self, spec: ConvSpec, _channels: usize) -> Result<[(); 2], Infallible> {
        self.add(&spec, true);
        Ok([(), ()])
    }

    fn unused(&mut self, spec: ConvSpec) {
        self.add(&spec, false);
    }
}
