//! Colors, sizes and the way pointers are read.

use egui::{Context, Visuals, vec2};

use crate::desk::{Settings, Theme};

/// The settings that the window is drawn with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Styled {
    theme: Theme,
    scale: u32,
}

/// Applies the settings where they have changed.
pub(super) fn apply(ctx: &Context, settings: &Settings, styled: &mut Option<Styled>) {
    let now = Styled { theme: settings.theme, scale: settings.scale };
    if *styled == Some(now) {
        return;
    }
    if styled.is_none() {
        ctx.options_mut(|options| {
            // A hand that rests before it lets go has clicked as well; one that moved has dragged.
            options.input_options.max_click_dist = 4.0;
            options.input_options.max_click_duration = f64::INFINITY;
            // Ctrl and plus are the settings' own.
            options.zoom_with_keyboard = false;
        });
        ctx.all_styles_mut(|style| {
            // Targets of 24 points and more.
            style.spacing.interact_size = vec2(28.0, 24.0);
            style.spacing.item_spacing = vec2(6.0, 5.0);
            style.spacing.button_padding = vec2(7.0, 3.0);
            style.interaction.tooltip_delay = 0.4;
            if let Some(small) = style.text_styles.get_mut(&egui::TextStyle::Small) {
                small.size = 11.0;
            }
        });
        for (theme, mut visuals) in
            [(egui::Theme::Light, Visuals::light()), (egui::Theme::Dark, Visuals::dark())]
        {
            let strong = match theme {
                egui::Theme::Light => egui::Color32::from_gray(25),
                egui::Theme::Dark => egui::Color32::from_gray(225),
            };
            // Texts with a contrast above 4.5 to 1, in panels as on controls.
            visuals.widgets.noninteractive.fg_stroke.color = strong;
            visuals.widgets.inactive.fg_stroke.color = strong;
            visuals.weak_text_alpha = 0.78;
            // The edges of controls and of fields for texts.
            let edge = match theme {
                egui::Theme::Light => egui::Color32::from_gray(170),
                egui::Theme::Dark => egui::Color32::from_gray(80),
            };
            visuals.widgets.inactive.bg_stroke = egui::Stroke::new(1.0, edge);
            ctx.set_visuals_of(theme, visuals);
        }
    }
    ctx.set_theme(match settings.theme {
        Theme::System => egui::ThemePreference::System,
        Theme::Light => egui::ThemePreference::Light,
        Theme::Dark => egui::ThemePreference::Dark,
    });
    ctx.set_zoom_factor(settings.scale as f32 / 100.0);
    *styled = Some(now);
}
