//! `fbrs.Options`: what is to differ from the options that suit the network.

use std::time::Duration;

use fbrs::{DiscRule, NetClicks, Options, Preset, ScaleActivation, Tiles, View};
use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::failure::Failure;

/// The fields of `fbrs.Options`; `None` where nothing is asked for.
pub(crate) struct Changes {
    preset: Option<String>,
    mode: Option<String>,
    threshold: Option<f32>,
    max_size: Option<Limit>,
    flip: Option<bool>,
    zoom_in: Option<bool>,
    zoom_in_size: Option<usize>,
    zoom_in_after: Option<usize>,
    zoom_in_expansion: Option<f64>,
    tiles: Option<usize>,
    optimize_after: Option<usize>,
    net_clicks: Option<Limit>,
    max_evaluations: Option<u64>,
    max_time: Option<f64>,
    min_iou_diff: Option<f64>,
    regularization: Option<f64>,
    bias_regularization: Option<f64>,
    scale_activation: Option<String>,
    reference_discs: Option<bool>,
}

/// A number, or the word for no limit.
#[derive(FromPyObject)]
enum Limit {
    Number(usize),
    Word(String),
}

impl<'py> FromPyObject<'_, 'py> for Changes {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if !given.hasattr("reference_discs")? {
            let found = given.repr()?;
            let sentence = format!("options: expected an fbrs.Options, got {found}");
            return Err(PyTypeError::new_err(sentence));
        }
        let options = &*given;
        let (text, truth) = ("a text", "True or False");
        let (number, whole) = ("a number", "a whole number of at least 0");
        Ok(Self {
            preset: field(options, "preset", text)?,
            mode: field(options, "mode", text)?,
            threshold: field(options, "threshold", number)?,
            max_size: field(options, "max_size", "a whole number of at least 0 or \"none\"")?,
            flip: field(options, "flip", truth)?,
            zoom_in: field(options, "zoom_in", truth)?,
            zoom_in_size: field(options, "zoom_in_size", whole)?,
            zoom_in_after: field(options, "zoom_in_after", whole)?,
            zoom_in_expansion: field(options, "zoom_in_expansion", number)?,
            tiles: field(options, "tiles", whole)?,
            optimize_after: field(options, "optimize_after", whole)?,
            net_clicks: field(options, "net_clicks", "a whole number of at least 0 or \"all\"")?,
            max_evaluations: field(options, "max_evaluations", whole)?,
            max_time: field(options, "max_time", number)?,
            min_iou_diff: field(options, "min_iou_diff", number)?,
            regularization: field(options, "regularization", number)?,
            bias_regularization: field(options, "bias_regularization", number)?,
            scale_activation: field(options, "scale_activation", text)?,
            reference_discs: field(options, "reference_discs", truth)?,
        })
    }
}

/// A field that is not `None`; else a `TypeError` that says what was expected.
fn field<'py, T: FromPyObjectOwned<'py>>(
    options: &Bound<'py, PyAny>,
    name: &str,
    expected: &str,
) -> PyResult<Option<T>> {
    let value = options.getattr(name)?;
    if value.is_none() {
        return Ok(None);
    }
    match value.extract() {
        Ok(value) => Ok(Some(value)),
        Err(_) => {
            let sentence = format!("{name}: expected {expected}, got {}", value.repr()?);
            Err(PyTypeError::new_err(sentence))
        }
    }
}

impl Limit {
    fn read(self, name: &str, no_limit: &str) -> Result<Option<usize>, Failure> {
        match self {
            Self::Number(number) => Ok(Some(number)),
            Self::Word(word) if word == no_limit => Ok(None),
            Self::Word(word) => Err(Failure::parameter(format!(
                "{name}: expected a whole number or \"{no_limit}\", got \"{word}\""
            ))),
        }
    }
}

