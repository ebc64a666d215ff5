//! Photos and masks from Python: arrays, PIL's images, paths.

use std::path::PathBuf;

use fbrs::Photo;
use fbrs::image::{GrayImage, RgbImage};
use fbrs_data::pictures::{self, Limits};
use numpy::ndarray::{ArrayView1, ArrayViewD, Axis, Ix2, Ix3};
use numpy::{
    Element, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::failure::Failure;
use crate::logging::warn;
use crate::run::detached;

/// The order of an array's colors.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Colors {
    Rgb,
    Bgr,
}

impl FromPyObject<'_, '_> for Colors {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        match given.extract::<String>().ok().as_deref() {
            Some("rgb") => Ok(Self::Rgb),
            Some("bgr") => Ok(Self::Bgr),
            _ => {
                let sentence = format!("color: expected \"rgb\" or \"bgr\", got {}", given.repr()?);
                Err(PyValueError::new_err(sentence))
            }
        }
    }
}

/// A photo as it is seen. Arrays are taken as they are; the EXIF data of files and of PIL's images turn
/// them upright. `colors` says how an array's colors are ordered; others know it themselves.
pub(crate) fn photo(image: &Bound<'_, PyAny>, colors: Colors) -> PyResult<Photo> {
    if let Ok(array) = image.cast::<PyUntypedArray>() {
        return of_array(array, colors);
    }
    if image.is_instance_of::<PyString>() || image.hasattr("__fspath__")? {
        return of_file(image.py(), image.extract()?);
    }
    if is_pil(image)? {
        return of_pil(image);
    }
    if image.hasattr("__array__")? || image.hasattr("__array_interface__")? {
        return of_array(&as_array(image)?, colors);
    }
    let sentence = format!("image: expected {PIXELS}, a PIL image or a path, got {}", kind(image)?);
    Err(PyTypeError::new_err(sentence))
}

/// A mask: true, or above 127, where the object is.
pub(crate) fn mask(mask: &Bound<'_, PyAny>) -> PyResult<GrayImage> {
    let array = as_array(mask)?;
    let (height, width) = match *array.shape() {
        [height, width] | [height, width, 1] => (height, width),
        _ => return Err(wrong_mask(&array)?),
    };
    let (rows, columns) = sides(height, width)?;
    let values = if let Ok(bytes) = array.cast::<PyArrayDyn<u8>>() {
        values(bytes, |byte| byte)?
    } else if let Ok(truths) = array.cast::<PyArrayDyn<bool>>() {
        values(truths, |truth| 255 * u8::from(truth))?
    } else {
        return Err(wrong_mask(&array)?);
    };
    GrayImage::from_raw(columns, rows, values).ok_or_else(|| too_large(height, width))
}

/// What becomes of each element, row by row.
fn values<T: Element + Copy>(
    array: &Bound<'_, PyArrayDyn<T>>,
    value: impl Fn(T) -> u8,
) -> PyResult<Vec<u8>> {
    let elements = array.try_readonly()?;
    Ok(match elements.as_slice() {
        // Also given for columns that lie one after the other.
        Ok(elements) if array.is_c_contiguous() => elements.iter().map(|one| value(*one)).collect(),
        _ => elements.as_array().iter().map(|one| value(*one)).collect(),
    })
}

fn wrong_mask(array: &Bound<'_, PyUntypedArray>) -> PyResult<PyErr> {
    let found = described(array)?;
    let sentence = format!(
        "mask: expected a bool or uint8 array of shape (H, W), got {found}{}",
        hint(array)?
    );
    Ok(PyTypeError::new_err(sentence))
}

const PIXELS: &str = "a uint8 array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)";

fn of_array(array: &Bound<'_, PyUntypedArray>, colors: Colors) -> PyResult<Photo> {
    let (height, width, channels) = match *array.shape() {
        [height, width] => (height, width, 1),
        [height, width, channels @ (1 | 3 | 4)] => (height, width, channels),
        _ => return Err(wrong_pixels(array)?),
    };
    let Ok(bytes) = array.cast::<PyArrayDyn<u8>>() else { return Err(wrong_pixels(array)?) };
    let (rows, columns) = sides(height, width)?;
    let bytes = bytes.try_readonly()?;
    let pixels = match bytes.as_slice() {
        Ok(bytes) if array.is_c_contiguous() => contiguous(bytes, channels, colors),
        _ => strided(bytes.as_array(), channels, colors),
    };
    let pixels = RgbImage::from_raw(columns, rows, pixels);
    Ok(pixels.ok_or_else(|| too_large(height, width))?.into())
}

/// The one copy of a photo.
fn contiguous(bytes: &[u8], channels: usize, colors: Colors) -> Vec<u8> {
    let four = bytes.as_chunks::<4>().0;
    match (channels, colors) {
        (1, _) => copied(bytes, |gray| [*gray; 3]),
        (3, Colors::Rgb) => bytes.to_vec(),
        (3, Colors::Bgr) => copied(bytes.as_chunks::<3>().0, |[b, g, r]| [*r, *g, *b]),
        (_, Colors::Rgb) => copied(four, |[r, g, b, _]| [*r, *g, *b]),
        (_, Colors::Bgr) => copied(four, |[b, g, r, _]| [*r, *g, *b]),
    }
}

fn copied<T>(pixels: &[T], colors: impl Fn(&T) -> [u8; 3]) -> Vec<u8> {
    let mut copy = vec![0; 3 * pixels.len()];
    let to = copy.as_chunks_mut::<3>().0.iter_mut();
    to.zip(pixels).for_each(|(to, pixel)| *to = colors(pixel));
    copy
}

