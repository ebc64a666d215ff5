//! What the benchmarks share.

use burn::tensor::{Device, Tensor, TensorData};
use fbrs_models::{Network, testing};

/// Side of the crops, in pixels: the published zoom-in size.
pub const SIDE: usize = 400;

/// A network whose parameters follow from the golden formula: no file is needed.
///
/// # Errors
/// A name that is no architecture.
pub fn network(
    name: &str,
    device: &Device,
) -> Result<Network, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Network::build(&name.parse()?, &mut testing::Formula, device)?)
}

/// The formula's image and distance maps of one click in the middle, twice: `[2, 3, 400, 400]` and
/// `[2, 2, 400, 400]`.
pub fn inputs(device: &Device) -> (Tensor<4>, Tensor<4>) {
    let image = TensorData::new(testing::image(SIDE, SIDE), [1, 3, SIDE, SIDE]);
    let image: Tensor<4> = Tensor::from_data(image, device);
    let maps = Tensor::ones([2, 2, SIDE, SIDE], device) * 0.5;
    (image.repeat_dim(0, 2), maps)
}
