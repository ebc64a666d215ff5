//! How clicks are answered.

use std::time::Duration;

use egui::accesskit::Role;
use egui::{ComboBox, DragValue, Grid, RichText, Ui};
use fbrs::{
    DiscRule, Mode, NetClicks, Options, Preset, RefineOptions, ScaleActivation, Tiles, View, ZoomIn,
};

use crate::desk::Desk;
use crate::ui::dialogs::Dialogs;
use crate::ui::files::name;

/// All options; they are those of the next object, and of the one in hand when somebody says so.
pub(in crate::ui) fn show(desk: &mut Desk, dialogs: &mut Dialogs, ui: &mut Ui) {
    if ui.button("Weights and device…").clicked() {
        dialogs.open_weights(desk);
    }
    ui.label(RichText::new("For the next object:").weak());
    let mut options = desk.options.clone();
    ui.horizontal(|ui| {
        let usual = ui.button("As suits the network");
        let tip = "The options that were measured to be best with these weights";
        if usual.on_hover_text(tip).clicked() {
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
    Grid::new("parameters").num_columns(2).show(ui, |ui| {
        refinement(&mut options.refine, ui);
        view(&mut options, ui);
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

fn refinement(refine: &mut RefineOptions, ui: &mut Ui) {
    let modes = Mode::ALL.map(|mode| (mode, mode.name()));
    choice(ui, "Refinement", &mut refine.mode, &modes);
    let value = DragValue::new(&mut refine.max_evaluations).range(0..=1000);
    number(ui, "Evaluations at most", value);
    number(ui, "Clicks before it", DragValue::new(&mut refine.optimize_after).range(0..=100));
    let value = DragValue::new(&mut refine.min_iou_diff).range(0.0..=1.0);
    number(ui, "Minimal IoU difference", value.speed(0.001).max_decimals(4));
    let value = DragValue::new(&mut refine.regularization).range(0.0..=100.0);
    number(ui, "Regularization", value.speed(0.001).max_decimals(5));
    let value = DragValue::new(&mut refine.bias_regularization).range(0.0..=1000.0);
    number(ui, "Of biases (×)", value.speed(0.1));
    let value = DragValue::new(&mut refine.threshold).range(0.05..=0.95);
    number(ui, "Threshold of the search", value.speed(0.01).max_decimals(2));
    let (mut kind, mut limit) = match refine.net_clicks {
        NetClicks::All => (1, 8),
        NetClicks::First(limit) => (2, limit),
        _ => (0, 8),
    };
    let kinds = [(0, "as published"), (1, "all"), (2, "the first")];
    choice(ui, "Clicks told to the network", &mut kind, &kinds);
    if kind == 2 {
        number(ui, "How many", DragValue::new(&mut limit).range(1..=1000));
    }
    refine.net_clicks = match kind {
        1 => NetClicks::All,
        2 => NetClicks::First(limit.max(1)),
        _ => NetClicks::Published,
    };
    let activations = [
        (ScaleActivation::Linear, "none"),
        (ScaleActivation::Tanh, "tanh"),
        (ScaleActivation::Sin, "sin"),
    ];
    choice(ui, "Activation of scales", &mut refine.scale_activation, &activations);
    let rules = [(DiscRule::Clipped, "clipped"), (DiscRule::Reference, "as published")];
    choice(ui, "Discs at the edge", &mut refine.discs, &rules);
    let mut limited = refine.max_time.is_some();
    check(ui, "Limit the time of a click", &mut limited);
    let mut seconds = refine.max_time.map_or(2.0, |time| time.as_secs_f64());
    if limited {
        number(ui, "Seconds", DragValue::new(&mut seconds).range(0.05..=600.0).speed(0.05));
    }
    refine.max_time = limited.then(|| Duration::from_secs_f64(seconds.clamp(0.05, 600.0)));
}

fn view(options: &mut Options, ui: &mut Ui) {
    let before = match &options.view {
        View::Whole => 0,
        View::ZoomIn(_) => 1,
        _ => 2,
    };
    let mut kind = before;
    choice(ui, "View", &mut kind, &[(0, "whole photo"), (1, "zoom in"), (2, "tiles")]);
    if kind != before {
        options.view = match kind {
            0 => View::Whole,
            1 => View::ZoomIn(ZoomIn::default()),
            _ => View::Tiles(Tiles::default()),
        };
    }
    match &mut options.view {
        View::ZoomIn(zoom) => {
            let value = DragValue::new(&mut zoom.target_size).range(64..=2048);
            number(ui, "Zoomed to (px)", value);
            let value = DragValue::new(&mut zoom.skip_clicks).range(0..=20);
            number(ui, "Clicks before zooming", value);
            let value = DragValue::new(&mut zoom.expansion_ratio).range(1.0..=4.0);
            number(ui, "Room around (×)", value.speed(0.01));
            let value = DragValue::new(&mut zoom.min_region_size).range(16..=4096);
            number(ui, "Smallest region (px)", value);
            let value = DragValue::new(&mut zoom.recompute_iou).range(0.0..=1.0);
            number(ui, "Replaced below overlap", value.speed(0.01));
            check(ui, "From the first click on", &mut zoom.from_start);
            check(ui, "Square crop", &mut zoom.fixed_crop);
        }
        View::Tiles(tiles) => {
            number(ui, "Side of a tile (px)", DragValue::new(&mut tiles.size).range(64..=4096));
            let value = DragValue::new(&mut tiles.min_overlap).range(0.0..=0.8);
            number(ui, "Overlap", value.speed(0.01));
        }
        _ => {}
    }
    let mut limited = options.max_size.is_some();
    check(ui, "Limit the side", &mut limited);
    match (&mut options.max_size, limited) {
        (Some(limit), true) => {
            number(ui, "Longest side (px)", DragValue::new(limit).range(64..=4096));
        }
        (size, true) => *size = Some(800),
        (size, false) => *size = None,
    }
    check(ui, "Average with the mirror image", &mut options.flip);
}

fn choice<T: PartialEq + Copy>(ui: &mut Ui, text: &str, value: &mut T, all: &[(T, &str)]) {
    let label = ui.label(text).id;
    let shown = all.iter().find(|(known, _)| known == value).map_or("", |(_, text)| *text);
    let list = ComboBox::from_id_salt(text).selected_text(shown).width(96.0);
    let list = list.show_ui(ui, |ui| {
        for (one, text) in all {
            ui.selectable_value(value, *one, *text);
        }
    });
    let _ = list.response.labelled_by(label);
    ui.end_row();
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
