use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use crate::error::{Error, Result};

/// Which device a user wants: `auto`, `cpu`, `wgpu`, `wgpu:1`, `cuda`, `cuda:0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeviceChoice {
    /// The fastest that works: CUDA, then a GPU through wgpu, then the CPU.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A GPU through wgpu (Vulkan, Metal, DirectX 12); its number as `fbrs devices` lists them.
    Wgpu(usize),
    /// An NVIDIA GPU through CUDA; its number.
    Cuda(usize),
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Wgpu(index) => write!(f, "wgpu:{index}"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

/// A text that names no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" names no device: expected auto, cpu, wgpu, wgpu:N, cuda or cuda:N")]
pub struct ParseDeviceError(String);

impl FromStr for DeviceChoice {
    type Err = ParseDeviceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseDeviceError(text.to_owned());
        let (kind, index) = match text.split_once(':') {
            Some((kind, index)) => (kind, Some(index.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        match (kind.to_ascii_lowercase().as_str(), index) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            ("wgpu", index) => Ok(Self::Wgpu(index.unwrap_or(0))),
            ("cuda", index) => Ok(Self::Cuda(index.unwrap_or(0))),
            _ => Err(wrong()),
        }
    }
}

/// A device that is open.
#[derive(Debug, Clone)]
pub struct ChosenDevice {
    choice: DeviceChoice,
    name: String,
    is_software: bool,
    device: Device,
}

impl ChosenDevice {
    /// Which it is; never [`DeviceChoice::Auto`].
    pub fn choice(&self) -> DeviceChoice {
        self.choice
    }

    /// What its driver calls it; `cpu` for the processor.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a renderer that computes on the processor behind a graphics interface (as
    /// SwiftShader and llvmpipe do): right, and slower than [`DeviceChoice::Cpu`].
    pub fn is_software(&self) -> bool {
        self.is_software
    }

    /// The device as Burn has it.
    pub fn burn(&self) -> &Device {
        &self.device
    }
}

impl fmt::Display for ChosenDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.choice {
            DeviceChoice::Cpu => f.write_str(&self.name),
            _ => write!(f, "{} ({})", self.choice, self.name),
        }
    }
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// [`Error::Device`] where there is none, or the build lacks its feature.
    pub fn open(self) -> Result<ChosenDevice> {
        match self {
            Self::Auto => auto(),
            Self::Cpu => cpu(),
            Self::Wgpu(index) => wgpu(index),
            Self::Cuda(index) => cuda(index),
        }
    }

    /// Every device of this machine that this build can use. `auto` takes the first that is no
    /// [software renderer](ChosenDevice::is_software).
    pub fn available() -> Vec<ChosenDevice> {
        list(cuda).chain(list(wgpu)).chain(cpu()).collect()
    }
}

fn list(open: fn(usize) -> Result<ChosenDevice>) -> impl Iterator<Item = ChosenDevice> {
    (0..).map_while(move |index| open(index).ok())
}

fn auto() -> Result<ChosenDevice> {
    let best = DeviceChoice::available().into_iter().find(|device| !device.is_software);
    best.ok_or_else(|| {
        refusal(DeviceChoice::Auto, "this build has no backend: build it with cpu, wgpu or cuda")
    })
}

fn refusal(wanted: DeviceChoice, reason: impl Into<String>) -> Error {
    Error::Device { wanted: wanted.to_string(), reason: reason.into() }
}

#[cfg(not(all(feature = "cpu", feature = "wgpu", feature = "cuda")))]
fn not_built(wanted: DeviceChoice, feature: &str) -> Result<ChosenDevice> {
    Err(refusal(wanted, format!("not part of this build: build it with the feature {feature}")))
}

#[cfg(feature = "cpu")]
fn cpu() -> Result<ChosenDevice> {
    Ok(ChosenDevice {
        choice: DeviceChoice::Cpu,
        name: "cpu".to_owned(),
        is_software: false,
        device: Device::flex(),
    })
}

#[cfg(not(feature = "cpu"))]
fn cpu() -> Result<ChosenDevice> {
    not_built(DeviceChoice::Cpu, "cpu")
}

#[cfg(feature = "wgpu")]
fn wgpu(index: usize) -> Result<ChosenDevice> {
    let choice = DeviceChoice::Wgpu(index);
    let mut adapters = Device::enumerate(burn::tensor::DeviceType::Wgpu).into_vec();
    if index >= adapters.len() {
        let reason = match adapters.len() {
            0 => "no adapter found: a Vulkan, Metal or DirectX 12 driver is needed".to_owned(),
            count => format!("the last one is wgpu:{}", count - 1),
        };
        return Err(refusal(choice, reason));
    }
    let device = adapters.swap_remove(index);
    let identity = device.identity();
    // Drivers say themselves whether there is a card behind them.
    let is_software = identity.as_ref().is_some_and(|identity| identity.physical.is_none());
    let name = identity.map_or_else(|| choice.to_string(), |identity| identity.name);
    Ok(ChosenDevice { choice, name, is_software, device })
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(index: usize) -> Result<ChosenDevice> {
    not_built(DeviceChoice::Wgpu(index), "wgpu")
}

#[cfg(feature = "cuda")]
fn cuda(index: usize) -> Result<ChosenDevice> {
    let choice = DeviceChoice::Cuda(index);
    // Without a driver the first use of Burn's CUDA device would panic in a thread of its own.
    if !driver::is_present() {
        return Err(refusal(choice, "no CUDA driver found: install the NVIDIA driver"));
    }
    let mut devices = Device::enumerate(burn::tensor::DeviceType::Cuda).into_vec();
    if index >= devices.len() {
        let reason = match devices.len() {
            0 => "the CUDA driver lists no device".to_owned(),
            count => format!("the last one is cuda:{}", count - 1),
        };
        return Err(refusal(choice, reason));
    }
    let device = devices.swap_remove(index);
    let name = device.identity().map_or_else(|| choice.to_string(), |identity| identity.name);
    Ok(ChosenDevice { choice, name, is_software: false, device })
}

#[cfg(not(feature = "cuda"))]
fn cuda(index: usize) -> Result<ChosenDevice> {
    not_built(DeviceChoice::Cuda(index), "cuda")
}

#[cfg(feature = "cuda")]
mod driver {
    const NAMES: [&str; 3] = ["libcuda.so.1", "libcuda.so", "nvcuda.dll"];

    pub(super) fn is_present() -> bool {
        NAMES.iter().any(|name| loads(name))
    }

    #[allow(unsafe_code)]
    fn loads(name: &str) -> bool {
        // SAFETY: the driver's own library, looked up by its official name as every CUDA program
        // does; its initialization has no precondition.
        unsafe { libloading::Library::new(name) }.is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_read() {
        for (text, choice) in [
            ("auto", DeviceChoice::Auto),
            ("CPU", DeviceChoice::Cpu),
            ("wgpu", DeviceChoice::Wgpu(0)),
            ("wgpu:2", DeviceChoice::Wgpu(2)),
            ("cuda", DeviceChoice::Cuda(0)),
            ("cuda:1", DeviceChoice::Cuda(1)),
        ] {
            assert_eq!(text.parse(), Ok(choice));
        }
        for text in ["", "gpu", "cpu:1", "auto:0", "cuda:", "cuda:x", "wgpu:-1"] {
            assert!(text.parse::<DeviceChoice>().is_err(), "{text}");
        }
    }
}
