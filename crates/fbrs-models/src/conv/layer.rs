//! What the networks are made of, whatever its numbers are for.

use std::fmt;

use burn::tensor::Tensor;

use super::activation::Activation;
use super::chain::Chain;

/// A convolution with the normalization that belongs to it. A network's description holds for every
/// kind of layer: one that only runs ([`Conv`](super::Conv)), one that learns
/// ([`LearningConv`](crate::learning::LearningConv)).
pub(crate) trait Layer: Clone + fmt::Debug {
    /// `activation(layer(x) + addend)`: `[batch, in, height, width]` to `[batch, out, height',
    /// width']`. Where the addend is one value per channel, every pixel receives it.
    fn run(&self, x: Tensor<4>, addend: Option<Tensor<4>>, activation: Activation) -> Tensor<4>;

    /// All layers of a chain in one pass, where that is possible.
    fn at_once(chain: &Chain<Self>, x: &Tensor<4>) -> Option<Tensor<4>>;

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.run(x, None, Activation::None)
    }

    fn relu(&self, x: Tensor<4>) -> Tensor<4> {
        self.run(x, None, Activation::Relu)
    }

    fn relu6(&self, x: Tensor<4>) -> Tensor<4> {
        self.run(x, None, Activation::Relu6)
    }

    /// `relu(layer(x) + addend)`.
    fn add_relu(&self, x: Tensor<4>, addend: Tensor<4>) -> Tensor<4> {
        self.run(x, Some(addend), Activation::Relu)
    }
}
