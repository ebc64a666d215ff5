//! For tests and benchmarks: parameters and inputs without a file, what a network computes on the
//! way, and the device to test on.

#[cfg(feature = "cpu")]
mod convolution;
mod formula;
mod inner;
mod stand_in;

use burn::tensor::Device;

#[cfg(feature = "cpu")]
pub use convolution::{Convolution, ConvolutionShape};
pub use formula::{Formula, image, uniform, values};
pub use inner::{build_unfolded, inner_tensors};
pub(crate) use stand_in::StandIn;
pub use stand_in::stand_in;

/// The device that tests run on: `FBRS_TEST_DEVICE` (`cpu`, `wgpu`, `cuda`), by default the
/// processor.
///
/// # Panics
/// Where the variable names a device that is not part of this build: no test is to pass on another
/// device than it was asked to.
#[expect(clippy::panic, reason = "a test that cannot be run is to fail")]
pub fn device() -> Device {
    match std::env::var("FBRS_TEST_DEVICE").as_deref() {
        #[cfg(feature = "cpu")]
        Err(_) | Ok("cpu") => Device::flex(),
        #[cfg(feature = "wgpu")]
        Ok("wgpu") => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
        #[cfg(feature = "cuda")]
        Ok("cuda") => Device::cuda(0),
        other => panic!("no such device in this build: {other:?}"),
    }
}
