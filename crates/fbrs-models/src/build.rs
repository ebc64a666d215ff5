//! Building a network: one description of the layers serves to read and to list parameters.

use std::convert::Infallible;

use crate::conv::ConvSpec;

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

impl<S: ParameterSource + ?Sized> ParameterSource for &mut S {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        (**self).read(name, shape)
    }
}

/// A source that tells how much of a network has been read.
///
/// ```
/// use burn::tensor::Device;
/// use fbrs_models::{Architecture, BoxError, Network, Observed, ParameterSource};
///
/// # struct Even;
/// # impl ParameterSource for Even {
/// #     fn read(&mut self, _: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
/// #         Ok(vec![0.5; shape.iter().product()])
/// #     }
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let architecture: Architecture = "hrnet1s_ocr1".parse()?;
/// let mut seen = (0, 0);
/// let progress = |done, total| seen = (done, total);
/// let mut source = Observed::new(Even, &architecture.parameters(), progress);
/// Network::build(&architecture, &mut source, &Device::flex())?;
/// assert_eq!(seen.0, seen.1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Observed<S, F> {
    source: S,
    on_progress: F,
    done: usize,
    total: usize,
}

impl<S: ParameterSource, F: FnMut(usize, usize)> Observed<S, F> {
    /// Observes `source` while a network of these `parameters` is built from it.
    ///
    /// `on_progress(done, total)` is called after each parameter that was read. Both count values:
    /// those read so far, and those of all parameters that a network reads
    /// ([`ParameterShape::used`]). Four times as many bytes lie in memory.
    pub fn new(source: S, parameters: &[ParameterShape], on_progress: F) -> Self {
        let used = parameters.iter().filter(|parameter| parameter.used);
        Self { source, on_progress, done: 0, total: used.map(ParameterShape::count).sum() }
    }
}

impl<S: ParameterSource, F: FnMut(usize, usize)> ParameterSource for Observed<S, F> {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        let values = self.source.read(name, shape)?;
        self.done += values.len();
        (self.on_progress)(self.done, self.total);
        Ok(values)
    }
}

/// A parameter that could not be read, or that no sound network has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// A value is infinite or not a number.
    #[error("parameter {name} holds {value}, expected finite numbers only")]
    NotFinite {
        /// The parameter's published name.
        name: String,
        /// The first such value.
        value: f32,
    },
    /// A variance below zero, which no statistics have.
    #[error(
        "parameter {name} holds {value} for channel {channel}, expected a variance of 0 or more: \
         the weights are damaged"
    )]
    NegativeVariance {
        /// The parameter's published name.
        name: String,
        /// The first such channel, counted from 0.
        channel: usize,
        /// Its value.
        value: f32,
    },
    /// Finite values whose batch normalization is not finite.
    #[error(
        "parameter {name} becomes {value} under its batch normalization, expected finite numbers \
         only: the weights are damaged"
    )]
    Overflow {
        /// The published name of the parameter that is not finite any more.
        name: String,
        /// The first such value.
        value: f32,
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

impl ParameterShape {
    /// Number of its values.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
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
    fn unused(&mut self, spec: ConvSpec) -> Result<(), Self::Error>;
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

    fn unused(&mut self, spec: ConvSpec) -> Result<(), Infallible> {
        self.add(&spec, false);
        Ok(())
    }
}
