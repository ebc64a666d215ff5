use std::borrow::Cow;

use fbrs::{Click, ImageSpace, Photo, Prediction, Session};
use fbrs_data::annotations::rle::Rle;
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::failure::Failure;
use crate::run::detached;
use crate::{click, overlay, pickle, polygons, process};

/// What a prediction is of.
#[derive(Clone)]
pub(crate) struct Picture {
    pub(crate) photo: Photo,
    /// Above which a pixel is object where nobody says otherwise.
    pub(crate) threshold: f32,
}

impl Picture {
    pub(crate) fn of(session: &Session) -> Self {
        let threshold = session.options().refine.threshold;
        Self { photo: session.photo().clone(), threshold }
    }
}

/// How probable it is of every pixel that it belongs to the object.
///
/// It is kept at the size that the network saw, and read at the photo's where that is asked for. It
/// shares the photo with its session. In Jupyter it shows itself.
///
/// >>> import numpy, fbrs
/// >>> photo = numpy.full((64, 96, 3), 60, dtype=numpy.uint8)
/// >>> photo[20:50, 30:70] = (200, 60, 40)
/// >>> prediction = fbrs.Segmenter().segment(photo, [fbrs.Click(50, 35)])
/// >>> prediction.shape
/// (64, 96)
/// >>> mask = prediction.mask()
/// >>> mask.dtype, mask.shape
/// (dtype('uint8'), (64, 96))
/// >>> sorted(numpy.unique(mask).tolist())
/// [0, 255]
#[pyclass(frozen, module = "fbrs", name = "Prediction")]
pub(crate) struct PyPrediction {
    prediction: Prediction,
    clicks: Vec<Click<ImageSpace>>,
    picture: Picture,
    probabilities: PyOnceLock<Py<PyAny>>,
}

impl PyPrediction {
    pub(crate) fn new(
        prediction: Prediction,
        clicks: Vec<Click<ImageSpace>>,
        picture: Picture,
    ) -> Self {
        Self { prediction, clicks, picture, probabilities: PyOnceLock::new() }
    }

    fn threshold(&self, asked: Option<f32>) -> f32 {
        asked.unwrap_or(self.picture.threshold)
    }

    /// Row by row, true where the object is.
    fn truths(&self, threshold: Option<f32>) -> Result<Vec<bool>, Failure> {
        let mask = self.prediction.mask(self.threshold(threshold))?;
        Ok(mask.as_raw().iter().map(|value| *value > 0).collect())
    }
}

