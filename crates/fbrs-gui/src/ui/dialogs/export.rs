//! Exports to other programs' formats.

use std::path::PathBuf;
use std::thread;

use egui::accesskit::Role;
use egui::{Button, Context, Id, Modal, RichText, Ui};
use fbrs_annotation::export::{self, Format};

use super::After;
use super::job::Job;
use crate::desk::Desk;
use crate::ui::Ask;
use crate::ui::files::name;

/// What is exported, and where to.
pub(super) struct ExportDialog {
    settings: export::Settings,
    to: Option<PathBuf>,
    job: Job,
}

impl ExportDialog {
    pub(super) fn new(desk: &Desk) -> Self {
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
        settings.photos = flag("photos").unwrap_or(false);
        Self { settings, to: beside, job: Job::default() }
    }

    pub(super) fn set_folder(&mut self, folder: PathBuf) {
        self.to = Some(folder);
        self.job.forget();
    }

    pub(super) fn show(&mut self, desk: &mut Desk, ctx: &Context) -> After {
        self.job.is_just_over();
        let (mut asked, mut starts) = (None, false);
        let modal = Modal::new(Id::unique("export")).show(ctx, |ui| {
            ui.set_width(480.0);
            ui.label(RichText::new("Export").strong().size(16.0));
            ui.label("All photos of the folder that have objects, or are done.");
            ui.add_space(4.0);
            self.formats(ui);
            ui.add_space(6.0);
            if ui
                .checkbox(&mut self.settings.photos, "The photos too, upright, into images/")
                .changed()
            {
                self.job.forget();
            }
            ui.add_space(6.0);
            ui.horizontal_wrapped(|ui| {
                let to = self.to.as_ref().map(|to| to.display().to_string());
                let to = to.unwrap_or("no folder".to_owned());
                ui.label("Into");
                ui.label(RichText::new(fbrs_data::text::printable(&to)).monospace());
                if ui.button("Choose folder…").clicked() {
                    asked = Some(Ask::ExportTo);
                }
            });
            if desk.trouble.is_some() {
                let text = "Changes cannot be written at the moment: what is exported lacks them.";
                ui.colored_label(ui.visuals().error_fg_color, text);
            }
            ui.add_space(6.0);
            self.job.show(ui);
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let can = !self.job.is_running()
                    && self.to.is_some()
                    && !self.settings.formats.is_empty();
                if ui.add_enabled(can, Button::new("Export")).clicked() {
                    starts = true;
                }
                if ui.button("Close").clicked() {
                    ui.close();
                }
            });
        });
        if starts {
            self.start(desk, ctx);
        }
        match asked {
            Some(ask) => After::Asks(ask),
            None if modal.should_close() => After::Closes,
            None => After::Stays,
        }
    }

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
                self.job.forget();
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
        desk.keep_export(&self.settings);
        desk.save();
        let (project, settings) = (desk.project.clone(), self.settings.clone());
        let work = self.job.begin(ctx, move |go_on| {
            export::export(&folder, &project, &settings, &to, go_on)
                .map_err(|error| error.to_string())
        });
        desk.after_saving(move || {
            thread::spawn(work);
        });
    }
}
