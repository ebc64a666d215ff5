use fbrs::{CancelToken, Segmenter, Session, Watch};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray2};
use pyo3::prelude::*;
use serde_json::json;

use crate::answer::answer;
use crate::calls::Calls;
use crate::click::{Given, click, listed};
use crate::failure::Failure;
use crate::held::Held;
use crate::prediction::{Picture, PyPrediction};
use crate::run::{Ended, detached, watched};
use crate::{image, pickle, process};

/// Work on one photo: clicks on one object after the other.
///
/// Every change can be taken back, and a call that fails or is called off leaves the session as it was.
/// Threads may share a session: they use it one after the other. Begin one with
/// `Segmenter.session`.
///
/// >>> import numpy, fbrs
/// >>> photo = numpy.full((64, 96, 3), 60, dtype=numpy.uint8)
/// >>> photo[20:50, 30:70] = (200, 60, 40)
/// >>> session = fbrs.Segmenter().session(photo)
/// >>> prediction = session.click(50, 35)
/// >>> prediction = session.click(5, 5, positive=False)
/// >>> session.clicks
/// [Click(x=50.0, y=35.0, positive=True), Click(x=5.0, y=5.0, positive=False)]
/// >>> session.undo()
/// True
/// >>> session.finish()
/// 1
/// >>> int(session.label_mask.max())
/// 1
#[pyclass(frozen, module = "fbrs", name = "Session")]
pub(crate) struct PySession {
    held: Held<Box<Session>>,
    calls: Calls,
    shape: (usize, usize),
    segmenter: Segmenter,
}

impl PySession {
    pub(crate) fn new(session: Session, segmenter: Segmenter) -> Self {
        let size = session.size();
        let shape = (size.height, size.width);
        Self { held: Held::new(Box::new(session)), calls: Calls::default(), shape, segmenter }
    }

    /// Uses the session when it is this call's turn, for what `cancel` calls off.
    fn at_length<T>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Session, &CancelToken) -> PyResult<T>,
    ) -> PyResult<T> {
        process::check()?;
        let call = self.calls.begin();
        self.held.with(py, &call.token, |session| work(session, &call.token))
    }

    /// The same for what takes no time of its own, and is not called off.
    fn briefly<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Session) -> Result<T, Failure> + Send,
    ) -> PyResult<T> {
        process::check()?;
        let never = CancelToken::new();
        self.held.with(py, &never, |session| detached(py, || work(session)))
    }
}

#[pymethods]
impl PySession {
    /// Adds a click to the object in hand and answers it.
    ///
    /// x, y: pixels to the right and down; 0, 0 is the middle of the top left pixel.
    /// positive: whether it is on the object.
    /// on_evaluation: called with an `fbrs.Evaluation` at every step of the search; what it raises
    /// calls the click off.
    #[pyo3(signature = (x, y, positive=true, *, on_evaluation=None))]
    fn click(
        &self,
        py: Python<'_>,
        x: f64,
        y: f64,
        positive: bool,
        on_evaluation: Option<Py<PyAny>>,
    ) -> PyResult<PyPrediction> {
        self.at_length(py, |session, token| {
            let new = click(x, y, positive);
            let wanted: Vec<_> = session.clicks().chain([new]).collect();
            let answered = answer(py, session, &wanted, token, on_evaluation)?;
            Ok(answered.ok_or_else(|| Failure::state("the click has no answer"))?)
        })
    }

    /// Replaces the clicks of the object in hand. From the first that differs on all are answered
    /// anew, to the bit as in a session that had these clicks from the beginning. None where there is
    /// nothing to predict from then.
    #[pyo3(signature = (clicks, *, on_evaluation=None))]
    fn replay(
        &self,
        py: Python<'_>,
        clicks: Vec<Given>,
        on_evaluation: Option<Py<PyAny>>,
    ) -> PyResult<Option<PyPrediction>> {
        let wanted: Vec<_> = clicks.into_iter().map(|Given(click)| click).collect();
        self.at_length(py, |session, token| answer(py, session, &wanted, token, on_evaluation))
    }

    /// Computes what the network makes of the photo alone, so that the first click on each object need
    /// not: for moments in which nobody waits.
    fn prepare(&self, py: Python<'_>) -> PyResult<()> {
        self.at_length(py, |session, token| {
            let work =
                |_: &mut dyn FnMut(())| Ok(session.prepare(&mut Watch::new().cancelled_by(token))?);
            let Ended { done, raised } = watched(py, token, work, |_, ()| Ok(()));
            match raised {
                Some(raised) => Err(raised),
                None => Ok(done?),
            }
        })
    }

    /// Takes the last change back; False where there is none.
    fn undo(&self, py: Python<'_>) -> PyResult<bool> {
        self.briefly(py, |session| Ok(session.undo()))
    }

