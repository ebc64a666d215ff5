use fbrs::DeviceChoice;
use pyo3::prelude::*;

use crate::process;
use crate::run::detached;

/// The devices of this machine that this build can use, as `fbrs.Device`. "auto" takes the first that
/// is no software renderer.
///
/// >>> import fbrs
/// >>> fbrs.devices()[-1]
/// Device(id='cpu', name='cpu', is_software=False)
#[pyfunction]
pub(crate) fn devices(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyAny>>> {
    process::check()?;
    let class = py.import("fbrs._values")?.getattr("Device")?;
    let found = detached(py, || Ok(DeviceChoice::available()))?;
    let devices = found.iter().map(|device| {
        class.call1((device.choice().to_string(), device.name(), device.is_software()))
    });
    devices.collect()
}
