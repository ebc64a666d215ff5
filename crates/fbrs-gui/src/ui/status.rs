//! The line at the bottom: where one is, and what is going on.

use egui::{Align, Layout, RichText, Ui};
use fbrs::Ending;

use super::dialogs::Dialogs;
use super::sheet::Sheet;
use crate::desk::Desk;

/// Draws the line.
pub(super) fn show(desk: &mut Desk, dialogs: &mut Dialogs, sheet: &Sheet, ui: &mut Ui) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        if let Some(open) = &desk.open {
            let place = desk.photos.iter().position(|item| item.path == open.path);
            if let Some(place) = place {
                ui.label(format!("Photo {} of {}", place + 1, desk.photos.len()));
            }
            let size = open.photo.size();
            ui.label(format!("{}×{}", size.width, size.height));
            if let Some(percent) = sheet.percent(desk) {
                ui.label(format!("{percent:.0} %"))
                    .on_hover_text("Screen pixels of a photo's pixel");
            }
        }
        let at = sheet.under.or(desk.pointer).filter(|_| desk.open.is_some());
        let place = at.map_or(String::new(), |at| format!("{:.0}, {:.0}", at.x(), at.y()));
        ui.add_sized([80.0, 18.0], egui::Label::new(RichText::new(place).monospace()));
        ui.label(doing(desk));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let (text, tip) = match (desk.open.is_some(), desk.read_only(), desk.is_saved()) {
                (false, ..) => ("", ""),
                (_, Some(reason), _) => ("read only", reason),
                (_, None, true) => ("saved", "Every change is on the disk"),
                (_, None, false) => ("saving …", "Changes are on their way to the disk"),
            };
            if !text.is_empty() {
                ui.label(text).on_hover_text(tip);
            }
            let weights = match (&desk.ready, desk.loading_weights) {
                (_, Some(share)) => format!("loading weights, {:.0} %", 100.0 * share),
                (Some(ready), None) => format!("{} on {}", ready.network, ready.device),
                (None, None) => "no weights".to_owned(),
            };
            let tip = "Weights and device: choose others";
            if ui.button(weights).on_hover_text(tip).clicked() {
                dialogs.open_weights(desk);
            }
        });
    });
}

/// What the engine is doing, or what it did last.
fn doing(desk: &Desk) -> String {
    let answer = &desk.answer;
    if answer.is_busy {
        let queued = desk.queued().saturating_sub(1);
        let queue = if queued > 0 { format!(", {queued} queued") } else { String::new() };
        return match answer.live {
            Some((click, evaluation, Some(loss))) => {
                format!("click {}: evaluation {evaluation}, loss {loss:.3}{queue}", click + 1)
            }
            Some((click, ..)) => format!("click {}{queue}", click + 1),
            None if desk.ready.is_none() => "waits for the weights".to_owned(),
            None => format!("click {} …{queue}", answer.answered + 1),
        };
    }
    let Some(cost) = answer.cost.filter(|_| answer.mask.is_some()) else { return String::new() };
    let ending = match cost.ending {
        Some(Ending::Agreed) => ", agrees with all clicks",
        Some(Ending::Steady) => ", the mask no longer changes",
        Some(Ending::Evaluations) => ", all evaluations used",
        Some(Ending::Time) => ", ended by its time",
        Some(Ending::Converged) => ", nothing better found",
        _ => "",
    };
    let evaluations = match cost.evaluations {
        0 => String::new(),
        1 => ", 1 evaluation".to_owned(),
        count => format!(", {count} evaluations"),
    };
    format!("answered in {:.2} s{evaluations}{ending}", cost.time.as_secs_f64())
}
