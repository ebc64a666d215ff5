//! `fbrs annotate`: the window.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use fbrs::DeviceChoice;
use fbrs_gui::{Error, Launch, Renderer};

use crate::exit::Exit;

/// What the window is opened with.
#[derive(Debug, Args)]
pub(super) struct WindowArgs {
    /// A folder of photos, or photos of one folder; nothing for a first page
    #[arg(value_name = "PHOTO|FOLDER")]
    paths: Vec<PathBuf>,
    /// Weights: "default", a name (`fbrs weights list`) or a file; else those chosen in the window last
    #[arg(long, value_name = "NAME|FILE")]
    weights: Option<String>,
    /// Device: auto, cpu, wgpu, wgpu:N, cuda or cuda:N; else that chosen in the window last, or auto
    #[arg(long, value_parser = parse_device)]
    device: Option<DeviceChoice>,
    /// Where annotations are kept, if not beside the photos
    #[arg(long, value_name = "DIR", alias = "output")]
    documents: Option<PathBuf>,
    /// What the window is drawn with
    #[arg(long, value_enum, default_value_t = DrawnWith::Auto)]
    renderer: DrawnWith,
    /// Where choices of the window are kept, if not in the user's folder
    #[arg(long, value_name = "FILE", hide = true)]
    settings: Option<PathBuf>,
    /// Plays a script in the window instead of a person
    #[arg(long, value_name = "FILE", requires = "screenshots", hide = true)]
    script: Option<PathBuf>,
    /// Where the script's pictures go
    #[arg(long, value_name = "DIR", hide = true)]
    screenshots: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DrawnWith {
    /// wgpu, and OpenGL where that finds nothing to draw with
    Auto,
    /// Vulkan, Metal or DirectX 12
    Wgpu,
    /// OpenGL
    Glow,
}

fn parse_device(text: &str) -> Result<DeviceChoice, fbrs::ParseDeviceError> {
    text.parse()
}

pub(super) fn run(args: WindowArgs) -> Result<()> {
    if let Some(missing) = args.paths.iter().find(|path| !path.exists()) {
        let missing = super::shown(missing);
        let sentence = format!("{missing} is not there: expected a photo or a folder of photos");
        return Err(Exit::Input.because(sentence));
    }
    let mut launch = Launch::new(args.paths);
    launch.weights = args.weights;
    launch.device = args.device;
    launch.documents = args.documents;
    launch.settings = args.settings;
    launch.renderer = match args.renderer {
        DrawnWith::Auto => Renderer::Auto,
        DrawnWith::Wgpu => Renderer::Wgpu,
        DrawnWith::Glow => Renderer::Glow,
    };
    launch.script = args.script.zip(args.screenshots);
    fbrs_gui::run(launch).map_err(|error| match error {
        Error::Graphics(_) => Exit::Device.because(error.to_string()),
        _ => Exit::Other.because(error.to_string()),
    })
}
