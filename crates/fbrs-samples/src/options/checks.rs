use super::{ClickRules, SampleOptions, ZoomIn};

/// An option that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{option} is {found}, expected {expected}")]
pub struct BadOptions {
    /// Its name, as in a configuration.
    pub option: &'static str,
    /// Its value.
    pub found: String,
    /// What would do.
    pub expected: &'static str,
}

type Checked = Result<(), BadOptions>;

/// Larger crops are a slip: a single one would fill the memory of a network in training.
const LARGEST_SIDE: usize = 2048;
const MOST_SLOTS: usize = 1000;

impl SampleOptions {
    /// Checks that samples can be made with them.
    ///
    /// # Errors
    /// [`BadOptions`]: the first that makes no sense.
    pub fn check(&self) -> Result<(), BadOptions> {
        let sides = [("crop.height", self.crop.height), ("crop.width", self.crop.width)];
        for (option, side) in sides {
            check(option, side, (1..=LARGEST_SIDE).contains(&side), "1 to 2048 pixels")?;
        }
        probability("keep_background", self.keep_background)?;
        self.check_augmentation()?;
        self.check_clicks()
    }

    fn check_augmentation(&self) -> Checked {
        let augmentation = &self.augmentation;
        if let Some(scale @ [low, high]) = augmentation.scale {
            let is_sound = low >= 0.05 && high <= 20.0 && low <= high;
            let expected = "two numbers from 0.05 to 20, the lesser first";
            check_shown("augmentation.scale", format!("{scale:?}"), is_sound, expected)?;
        }
        if let Some(shift_rotate) = augmentation.shift_rotate {
            probability("augmentation.shift_rotate.probability", shift_rotate.probability)?;
            let (degrees, shift) = (shift_rotate.degrees, shift_rotate.shift);
            let is_sound = (0.0..=180.0).contains(&degrees);
            check("augmentation.shift_rotate.degrees", degrees, is_sound, "0 to 180")?;
            probability("augmentation.shift_rotate.shift", shift)?;
        }
        if let Some(colors) = augmentation.colors {
            probability("augmentation.colors.probability", colors.probability)?;
            let expected = "two numbers from -1 to 1, the lesser first";
            let ranges = [
                ("augmentation.colors.brightness", colors.brightness),
                ("augmentation.colors.contrast", colors.contrast),
            ];
            for (option, range @ [low, high]) in ranges {
                let is_sound = low >= -1.0 && high <= 1.0 && low <= high;
                check_shown(option, format!("{range:?}"), is_sound, expected)?;
            }
            let shift = colors.channel_shift;
            let is_sound = (0.0..=255.0).contains(&shift);
            check("augmentation.colors.channel_shift", shift, is_sound, "0 to 255")?;
        }
        self.check_zoom_in()
    }

    fn check_zoom_in(&self) -> Checked {
        match self.augmentation.zoom_in {
            None => Ok(()),
            Some(ZoomIn::Shaped { probability: often, expansion: expansion @ [low, high] }) => {
                probability("augmentation.zoom_in.shaped.probability", often)?;
                let is_sound = low >= 1.0 && high <= 100.0 && low <= high;
                let (option, expected) = (
                    "augmentation.zoom_in.shaped.expansion",
                    "two numbers from 1 to 100, the lesser first",
                );
                check_shown(option, format!("{expansion:?}"), is_sound, expected)
            }
            Some(ZoomIn::AsInference {
                probability: often, expansion, min_side, jitter, ..
            }) => {
                probability("augmentation.zoom_in.as_inference.probability", often)?;
                let option = "augmentation.zoom_in.as_inference.expansion";
                check(option, expansion, (1.0..=100.0).contains(&expansion), "1 to 100")?;
                let option = "augmentation.zoom_in.as_inference.min_side";
                check(option, min_side, min_side <= 100_000, "at most 100000 pixels")?;
                let option = "augmentation.zoom_in.as_inference.jitter";
                check(option, jitter, (0.0..0.4).contains(&jitter), "0 to less than 0.4")
            }
        }
    }

    fn check_clicks(&self) -> Checked {
        let clicks = &self.clicks;
        let slots = clicks.slots;
        check("clicks.slots", slots, (1..=MOST_SLOTS).contains(&slots), "1 to 1000")?;
        let gamma = clicks.gamma;
        check("clicks.gamma", gamma, gamma > 0.0 && gamma <= 1.0, "more than 0, at most 1")?;
        probability("clicks.merge", clicks.merge)?;
        let (merged, expected) = (clicks.max_merged, "at least 2 and at most the slots");
        let is_sound = clicks.merge == 0.0 || (2..=slots).contains(&merged);
        check("clicks.max_merged", merged, is_sound, expected)?;
        probability("clicks.erosion.probability", clicks.erosion.probability)?;
        let strategies = clicks.strategies;
        let shares = [strategies.background, strategies.other, strategies.border];
        let is_sound = shares.iter().all(|share| (0.0..=1.0).contains(share))
            && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-6;
        let expected = "background, other and border that are probabilities and sum to 1";
        check_shown("clicks.strategies", format!("{shares:?}"), is_sound, expected)?;
        let width = strategies.border_width;
        let is_sound = width > 0.0 && width <= 0.1;
        check("clicks.strategies.border_width", width, is_sound, "more than 0, at most 0.1")?;
        if let Some(first) = clicks.first_click {
            let inner = first.inner;
            let is_sound = inner == 0.0 || (inner > 1.0 && inner.is_finite());
            check("clicks.first_click.inner", inner, is_sound, "more than 1, or 0")?;
            probability("clicks.first_click.anywhere", first.anywhere)?;
        }
        if clicks.rules == ClickRules::Fbrs {
            let (found, expected) = (true, "false with f-BRS's rules; RITM's know it");
            let options = [
                ("clicks.hierarchy", clicks.hierarchy),
                ("clicks.soft_targets", clicks.soft_targets),
                ("clicks.only_one_first_click", clicks.only_one_first_click),
            ];
            for (option, is_on) in options {
                check(option, found, !is_on, expected)?;
            }
            let expected = "left out with f-BRS's rules; RITM's know it";
            check("clicks.first_click", "given", clicks.first_click.is_none(), expected)?;
        }
        Ok(())
    }
}

fn probability(option: &'static str, found: f64) -> Checked {
    check(option, found, (0.0..=1.0).contains(&found), "0 to 1")
}

fn check(
    option: &'static str,
    found: impl ToString,
    is_sound: bool,
    expected: &'static str,
) -> Checked {
    check_shown(option, found.to_string(), is_sound, expected)
}

fn check_shown(option: &'static str, found: String, ok: bool, expected: &'static str) -> Checked {
    if ok { Ok(()) } else { Err(BadOptions { option, found, expected }) }
}
