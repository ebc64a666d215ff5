//! The first start: something to open, and three hints.

use std::fs;
use std::path::PathBuf;

use egui::{Rect, RichText, Ui, vec2};

use super::{Ask, messages};
use crate::desk::Desk;

/// A photo to begin with.
const PHOTO: &[u8] = include_bytes!("../../assets/flowers.jpg");

/// What is seen where no photo is open; returns the dialog that was asked for.
pub(super) fn welcome(desk: &mut Desk, ui: &mut Ui) -> Option<Ask> {
    let mut asked = None;
    let mut open = None;
    let room = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((0.22 * room).max(20.0));
        ui.label(RichText::new("fbrs annotate").size(30.0).strong());
        ui.add_space(6.0);
        ui.label("Mark objects in photos with a few clicks.");
        ui.add_space(18.0);
        if ui.add_sized(vec2(240.0, 34.0), egui::Button::new("Open a folder of photos…")).clicked()
        {
            asked = Some(Ask::Folder);
        }
        if ui.add_sized(vec2(240.0, 34.0), egui::Button::new("Open photos…")).clicked() {
            asked = Some(Ask::Photos);
        }
        if ui
            .add_sized(vec2(240.0, 34.0), egui::Button::new("Try it on a photo of flowers"))
            .clicked()
        {
            open = Some(None);
        }
        let recent = desk.settings.recent.clone();
        if !recent.is_empty() {
            ui.add_space(14.0);
            ui.label(RichText::new("Opened before").weak());
        }
        for folder in recent.into_iter().take(5) {
            let text = fbrs_data::text::printable(&folder.display().to_string());
            if ui.link(text).clicked() {
                open = Some(Some(folder));
            }
        }
        ui.add_space(14.0);
        ui.label(
            RichText::new("Photos and folders can be dropped onto this window as well.").weak(),
        );
    });
    match open {
        Some(Some(folder)) => desk.open_paths(&[folder]),
        Some(None) => open_flowers(desk),
        None => {}
    }
    asked
}

/// What is seen in place of a photo that is not there, and what to do.
pub(super) fn nothing(ui: &mut Ui, what: &str, then: &str) {
    let room = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((0.4 * room).max(20.0));
        ui.label(RichText::new(what).size(18.0).strong());
        ui.add_space(6.0);
        ui.label(RichText::new(then).weak());
    });
}

/// Opens the photo that comes with the program, in a folder of its own.
pub(crate) fn open_flowers(desk: &mut Desk) {
    match flowers() {
        Ok(path) => desk.open_paths(&[path]),
        Err(error) => {
            desk.problem(format!("the photo of flowers cannot be put on the disk: {error}"), None)
        }
    }
}

fn flowers() -> std::io::Result<PathBuf> {
    let data = dirs::data_dir().unwrap_or_else(std::env::temp_dir);
    let folder = data.join("fbrs").join("first photo");
    fs::create_dir_all(&folder)?;
    let path = folder.join("flowers.jpg");
    if !path.exists() {
        let to = fbrs_data::files::Destination::new(&path)?;
        to.replace(|out| std::io::Write::write_all(out, PHOTO))?;
    }
    Ok(path)
}

/// Says what to do next, until somebody has finished an object.
pub(super) fn hints(desk: &mut Desk, ui: &Ui, canvas: Rect) {
    if desk.settings.hints_done || desk.annotation().is_none() {
        return;
    }
    let clicks = desk.current().map_or(0, |current| current.clicks.len());
    let has_negative = desk
        .current()
        .is_some_and(|current| current.clicks.iter().any(|click| !click.is_positive()));
    let finish = desk.keys.text(crate::desk::Action::Finish);
    let text = match (clicks, has_negative) {
        (0, _) => "1. Click on the object".to_owned(),
        (_, false) => {
            format!("2. Right-click what is too much, click what is missing. {finish}: finish")
        }
        (_, true) => format!("3. {finish} finishes the object"),
    };
    messages::note(ui, canvas, &text);
}
