//! Objects, classes, display and parameters.

mod classes;
mod display;
mod objects;
mod parameters;

use egui::{CollapsingHeader, RichText, ScrollArea, Ui};

use super::dialogs::Dialogs;
use crate::desk::Desk;

use classes::Classes;
use objects::Objects;

/// The panel, and what it remembers.
#[derive(Default)]
pub(super) struct Side {
    objects: Objects,
    classes: Classes,
}

impl Side {
    pub(super) fn show(&mut self, desk: &mut Desk, dialogs: &mut Dialogs, ui: &mut Ui) {
        // What is wider than the panel does not widen it: the photo stays where it is.
        ScrollArea::both().auto_shrink(false).show(ui, |ui| {
            let count = desk.document().map_or(0, |document| document.objects.len());
            let part = |text: &str, id: &str, open: bool| {
                let header = CollapsingHeader::new(RichText::new(text).strong());
                header.id_salt(id.to_owned()).default_open(open)
            };
            part(&format!("Objects ({count})"), "objects", true)
                .show(ui, |ui| self.objects.show(desk, ui));
            part("Classes", "classes", true).show(ui, |ui| self.classes.show(desk, ui));
            part("Display", "display", true).show(ui, |ui| display::show(desk, ui));
            part("Parameters", "parameters", false)
                .show(ui, |ui| parameters::show(desk, dialogs, ui));
        });
    }
}
