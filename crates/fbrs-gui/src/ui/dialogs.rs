//! Windows within the window: keys, classes, weights, exports.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use egui::accesskit::Role;
use egui::{
    Button, Context, Event, Grid, Id, Key, Modal, ProgressBar, RichText, ScrollArea, TextEdit, Ui,
    vec2,
};
use fbrs::DeviceChoice;
use fbrs::weights::{self, Places};
use fbrs_annotation::export::{self, Format, Report};

use super::Ask;
use super::files::name;
use crate::desk::{Action, Chord, Desk, Group};

/// What is open.
#[derive(Default)]
pub(super) struct Dialogs {
    keys: Option<KeysDialog>,
    class: Option<String>,
    weights: Option<WeightsDialog>,
    export: Option<ExportDialog>,
}

#[derive(Default)]
struct KeysDialog {
    /// The action whose key is to be pressed.
    chooses: Option<Action>,
    problem: Option<String>,
}

struct WeightsDialog {
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

struct ExportDialog {
    settings: export::Settings,
    to: Option<PathBuf>,
    running: Option<Arc<Running>>,
    outcome: Option<Result<Report, String>>,
}

/// An export on its way.
#[derive(Default)]
struct Running {
    done: AtomicUsize,
    all: AtomicUsize,
    is_called_off: AtomicBool,
    outcome: Mutex<Option<Result<Report, String>>>,
}

impl Dialogs {
    /// Whether keys belong to a dialog.
    pub(super) fn is_modal(&self) -> bool {
        self.class.is_some() || self.weights.is_some() || self.export.is_some()
    }

    /// Whether the next key is to be somebody's choice.
    pub(super) fn wants_key(&self) -> bool {
        self.keys.as_ref().is_some_and(|keys| keys.chooses.is_some())
    }

    pub(super) fn search_class(&mut self) {
        self.class = Some(String::new());
    }

    pub(super) fn toggle_keys(&mut self) {
        self.keys = match self.keys {
            Some(_) => None,
            None => Some(KeysDialog::default()),
        };
    }

    /// Closes the dialog on top; `false` where there is none.
    pub(super) fn close_one(&mut self) -> bool {
        self.class.take().is_some()
            || self.export.take().is_some()
            || self.weights.take().is_some()
            || self.keys.take().is_some()
    }

    pub(super) fn open_export(&mut self, desk: &Desk) {
        if desk.folder.is_none() {
            return;
        }
        let beside = desk.folder_path().and_then(|root| {
            let name = root.file_name()?.to_string_lossy().into_owned();
            Some(root.parent()?.join(format!("{name} export")))
        });
        let mut settings = export::Settings::new([Format::Coco]);
        if let Some(known) = desk.project.export.get("formats").and_then(|list| list.as_array()) {
            let formats = known.iter().filter_map(|format| format.as_str()?.parse().ok());
            settings.formats = formats.collect();
        }
        let flag = |key: &str| desk.project.export.get(key).and_then(serde_json::Value::as_bool);
        settings.always_rle = flag("always_rle").unwrap_or(false);
        settings.polygons = flag("polygons").unwrap_or(false);
        settings.palette = flag("palette").unwrap_or(false);
        self.export = Some(ExportDialog { settings, to: beside, running: None, outcome: None });
    }

    pub(super) fn set_export_folder(&mut self, folder: PathBuf) {
        if let Some(export) = &mut self.export {
            export.to = Some(folder);
            export.outcome = None;
        }
    }

    pub(super) fn open_weights(&mut self, desk: &Desk) {
        let (to, devices) = mpsc::channel();
        // Asking graphics drivers takes a while.
        thread::spawn(move || {
            let found = DeviceChoice::available();
            let list = found.iter().map(|device| (device.choice(), device.to_string())).collect();
            let _ = to.send(list);
        });
        let choice = desk.choice();
        self.weights = Some(WeightsDialog {
            names: names(),
            devices,
            known: Vec::new(),
            weights: choice.weights.clone(),
            device: choice.device,
            download: None,
            problem: None,
        });
    }