    /// Makes the last change that was taken back again; False where there is none.
    fn redo(&self, py: Python<'_>) -> PyResult<bool> {
        self.briefly(py, |session| Ok(session.redo()))
    }

    /// Forgets the object in hand: its clicks, and the mask that it started from.
    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        self.briefly(py, |session| {
            session.reset();
            Ok(())
        })
    }

    /// Gives the mask of the object in hand the next number in `label_mask`, and returns that number.
    ///
    /// threshold: a number between 0 and 1; None for that of the options, 0.5 unless set.
    #[pyo3(signature = (threshold=None))]
    fn finish(&self, py: Python<'_>, threshold: Option<f32>) -> PyResult<u16> {
        self.briefly(py, |session| {
            let threshold = threshold.unwrap_or(session.options().refine.threshold);
            Ok(session.finish(threshold)?)
        })
    }

    /// Starts the object in hand from a mask of the photo's size: a bool or uint8 array, true or above
    /// 127 where the object is.
    ///
    /// Networks that see their previous mask are given it. For others it is a part of the object that
    /// negative clicks alone reduce.
    fn start_from_mask(&self, mask: &Bound<'_, PyAny>) -> PyResult<()> {
        process::check()?;
        let start = image::mask(mask)?;
        self.briefly(mask.py(), move |session| Ok(session.start_from_mask(&start)?))
    }

    /// Forgets all changes that could be taken back or made again, and the memory that they take.
    fn forget_history(&self, py: Python<'_>) -> PyResult<()> {
        self.briefly(py, |session| {
            session.forget_history();
            Ok(())
        })
    }

    /// Calls off every click, replay and preparation that has begun and not ended, those that wait for
    /// their turn as well: each raises `fbrs.Cancelled`, and the session is as before it. It never waits.
    /// What begins later is not affected.
    fn cancel(&self) -> PyResult<()> {
        process::check()?;
        self.calls.cancel();
        Ok(())
    }

    /// What happened here, in words of JSON: photo, network, device, options, the clicks of the object
    /// in hand in time order, and how the last of them was answered.
    ///
    /// >>> import numpy, fbrs
    /// >>> photo = numpy.zeros((64, 96, 3), dtype=numpy.uint8)
    /// >>> session = fbrs.Segmenter().session(photo)
    /// >>> prediction = session.click(50, 35)
    /// >>> log = session.log()
    /// >>> log["width"], log["height"], log["clicks"]
    /// (96, 64, [{'positive': True, 'x': 50.0, 'y': 35.0}])
    fn log<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (height, width) = self.shape;
        let text = self.briefly(py, |session| {
            let clicks: Vec<_> = session.clicks().collect();
            let log = json!({
                "version": env!("CARGO_PKG_VERSION"),
                "architecture": self.segmenter.architecture().to_string(),
                "weights": self.segmenter.fingerprint()?.to_string(),
                "device": self.segmenter.device().to_string(),
                "width": width,
                "height": height,
                "options": session.options(),
                "finished": session.finished(),
                "clicks": clicks,
                "report": session.report(),
            });
            Ok(log.to_string())
        })?;
        py.import("json")?.call_method1("loads", (text,))
    }

    /// Height and width of the photo.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// The clicks of the object in hand, in time order.
    #[getter]
    fn clicks<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let clicks: Vec<_> = self.briefly(py, |session| Ok(session.clicks().collect()))?;
        listed(py, clicks)
    }

    /// The prediction of the object in hand; None before its first click.
    #[getter]
    fn prediction(&self, py: Python<'_>) -> PyResult<Option<PyPrediction>> {
        self.briefly(py, |session| {
            let clicks = session.clicks().collect();
            let prediction = session.prediction();
            Ok(prediction.map(|known| PyPrediction::new(known, clicks, Picture::of(session))))
        })
    }

    /// How many objects are finished.
    #[getter]
    fn finished(&self, py: Python<'_>) -> PyResult<u16> {
        self.briefly(py, |session| Ok(session.finished()))
    }

    /// Numbers of finished objects, uint16 of shape (H, W): 0 is background. It is computed at every
    /// call.
    #[getter]
    fn label_mask<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<u16>>> {
        let labels = self.briefly(py, |session| {
            let labels = Array2::from_shape_vec(self.shape, session.label_mask().into_raw());
            labels.map_err(|error| Failure::fault(&error.to_string()))
        })?;
        Ok(labels.into_pyarray(py))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (height, width) = self.shape;
        if self.held.is_busy() {
            return Ok(format!("<fbrs.Session on {width}×{height} pixels, answering>"));
        }
        let clicks = self.briefly(py, |session| Ok(session.clicks().len()))?;
        Ok(format!("<fbrs.Session on {width}×{height} pixels, {clicks} clicks>"))
    }

    #[pyo3(signature = (protocol, /))]
    fn __reduce_ex__(&self, protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        let _ = protocol;
        pickle::refuse("Session", "create it in each process, with spawn; log() has the clicks")
    }
}
