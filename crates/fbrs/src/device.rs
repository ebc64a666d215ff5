use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};

/// Which device a user wants: `auto`, `cpu`, `wgpu`, `wgpu:1`, `cuda`, `cuda:0`.
///
/// In files it is such a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum DeviceChoice {
    /// The fastest that works: CUDA, then a GPU through wgpu, then the CPU. Where Linux has no graphics card's
    /// files, wgpu is not asked for one: loading its drivers would take longer than a click.
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

impl Serialize for DeviceChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeviceChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
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
    pub(crate) fn burn(&self) -> &Device {
        &self.device
    }

    /// The device as Burn has it, in the exact version of Burn that this crate is built with: its
    /// type changes with Burn's.
    #[cfg(feature = "burn-interop")]
    pub fn to_burn(&self) -> Device {
        self.device.clone()
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
        all_of([list_cuda(DeviceChoice::Cuda(0)), list_wgpu(DeviceChoice::Wgpu(0))])
    }
}

/// These GPUs, and the processor.
fn all_of<const N: usize>(gpus: [Result<Vec<ChosenDevice>>; N]) -> Vec<ChosenDevice> {
    gpus.into_iter().flatten().flatten().chain(cpu()).collect()
}

/// One of the devices that were found.
fn pick(
    found: Result<Vec<ChosenDevice>>,
    index: usize,
    wanted: DeviceChoice,
    none: &str,
) -> Result<ChosenDevice> {
    let mut found = found?;
    let last = match found.len() {
        0 => none.to_owned(),
        count => format!("the last one has the number {}", count - 1),
    };
    match index < found.len() {
        true => Ok(found.swap_remove(index)),
        false => Err(refusal(wanted, last)),
    }
}

fn auto() -> Result<ChosenDevice> {
    let available = match may_have_card() {
        true => DeviceChoice::available(),
        false => all_of([list_cuda(DeviceChoice::Cuda(0))]),
    };
    available.into_iter().find(|device| !device.is_software).ok_or_else(|| {
        refusal(DeviceChoice::Auto, "this build has no backend: build it with cpu, wgpu or cuda")
    })
}

/// Whether a graphics card may be found.
fn may_have_card() -> bool {
    #[cfg(target_os = "linux")]
    return has_card_files(std::path::Path::new("/"));
    #[cfg(not(target_os = "linux"))]
    true
}

/// Whether there is one of the files through which Linux' drivers let programs compute: render nodes of the kernel's
/// own drivers, NVIDIA's (Tegra too), Windows' cards (WSL), Adreno, Mali.
#[cfg(target_os = "linux")]
fn has_card_files(root: &std::path::Path) -> bool {
    const FILES: [&str; 6] = [
        "proc/driver/nvidia",
        "dev/nvidiactl",
        "dev/nvmap",
        "dev/dxg",
        "dev/kgsl-3d0",
        "dev/mali0",
    ];
    let mut nodes = std::fs::read_dir(root.join("dev/dri")).into_iter().flatten().flatten();
    FILES.iter().any(|file| root.join(file).exists())
        || nodes.any(|node| node.file_name().to_string_lossy().starts_with("renderD"))
}

fn refusal(wanted: DeviceChoice, reason: impl Into<String>) -> Error {
    Error::Device { wanted: wanted.to_string(), reason: reason.into() }
}

#[cfg(not(all(feature = "cpu", feature = "wgpu", feature = "cuda")))]
fn not_built<T>(wanted: DeviceChoice, feature: &str) -> Result<T> {
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

fn wgpu(index: usize) -> Result<ChosenDevice> {
    let wanted = DeviceChoice::Wgpu(index);
    let none = "no adapter found: a Vulkan, Metal or DirectX 12 driver is needed";
    pick(list_wgpu(wanted), index, wanted, none)
}

#[cfg(feature = "wgpu")]
fn list_wgpu(_wanted: DeviceChoice) -> Result<Vec<ChosenDevice>> {
    let adapters = Device::enumerate(burn::tensor::DeviceType::Wgpu).into_vec().into_iter();
    let opened = adapters.enumerate().map(|(index, device)| {
        let choice = DeviceChoice::Wgpu(index);
        let identity = device.identity();
        // Drivers say themselves whether there is a card behind them.
        let is_software = identity.as_ref().is_some_and(|identity| identity.physical.is_none());
        let name = identity.map_or_else(|| choice.to_string(), |identity| identity.name);
        ChosenDevice { choice, name, is_software, device }
    });
    Ok(opened.collect())
}

#[cfg(not(feature = "wgpu"))]
fn list_wgpu(wanted: DeviceChoice) -> Result<Vec<ChosenDevice>> {
    not_built(wanted, "wgpu")
}

fn cuda(index: usize) -> Result<ChosenDevice> {
    let wanted = DeviceChoice::Cuda(index);
    pick(list_cuda(wanted), index, wanted, "the CUDA driver lists no device")
}

#[cfg(feature = "cuda")]
fn list_cuda(wanted: DeviceChoice) -> Result<Vec<ChosenDevice>> {
    // Without a driver the first use of Burn's CUDA device would panic in a thread of its own.
    if !driver::is_present() {
        let reason = "no CUDA driver found: install the NVIDIA driver";
        return Err(refusal(wanted, reason));
    }
    let devices = Device::enumerate(burn::tensor::DeviceType::Cuda).into_vec().into_iter();
    let opened = devices.enumerate().map(|(index, device)| {
        let choice = DeviceChoice::Cuda(index);
        let name = device.identity().map_or_else(|| choice.to_string(), |identity| identity.name);
        ChosenDevice { choice, name, is_software: false, device }
    });
    Ok(opened.collect())
}

#[cfg(not(feature = "cuda"))]
fn list_cuda(wanted: DeviceChoice) -> Result<Vec<ChosenDevice>> {
    not_built(wanted, "cuda")
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

    #[cfg(target_os = "linux")]
    #[test]
    fn a_card_is_looked_for_where_a_driver_has_its_files() {
        let shown = |file: &str| {
            let root = tempfile::tempdir().unwrap();
            let file = root.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, []).unwrap();
            has_card_files(root.path())
        };
        for file in ["dev/dri/renderD128", "proc/driver/nvidia/version", "dev/nvidiactl", "dev/dxg"]
        {
            assert!(shown(file), "{file}");
        }
        for file in ["dev/dri/card0", "dev/null", "proc/cpuinfo"] {
            assert!(!shown(file), "{file}");
        }
    }

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
