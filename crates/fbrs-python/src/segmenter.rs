use std::path::PathBuf;

use fbrs::weights::{Checkpoint, Container, ExtraKeys, Location, Places};
use fbrs::{CancelToken, Click, DeviceChoice, Options, Photo, Segmenter};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::answer::answer;
use crate::click::Given;
use crate::failure::Failure;
use crate::image::{self, Colors};
use crate::logging::{inform, warn};
use crate::options::{self, Changes};
use crate::prediction::PyPrediction;
use crate::run::detached;
use crate::session::PySession;
use crate::{pickle, process};

/// A network on a device. It loads once and serves many photos and threads.
///
/// weights: "default" for the built-in ones, a path to a .pth or native file, or a name (or its
/// beginning) that is looked up in `folder`, where one is given, and among the fetched ones.
/// device: "auto", "cpu", "wgpu", "wgpu:N", "cuda" or "cuda:N"; `fbrs.devices()` lists them.
/// norm_radius: the radius of the network's distance maps, where its file does not state it.
/// ignore_extra: take weights that hold more tensors than their network has.
///
/// >>> import fbrs
/// >>> segmenter = fbrs.Segmenter("default", device="cpu")
/// >>> segmenter.architecture, segmenter.device, segmenter.norm_radius
/// ('lite0_dh64', 'cpu', 260.0)
#[pyclass(frozen, module = "fbrs", name = "Segmenter")]
pub(crate) struct PySegmenter {
    segmenter: Segmenter,
    norm_radius: f32,
}

/// Weights as somebody names them.
#[derive(Clone)]
enum Weights {
    Named(String),
    At(PathBuf),
}

impl FromPyObject<'_, '_> for Weights {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        match given.is_instance_of::<PyString>() {
            true => Ok(Self::Named(given.extract()?)),
            false => Ok(Self::At(given.extract()?)),
        }
    }
}

