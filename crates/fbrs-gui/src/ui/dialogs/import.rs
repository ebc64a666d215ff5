//! Imports of what other programs have marked.

use std::path::PathBuf;
use std::thread;

use egui::{Button, Context, Id, Modal, RichText};
use fbrs_annotation::import::{self, Settings};

use super::After;
use super::job::Job;
use crate::desk::Desk;
use crate::ui::Ask;

/// What is imported.
#[derive(Default)]
pub(super) struct ImportDialog {
    settings: Settings,
    job: Job,
    /// What was chosen, until the window's next frame.
    chosen: Option<PathBuf>,
}

impl ImportDialog {
    /// Imports what was chosen.
    pub(super) fn start(&mut self, desk: &mut Desk, from: PathBuf) {
        if !self.job.is_running() {
            desk.begin_import();
            self.chosen = Some(from);
        }
    }

    /// Whether it works: it is not closed then, because the window has to take in what it did.
    pub(super) fn is_running(&self) -> bool {
        self.job.is_running() || self.chosen.is_some()
    }

    pub(super) fn show(&mut self, desk: &mut Desk, ctx: &Context) -> After {
        if let Some(from) = self.chosen.take() {
            self.run(desk, ctx, from);
        }
        if self.job.is_just_over() {
            desk.take_in();
        }
        let mut asked = None;
        let modal = Modal::new(Id::unique("import")).show(ctx, |ui| {
            ui.set_width(480.0);
            ui.label(RichText::new("Import").strong().size(16.0));
            ui.label(
                "COCO, labelme, YOLO and PNG masks, told apart by themselves. Objects are put on top of \
                 those that are there; what is there already is passed over.",
            );
            ui.add_space(4.0);
            ui.checkbox(
                &mut self.settings.turn,
                "masks are of the photos as they are stored: turn them as EXIF tells",
            );
            ui.add_space(6.0);
            self.job.show(ui);
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let can = !self.job.is_running();
                if ui.add_enabled(can, Button::new("A file…")).clicked() {
                    asked = Some(Ask::ImportFile);
                }
                if ui.add_enabled(can, Button::new("A folder…")).clicked() {
                    asked = Some(Ask::ImportFolder);
                }
                if ui.button("Close").clicked() {
                    ui.close();
                }
            });
        });
        match asked {
            Some(ask) => After::Asks(ask),
            None if modal.should_close() && !self.job.is_running() => After::Closes,
            None => After::Stays,
        }
    }

    /// In a thread of its own, when the photo that was open is on the disk.
    fn run(&mut self, desk: &mut Desk, ctx: &Context, from: PathBuf) {
        let Some(folder) = desk.folder.clone() else { return desk.take_in() };
        let (mut project, settings) = (desk.project.clone(), self.settings);
        let work = self.job.begin(ctx, move |go_on| {
            import::import(&folder, &mut project, &from, settings, go_on)
                .map_err(|error| error.to_string())
        });
        desk.after_saving(move || {
            thread::spawn(work);
        });
    }
}