#[pymethods]
impl PyPrediction {
    /// Height and width, those of the photo.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        let size = self.prediction.size();
        (size.height, size.width)
    }

    /// The clicks that it answers, in time order.
    #[getter]
    fn clicks<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        click::listed(py, self.clicks.iter().copied())
    }

    /// The probabilities, float32 of shape (H, W), from 0 to 1.
    ///
    /// The array cannot be written to, and is the same one at every call; it has 4 bytes for every
    /// pixel of the photo, which live as long as the prediction or an array that shows them.
    #[getter]
    fn probabilities<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        process::check()?;
        if let Some(known) = self.probabilities.get(py) {
            return Ok(known.bind(py).clone());
        }
        let values = detached(py, || {
            let shape = self.shape();
            let values = Array2::from_shape_vec(shape, self.prediction.probabilities());
            values.map_err(|error| Failure::fault(&error.to_string()))
        })?;
        let array = values.into_pyarray(py);
        let array = array.try_readwrite()?.make_nonwriteable();
        // Where another thread was quicker, its array holds.
        let array = self.probabilities.get_or_init(py, || array.as_any().clone().unbind());
        Ok(array.bind(py).clone())
    }

    /// The mask, uint8 of shape (H, W): 255 where the probability exceeds the threshold, 0 elsewhere.
    ///
    /// threshold: a number between 0 and 1; None for that of the options, 0.5 unless set.
    #[pyo3(signature = (threshold=None))]
    fn mask<'py>(&self, py: Python<'py>, threshold: Option<f32>) -> PyResult<Bound<'py, PyAny>> {
        process::check()?;
        let shape = self.shape();
        let mask = detached(py, || {
            let mask = self.prediction.mask(self.threshold(threshold))?.into_raw();
            let mask = Array2::from_shape_vec(shape, mask);
            mask.map_err(|error| Failure::fault(&error.to_string()))
        })?;
        Ok(mask.into_pyarray(py).into_any())
    }

    /// The mask as COCO writes it, run lengths packed into a text: what `pycocotools.mask` takes.
    ///
    /// >>> import numpy, fbrs
    /// >>> photo = numpy.full((64, 96, 3), 60, dtype=numpy.uint8)
    /// >>> photo[20:50, 30:70] = (200, 60, 40)
    /// >>> prediction = fbrs.Segmenter().segment(photo, [fbrs.Click(50, 35)])
    /// >>> prediction.to_rle()["size"]
    /// [64, 96]
    #[pyo3(signature = (threshold=None))]
    fn to_rle<'py>(&self, py: Python<'py>, threshold: Option<f32>) -> PyResult<Bound<'py, PyDict>> {
        process::check()?;
        let size = self.prediction.size();
        let text = detached(py, || {
            let rle = Rle::encode(&self.truths(threshold)?, size);
            let too_large = || Failure::image("the mask has too many pixels for run lengths");
            Ok(rle.ok_or_else(too_large)?.pack())
        })?;
        let rle = PyDict::new(py);
        rle.set_item("size", [size.height, size.width])?;
        rle.set_item("counts", text)?;
        Ok(rle)
    }

    /// The mask as polygons along the edges of its pixels, one for each part: a list of
    /// `{"outer": array, "holes": [array, …]}`, each array int32 of shape (N, 2), x and y of corners.
    ///
    /// Pixel (x, y) is the square from (x, y) to (x + 1, y + 1). The rings, filled by the even-odd
    /// rule, give back exactly the mask.
    ///
    /// >>> import numpy, fbrs
    /// >>> photo = numpy.full((64, 96, 3), 60, dtype=numpy.uint8)
    /// >>> photo[20:50, 30:70] = (200, 60, 40)
    /// >>> prediction = fbrs.Segmenter().segment(photo, [fbrs.Click(50, 35)])
    /// >>> part = prediction.to_polygons()[0]
    /// >>> part["outer"].dtype, part["outer"].shape[1]
    /// (dtype('int32'), 2)
    #[pyo3(signature = (threshold=None))]
    fn to_polygons<'py>(
        &self,
        py: Python<'py>,
        threshold: Option<f32>,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        process::check()?;
        let size = self.prediction.size();
        let parts = detached(py, || polygons::of(&self.truths(threshold)?, size))?;
        let made = |part: polygons::Part| {
            let holes: Vec<_> = part.holes.into_iter().map(|ring| ring.into_pyarray(py)).collect();
            let made = PyDict::new(py);
            made.set_item("outer", part.outer.into_pyarray(py))?;
            made.set_item("holes", holes)?;
            Ok(made)
        };
        parts.into_iter().map(made).collect()
    }

    /// What Jupyter shows: the photo with mask, outline and clicks, at most 800 pixels a side, and a
    /// line of text.
    #[pyo3(signature = (include=None, exclude=None))]
    fn _repr_mimebundle_<'py>(
        &self,
        py: Python<'py>,
        include: Option<Py<PyAny>>,
        exclude: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        process::check()?;
        // Jupyter leaves out what it does not want.
        let _ = (include, exclude);
        let (text, picture) = detached(py, || {
            let mask = self.prediction.mask(self.picture.threshold)?;
            Ok((self.line(&mask), overlay::png(&self.picture.photo, &mask, &self.clicks)?))
        })?;
        let bundle = PyDict::new(py);
        bundle.set_item("text/plain", text)?;
        bundle.set_item("image/png", picture)?;
        Ok(bundle)
    }

    fn __repr__(&self) -> String {
        let (size, clicks) = (self.prediction.size(), self.clicks.len());
        format!("<fbrs.Prediction of {size} pixels, {clicks} clicks>")
    }

    #[pyo3(signature = (protocol, /))]
    fn __reduce_ex__(&self, protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        let _ = protocol;
        pickle::refuse("Prediction", "its mask() and its probabilities are arrays, which can be")
    }
}

impl PyPrediction {
    fn line(&self, mask: &fbrs::image::GrayImage) -> String {
        let inside = mask.as_raw().iter().filter(|value| **value > 0).count();
        let share = 100.0 * inside as f64 / mask.as_raw().len().max(1) as f64;
        let clicks: Cow<'_, str> = match self.clicks.len() {
            1 => "1 click".into(),
            count => format!("{count} clicks").into(),
        };
        let size = self.prediction.size();
        format!("fbrs.Prediction: {share:.1} % of {size} pixels are object, {clicks}")
    }
}