    /// Draws what is open; returns the dialog of the system that was asked for.
    pub(super) fn show(&mut self, desk: &mut Desk, ctx: &Context) -> Option<Ask> {
        self.show_keys(desk, ctx);
        self.show_class(desk, ctx);
        let weights = self.show_weights(desk, ctx);
        let export = self.show_export(desk, ctx);
        weights.or(export)
    }

    fn show_keys(&mut self, desk: &mut Desk, ctx: &Context) {
        let Some(keys) = &mut self.keys else { return };
        if let Some(action) = keys.chooses {
            keys.choose(desk, ctx, action);
        }
        let mut open = true;
        egui::Window::new("Keys").open(&mut open).default_width(560.0).default_height(560.0).vscroll(true).show(
            ctx,
            |ui| {
                ui.label("Press a button and then a key to choose another one. Number keys choose classes.");
                if let Some(problem) = &keys.problem {
                    ui.colored_label(ui.visuals().error_fg_color, problem);
                }
                for group in Group::ALL {
                    ui.add_space(6.0);
                    ui.label(RichText::new(group.text()).strong());
                    Grid::new(group.text()).num_columns(3).min_col_width(150.0).striped(true).show(ui, |ui| {
                        for action in Action::ALL.iter().filter(|action| action.group() == group) {
                            keys.row(desk, ui, *action);
                        }
                    });
                }
                ui.add_space(6.0);
                ui.label(RichText::new("Mouse").strong());
                for line in MOUSE {
                    ui.label(*line);
                }
            },
        );
        if !open {
            self.keys = None;
        }
    }