impl Changes {
    /// The options with these changes.
    pub(crate) fn of(self, usual: Options) -> Result<Options, Failure> {
        let wrong = |error: &dyn std::error::Error| Failure::parameter(error);
        let mut options = match self.preset {
            Some(name) => name.parse::<Preset>().map_err(|error| wrong(&error))?.options(),
            None => usual,
        };
        set(&mut options.flip, self.flip);
        if let Some(limit) = self.max_size {
            options.max_size = limit.read("max_size", "none")?;
        }
        let zooms = [
            ("zoom_in_size", self.zoom_in_size.is_some()),
            ("zoom_in_after", self.zoom_in_after.is_some()),
            ("zoom_in_expansion", self.zoom_in_expansion.is_some()),
        ];
        let zoomed = zooms.iter().find(|(_, is_given)| *is_given).map(|(name, _)| *name);
        options.view = match (self.tiles, self.zoom_in, options.view) {
            (Some(_), Some(true), _) => return Err(together("tiles", "zoom_in")),
            (Some(size), _, _) => match zoomed {
                Some(name) => return Err(together("tiles", name)),
                None => View::Tiles(Tiles::default().with_size(size)),
            },
            (None, Some(false), _) => match zoomed {
                Some(name) => return Err(together("zoom_in=False", name)),
                None => View::Whole,
            },
            (None, _, View::ZoomIn(mut zoom)) => {
                set(&mut zoom.target_size, self.zoom_in_size);
                set(&mut zoom.skip_clicks, self.zoom_in_after);
                set(&mut zoom.expansion_ratio, self.zoom_in_expansion);
                View::ZoomIn(zoom)
            }
            (None, _, view) => view,
        };
        let refine = &mut options.refine;
        if let Some(name) = self.mode {
            refine.mode = name.parse::<fbrs::Mode>().map_err(|error| wrong(&error))?;
        }
        set(&mut refine.threshold, self.threshold);
        set(&mut refine.optimize_after, self.optimize_after);
        if let Some(limit) = self.net_clicks {
            let limit = limit.read("net_clicks", "all")?;
            refine.net_clicks = limit.map_or(NetClicks::All, NetClicks::First);
        }
        set(&mut refine.max_evaluations, self.max_evaluations);
        if let Some(seconds) = self.max_time {
            let time = Duration::try_from_secs_f64(seconds);
            refine.max_time = Some(time.map_err(|_| {
                let expected = "expected a number of seconds of at least 0";
                Failure::parameter(format!("max_time: {expected}, got {seconds}"))
            })?);
        }
        set(&mut refine.min_iou_diff, self.min_iou_diff);
        set(&mut refine.regularization, self.regularization);
        set(&mut refine.bias_regularization, self.bias_regularization);
        refine.scale_activation = match self.scale_activation.as_deref() {
            None => refine.scale_activation,
            Some("linear") => ScaleActivation::Linear,
            Some("tanh") => ScaleActivation::Tanh,
            Some("sin") => ScaleActivation::Sin,
            Some(other) => {
                let expected = "expected linear, tanh or sin";
                let sentence = format!("scale_activation: {expected}, got \"{other}\"");
                return Err(Failure::parameter(sentence));
            }
        };
        let rule = |reference| if reference { DiscRule::Reference } else { DiscRule::Clipped };
        set(&mut refine.discs, self.reference_discs.map(rule));
        options.check()?;
        Ok(options)
    }
}

/// What was asked for, where something was.
fn set<T>(option: &mut T, asked: Option<T>) {
    if let Some(asked) = asked {
        *option = asked;
    }
}

fn together(one: &str, other: &str) -> Failure {
    Failure::parameter(format!("{one} and {other} exclude each other: leave one of them out"))
}

/// Options with the changes that were asked for.
pub(crate) fn changed(asked: Option<Changes>, usual: Options) -> Result<Options, Failure> {
    match asked {
        Some(changes) => changes.of(usual),
        None => Ok(usual),
    }
}

/// Refuses an `fbrs.Options` with a value that no network takes.
#[pyfunction]
#[pyo3(signature = (options, /))]
pub(crate) fn check_options(options: Changes) -> PyResult<()> {
    options.of(Options::default())?;
    Ok(())
}
