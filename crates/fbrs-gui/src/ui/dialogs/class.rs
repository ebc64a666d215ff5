//! A class, by its name.

use egui::accesskit::Role;
use egui::{Button, Context, Id, Key, Modal, RichText, ScrollArea, TextEdit, vec2};

use super::After;
use crate::desk::Desk;
use crate::ui::files::name;

/// The search.
#[derive(Default)]
pub(super) struct ClassDialog {
    text: String,
}

impl ClassDialog {
    pub(super) fn show(&mut self, desk: &mut Desk, ctx: &Context) -> After {
        let text = &mut self.text;
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
                After::Closes
            }
            None if modal.should_close() => After::Closes,
            None => After::Stays,
        }
    }
}
