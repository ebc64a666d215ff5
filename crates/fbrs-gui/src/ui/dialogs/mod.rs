//! Windows within the window.
//!
//! Each dialog is a file and says after each frame whether it stays open.

mod class;
mod export;
mod import;
mod job;
mod keys;
mod weights;

use std::path::PathBuf;

use egui::Context;

use super::Ask;
use crate::desk::Desk;

use class::ClassDialog;
use export::ExportDialog;
use import::ImportDialog;
use keys::KeysDialog;
use weights::WeightsDialog;

/// What is open.
#[derive(Default)]
pub(super) struct Dialogs {
    keys: Option<KeysDialog>,
    class: Option<ClassDialog>,
    weights: Option<WeightsDialog>,
    export: Option<ExportDialog>,
    import: Option<ImportDialog>,
}

/// What a dialog says after a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Stays,
    Closes,
    /// It stays, and wants a dialog of the system.
    Asks(Ask),
}

impl Dialogs {
    /// Whether keys belong to a dialog.
    pub(super) fn is_modal(&self) -> bool {
        self.class.is_some()
            || self.weights.is_some()
            || self.export.is_some()
            || self.import.is_some()
    }

    /// Whether the next key is to be somebody's choice.
    pub(super) fn wants_key(&self) -> bool {
        self.keys.as_ref().is_some_and(KeysDialog::wants_key)
    }

    pub(super) fn search_class(&mut self) {
        self.class = Some(ClassDialog::default());
    }

    pub(super) fn toggle_keys(&mut self) {
        self.keys = match self.keys {
            Some(_) => None,
            None => Some(KeysDialog::default()),
        };
    }

    pub(super) fn open_weights(&mut self, desk: &Desk) {
        self.weights = Some(WeightsDialog::new(desk));
    }

    pub(super) fn open_export(&mut self, desk: &Desk) {
        self.export = desk.folder.is_some().then(|| ExportDialog::new(desk));
    }

    pub(super) fn open_import(&mut self, desk: &Desk) {
        self.import = desk.folder.is_some().then(ImportDialog::default);
    }

    pub(super) fn set_export_folder(&mut self, folder: PathBuf) {
        if let Some(export) = &mut self.export {
            export.set_folder(folder);
        }
    }

    /// What is to be imported was chosen.
    pub(super) fn import_from(&mut self, desk: &mut Desk, from: PathBuf) {
        if let Some(import) = &mut self.import {
            import.start(desk, from);
        }
    }

    /// Closes the dialog on top; `false` where there is none. An import is not closed while it works.
    pub(super) fn close_one(&mut self) -> bool {
        if self.import.as_ref().is_some_and(ImportDialog::is_running) {
            return true;
        }
        self.class.take().is_some()
            || self.export.take().is_some()
            || self.import.take().is_some()
            || self.weights.take().is_some()
            || self.keys.take().is_some()
    }

    /// Draws what is open; returns the dialog of the system that was asked for.
    pub(super) fn show(&mut self, desk: &mut Desk, ctx: &Context) -> Option<Ask> {
        let mut asked = None;
        show(&mut self.keys, &mut asked, |dialog| dialog.show(desk, ctx));
        show(&mut self.class, &mut asked, |dialog| dialog.show(desk, ctx));
        show(&mut self.weights, &mut asked, |dialog| dialog.show(desk, ctx));
        show(&mut self.export, &mut asked, |dialog| dialog.show(desk, ctx));
        show(&mut self.import, &mut asked, |dialog| dialog.show(desk, ctx));
        asked
    }
}

fn show<T>(dialog: &mut Option<T>, asked: &mut Option<Ask>, draw: impl FnOnce(&mut T) -> After) {
    match dialog.as_mut().map(draw) {
        Some(After::Closes) => *dialog = None,
        Some(After::Asks(ask)) => *asked = Some(ask),
        Some(After::Stays) | None => {}
    }
}
