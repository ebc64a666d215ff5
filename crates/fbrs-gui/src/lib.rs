//! The annotator: a window to mark objects in photos with a few clicks.
//!
//! The decision that shaped this crate: what the annotator knows and does is a desk (`desk`), which no
//! window is needed for, and which never waits. Threads read photos, keep documents on disk, answer
//! clicks and paint; the window shows the desk and tells it what people do.
//!
//! ```no_run
//! use fbrs_gui::{Launch, run};
//!
//! # fn main() -> Result<(), fbrs_gui::Error> {
//! run(Launch::new(["holidays".into()]))
//! # }
//! ```
//!
//! | folder or file | what it owns |
//! |---|---|
//! | `desk/` | photos, objects, clicks, classes, hands; what keys do |
//! | `engine/` | the thread that answers clicks |
//! | `disk.rs` | the thread that keeps documents |
//! | `loader.rs` | the threads that read and list photos |
//! | `canvas/` | the view of the photo, its tiles, the masks as pictures |
//! | `ui/` | the window |
//! | `script/` | the window used by a script, for checks and pictures |
//!
//! This crate follows `fbrs`, the one stable public crate: its interface may change with any release.

mod canvas;
mod desk;
mod disk;
mod engine;
mod loader;
mod script;
#[cfg(test)]
mod tests;
mod ui;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use eframe::{NativeOptions, Renderer as FrameRenderer};
use egui::ViewportBuilder;
use fbrs::DeviceChoice;

use desk::{Desk, Settings, Setup};
use engine::{Networks, Wake};
use script::Player;
use ui::Window;

/// How the annotator is started.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Launch {
    /// A folder of photos, or photos of one folder; nothing for the first page.
    pub paths: Vec<PathBuf>,
    /// Weights: `default`, a name or a path; `None` for those that were chosen in the window last.
    pub weights: Option<String>,
    /// What they run on; `None` for what was chosen in the window last.
    pub device: Option<DeviceChoice>,
    /// Where documents are kept, where not beside the photos.
    pub documents: Option<PathBuf>,
    /// What the window is drawn with.
    pub renderer: Renderer,
    /// Where choices are kept; `None` for the system's place.
    pub settings: Option<PathBuf>,
    /// What is done in the window without anybody at it, and where its pictures go.
    pub script: Option<(PathBuf, PathBuf)>,
}

impl Launch {
    /// Opens these photos, or this folder.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            paths: paths.into_iter().collect(),
            weights: None,
            device: None,
            documents: None,
            renderer: Renderer::Auto,
            settings: None,
            script: None,
        }
    }
}

/// What the window is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Renderer {
    /// wgpu, and OpenGL where that finds nothing to draw with.
    #[default]
    Auto,
    /// Vulkan, Metal or DirectX 12.
    Wgpu,
    /// OpenGL.
    Glow,
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing can be drawn with.
    #[error(
        "no window can be opened: {0}. The annotator needs a display and a graphics driver; \
         `fbrs annotate export` and `import` need neither"
    )]
    Graphics(String),
    /// The script cannot be played.
    #[error("{0}")]
    Script(String),
}

/// Opens the window, and returns when it is closed.
///
/// # Errors
/// [`Error::Graphics`] where no window can be opened, [`Error::Script`] where a script fails.
pub fn run(launch: Launch) -> Result<(), Error> {
    be_modest();
    let player = match &launch.script {
        Some((script, pictures)) => Some(Player::read(script, pictures).map_err(Error::Script)?),
        None => None,
    };
    let outcome = player.as_ref().map(Player::outcome);
    let renderers = match launch.renderer {
        Renderer::Auto => &[FrameRenderer::Wgpu, FrameRenderer::Glow][..],
        Renderer::Wgpu => &[FrameRenderer::Wgpu],
        Renderer::Glow => &[FrameRenderer::Glow],
    };
    let mut problem = String::new();
    for renderer in renderers {
        match show(&launch, *renderer, player.clone()) {
            Ok(()) => {
                let failed = outcome.and_then(|outcome| outcome.failure());
                return failed.map_or(Ok(()), |failure| Err(Error::Script(failure)));
            }
            Err(error) => {
                let name = if *renderer == FrameRenderer::Wgpu { "wgpu" } else { "OpenGL" };
                let text = match &error {
                    // What it says itself tells of places in its source.
                    eframe::Error::WinitEventLoop(_) if cfg!(target_os = "linux") => {
                        "neither DISPLAY nor WAYLAND_DISPLAY leads to a display".to_owned()
                    }
                    error => format!("{name}: {error}"),
                };
                problem = if problem.is_empty() { text } else { format!("{problem}; {text}") };
                // An event loop cannot be begun again in a process that could not begin one.
                if matches!(error, eframe::Error::WinitEventLoop(_)) {
                    break;
                }
            }
        }
    }
    Err(Error::Graphics(problem))
}

fn show(
    launch: &Launch,
    renderer: FrameRenderer,
    player: Option<Player>,
) -> Result<(), eframe::Error> {
    let viewport = ViewportBuilder::default()
        .with_title("fbrs annotate")
        .with_app_id("fbrs")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([640.0, 420.0])
        .with_drag_and_drop(true);
    let options = NativeOptions { viewport, renderer, ..NativeOptions::default() };
    let launch = launch.clone();
    eframe::run_native(
        "fbrs annotate",
        options,
        Box::new(move |context| {
            let ctx = context.egui_ctx.clone();
            let wake: Wake = Arc::new(move || ctx.request_repaint());
            let mut desk = Desk::new(Setup {
                load: Box::new(Networks),
                weights: launch.weights,
                device: launch.device,
                settings: launch.settings.or_else(Settings::usual_path),
                output: launch.documents,
                wake: wake.clone(),
            });
            desk.open_paths(&launch.paths);
            Ok(Box::new(App { window: Window::new(desk, wake), player }))
        }),
    )
}

/// The window as the frame has it.
struct App {
    window: Window,
    player: Option<Player>,
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let began = Instant::now();
        self.window.ui(ui);
        if let Some(player) = &mut self.player {
            player.play(&mut self.window, ui.ctx(), began.elapsed());
        }
    }

    fn raw_input_hook(&mut self, _ctx: &egui::Context, input: &mut egui::RawInput) {
        if let Some(player) = &mut self.player {
            player.feed(input);
        }
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.window.desk.close();
    }
}

/// Leaves the processor to the window, and to other programs, where both want it: threads that
/// compute have a low priority. Not the lowest: beside one other busy program clicks would then take
/// ten times as long. Masks do not depend on how many threads there are.
fn be_modest() {
    /// Of 99; 6 as Unix counts.
    const PRIORITY: u8 = 33;
    let lower = |_| {
        let priority = thread_priority::ThreadPriorityValue::try_from(PRIORITY);
        // Some systems do not let programs do that; clicks are answered all the same.
        let _ = priority.map(|priority| {
            thread_priority::set_current_thread_priority(
                thread_priority::ThreadPriority::Crossplatform(priority),
            )
        });
    };
    // Where the pool is there already, it stays as it is.
    let _ = rayon::ThreadPoolBuilder::new().start_handler(lower).build_global();
}
