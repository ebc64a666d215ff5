//! Objects, classes and parameters.

use egui::accesskit::Role;
use egui::{
    Atom, Button, CollapsingHeader, Color32, ComboBox, DragValue, RichText, ScrollArea, Sense,
    Slider, TextEdit, Ui, vec2,
};
use fbrs::{Mode, NetClicks, Preset, View, ZoomIn};
use fbrs_annotation::{Color, Object};

use super::dialogs::Dialogs;
use super::files::name;
use super::icons::{self, Icon};
use crate::desk::{Action, Desk, Theme};

/// The panel, and what it remembers.
#[derive(Default)]
pub(super) struct Side {
    /// A class whose name is being written.
    renaming: Option<(u32, String)>,
    new_class: String,
    /// An object whose name is being written.
    naming: Option<(u64, String)>,
    shows_removed: bool,
}

impl Side {
    pub(super) fn show(&mut self, desk: &mut Desk, dialogs: &mut Dialogs, ui: &mut Ui) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let count = desk.document().map_or(0, |document| document.objects.len());
            let header = |text: String| CollapsingHeader::new(RichText::new(text).strong());
            header(format!("Objects ({count})")).id_salt("objects").default_open(true).show(
                ui,
                |ui| {
                    self.objects(desk, ui);
                },
            );
            header("Classes".to_owned()).id_salt("classes").default_open(true).show(ui, |ui| {
                self.classes(desk, ui);
            });
            header("Display".to_owned()).id_salt("display").default_open(true).show(ui, |ui| {
                display(desk, ui);
            });
            header("Parameters".to_owned()).id_salt("parameters").show(ui, |ui| {
                parameters(desk, dialogs, ui);
            });
        });
    }

    fn objects(&mut self, desk: &mut Desk, ui: &mut Ui) {
        let Some(document) = desk.document().cloned() else {
            ui.label(RichText::new("No photo is open.").weak());
            return;
        };
        if let Some(current) = &document.current {
            let color = desk.class_color(current.class);
            let clicks = current.clicks.len() + current.parts.iter().map(Vec::len).sum::<usize>();
            let clicks =
                if clicks == 1 { "1 click".to_owned() } else { format!("{clicks} clicks") };
            ui.horizontal(|ui| {
                patch(ui, color);
                let class = desk.class_name(current.class);
                ui.label(RichText::new(format!("in hand: {class}, {clicks}")).italics());
            });
        }
        if document.objects.is_empty() && document.current.is_none() {
            ui.label(RichText::new("Nothing is marked yet.").weak());
        }
        let mut dropped: Option<(u64, usize)> = None;
        // The topmost first, as they lie on the photo.
        let count = document.objects.len();
        let spacing = ui.spacing().item_spacing.y;
        let shown = count.min(9) as f32;
        ScrollArea::vertical()
            .id_salt("object rows")
            .max_height((shown * (ROW + spacing)).max(1.0))
            .show_rows(ui, ROW, count, |ui, rows| {
                for row in rows {
                    let place = count - 1 - row;
                    if let Some(object) = document.objects.get(place) {
                        let from = ui.push_id(object.id, |ui| object_row(desk, ui, object)).inner;
                        dropped = dropped.or(from.map(|id| (id, place)));
                    }
                }
            });
        if let Some((id, to)) = dropped {
            desk.place_object(id, to);
        }
        let selection = desk.selection().to_vec();
        if let [id] = selection.as_slice()
            && let Some(object) = document.object(*id)
        {
            self.name_of(desk, ui, object);
        }
        if !selection.is_empty() {
            ui.horizontal_wrapped(|ui| {
                for action in [Action::Reopen, Action::Delete, Action::Raise, Action::Lower] {
                    let text = match action {
                        Action::Reopen => "Go on",
                        Action::Delete => "Delete",
                        Action::Raise => "To the top",
                        _ => "To the bottom",
                    };
                    let tip = format!("{} ({})", action.text(), desk.keys.text(action));
                    if ui.button(text).on_hover_text(tip).clicked() {
                        match action {
                            Action::Delete => desk.delete(&selection),
                            action => desk.act(action),
                        }
                    }
                }
            });
        }
    }

    /// The name of the selected object; what is written is taken when the text is left.
    fn name_of(&mut self, desk: &mut Desk, ui: &mut Ui, object: &Object) {
        let mut text = match &self.naming {
            Some((id, text)) if *id == object.id => text.clone(),
            _ => object.name.clone(),
        };
        ui.horizontal(|ui| {
            let label = ui.label("Name");
            let edit = TextEdit::singleline(&mut text).hint_text("none").desired_width(130.0);
            let edit = ui.add(edit).labelled_by(label.id);
            if edit.lost_focus() {
                if text != object.name {
                    desk.name_object(object.id, &text);
                }
                self.naming = None;
            } else if edit.has_focus() {
                self.naming = Some((object.id, text));
            }
        });
    }

    fn classes(&mut self, desk: &mut Desk, ui: &mut Ui) {
        if desk.folder.is_none() {
            ui.label(RichText::new("Classes belong to a folder.").weak());
            return;
        }
        let counts = |id: u32| {
            desk.document().map_or(0, |document| {
                document.objects.iter().filter(|object| object.class == Some(id)).count()
            })
        };
        let classes: Vec<_> =
            desk.project.in_use().map(|class| (class.clone(), counts(class.id))).collect();
        let chosen = desk.current().filter(|c| !c.is_untouched()).map_or(desk.class, |c| c.class);
        if ui
            .add(Button::selectable(chosen.is_none(), "no class"))
            .on_hover_text("Objects without a class")
            .clicked()
        {
            desk.choose_class(None);
        }
        for (class, count) in classes {
            ui.push_id(class.id, |ui| {
                self.class(desk, ui, &class, count, chosen == Some(class.id))
            });
        }
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

/// Height of an object's row, in points.
const ROW: f32 = 24.0;

/// A finished object in the list; returns the object that was dropped on it.
fn object_row(desk: &mut Desk, ui: &mut Ui, object: &Object) -> Option<u64> {
    let id = object.id;
    let selected = desk.selection().contains(&id);
    let class = desk.class_name(object.class);
    let more = match object.name.as_str() {
        "" => String::new(),
        name => format!(" “{name}”"),
    };
    let clicks = match object.click_count() {
        0 => "by hand".to_owned(),
        1 => "1 click".to_owned(),
        count => format!("{count} clicks"),
    };
    let hand = if object.edited && object.click_count() > 0 { ", edited" } else { "" };
    let text = format!("{id} {class}{more} · {clicks}{hand}");
    let tip = format!(
        "{text}, {} pixels. Double-click goes on with it, dragging changes the order",
        object.mask.area()
    );
    ui.horizontal(|ui| {
        patch(ui, desk.class_color(object.class));
        let width = (ui.available_width() - 2.0 * (ROW + ui.spacing().item_spacing.x)).max(40.0);
        let button = Button::selectable(selected, (text, Atom::grow()))
            .truncate()
            .sense(Sense::click_and_drag());
        let made = ui.add_sized(vec2(width, ROW), button);
        made.dnd_set_drag_payload(id);
        let dropped = made.dnd_release_payload::<u64>().map(|id| *id);
        let beside = ui.input(|input| input.modifiers.command || input.modifiers.shift);
        if made.clicked() {
            desk.select(Some(id), beside);
        }
        if made.double_clicked() {
            desk.select(Some(id), false);
            desk.act(Action::Reopen);
        }
        made.on_hover_text(tip);
        let says = if object.visible { "Hide" } else { "Show" };
        let eye = icons::button(ui, Icon::Eye(object.visible), &format!("{says} object {id}"));
        if eye.clicked() {
            desk.set_visible(id, !object.visible);
        }
        let says = if object.locked { "Unlock" } else { "Lock" };
        let lock = icons::button(ui, Icon::Lock(object.locked), &format!("{says} object {id}"));
        if lock.clicked() {
            desk.set_locked(id, !object.locked);
        }
        dropped
    })
    .inner
}

/// A small square of a color.
fn patch(ui: &mut Ui, color: [u8; 3]) {
    let (rect, _) = ui.allocate_exact_size(vec2(12.0, ROW), Sense::hover());
    let rect = egui::Rect::from_center_size(rect.center(), vec2(12.0, 12.0));
    let [r, g, b] = color;
    ui.painter().rect_filled(rect, 2.0, Color32::from_rgb(r, g, b));
}

/// How things look: all of it acts at once.
fn display(desk: &mut Desk, ui: &mut Ui) {
    let before = desk.settings.clone();
    let mut threshold = desk.threshold;
    let settings = &mut desk.settings;
    let slider = |ui: &mut Ui, text: &str, slider: Slider<'_>| {
        ui.horizontal(|ui| {
            ui.spacing_mut().slider_width = 90.0;
            let made = ui.add(slider.text(text));
            made.on_hover_text(text.to_owned());
        });
    };
    slider(ui, "opacity", Slider::new(&mut settings.opacity, 0.0..=1.0).fixed_decimals(2));
    slider(ui, "threshold", Slider::new(&mut threshold, 0.05..=0.95).fixed_decimals(2));
    slider(
        ui,
        "click radius",
        Slider::new(&mut settings.click_radius, 3.0..=20.0).fixed_decimals(0),
    );
    slider(
        ui,
        "brush radius",
        Slider::new(&mut settings.brush_radius, 0.5..=200.0).logarithmic(true).fixed_decimals(1),
    );
    ui.checkbox(&mut settings.outlines, "Outlines");
    ui.checkbox(&mut settings.keep_out, "Keep out of others")
        .on_hover_text("Finished objects leave out what other objects have already");
    ui.horizontal(|ui| {
        let themes =
            [(Theme::System, "As the system"), (Theme::Light, "Light"), (Theme::Dark, "Dark")];
        let now =
            themes.iter().find(|(theme, _)| *theme == settings.theme).map_or("", |(_, text)| text);
        let list =
            ComboBox::from_id_salt("theme").selected_text(now).width(110.0).show_ui(ui, |ui| {
                for (theme, text) in themes {
                    ui.selectable_value(&mut settings.theme, theme, text);
                }
            });
        name(&list.response, Role::ComboBox, "Colors of the window");
        let list = ComboBox::from_id_salt("scale")
            .selected_text(format!("{} %", settings.scale))
            .width(70.0);
        let list = list.show_ui(ui, |ui| {
            for scale in [75, 90, 100, 110, 125, 150, 175, 200, 250, 300] {
                ui.selectable_value(&mut settings.scale, scale, format!("{scale} %"));
            }
        });
        name(&list.response, Role::ComboBox, "Size of texts and controls");
    });
    if desk.settings != before {
        desk.drawn += 1;
        desk.keep_settings();
    }
    desk.set_threshold(threshold);
}