    fn show_class(&mut self, desk: &mut Desk, ctx: &Context) {
        let Some(text) = &mut self.class else { return };
        let mut chosen: Option<String> = None;
        let modal = Modal::new(Id::unique("class")).show(ctx, |ui| {
            ui.set_width(300.0);
            ui.label(RichText::new("Class").strong());
            let edit = ui.add(
                TextEdit::singleline(text)
                    .hint_text("Name: Enter chooses or adds it")
                    .desired_width(f32::INFINITY),
            );
            name(&edit, Role::SearchInput, "Name of a class");
            edit.request_focus();
            let search = text.trim().to_lowercase();
            let found: Vec<_> = desk
                .project
                .in_use()
                .filter(|c| c.name.to_lowercase().contains(&search))
                .map(|c| c.name.clone())
                .collect();
            ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
                for known in &found {
                    if ui
                        .add_sized(vec2(ui.available_width(), 24.0), Button::new(known.as_str()))
                        .clicked()
                    {
                        chosen = Some(known.clone());
                    }
                }
            });
            if ui.input(|input| input.key_pressed(Key::Enter)) {
                let exact = found.iter().find(|known| known.to_lowercase() == search);
                let only = found.first().filter(|_| found.len() == 1 && !search.is_empty());
                chosen = exact.or(only).cloned().or(Some(text.trim().to_owned()));
            }
        });
        match chosen {
            Some(class) => {
                desk.choose_class_named(&class);
                self.class = None;
            }
            None if modal.should_close() => self.class = None,
            None => {}
        }
    }

    fn show_weights(&mut self, desk: &mut Desk, ctx: &Context) -> Option<Ask> {
        let dialog = self.weights.as_mut()?;
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
            self.weights = None;
        } else if modal.should_close() || asked.is_some() {
            if let Some(download) = &dialog.download {
                download.is_called_off.store(true, Ordering::Relaxed);
            }
            self.weights = None;
        }
        asked
    }

    fn show_export(&mut self, desk: &mut Desk, ctx: &Context) -> Option<Ask> {
        let dialog = self.export.as_mut()?;
        if let Some(running) = &dialog.running {
            let mut outcome = running.outcome.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(outcome) = outcome.take() {
                dialog.outcome = Some(outcome);
            }
            drop(outcome);
            if dialog.outcome.is_some() {
                dialog.running = None;
            }
        }
        let (mut asked, mut starts) = (None, false);
        let modal = Modal::new(Id::unique("export")).show(ctx, |ui| {
            ui.set_width(480.0);
            ui.label(RichText::new("Export").strong().size(16.0));
            ui.label("All photos of the folder that have objects, or are done.");
            ui.add_space(4.0);
            dialog.formats(ui);
            ui.add_space(6.0);
            ui.horizontal_wrapped(|ui| {
                let to = dialog
                    .to
                    .as_ref()
                    .map_or("no folder".to_owned(), |to| to.display().to_string());
                ui.label("Into");
                ui.label(RichText::new(fbrs_data::text::printable(&to)).monospace());
                if ui.button("Choose folder…").clicked() {
                    asked = Some(Ask::ExportTo);
                }
            });
            ui.add_space(6.0);
            match (&dialog.running, &dialog.outcome) {
                (Some(running), _) => {
                    let (done, all) =
                        (running.done.load(Ordering::Relaxed), running.all.load(Ordering::Relaxed));
                    ui.horizontal(|ui| {
                        let bar = ProgressBar::new(done as f32 / all.max(1) as f32);
                        ui.add(bar.text(format!("{done} of {all} photos")).desired_width(360.0));
                        if ui.button("Stop").clicked() {
                            running.is_called_off.store(true, Ordering::Relaxed);
                        }
                    });
                    ctx.request_repaint_after(std::time::Duration::from_millis(100));
                }
                (None, Some(Ok(report))) => {
                    ScrollArea::vertical().max_height(200.0).auto_shrink([false, true]).show(
                        ui,
                        |ui| {
                            for line in report.lines() {
                                ui.label(line);
                            }
                        },
                    );
                }
                (None, Some(Err(problem))) => {
                    ui.colored_label(ui.visuals().error_fg_color, problem);
                }
                (None, None) => {}
            }
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let can = dialog.running.is_none()
                    && dialog.to.is_some()
                    && !dialog.settings.formats.is_empty();
                if ui.add_enabled(can, Button::new("Export")).clicked() {
                    starts = true;
                }
                if ui.button("Close").clicked() {
                    ui.close();
                }
            });
        });
        if starts {
            dialog.start(desk, ctx);
        }
        if modal.should_close() {
            if let Some(running) = &dialog.running {
                running.is_called_off.store(true, Ordering::Relaxed);
            }
            self.export = None;
        }
        asked
    }
}

impl KeysDialog {
    fn row(&mut self, desk: &mut Desk, ui: &mut Ui, action: Action) {
        ui.label(action.text());
        let waits = self.chooses == Some(action);
        let text = if waits { "press a key …".to_owned() } else { desk.keys.text(action) };
        let button = ui.add(Button::selectable(waits, text));
        name(&button, Role::Button, &format!("Choose the key of: {}", action.text()));
        if button.clicked() {
            self.chooses = if waits { None } else { Some(action) };
            self.problem = None;
        }
        if !desk.keys.is_usual(action)
            && ui.button("usual").on_hover_text("Back to the usual key").clicked()
        {
            desk.keys.forget(action);
            desk.keep_settings();
        }
        ui.end_row();
    }

    /// The next key that is pressed becomes the action's.
    fn choose(&mut self, desk: &mut Desk, ctx: &Context, action: Action) {
        let pressed = ctx.input(|input| {
            input.raw.events.iter().find_map(|event| match event {
                Event::Key { key, physical_key, pressed: true, modifiers, .. } => {
                    Some((physical_key.filter(|p| p.name().len() == 1).unwrap_or(*key), *modifiers))
                }
                _ => None,
            })
        });
        let Some((key, modifiers)) = pressed else { return };
        self.chooses = None;
        if key == Key::Escape && action != Action::Cancel {
            return;
        }
        let chord = Chord { key, command: modifiers.command, shift: modifiers.shift };
        match desk.keys.choose(action, chord) {
            Ok(()) => {
                self.problem = None;
                desk.keep_settings();
            }
            Err(problem) => self.problem = Some(problem),
        }
    }
}

