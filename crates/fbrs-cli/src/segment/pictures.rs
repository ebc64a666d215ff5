//! The files that a segmentation leaves: their formats, and where they may lie.

use std::io;
use std::path::Path;

use anyhow::Result;
use fbrs_data::files::Draft;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageError, ImageFormat};

use super::args::SegmentArgs;
use super::clicks::is_standard_input;
use crate::exit::Exit;
use crate::outputs::{Place, ending};

/// Of an overlay, out of 100: hardly to be told from the photo.
const JPEG_QUALITY: u8 = 92;

/// A picture that will be written.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) place: Place,
    format: ImageFormat,
}

/// Everything that will be written; it was possible when this was made.
#[derive(Debug)]
pub(super) struct Outputs {
    pub(super) mask: Option<Picture>,
    pub(super) overlay: Option<Picture>,
    pub(super) probabilities: Option<Picture>,
    pub(super) trace: Option<Place>,
}

impl Outputs {
    /// Checks formats and places, before any work is done.
    pub(super) fn plan(args: &SegmentArgs) -> Result<Self> {
        let exact = |path: &Path| Picture::plan(path, exact_format(path)?);
        let shown = |path: &Path| Picture::plan(path, shown_format(path)?);
        let outputs = Self {
            mask: args.output.as_deref().map(exact).transpose()?,
            overlay: args.overlay.as_deref().map(shown).transpose()?,
            probabilities: args.probabilities.as_deref().map(exact).transpose()?,
            trace: args.trace.as_deref().map(Place::try_out).transpose()?,
        };
        outputs.check(args)?;
        Ok(outputs)
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        let pictures = [&self.mask, &self.overlay, &self.probabilities].into_iter().flatten();
        pictures.map(|picture| &picture.place).chain(&self.trace)
    }

    /// No output may lie on an input or on another output.
    fn check(&self, args: &SegmentArgs) -> Result<()> {
        let clicks = args.clicks.as_deref().filter(|path| !is_standard_input(path));
        let start = args.start_mask.as_deref();
        let inputs = [Some(args.photo.as_path()), clicks, start, Some(Path::new(&args.weights))];
        let places: Vec<_> = self.places().collect();
        for (index, place) in places.iter().enumerate() {
            let name = place.asked().display();
            if inputs.into_iter().flatten().any(|input| place.is(input)) {
                let sentence = format!("{name} is an input: give the output another name");
                return Err(Exit::Usage.because(sentence));
            }
            if places.iter().skip(index + 1).any(|other| place.is_same(other)) {
                let sentence = format!("{name} is asked for twice: give each output its own name");
                return Err(Exit::Usage.because(sentence));
            }
        }
        Ok(())
    }
}

impl Picture {
    fn plan(path: &Path, format: ImageFormat) -> Result<Self> {
        Ok(Self { place: Place::try_out(path)?, format })
    }

    /// Encodes the picture.
    pub(super) fn write(&self, picture: &DynamicImage, out: &mut Draft) -> io::Result<()> {
        let written = match self.format {
            ImageFormat::Jpeg => {
                JpegEncoder::new_with_quality(out, JPEG_QUALITY).encode_image(picture)
            }
            format => picture.write_to(out, format),
        };
        written.map_err(|error| match error {
            ImageError::IoError(error) => error,
            error => io::Error::other(error),
        })
    }
}

/// Formats that keep a gray value as it is, in one channel.
fn exact_format(path: &Path) -> Result<ImageFormat> {
    let refuse = |why: &str| {
        let (name, instead) = (path.display(), path.with_extension("png"));
        let instead = instead.display();
        Err(Exit::Usage.because(format!(
            "{name}: {why}; expected a name that ends in .png, .tiff or .pgm, such as \
             {instead}"
        )))
    };
    match ending(path).as_str() {
        "png" => Ok(ImageFormat::Png),
        "tif" | "tiff" => Ok(ImageFormat::Tiff),
        "pgm" => Ok(ImageFormat::Pnm),
        "jpg" | "jpeg" | "webp" | "bmp" | "gif" => {
            refuse("this format does not keep gray values as they are")
        }
        _ => refuse("the ending of its name tells no format"),
    }
}

/// Formats to look at.
fn shown_format(path: &Path) -> Result<ImageFormat> {
    match ending(path).as_str() {
        "png" => Ok(ImageFormat::Png),
        "jpg" | "jpeg" => Ok(ImageFormat::Jpeg),
        "tif" | "tiff" => Ok(ImageFormat::Tiff),
        "bmp" => Ok(ImageFormat::Bmp),
        "webp" => Ok(ImageFormat::WebP),
        "ppm" => Ok(ImageFormat::Pnm),
        _ => Err(Exit::Usage.because(format!(
            "{}: the ending of its name tells no format; expected .png, .jpg, .tiff, .bmp, .webp \
             or .ppm",
            path.display()
        ))),
    }
}