/// How clicks are answered.
fn parameters(desk: &mut Desk, dialogs: &mut Dialogs, ui: &mut Ui) {
    if ui.button("Weights and device…").clicked() {
        dialogs.open_weights(desk);
    }
    ui.label(RichText::new("For the next object:").weak());
    let mut options = desk.options.clone();
    ui.horizontal(|ui| {
        if ui
            .button("As suits the network")
            .on_hover_text("The options that were measured to be best with these weights")
            .clicked()
        {
            desk.usual_options();
            options = desk.options.clone();
        }
        let list = ui.menu_button("Preset…", |ui| {
            let presets = ["fbrs-demo", "ritm-demo", "cvpr", "fixed400", "fixed600"];
            for text in presets {
                if let Ok(preset) = text.parse::<Preset>()
                    && ui.button(text).clicked()
                {
                    options = preset.options();
                    ui.close();
                }
            }
        });
        name(&list.response, Role::Button, "Published sets of parameters");
    });
    egui::Grid::new("parameters").num_columns(2).show(ui, |ui| {
        let refine = &mut options.refine;
        let label = ui.label("Refinement").id;
        let list = ComboBox::from_id_salt("mode").selected_text(refine.mode.to_string()).show_ui(
            ui,
            |ui| {
                for mode in Mode::ALL {
                    ui.selectable_value(&mut refine.mode, mode, mode.to_string());
                }
            },
        );
        let _ = list.response.labelled_by(label);
        ui.end_row();
        number(
            ui,
            "Evaluations at most",
            DragValue::new(&mut refine.max_evaluations).range(0..=1000),
        );
        number(
            ui,
            "Minimal IoU difference",
            DragValue::new(&mut refine.min_iou_diff).range(0.0..=1.0).speed(0.001).max_decimals(4),
        );
        number(
            ui,
            "Regularization",
            DragValue::new(&mut refine.regularization)
                .range(0.0..=100.0)
                .speed(0.001)
                .max_decimals(5),
        );
        number(
            ui,
            "Threshold of the search",
            DragValue::new(&mut refine.threshold).range(0.05..=0.95).speed(0.01).max_decimals(2),
        );
        let mut limit = match refine.net_clicks {
            NetClicks::First(limit) => limit,
            _ => 0,
        };
        let label = ui.label("Clicks told to the network").id;
        ui.horizontal(|ui| {
            let mut kind = match refine.net_clicks {
                NetClicks::All => 1,
                NetClicks::First(_) => 2,
                _ => 0,
            };
            let shown = ["as published", "all", "the first"].get(kind).copied().unwrap_or_default();
            let list = ComboBox::from_id_salt("net clicks")
                .selected_text(shown)
                .width(90.0)
                .show_ui(ui, |ui| {
                    for (value, text) in [(0, "as published"), (1, "all"), (2, "the first")] {
                        ui.selectable_value(&mut kind, value, text);
                    }
                });
            let _ = list.response.labelled_by(label);
            if kind == 2 {
                let made = ui.add(DragValue::new(&mut limit).range(1..=1000));
                name(&made, Role::SpinButton, "How many clicks the network is told");
            }
            refine.net_clicks = match kind {
                1 => NetClicks::All,
                2 => NetClicks::First(limit.max(1)),
                _ => NetClicks::Published,
            };
        });
        ui.end_row();
        let label = ui.label("View").id;
        let mut kind = match &options.view {
            View::Whole => 0,
            View::ZoomIn(_) => 1,
            _ => 2,
        };
        let before = kind;
        let shown = ["whole photo", "zoom in", "tiles"].get(kind).copied().unwrap_or_default();
        let list = ComboBox::from_id_salt("view").selected_text(shown).show_ui(ui, |ui| {
            for (value, text) in [(0, "whole photo"), (1, "zoom in"), (2, "tiles")] {
                ui.selectable_value(&mut kind, value, text);
            }
        });
        let _ = list.response.labelled_by(label);
        ui.end_row();
        if kind != before {
            options.view = match kind {
                0 => View::Whole,
                1 => View::ZoomIn(ZoomIn::default()),
                _ => View::Tiles(fbrs::Tiles::default()),
            };
        }
        match &mut options.view {
            View::ZoomIn(zoom) => {
                number(
                    ui,
                    "Zoomed to (px)",
                    DragValue::new(&mut zoom.target_size).range(64..=2048),
                );
                number(ui, "Clicks before it", DragValue::new(&mut zoom.skip_clicks).range(0..=20));
                number(
                    ui,
                    "Room around (×)",
                    DragValue::new(&mut zoom.expansion_ratio).range(1.0..=4.0).speed(0.01),
                );
                number(
                    ui,
                    "Smallest region (px)",
                    DragValue::new(&mut zoom.min_region_size).range(16..=4096),
                );
                number(
                    ui,
                    "Replaced below overlap",
                    DragValue::new(&mut zoom.recompute_iou).range(0.0..=1.0).speed(0.01),
                );
                check(ui, "From the first click on", &mut zoom.from_start);
                check(ui, "Square crop", &mut zoom.fixed_crop);
            }
            View::Tiles(tiles) => {
                number(ui, "Side of a tile (px)", DragValue::new(&mut tiles.size).range(64..=4096));
                number(
                    ui,
                    "Overlap",
                    DragValue::new(&mut tiles.min_overlap).range(0.0..=0.8).speed(0.01),
                );
            }
            _ => {}
        }
        let mut limited = options.max_size.is_some();
        check(ui, "Limit the side", &mut limited);
        match (&mut options.max_size, limited) {
            (Some(limit), true) => {
                number(ui, "Longest side (px)", DragValue::new(limit).range(64..=4096))
            }
            (size, true) => *size = Some(800),
            (size, false) => *size = None,
        }
        check(ui, "Average with the mirror image", &mut options.flip);
    });
    if options != desk.options {
        match options.check() {
            Ok(()) => desk.set_options(options),
            Err(error) => desk.problem(error.to_string(), None),
        }
    }
    if desk.has_other_options() {
        ui.label("The object in hand was answered with other parameters.");
        if ui.button("Recompute it").clicked() {
            desk.recompute();
        }
    }
}

fn number(ui: &mut Ui, text: &str, value: DragValue<'_>) {
    let label = ui.label(text).id;
    let _ = ui.add(value).labelled_by(label);
    ui.end_row();
}

fn check(ui: &mut Ui, text: &str, value: &mut bool) {
    let label = ui.label(text).id;
    let _ = ui.checkbox(value, "").labelled_by(label);
    ui.end_row();
}