/// What hands do without keys.
const MOUSE: &[&str] = &[
    "Left button: object. Right button, or Shift and left: background.",
    "Drag a click: moves it. Drag elsewhere, or with the right or middle button: pans.",
    "Wheel or pinch: zooms at the pointer. Two fingers: pans.",
    "Ctrl and left: selects the object there; with Shift, another one beside it.",
    "Polygon: click corners; the first corner, a double or a right click closes it.",
];

impl WeightsDialog {
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

impl ExportDialog {
    fn formats(&mut self, ui: &mut Ui) {
        for format in Format::ALL {
            let text = match format {
                Format::Coco => "COCO: instances.json",
                Format::Labelme => "labelme: a JSON for each photo",
                Format::Yolo => "YOLO segmentation: labels and data.yaml",
                Format::Ids => "PNG of objects' numbers (looks black: the numbers are small)",
                Format::Classes => "PNG of classes, in colors",
                Format::Objects => "PNG of each object, black and white",
                Format::Cutouts => "PNG of each object, cut out",
            };
            let mut on = self.settings.formats.contains(&format);
            if ui.checkbox(&mut on, text).changed() {
                self.settings.formats.retain(|known| *known != format);
                if on {
                    self.settings.formats.push(format);
                    self.settings.formats.sort_unstable();
                }
                self.outcome = None;
            }
            if !on {
                continue;
            }
            let settings = &mut self.settings;
            ui.indent(format.name(), |ui| match format {
                Format::Coco => {
                    ui.checkbox(
                        &mut settings.always_rle,
                        "run lengths for all objects, not for those with holes alone",
                    );
                }
                Format::Labelme => {
                    ui.checkbox(&mut settings.polygons, "polygons, for versions before masks");
                }
                Format::Ids => {
                    ui.checkbox(
                        &mut settings.palette,
                        "in colors, by which objects can be told apart",
                    );
                }
                Format::Cutouts => {
                    ui.horizontal(|ui| {
                        let made =
                            ui.add(egui::DragValue::new(&mut settings.margin).range(0..=500));
                        name(&made, Role::SpinButton, "Pixels around a cut-out object");
                        ui.label("pixels around");
                    });
                }
                Format::Yolo => {
                    ui.horizontal(|ui| {
                        let made =
                            ui.add(egui::DragValue::new(&mut settings.validation).range(0..=90));
                        name(&made, Role::SpinButton, "Photos for validation, of a hundred");
                        ui.label("of a hundred photos for validation");
                    });
                }
                _ => {}
            });
        }
    }

    /// Exports in a thread of its own, when everything that was done is on the disk.
    fn start(&mut self, desk: &mut Desk, ctx: &Context) {
        let (Some(folder), Some(to)) = (desk.folder.clone(), self.to.clone()) else { return };
        self.outcome = None;
        desk.keep_export(&self.settings);
        desk.save();
        let running = Arc::new(Running::default());
        self.running = Some(running.clone());
        let (project, settings, ctx) = (desk.project.clone(), self.settings.clone(), ctx.clone());
        let work = move || {
            let go_on = |done: usize, all: usize| {
                running.done.store(done, Ordering::Relaxed);
                running.all.store(all, Ordering::Relaxed);
                !running.is_called_off.load(Ordering::Relaxed)
            };
            let outcome = export::export(&folder, &project, &settings, &to, go_on);
            let outcome = outcome.map_err(|error| error.to_string());
            *running.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            ctx.request_repaint();
        };
        desk.after_saving(move || {
            thread::spawn(work);
        });
    }
}
