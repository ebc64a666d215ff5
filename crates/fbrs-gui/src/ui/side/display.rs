//! How things look.

use egui::accesskit::Role;
use egui::{ComboBox, Slider, Ui};

use crate::desk::{Desk, Theme};
use crate::ui::files::name;

/// How things look: all of it acts at once.
pub(super) fn show(desk: &mut Desk, ui: &mut Ui) {
    let before = desk.settings.clone();
    let mut threshold = desk.threshold_in_use();
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
