//! `fbrs devices`: where networks can run.

use anyhow::Result;
use clap::Args;
use fbrs::{ChosenDevice, DeviceChoice};
use serde::Serialize;

use crate::print::{self, Voice};

/// List the devices that this build can use on this machine
///
/// In the order that `--device auto` prefers them; software renderers are listed and never taken
/// by it.
#[derive(Debug, Args)]
pub(crate) struct DevicesArgs {
    /// Print a JSON list instead of a table
    #[arg(long)]
    json: bool,
}

/// A device as reports name it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DeviceName {
    /// What `--device` takes.
    #[serde(rename = "device")]
    choice: String,
    /// What its driver calls it.
    name: String,
}

impl DeviceName {
    pub(crate) fn of(device: &ChosenDevice) -> Self {
        Self { choice: device.choice().to_string(), name: device.name().to_owned() }
    }
}

/// Opens a device, and tells what the choice means where the user may not know.
pub(crate) fn open(choice: DeviceChoice, voice: Voice) -> Result<ChosenDevice> {
    let device = choice.open()?;
    if choice == DeviceChoice::Auto {
        voice.remark(format!("device auto took {device}"));
    }
    if device.is_software() {
        voice.warn(format!("{device} is no GPU but a software renderer: cpu is far quicker"));
    }
    Ok(device)
}

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    device: DeviceName,
    /// Whether `auto` takes this one.
    auto: bool,
    /// Whether it computes on the processor behind a graphics interface.
    software: bool,
}

pub(crate) fn run(args: DevicesArgs) -> Result<()> {
    let available = DeviceChoice::available();
    let taken = available.iter().position(|device| !device.is_software());
    let listed: Vec<_> = available
        .iter()
        .enumerate()
        .map(|(index, device)| Listed {
            device: DeviceName::of(device),
            auto: taken == Some(index),
            software: device.is_software(),
        })
        .collect();
    if args.json {
        return print::print_json(&listed);
    }
    let mut rows = vec![["DEVICE", "NAME", ""].map(str::to_owned)];
    rows.extend(listed.into_iter().map(|Listed { device, auto, software }| {
        let remark = match (auto, software) {
            (true, _) => "taken by auto",
            (_, true) => "software renderer, passed over by auto",
            _ => "",
        };
        [device.choice, device.name, remark.to_owned()]
    }));
    print::print(&print::table(&rows))
}
