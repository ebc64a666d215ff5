//! Other weights, on another device.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use egui::accesskit::Role;
use egui::{Button, Context, Grid, Id, Modal, ProgressBar, RichText, ScrollArea, Ui};
use fbrs::DeviceChoice;
use fbrs::weights::{self, Places};

use super::After;
use crate::desk::Desk;
use crate::ui::Ask;
use crate::ui::files::name;

/// The choice.
pub(super) struct WeightsDialog {
    names: Vec<Named>,
    devices: Receiver<Vec<(DeviceChoice, String)>>,
    known: Vec<(DeviceChoice, String)>,
    weights: String,
    device: DeviceChoice,
    download: Option<Arc<Download>>,
    problem: Option<String>,
}

/// Weights in the list.
struct Named {
    name: String,
    /// Where they are, or that they can be fetched.
    place: String,
    is_here: bool,
}

/// A download on its way.
struct Download {
    name: String,
    done: AtomicUsize,
    total: AtomicUsize,
    is_called_off: AtomicBool,
    outcome: Mutex<Option<Result<PathBuf, String>>>,
}

impl WeightsDialog {
    pub(super) fn new(desk: &Desk) -> Self {
        let (to, devices) = mpsc::channel();
        // Asking graphics drivers takes a while.
        thread::spawn(move || {
            let found = DeviceChoice::available();
            let list = found.iter().map(|device| (device.choice(), device.to_string())).collect();
            let _ = to.send(list);
        });
        let choice = desk.choice();
        Self {
            names: names(),
            devices,
            known: Vec::new(),
            weights: choice.weights.clone(),
            device: choice.device,
            download: None,
            problem: None,
        }
    }

    pub(super) fn show(&mut self, desk: &mut Desk, ctx: &Context) -> After {
        let dialog = self;
        if let Ok(found) = dialog.devices.try_recv() {
            dialog.known = found;
        }
        dialog.hear_download();
        let (mut asked, mut done) = (None, false);
        let modal = Modal::new(Id::unique("weights")).show(ctx, |ui| {
            ui.set_width(460.0);
            ui.label(RichText::new("Weights and device").strong().size(16.0));
            ui.add_space(4.0);
            ScrollArea::vertical().max_height(280.0).show(ui, |ui| {
                Grid::new("weights").num_columns(3).striped(true).show(ui, |ui| dialog.rows(ui));
            });
            if let Some(download) = dialog.download.clone() {
                let (got, all) =
                    (download.done.load(Ordering::Relaxed), download.total.load(Ordering::Relaxed));
                let share = got as f32 / all.max(1) as f32;
                let text =
                    format!("{}: {} of {} MB", download.name, got / 1_000_000, all / 1_000_000);
                ui.horizontal(|ui| {
                    ui.add(ProgressBar::new(share).text(text).desired_width(360.0));
                    if ui.button("Stop").clicked() {
                        download.is_called_off.store(true, Ordering::Relaxed);
                    }
                });
                ctx.request_repaint_after(std::time::Duration::from_millis(200));
            }
            if let Some(problem) = &dialog.problem {
                ui.colored_label(ui.visuals().error_fg_color, problem);
            }
            if ui.button("Open a file (.pth, .safetensors)…").clicked() {
                asked = Some(Ask::Weights);
            }
            ui.add_space(6.0);
            ui.horizontal(|ui| {
                ui.label("Device");
                let shown = dialog.known.iter().find(|(choice, _)| *choice == dialog.device);
                let shown = shown.map_or(dialog.device.to_string(), |(_, text)| text.clone());
                let list = egui::ComboBox::from_id_salt("device")
                    .selected_text(shown)
                    .width(280.0)
                    .show_ui(ui, |ui| {
                        ui.selectable_value(
                            &mut dialog.device,
                            DeviceChoice::Auto,
                            "auto: the fastest",
                        );
                        for (choice, text) in &dialog.known {
                            ui.selectable_value(&mut dialog.device, *choice, text.as_str());
                        }
                    });
                name(&list.response, Role::ComboBox, "Device");
            });
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let choice = desk.choice();
                let differs = choice.weights != dialog.weights || choice.device != dialog.device;
                if ui.add_enabled(differs, Button::new("Use these")).clicked() {
                    done = true;
                }
                if ui.button("Close").clicked() {
                    ui.close();
                }
            });
        });
        if done {
            desk.load(dialog.weights.clone(), dialog.device);
            return After::Closes;
        }
        match asked {
            Some(ask) => After::Asks(ask),
            None if modal.should_close() => After::Closes,
            None => After::Stays,
        }
    }

    fn rows(&mut self, ui: &mut Ui) {
        let mut fetch = None;
        for named in &self.names {
            let chosen = self.weights == named.name;
            if ui
                .add_enabled(named.is_here, Button::selectable(chosen, named.name.as_str()))
                .clicked()
            {
                self.weights.clone_from(&named.name);
            }
            ui.label(RichText::new(&named.place).weak());
            if named.is_here {
                ui.label("");
            } else if ui.add_enabled(self.download.is_none(), Button::new("Download")).clicked() {
                fetch = Some(named.name.clone());
            }
            ui.end_row();
        }
        if let Some(name) = fetch {
            self.problem = None;
            self.download = Some(Download::start(name));
        }
    }

    fn hear_download(&mut self) {
        let Some(download) = &self.download else { return };
        let outcome = download.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        match outcome {
            None => return,
            Some(Ok(_)) => {
                self.weights.clone_from(&download.name);
                self.names = names();
            }
            Some(Err(problem)) => self.problem = Some(problem),
        }
        self.download = None;
    }
}