#[pymethods]
impl PySegmenter {
    #[new]
    #[pyo3(signature = (
        weights=Weights::Named("default".to_owned()), *, device="auto", folder=None, norm_radius=None,
        ignore_extra=false
    ))]
    #[pyo3(
        text_signature = "(weights='default', *, device='auto', folder=None, norm_radius=None, \
                             ignore_extra=False)"
    )]
    fn new(
        py: Python<'_>,
        weights: Weights,
        device: &str,
        folder: Option<PathBuf>,
        norm_radius: Option<f32>,
        ignore_extra: bool,
    ) -> PyResult<Self> {
        process::check()?;
        let device: DeviceChoice = device.parse().map_err(Failure::parameter)?;
        let extra = if ignore_extra { ExtraKeys::Ignore } else { ExtraKeys::Refuse };
        let (checkpoint, device) = detached(py, || {
            let location = match weights {
                Weights::At(path) => Location::File(path),
                Weights::Named(name) => {
                    let places = Places::default();
                    let places = match folder {
                        Some(folder) => places.looking_first_in(folder),
                        None => places,
                    };
                    places.locate(&name)?
                }
            };
            let checkpoint = with_radius(location.open(extra)?, norm_radius)?;
            Ok((checkpoint, device.open()?))
        })?;
        if let Some(remark) = checkpoint.remark() {
            warn(py, &format!("{}: {remark}", fbrs::weights::printable(checkpoint.file())))?;
        }
        let norm_radius = checkpoint.norm_radius();
        let segmenter = detached(py, || Ok(Segmenter::from_checkpoint(checkpoint, device)?))?;
        inform(py, &format!("loaded {} onto {}", segmenter.architecture(), segmenter.device()))?;
        py.check_signals()?;
        Ok(Self { segmenter, norm_radius })
    }

    /// Starts work on one photo.
    ///
    /// image: a uint8 array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), of whose alpha nothing
    /// is used; a PIL image; or a path. The EXIF data of PIL images and files turn them upright. It is
    /// copied once.
    /// color: the order of an array's colors, "rgb" or "bgr".
    /// options: what is to differ from what suits the network.
    ///
    /// >>> import numpy, fbrs
    /// >>> photo = numpy.zeros((64, 96, 3), dtype=numpy.uint8)
    /// >>> fbrs.Segmenter().session(photo, options=fbrs.Options(mode="f-BRS-C")).shape
    /// (64, 96)
    #[pyo3(signature = (image, *, color=Colors::Rgb, options=None))]
    #[pyo3(text_signature = "($self, image, *, color='rgb', options=None)")]
    fn session(
        &self,
        image: &Bound<'_, PyAny>,
        color: Colors,
        options: Option<Changes>,
    ) -> PyResult<PySession> {
        Ok(PySession::new(self.begin(image, color, options)?, self.segmenter.clone()))
    }

    /// From clicks to a prediction in one call: each click refines the answer to those before.
    ///
    /// >>> import numpy, fbrs
    /// >>> photo = numpy.zeros((64, 96, 3), dtype=numpy.uint8)
    /// >>> fbrs.Segmenter().segment(photo, [fbrs.Click(50, 35), fbrs.Click(5, 5, False)])
    /// <fbrs.Prediction of 96×64 pixels, 2 clicks>
    #[pyo3(signature = (image, clicks, *, color=Colors::Rgb, options=None, on_evaluation=None))]
    #[pyo3(text_signature = "($self, image, clicks, *, color='rgb', options=None, \
                             on_evaluation=None)")]
    fn segment(
        &self,
        image: &Bound<'_, PyAny>,
        clicks: Vec<Given>,
        color: Colors,
        options: Option<Changes>,
        on_evaluation: Option<Py<PyAny>>,
    ) -> PyResult<PyPrediction> {
        let no_object = || Failure::state("clicks: expected at least one positive click");
        let clicks: Vec<_> = clicks.into_iter().map(|Given(click)| click).collect();
        if !clicks.iter().any(Click::is_positive) {
            return Err(no_object().into());
        }
        let mut session = self.begin(image, color, options)?;
        let token = CancelToken::new();
        let answered = answer(image.py(), &mut session, &clicks, &token, on_evaluation)?;
        Ok(answered.ok_or_else(no_object)?)
    }

    /// The network's name.
    #[getter]
    fn architecture(&self) -> String {
        self.segmenter.architecture().to_string()
    }

    /// Where it runs.
    #[getter]
    fn device(&self) -> String {
        self.segmenter.device().to_string()
    }

    /// The radius of its distance maps, or of its click discs, in pixels.
    #[getter]
    fn norm_radius(&self) -> f32 {
        self.norm_radius
    }

    /// What tells these weights from others, whatever file they are in.
    #[getter]
    fn fingerprint(&self, py: Python<'_>) -> PyResult<String> {
        process::check()?;
        detached(py, || Ok(self.segmenter.fingerprint()?.to_string()))
    }

    fn __repr__(&self) -> String {
        format!("<fbrs.Segmenter {} on {}>", self.segmenter.architecture(), self.segmenter.device())
    }

    #[pyo3(signature = (protocol, /))]
    fn __reduce_ex__(&self, protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        let _ = protocol;
        pickle::refuse("Segmenter", "create it in each process, with spawn")
    }
}

impl PySegmenter {
    fn begin(
        &self,
        image: &Bound<'_, PyAny>,
        color: Colors,
        options: Option<Changes>,
    ) -> PyResult<fbrs::Session> {
        process::check()?;
        let options: Options = options::changed(options, self.segmenter.options())?;
        let photo: Photo = image::photo(image, color)?;
        detached(image.py(), || Ok(self.segmenter.session(photo, options)?))
    }
}

/// The checkpoint with a radius that its file does not state.
fn with_radius(checkpoint: Checkpoint, radius: Option<f32>) -> Result<Checkpoint, Failure> {
    let Some(radius) = radius else { return Ok(checkpoint) };
    // Native files state it, and so do networks of RITM's kind by what they are.
    let is_stated = checkpoint.container() == Container::Safetensors
        || checkpoint.architecture().guidance().is_some();
    let stated = checkpoint.norm_radius();
    if is_stated && stated != radius {
        let file = fbrs::weights::printable(checkpoint.file());
        return Err(Failure::parameter(format!(
            "norm_radius: {file} states {stated}, got {radius}: give {stated}, or leave it out"
        )));
    }
    Ok(checkpoint.with_norm_radius(radius)?)
}
