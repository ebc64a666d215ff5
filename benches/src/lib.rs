//! What the benchmarks share.

use burn::tensor::{Device, Tensor, TensorData};
use fbrs_models::{ClickInput, ClickPoints, Network, testing};

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

/// The formula's image and a click in the middle, twice: `[2, 3, 400, 400]` and what the network is
/// told of the click.
pub fn inputs(device: &Device) -> (Tensor<4>, ClickInput) {
    let image = TensorData::new(testing::image(SIDE, SIDE), [1, 3, SIDE, SIDE]);
    let image: Tensor<4> = Tensor::from_data(image, device);
    let maps = Tensor::ones([2, 2, SIDE, SIDE], device) * 0.5;
    let middle = [SIDE as f32 / 2.0; 2];
    let points = ClickPoints { positive: vec![middle], negative: Vec::new() };
    (
        image.repeat_dim(0, 2),
        ClickInput { maps, previous_mask: None, points: [points.clone(), points].into() },
    )
}

/// Peak resident memory of this process, where the system tells it, in MiB.
pub fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}