/// The same of an array that is a view of another one: cut out, turned, its colors in reverse.
fn strided(bytes: ArrayViewD<'_, u8>, channels: usize, colors: Colors) -> Vec<u8> {
    let [first, second, third] = match (channels, colors) {
        (1, _) => [0; 3],
        (_, Colors::Rgb) => [0, 1, 2],
        (_, Colors::Bgr) => [2, 1, 0],
    };
    let mut copy = vec![0; 3 * (bytes.len() / channels)];
    let to = copy.as_chunks_mut::<3>().0.iter_mut();
    // A known number of dimensions is gone through many times as fast.
    let put = |(to, pixel): (&mut [u8; 3], ArrayView1<'_, u8>)| {
        let color = |channel: usize| pixel.get(channel).copied().unwrap_or(0);
        *to = [color(first), color(second), color(third)];
    };
    match (bytes.view().into_dimensionality::<Ix2>(), bytes.view().into_dimensionality::<Ix3>()) {
        (Ok(gray), _) => to.zip(gray.insert_axis(Axis(2)).rows()).for_each(put),
        (_, Ok(colored)) => to.zip(colored.rows()).for_each(put),
        // No other number of dimensions comes here.
        _ => {}
    }
    copy
}

/// Numbers of rows and columns, as pictures count them. Arrays may be as large as files; a view of one
/// number can have any size, and its copy has it.
fn sides(height: usize, width: usize) -> PyResult<(u32, u32)> {
    let most = Limits::default();
    let side = |length| u32::try_from(length).ok().filter(|side| *side <= most.longest_side);
    let sides = side(height).zip(side(width));
    let fits = |(rows, columns): &(u32, u32)| u64::from(*rows) * u64::from(*columns) <= most.area;
    sides.filter(fits).ok_or_else(|| too_large(height, width))
}

fn too_large(height: usize, width: usize) -> PyErr {
    let Limits { longest_side, area, .. } = Limits::default();
    let most = area / 1_000_000;
    let sentence = format!(
        "image of {width}×{height} pixels: expected at most {longest_side} on a side and {most} \
         megapixels; make it smaller first, or cut a part out"
    );
    Failure::image(sentence).into()
}

fn of_file(py: Python<'_>, path: PathBuf) -> PyResult<Photo> {
    let picture = detached(py, move || Ok(pictures::read(&path, &Limits::default())?))?;
    for remark in &picture.remarks {
        warn(py, remark)?;
    }
    Ok(detached(py, || Ok(picture.into_rgb8()))?.into())
}

/// Modes of PIL's whose values have 8 bits, and that it makes RGB of.
const MODES: [&str; 10] = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"];

/// The number of the EXIF entry that says how a photo is turned.
const ORIENTATION: u16 = 0x0112;

fn is_pil(image: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(image.hasattr("getexif")? && image.hasattr("convert")? && image.hasattr("mode")?)
}

fn of_pil(image: &Bound<'_, PyAny>) -> PyResult<Photo> {
    let py = image.py();
    let mode: String = image.getattr("mode")?.extract()?;
    if !MODES.contains(&mode.as_str()) {
        return Err(PyTypeError::new_err(format!(
            "image: expected a PIL image with 8 bits a color, got one of mode {mode}: scale its \
             values to 0…255 first, numpy.asarray(image) has them"
        )));
    }
    let orientation = image.call_method0("getexif")?.call_method1("get", (ORIENTATION, 1))?;
    let upright = match orientation.extract::<u16>() {
        Ok(2..=8) => py.import("PIL.ImageOps")?.call_method1("exif_transpose", (image,))?,
        _ => image.clone(),
    };
    let colored = match mode.as_str() {
        "RGB" => upright,
        _ => upright.call_method1("convert", ("RGB",))?,
    };
    of_array(&as_array(&colored)?, Colors::Rgb)
}

fn as_array<'py>(given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    let array = given.py().import("numpy")?.call_method1("asarray", (given,))?;
    Ok(array.cast_into::<PyUntypedArray>()?)
}

fn wrong_pixels(array: &Bound<'_, PyUntypedArray>) -> PyResult<PyErr> {
    let (found, hint) = (described(array)?, hint(array)?);
    Ok(PyTypeError::new_err(format!("image: expected {PIXELS}, got {found}{hint}")))
}

/// Type and shape of an array, in words.
fn described(array: &Bound<'_, PyUntypedArray>) -> PyResult<String> {
    let shape = array.getattr("shape")?;
    Ok(format!("{} of shape {shape}", array.dtype().str()?))
}

/// What to do about an array of another type or shape.
fn hint(array: &Bound<'_, PyUntypedArray>) -> PyResult<&'static str> {
    if let [1 | 3 | 4, _, width] = *array.shape()
        && width > 4
    {
        return Ok(": move the colors to the end, image.transpose(1, 2, 0)");
    }
    Ok(match (array.dtype().kind(), array.dtype().itemsize()) {
        (b'f', _) => {
            ": where its values go from 0 to 1, (image * 255).round().astype(numpy.uint8) converts it"
        }
        (b'b', _) => ": image.astype(numpy.uint8) * 255 converts it",
        (b'u', 2) => {
            ": where its values go to 65535, (image // 257).astype(numpy.uint8) converts it"
        }
        (b'i' | b'u', size) if size > 1 => {
            ": where its values go from 0 to 255, image.astype(numpy.uint8) converts it"
        }
        _ => "",
    })
}

fn kind(given: &Bound<'_, PyAny>) -> PyResult<String> {
    given.get_type().fully_qualified_name()?.extract()
}