impl Drop for WeightsDialog {
    /// What was fetched of a download stays, and the next one goes on from there.
    fn drop(&mut self) {
        if let Some(download) = &self.download {
            download.is_called_off.store(true, Ordering::Relaxed);
        }
    }
}

impl Download {
    fn start(name: String) -> Arc<Self> {
        let own = Arc::new(Self {
            name,
            done: AtomicUsize::new(0),
            total: AtomicUsize::new(0),
            is_called_off: AtomicBool::new(false),
            outcome: Mutex::new(None),
        });
        let shared = own.clone();
        thread::spawn(move || {
            let outcome = own.run();
            *own.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        });
        shared
    }

    fn run(&self) -> Result<PathBuf, String> {
        let published = weights::find_published(&self.name).map_err(|error| error.to_string())?;
        let megabytes = usize::try_from(published.megabytes).unwrap_or(0);
        self.total.store(megabytes * 1_000_000, Ordering::Relaxed);
        let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let fetched = weights::fetch::fetch(&published, &weights::cache_folder(), |progress| {
            if let Some(total) = progress.total {
                self.total.store(number(total), Ordering::Relaxed);
            }
            self.done.store(number(progress.done), Ordering::Relaxed);
            match self.is_called_off.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        fetched.map(|fetched| fetched.path).map_err(|error| error.to_string())
    }
}

/// All weights that a name stands for, those that are here first.
fn names() -> Vec<Named> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for (index, own) in weights::built_in_names().enumerate() {
        let name = if index == 0 { "default" } else { own };
        seen.insert(own.to_owned());
        let place = format!("built in ({own})");
        names.push(Named { name: name.to_owned(), place, is_here: true });
    }
    let places = Places::default().looking_first_in("weights");
    let mut others: Vec<_> = weights::published().into_iter().map(|known| known.name).collect();
    for folder in &places.folders {
        let entries = std::fs::read_dir(folder.as_path()).into_iter().flatten().flatten();
        others.extend(entries.filter_map(|entry| {
            let path = entry.path();
            let ending = path.extension()?.to_str()?;
            let is_weights = ["pth", "pt", "safetensors"].contains(&ending);
            is_weights.then(|| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))?
        }));
    }
    for name in others {
        if seen.insert(name.clone()) {
            let is_here = places.locate(&name).is_ok();
            let place = if is_here { "on this machine" } else { "can be downloaded" };
            names.push(Named { name, place: place.to_owned(), is_here });
        }
    }
    names.sort_by_key(|named| !named.is_here);
    names
}
