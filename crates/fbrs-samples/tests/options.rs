//! Options: the published numbers, in files and back, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fbrs_samples::{
    ClickRules, CropPlace, FirstClick, Flips, SampleOptions, Unlabelled, ValidationScale, ZoomIn,
};
use serde_json::{Value, json};

fn all() -> Vec<SampleOptions> {
    let mut zoomed = SampleOptions::ritm();
    zoomed.augmentation.zoom_in = Some(ZoomIn::as_inference());
    zoomed.clicks.first_click = Some(FirstClick::center());
    let mut shaped = SampleOptions::fbrs().published();
    shaped.augmentation.zoom_in = Some(ZoomIn::shaped());
    vec![
        SampleOptions::fbrs(),
        SampleOptions::fbrs().published(),
        SampleOptions::ritm(),
        SampleOptions::ritm_sbd(),
        SampleOptions::fbrs().validation(ValidationScale::AsInTraining),
        SampleOptions::ritm().validation(ValidationScale::Original),
        zoomed,
        shaped,
    ]
}

#[test]
fn all_published_options_are_sound_and_come_back_from_a_file() {
    for options in all() {
        options.check().unwrap();
        let text = serde_json::to_string(&options).unwrap();
        assert_eq!(serde_json::from_str::<SampleOptions>(&text).unwrap(), options);
    }
}

#[test]
fn the_published_numbers_are_these() {
    let fbrs = SampleOptions::fbrs();
    assert_eq!(fbrs.augmentation.scale, Some([0.75, 1.25]));
    assert_eq!((fbrs.augmentation.flips, fbrs.augmentation.quarter_turns), (Flips::Both, true));
    assert_eq!((fbrs.min_object_area, fbrs.keep_background), (80, 0.0));
    assert_eq!((fbrs.clicks.slots, fbrs.clicks.gamma), (10, 0.7));
    assert!(!fbrs.augmentation.redraw_scale);
    let ritm = SampleOptions::ritm();
    assert_eq!(ritm.augmentation.scale, Some([0.75, 1.40]));
    assert_eq!(ritm.augmentation.flips, Flips::Horizontal);
    assert!(ritm.augmentation.shift_rotate.is_none() && ritm.augmentation.redraw_scale);
    assert_eq!((ritm.min_object_area, ritm.keep_background), (1000, 0.05));
    assert_eq!((ritm.clicks.slots, ritm.clicks.gamma), (24, 0.8));
    assert_eq!(ritm.clicks.rules, ClickRules::Ritm);
    let sbd = SampleOptions::ritm_sbd();
    assert_eq!((sbd.min_object_area, sbd.keep_background), (80, 0.01));
    assert_eq!(sbd.augmentation.shift_rotate, fbrs.augmentation.shift_rotate);
    assert_eq!(sbd.clicks, ritm.clicks);
    assert_eq!(fbrs.margins, Unlabelled::Ignored);
    assert_eq!(fbrs.published().small_objects, Unlabelled::Background);
}

#[test]
fn validation_varies_nothing_but_the_scale() {
    let with_scale = SampleOptions::fbrs().validation(ValidationScale::AsInTraining).augmentation;
    assert_eq!(with_scale.scale, Some([0.75, 1.25]));
    let without = SampleOptions::ritm().validation(ValidationScale::Original).augmentation;
    assert_eq!(without.scale, None);
    for augmentation in [with_scale, without] {
        assert_eq!(augmentation.crop_place, CropPlace::Middle);
        assert_eq!((augmentation.flips, augmentation.quarter_turns), (Flips::None, false));
        assert!(augmentation.colors.is_none() && augmentation.shift_rotate.is_none());
    }
}

#[test]
fn unknown_options_are_refused() {
    let mut value = serde_json::to_value(SampleOptions::fbrs()).unwrap();
    value["clicks"]["slotz"] = json!(3);
    let refused = serde_json::from_value::<SampleOptions>(value).unwrap_err().to_string();
    assert!(refused.contains("unknown field `slotz`"), "{refused}");
}

/// Puts one value into sound options; says what is refused.
fn refused(options: &SampleOptions, pointer: &str, value: Value) -> String {
    let mut all = serde_json::to_value(options).unwrap();
    *all.pointer_mut(pointer).unwrap() = value;
    let options: SampleOptions = serde_json::from_value(all).unwrap();
    options.check().unwrap_err().to_string()
}

#[test]
fn nonsense_is_refused_in_words() {
    let fbrs = SampleOptions::fbrs();
    for (pointer, value, said) in [
        ("/crop/height", json!(0), "crop.height is 0, expected 1 to 2048 pixels"),
        ("/keep_background", json!(1.5), "keep_background is 1.5, expected 0 to 1"),
        (
            "/augmentation/scale",
            json!([1.2, 0.7]),
            "augmentation.scale is [1.2, 0.7], expected two numbers from 0.05 to 20, the lesser first",
        ),
        (
            "/augmentation/shift_rotate/degrees",
            json!(-3.0),
            "augmentation.shift_rotate.degrees is -3, expected 0 to 180",
        ),
        (
            "/augmentation/colors/contrast",
            json!([0.5, 0.2]),
            "augmentation.colors.contrast is [0.5, 0.2], expected two numbers from -1 to 1, the lesser first",
        ),
        ("/clicks/slots", json!(0), "clicks.slots is 0, expected 1 to 1000"),
        ("/clicks/gamma", json!(0.0), "clicks.gamma is 0, expected more than 0, at most 1"),
        (
            "/clicks/max_merged",
            json!(11),
            "clicks.max_merged is 11, expected at least 2 and at most the slots",
        ),
        (
            "/clicks/strategies/other",
            json!(0.5),
            "clicks.strategies is [0.1, 0.5, 0.5], expected background, other and border that are \
             probabilities and sum to 1",
        ),
        (
            "/clicks/hierarchy",
            json!(true),
            "clicks.hierarchy is true, expected false with f-BRS's rules; RITM's know it",
        ),
    ] {
        assert_eq!(refused(&fbrs, pointer, value), said);
    }
    let mut ritm = SampleOptions::ritm();
    ritm.clicks.first_click = Some(FirstClick::center());
    ritm.augmentation.zoom_in = Some(ZoomIn::as_inference());
    assert_eq!(
        refused(&ritm, "/clicks/first_click/inner", json!(0.5)),
        "clicks.first_click.inner is 0.5, expected more than 1, or 0"
    );
    assert_eq!(
        refused(&ritm, "/augmentation/zoom_in/as_inference/jitter", json!(0.6)),
        "augmentation.zoom_in.as_inference.jitter is 0.6, expected 0 to less than 0.4"
    );
}
