//! From clicks to an answer, without the interpreter and watched by it.

use fbrs::{CancelToken, Click, Event, ImageSpace, Prediction, Session, Watch};
use pyo3::prelude::*;

use crate::prediction::{Picture, PyPrediction};
use crate::run::{Ended, watched};

/// A step of a search.
struct Step {
    number: usize,
    loss: f64,
    prediction: Prediction,
    /// How many of the clicks it answers.
    clicks: usize,
}

/// Makes the session's clicks those that are wanted: what is new is answered. Where something is raised
/// meanwhile, the session is as before.
pub(crate) fn answer(
    py: Python<'_>,
    session: &mut Session,
    wanted: &[Click<ImageSpace>],
    token: &CancelToken,
    on_evaluation: Option<Py<PyAny>>,
) -> PyResult<Option<PyPrediction>> {
    let before: Vec<_> = session.clicks().collect();
    let picture = Picture::of(session);
    let is_shown = on_evaluation.is_some();
    let Ended { done, raised } = watched(
        py,
        token,
        |say| {
            let mut clicks = 0;
            let mut see = |event: &Event<'_>| match event {
                Event::Click { index, .. } => clicks = index + 1,
                Event::Evaluation { number, loss, answer } if is_shown => {
                    let (number, loss, prediction) = (*number, *loss, answer.prediction());
                    say(Step { number, loss, prediction, clicks });
                }
                _ => {}
            };
            let mut watch = Watch::new().cancelled_by(token).seen_by(&mut see);
            Ok(session.replay(wanted, &mut watch)?)
        },
        |py, step: Step| match &on_evaluation {
            Some(on_evaluation) => {
                let clicks = wanted.iter().take(step.clicks).copied().collect();
                let prediction = PyPrediction::new(step.prediction, clicks, picture.clone());
                let class = py.import("fbrs._values")?.getattr("Evaluation")?;
                let evaluation = class.call1((step.number, step.loss, prediction))?;
                on_evaluation.call1(py, (evaluation,))?;
                Ok(())
            }
            None => Ok(()),
        },
    );
    if let Some(raised) = raised {
        // The work may have been done before it was called off.
        if done.is_ok() && !session.clicks().eq(before) {
            session.undo();
        }
        return Err(raised);
    }
    let prediction = done?;
    Ok(prediction.map(|prediction| PyPrediction::new(prediction, wanted.to_vec(), picture)))
}
