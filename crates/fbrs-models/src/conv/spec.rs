//! What a convolution is: its sizes, its normalization, its published names.

#[cfg(feature = "cpu")]
use burn::tensor::Device;
use burn::tensor::ops::ConvOptions;

#[cfg(feature = "cpu")]
use crate::host::{self, HostShape};
use crate::learning::Dropout;

/// Where the batch normalization of a convolution stands, and its published name.
pub(crate) enum NormPlace {
    None,
    /// Over the convolution's output.
    After(String),
    /// Over the convolution's input; foldable, because such a convolution is not padded.
    Before(String),
}

pub(crate) struct ConvSpec {
    pub(crate) name: String,
    pub(crate) norm: NormPlace,
    /// Of the batch normalization: keeps its divisor away from 0.
    pub(crate) norm_epsilon: f64,
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) dilation: usize,
    pub(crate) groups: usize,
    pub(crate) bias: bool,
    /// Published name of a number whose absolute value the output is multiplied by.
    pub(crate) scale: Option<String>,
    /// What is dropped of the output in training.
    pub(crate) dropout: Option<Dropout>,
}

impl ConvSpec {
    /// A square convolution of stride 1 that keeps the size, without bias or normalization.
    pub(crate) fn new(name: impl Into<String>, input: usize, output: usize, kernel: usize) -> Self {
        Self {
            name: name.into(),
            norm: NormPlace::None,
            norm_epsilon: 1e-5,
            input,
            output,
            kernel,
            stride: 1,
            padding: kernel / 2,
            dilation: 1,
            groups: 1,
            bias: false,
            scale: None,
            dropout: None,
        }
    }

    pub(crate) fn norm(mut self, name: impl Into<String>) -> Self {
        self.norm = NormPlace::After(name.into());
        self
    }

    pub(crate) fn norm_before(mut self, name: impl Into<String>) -> Self {
        self.norm = NormPlace::Before(name.into());
        self
    }

    /// Of the batch normalization, where it is not the usual 1e-5.
    pub(crate) fn norm_epsilon(mut self, epsilon: f64) -> Self {
        self.norm_epsilon = epsilon;
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

    pub(crate) fn scaled_by(mut self, name: impl Into<String>) -> Self {
        self.scale = Some(name.into());
        self
    }

    pub(crate) fn dropout(mut self, dropout: Dropout) -> Self {
        self.dropout = Some(dropout);
        self
    }

    pub(crate) fn bias(mut self) -> Self {
        self.bias = true;
        self
    }

    pub(crate) fn weight_shape(&self) -> [usize; 4] {
        [self.output, self.input / self.groups, self.kernel, self.kernel]
    }

    /// For Burn's kernels.
    pub(crate) fn options(&self) -> ConvOptions<2> {
        ConvOptions::new([self.stride; 2], [self.padding; 2], [self.dilation; 2], self.groups)
    }

    /// The convolution as the processor's own kernels take it, of `input` channels; `None` where they
    /// do not serve it.
    #[cfg(feature = "cpu")]
    pub(crate) fn host_shape(&self, input: usize, device: &Device) -> Option<HostShape> {
        let depthwise = self.groups > 1;
        let served = host::serves(device)
            && (!depthwise || (self.groups == self.input && self.input == self.output));
        served.then_some(HostShape {
            input: if depthwise { self.input } else { input },
            output: self.output,
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            depthwise,
        })
    }

    /// Published names and shapes, in published order.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (String, Vec<usize>)> + '_ {
        let weight = (format!("{}.weight", self.name), self.weight_shape().to_vec());
        let bias = self.bias.then(|| (format!("{}.bias", self.name), vec![self.output]));
        let own = std::iter::once(weight).chain(bias);
        let (before, after) = match &self.norm {
            NormPlace::None => (None, None),
            NormPlace::Before(name) => (Some((name, self.input)), None),
            NormPlace::After(name) => (None, Some((name, self.output))),
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
            .chain(self.scale.clone().map(|name| (name, vec![1])))
    }
}

/// Parameters of a batch normalization, in published order.
pub(crate) const NORM_PARAMETERS: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];
