//! The list of classes.

use egui::accesskit::Role;
use egui::{Atom, Button, RichText, ScrollArea, TextEdit, Ui, vec2};
use fbrs_annotation::Color;

use crate::desk::Desk;
use crate::ui::files::name;

/// Height of a class's row, in points.
const ROW: f32 = 24.0;

/// The list, and what it remembers.
#[derive(Default)]
pub(super) struct Classes {
    /// A class whose name is being written.
    renaming: Option<(u32, String)>,
    new_class: String,
    shows_removed: bool,
}

impl Classes {
    pub(super) fn show(&mut self, desk: &mut Desk, ui: &mut Ui) {
        if desk.folder.is_none() {
            ui.label(RichText::new("Classes belong to a folder.").weak());
            return;
        }
        let classes: Vec<_> = desk.project.in_use().cloned().collect();
        let chosen = desk.current().filter(|c| !c.is_untouched()).map_or(desk.class, |c| c.class);
        if ui
            .add(Button::selectable(chosen.is_none(), "no class"))
            .on_hover_text("Objects without a class")
            .clicked()
        {
            desk.choose_class(None);
        }
        // Of a thousand classes those in sight are drawn.
        let spacing = ui.spacing().item_spacing.y;
        let shown = classes.len().min(12) as f32;
        ScrollArea::vertical()
            .id_salt("class rows")
            .max_height((shown * (ROW + spacing)).max(1.0))
            .show_rows(ui, ROW, classes.len(), |ui, rows| {
                for class in classes.get(rows).unwrap_or_default() {
                    let count = desk.document().map_or(0, |document| {
                        let of_it = document.objects.iter().filter(|o| o.class == Some(class.id));
                        of_it.count()
                    });
                    ui.push_id(class.id, |ui| {
                        self.class(desk, ui, class, count, chosen == Some(class.id))
                    });
                }
            });
        ui.horizontal(|ui| {
            let edit = TextEdit::singleline(&mut self.new_class)
                .hint_text("New class")
                .desired_width(120.0);
            let edit = ui.add(edit);
            name(&edit, Role::TextInput, "Name of a new class");
            let entered =
                edit.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            let added = ui.button("Add").on_hover_text("Add this class, and choose it").clicked();
            if (entered || added) && !self.new_class.trim().is_empty() {
                desk.choose_class_named(&std::mem::take(&mut self.new_class));
            }
        });
        let removed: Vec<_> =
            desk.project.classes.iter().filter(|class| class.removed).cloned().collect();
        if !removed.is_empty() {
            ui.checkbox(&mut self.shows_removed, format!("{} classes out of use", removed.len()));
            if self.shows_removed {
                for class in removed {
                    ui.horizontal(|ui| {
                        ui.label(RichText::new(&class.name).weak());
                        if ui.button("Use again").clicked() {
                            desk.choose_class_named(&class.name);
                        }
                    });
                }
            }
        }
    }

    fn class(
        &mut self,
        desk: &mut Desk,
        ui: &mut Ui,
        class: &fbrs_annotation::Class,
        count: usize,
        is_chosen: bool,
    ) {
        ui.horizontal(|ui| {
            let mut color = class.color.0;
            let picker = ui.color_edit_button_srgb(&mut color);
            name(&picker, Role::ColorWell, &format!("Color of {}", class.name));
            if color != class.color.0 {
                desk.color_class(class.id, Color(color));
            }
            let is_renaming = self.renaming.as_ref().is_some_and(|(id, _)| *id == class.id);
            if is_renaming && let Some((id, text)) = &mut self.renaming {
                let edit = ui.add(TextEdit::singleline(text).desired_width(110.0));
                name(&edit, Role::TextInput, &format!("New name of {}", class.name));
                edit.request_focus();
                let (enter, escape) = ui.input(|input| {
                    (input.key_pressed(egui::Key::Enter), input.key_pressed(egui::Key::Escape))
                });
                if enter {
                    desk.rename_class(*id, &text.clone());
                }
                if enter || escape {
                    self.renaming = None;
                }
                return;
            }
            let key = class.key.map_or(String::new(), |key| format!("{key}  "));
            let text = format!("{key}{}  ({count})", class.name);
            let width = (ui.available_width() - 34.0).max(40.0);
            let button = Button::selectable(is_chosen, (text, Atom::grow())).truncate();
            let tip =
                "Gives this class to the object in hand, to the selected ones, or to the next";
            if ui.add_sized(vec2(width, 22.0), button).on_hover_text(tip).clicked() {
                desk.choose_class(Some(class.id));
            }
            let menu = ui.menu_button("…", |ui| {
                if ui.button("Rename (the name of another class merges both)").clicked() {
                    self.renaming = Some((class.id, class.name.clone()));
                    ui.close();
                }
                ui.menu_button("Number key", |ui| {
                    for key in "1234567890".chars() {
                        if ui.button(key.to_string()).clicked() {
                            desk.key_class(class.id, Some(key));
                            ui.close();
                        }
                    }
                    if ui.button("none").clicked() {
                        desk.key_class(class.id, None);
                        ui.close();
                    }
                });
                if ui.button("Select its objects").clicked() {
                    let of_it = |object: &&std::sync::Arc<fbrs_annotation::Object>| {
                        object.class == Some(class.id)
                    };
                    let ids: Vec<_> = desk
                        .document()
                        .into_iter()
                        .flat_map(|d| &d.objects)
                        .filter(of_it)
                        .map(|o| o.id)
                        .collect();
                    desk.select(None, false);
                    ids.into_iter().for_each(|id| desk.select(Some(id), true));
                    ui.close();
                }
                if ui.button("Take out of use").clicked() {
                    desk.remove_class(class.id);
                    ui.close();
                }
            });
            name(&menu.response, Role::Button, &format!("More for {}", class.name));
        });
    }
}
