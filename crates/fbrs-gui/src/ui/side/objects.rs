//! The list of objects.

use egui::{Atom, Button, Color32, RichText, ScrollArea, Sense, TextEdit, Ui, vec2};
use fbrs_annotation::Object;

use crate::desk::{Action, Desk};
use crate::ui::icons::{self, Icon};

/// The list, and what it remembers.
#[derive(Default)]
pub(super) struct Objects {
    /// An object whose name is being written.
    naming: Option<(u64, String)>,
}

impl Objects {
    pub(super) fn show(&mut self, desk: &mut Desk, ui: &mut Ui) {
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
                        desk.act(action);
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
    let text = format!("{id} {class}{more} · {clicks}{hand} · {} px", object.mask.area());
    let tip = format!("{text}. Double-click goes on with it, dragging changes the order");
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
