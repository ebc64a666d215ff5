//! Sentences at the top of the canvas.

use egui::{Align2, Area, Color32, Frame, Id, Order, Rect, RichText, Stroke, Ui, vec2};

use crate::desk::{Desk, Kind, Remedy};

/// Seconds that a remark stays.
const STAYS: f64 = 6.0;

/// Draws what is to be said; returns what somebody wants done about it.
pub(super) fn show(desk: &mut Desk, ui: &Ui, canvas: Rect) -> Option<Remedy> {
    let ctx = ui.ctx().clone();
    let now = ctx.input(|input| input.time);
    let began = |id: u64| {
        let id = Id::unique(("message", id));
        ctx.data_mut(|data| *data.get_temp_mut_or_insert_with(id, || now))
    };
    let over: Vec<_> = desk
        .messages
        .iter()
        .filter(|message| message.kind == Kind::Remark && now - began(message.id) > STAYS)
        .map(|message| message.id)
        .collect();
    over.into_iter().for_each(|id| desk.dismiss(id));
    let (mut wanted, mut dismissed) = (None, None);
    let nothing = desk.messages.is_empty() && desk.trouble.is_none();
    if nothing {
        return None;
    }
    let area = Area::new(Id::unique("messages"))
        .order(Order::Foreground)
        .fixed_pos(canvas.min + vec2(10.0, 10.0))
        .constrain_to(canvas);
    area.show(&ctx, |ui| {
        ui.set_max_width((canvas.width() - 20.0).clamp(120.0, 720.0));
        if let Some(trouble) = &desk.trouble {
            bar(ui, Kind::Problem, trouble, 0.0, |_| {});
        }
        for message in &desk.messages {
            let remedy = message.remedy.as_ref().map(|remedy| (remedy, remedy_text(remedy)));
            let buttons = remedy.map_or(0.0, |(_, text)| width(ui, text)) + width(ui, "×");
            bar(ui, message.kind, &message.text, buttons, |ui| {
                if let Some((remedy, text)) = remedy
                    && ui.button(text).clicked()
                {
                    wanted = Some(remedy.clone());
                    dismissed = Some(message.id);
                }
                if ui.button("×").on_hover_text("Dismiss this message").clicked() {
                    dismissed = Some(message.id);
                }
            });
            if message.kind == Kind::Remark {
                let left = STAYS - (now - began(message.id));
                ctx.request_repaint_after(std::time::Duration::from_secs_f64(left.max(0.1)));
            }
        }
    });
    if let Some(id) = dismissed {
        desk.dismiss(id);
    }
    wanted
}

fn remedy_text(remedy: &Remedy) -> &'static str {
    match remedy {
        Remedy::ReadAgain(_) | Remedy::AskAgain => "Retry",
        Remedy::ChooseOutput => "Choose folder…",
        Remedy::BuiltIn => "Use the built-in weights",
    }
}

/// Room that a button takes.
fn width(ui: &Ui, text: &str) -> f32 {
    let font = egui::TextStyle::Button.resolve(ui.style());
    let text = ui.painter().layout_no_wrap(text.to_owned(), font, Color32::WHITE);
    let spacing = ui.spacing();
    (text.size().x + 2.0 * spacing.button_padding.x).max(spacing.interact_size.x)
        + spacing.item_spacing.x
}

/// A sentence, which wraps beside its buttons, of which it is told how wide they are.
fn bar(ui: &mut Ui, kind: Kind, text: &str, room: f32, buttons: impl FnOnce(&mut Ui)) {
    let dark = ui.visuals().dark_mode;
    let (fill, line) = match (kind, dark) {
        (Kind::Problem, true) => (Color32::from_rgb(84, 28, 22), Color32::from_rgb(230, 110, 80)),
        (Kind::Problem, false) => {
            (Color32::from_rgb(255, 232, 226), Color32::from_rgb(190, 60, 20))
        }
        (Kind::Remark, true) => (Color32::from_rgb(38, 48, 58), Color32::from_rgb(110, 150, 190)),
        (Kind::Remark, false) => {
            (Color32::from_rgb(232, 242, 252), Color32::from_rgb(40, 110, 180))
        }
    };
    Frame::popup(ui.style()).fill(fill).stroke(Stroke::new(1.0, line)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                ui.set_max_width((ui.available_width() - room).max(80.0));
                ui.label(text);
            });
            buttons(ui);
        });
    });
}

/// A short text at the bottom of the canvas.
pub(super) fn note(ui: &Ui, canvas: Rect, text: &str) {
    let area = Area::new(Id::unique("note"))
        .order(Order::Middle)
        .pivot(Align2::CENTER_BOTTOM)
        .fixed_pos(canvas.center_bottom() - vec2(0.0, 14.0))
        .interactable(false);
    area.show(ui.ctx(), |ui| {
        Frame::popup(ui.style()).show(ui, |ui| {
            ui.set_max_width(canvas.width() - 40.0);
            ui.label(RichText::new(text).size(15.0));
        });
    });
}
