//! Label masks: pictures whose values are numbers of objects, 0 for none.
//!
//! Numbers are what a picture stores: gray values of 8 or 16 bits, indices of a palette whose first
//! color is black, else colors (red · 65536 + green · 256 + blue). Where all colors are the same
//! and alpha is not, the mask is in alpha. In the palette of PASCAL VOC, index 255 is the border
//! that belongs to no object.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::collections::BTreeMap;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

use fbrs_clicks::Size;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage};

use crate::files;
use crate::pictures::{self, Limits, PictureError};
use crate::text::printable;

/// Objects that one mask may have.
const MOST_LABELS: usize = 4096;
/// From so many values on, values may be the steps of a soft edge.
const FEWEST_STEPS: usize = 4;
/// Index of VOC's border, and its color.
const VOID: (u32, [u8; 3]) = (255, [224, 224, 192]);
/// A PNG's signature and header, up to its kind of color.
const PNG_START: usize = 26;
const PALETTE: u8 = 3;

/// Why a label mask cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The picture cannot be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] files::ReadError),
    /// A PNG that is damaged or too large.
    #[error("{file}: {reason}")]
    Png {
        /// The file, fit to be printed.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A picture that is no label mask.
    #[error("{0}")]
    NoLabels(String),
}

/// A mask of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMask {
    size: Size,
    numbers: Numbers,
    void: Option<u32>,
}

/// Numbers in as many bytes as they had.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Numbers {
    Bytes(Vec<u8>),
    Words(Vec<u16>),
    /// Red, green and blue of each pixel.
    Colors(Vec<u8>),
}

impl LabelMask {
    /// Reads a mask from a plain file of any format that [`pictures::read`] takes.
    ///
    /// # Errors
    /// [`LabelError`].
    pub fn read(path: &Path, limits: &Limits) -> Result<Self, LabelError> {
        let name = printable(&path.display().to_string());
        match palette(BufReader::new(files::open(path)?), &name, limits)? {
            Some(mask) => Ok(mask),
            None => Ok(Self::of_image(pictures::read(path, limits)?.image)),
        }
    }

    /// Reads a mask that lies in memory; `name` is what messages call it.
    ///
    /// # Errors
    /// As [`LabelMask::read`].
    pub fn read_bytes(bytes: &[u8], name: &str, limits: &Limits) -> Result<Self, LabelError> {
        match palette(Cursor::new(bytes), &printable(name), limits)? {
            Some(mask) => Ok(mask),
            None => Ok(Self::of_image(pictures::read_bytes(bytes, name, limits)?.image)),
        }
    }

    /// The numbers of a picture without a palette.
    pub fn of_image(image: DynamicImage) -> Self {
        let size = Size { height: image.height() as usize, width: image.width() as usize };
        let numbers = match alpha_if_it_is_the_mask(image) {
            DynamicImage::ImageLuma8(gray) => Numbers::Bytes(gray.into_raw()),
            DynamicImage::ImageLuma16(gray) => Numbers::Words(gray.into_raw()),
            gray @ DynamicImage::ImageLumaA8(_) => Numbers::Bytes(gray.into_luma8().into_raw()),
            gray @ DynamicImage::ImageLumaA16(_) => Numbers::Words(gray.into_luma16().into_raw()),
            colors => {
                let colors = colors.into_rgb8();
                match colors.pixels().all(|pixel| pixel.0 == [pixel.0[0]; 3]) {
                    true => Numbers::Bytes(colors.pixels().map(|pixel| pixel.0[0]).collect()),
                    false => Numbers::Colors(colors.into_raw()),
                }
            }
        };
        Self { size, numbers, void: None }
    }

    /// Height and width.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The number that stands for pixels of no object and of no background, where there is one.
    pub fn void(&self) -> Option<u32> {
        self.void
    }

    /// The numbers, row-major, `height · width` of them.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.size.area()).map(|index| self.at(index))
    }

    /// The objects' numbers, ascending: all above 0 but for the void.
    ///
    /// # Errors
    /// As [`LabelMask::values`], and where they are the steps of soft edges: hardly any pixel between
    /// 0 and the largest has equal pixels around it.
    pub fn objects(&self) -> Result<Vec<u32>, LabelError> {
        let counts = self.counts()?;
        if counts.len() >= FEWEST_STEPS && self.has_soft_edges(&counts) {
            return Err(LabelError::NoLabels(format!(
                "its edges are soft: it has {} values above 0, few of them on more than single \
                 pixels; make it 0 and 255 (a threshold of 128), or save it without smoothing",
                counts.len()
            )));
        }
        Ok(self.without_void(counts))
    }

    /// As [`LabelMask::objects`], of a mask that is known to have no soft edges.
    ///
    /// # Errors
    /// [`LabelError::NoLabels`] where there are more than 4096.
    pub fn values(&self) -> Result<Vec<u32>, LabelError> {
        Ok(self.without_void(self.counts()?))
    }

    fn without_void(&self, mut counts: BTreeMap<u32, usize>) -> Vec<u32> {
        if let Some(void) = self.void
            && counts.len() > 1
        {
            counts.remove(&void);
        }
        counts.into_keys().collect()
    }

    /// How many pixels have each number above 0.
    fn counts(&self) -> Result<BTreeMap<u32, usize>, LabelError> {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        let count_run = |counts: &mut BTreeMap<u32, usize>, (number, length): (u32, usize)| {
            let count = counts.entry(number).or_default();
            *count = count.saturating_add(length);
        };
        // Of equal pixels in a row there are many.
        let mut run = (0, 0usize);
        for number in self.numbers() {
            if number == run.0 {
                run.1 = run.1.saturating_add(1);
                continue;
            }
            count_run(&mut counts, run);
            run = (number, 1);
            if counts.len() > MOST_LABELS {
                return Err(LabelError::NoLabels(format!(
                    "it has more than {MOST_LABELS} different values, as a photo has: expected \
                     0 and 255, or 0 and the numbers of objects"
                )));
            }
        }
        count_run(&mut counts, run);
        counts.remove(&0);
        counts.retain(|_, count| *count > 0);
        Ok(counts)
    }

    fn has_soft_edges(&self, counts: &BTreeMap<u32, usize>) -> bool {
        let largest = counts.keys().next_back().copied().unwrap_or(0);
        let between: usize =
            counts.iter().filter(|(number, _)| **number != largest).map(|(_, count)| count).sum();
        let Size { height, width } = self.size;
        // Pixels that are in a square of four equal ones.
        let mut in_square = vec![false; self.size.area()];
        for row in 1..height {
            let (above, here) =
                (width.saturating_mul(row.saturating_sub(1)), width.saturating_mul(row));
            for col in 1..width {
                let before = col.saturating_sub(1);
                let square = [(above, before), (above, col), (here, before), (here, col)];
                let square = square.map(|(row, col)| row.saturating_add(col));
                let number = self.at(square[0]);
                let is_between = number != 0 && number != largest;
                if is_between && square.iter().all(|index| self.at(*index) == number) {
                    for index in square {
                        if let Some(pixel) = in_square.get_mut(index) {
                            *pixel = true;
                        }
                    }
                }
            }
        }
        let even = in_square.into_iter().filter(|pixel| *pixel).count();
        even < between / 2
    }

    fn at(&self, index: usize) -> u32 {
        match &self.numbers {
            Numbers::Bytes(bytes) => bytes.get(index).copied().map_or(0, u32::from),
            Numbers::Words(words) => words.get(index).copied().map_or(0, u32::from),
            Numbers::Colors(colors) => match colors.as_chunks::<3>().0.get(index) {
                Some([red, green, blue]) => u32::from_be_bytes([0, *red, *green, *blue]),
                _ => 0,
            },
        }
    }
}

/// Alpha as a gray picture where all colors are the same and alpha is not; else the picture itself.
pub fn alpha_if_it_is_the_mask(image: DynamicImage) -> DynamicImage {
    fn alpha<const N: usize, T: Copy + PartialEq>(values: &[T]) -> Option<Vec<T>> {
        let (pixels, _) = values.as_chunks::<N>();
        let (first_alpha, first_color) = pixels.first()?.split_last()?;
        let split = || pixels.iter().filter_map(|pixel| pixel.split_last());
        let is_mask = split().all(|(_, color)| color == first_color)
            && split().any(|(alpha, _)| alpha != first_alpha);
        is_mask.then(|| split().map(|(alpha, _)| *alpha).collect())
    }
    let (width, height) = (image.width(), image.height());
    let bytes = |values| GrayImage::from_raw(width, height, values).map(DynamicImage::from);
    let words =
        |values| image::ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageLuma16);
    let found = match &image {
        DynamicImage::ImageLumaA8(image) => alpha::<2, _>(image.as_raw()).and_then(bytes),
        DynamicImage::ImageRgba8(image) => alpha::<4, _>(image.as_raw()).and_then(bytes),
        DynamicImage::ImageLumaA16(image) => alpha::<2, _>(image.as_raw()).and_then(words),
        DynamicImage::ImageRgba16(image) => alpha::<4, _>(image.as_raw()).and_then(words),
        _ => None,
    };
    found.unwrap_or(image)
}

/// Reads the indices of a PNG with a palette whose first color is black; `None` for any other file.
/// A pixel that is black counts as 0 whatever its index.
fn palette(
    mut reader: impl io::BufRead + Seek,
    name: &str,
    limits: &Limits,
) -> Result<Option<LabelMask>, LabelError> {
    let wrong = |reason: &str| LabelError::Png { file: name.to_owned(), reason: reason.to_owned() };
    let io =
        |error: io::Error| LabelError::Png { file: name.to_owned(), reason: error.to_string() };
    let mut start = Vec::new();
    reader.by_ref().take(PNG_START as u64).read_to_end(&mut start).map_err(io)?;
    reader.seek(SeekFrom::Start(0)).map_err(io)?;
    if !start.starts_with(b"\x89PNG") || start.get(PNG_START - 1) != Some(&PALETTE) {
        return Ok(None);
    }
    let memory = usize::try_from(limits.decoder_memory).unwrap_or(usize::MAX);
    let damaged = |_| wrong("the PNG is damaged or a part of it is missing; get a fresh copy");
    let mut decoder = png::Decoder::new_with_limits(reader, png::Limits { bytes: memory });
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (width, height) = reader.info().size();
    if width.max(height) > limits.longest_side
        || u64::from(width).saturating_mul(height.into()) > limits.area
    {
        let most = (limits.longest_side, limits.area / 1_000_000);
        let reason = format!(
            "it has {width}×{height} pixels: expected at most {} on a side and {} megapixels",
            most.0, most.1
        );
        return Err(wrong(&reason));
    }
    let colors = reader.info().palette.as_deref().unwrap_or_default().to_vec();
    let (colors, _) = colors.as_chunks::<3>();
    if colors.first() != Some(&[0; 3]) {
        return Ok(None);
    }
    let turn = reader.info().exif_metadata.as_deref().and_then(Orientation::from_exif_chunk);
    let line = reader.output_line_size(width).ok_or_else(|| wrong("it is too large"))?;
    let length = reader.output_buffer_size().ok_or_else(|| wrong("it is too large"))?;
    let mut packed = vec![0; length];
    reader.next_frame(&mut packed).map_err(damaged)?;
    let numbers: Vec<u8> = (0..=255u8)
        .map(|index| match colors.get(usize::from(index)) {
            Some([0, 0, 0]) | None => 0,
            Some(_) => index,
        })
        .collect();
    let mut bytes = Vec::with_capacity((width as usize).saturating_mul(height as usize));
    // Where in a byte its indices lie, and how many bits are of one.
    let (shifts, mask): (&[u32], u8) = match reader.info().bit_depth {
        png::BitDepth::One => (&[7, 6, 5, 4, 3, 2, 1, 0], 1),
        png::BitDepth::Two => (&[6, 4, 2, 0], 3),
        png::BitDepth::Four => (&[4, 0], 15),
        _ => (&[0], 255),
    };
    for line in packed.chunks_exact(line.max(1)) {
        let indices = line.iter().flat_map(|byte| shifts.iter().map(|at| byte.wrapping_shr(*at)));
        let indices = indices.take(width as usize).map(|index| usize::from(index & mask));
        bytes.extend(indices.map(|index| numbers.get(index).copied().unwrap_or(0)));
    }
    let gray = GrayImage::from_raw(width, height, bytes).ok_or_else(|| wrong("it is damaged"))?;
    let mut image = DynamicImage::from(gray);
    image.apply_orientation(turn.unwrap_or(Orientation::NoTransforms));
    let void = (colors.get(VOID.0 as usize) == Some(&VOID.1)).then_some(VOID.0);
    Ok(Some(LabelMask { void, ..LabelMask::of_image(image) }))
}

/// Writes numbers of objects (row-major, `height · width` of them) as PNG: indices of VOC's palette
/// where `in_colors` asks for it and none is above 255, else gray values of 8 or 16 bits.
///
/// # Errors
/// Where `writer` fails, and where the numbers do not fill `size`.
pub fn write(numbers: &[u16], size: Size, in_colors: bool, writer: impl Write) -> io::Result<()> {
    let bytes: Result<Vec<u8>, _> = numbers.iter().map(|number| u8::try_from(*number)).collect();
    match bytes {
        Ok(bytes) if in_colors => {
            let palette: Vec<u8> = (0..=255).flat_map(voc_color).collect();
            encode(writer, size, (png::ColorType::Indexed, png::BitDepth::Eight), &bytes, &palette)
        }
        Ok(bytes) => {
            encode(writer, size, (png::ColorType::Grayscale, png::BitDepth::Eight), &bytes, &[])
        }
        Err(_) => {
            let words: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
            encode(writer, size, (png::ColorType::Grayscale, png::BitDepth::Sixteen), &words, &[])
        }
    }
}

/// Writes the mask of one object (row-major, `height · width` pixels) as PNG: 255 where it is, else
/// 0.
///
/// # Errors
/// As [`write()`].
pub fn write_mask(mask: &[bool], size: Size, writer: impl Write) -> io::Result<()> {
    let bytes: Vec<u8> = mask.iter().map(|pixel| if *pixel { 255 } else { 0 }).collect();
    write_gray(&bytes, size, writer)
}

/// Writes gray values of 8 bits as PNG.
pub(super) fn write_gray(bytes: &[u8], size: Size, writer: impl Write) -> io::Result<()> {
    encode(writer, size, (png::ColorType::Grayscale, png::BitDepth::Eight), bytes, &[])
}

fn encode(
    writer: impl Write,
    size: Size,
    (color, bits): (png::ColorType, png::BitDepth),
    bytes: &[u8],
    palette: &[u8],
) -> io::Result<()> {
    let side = |side: usize| {
        let error = |_| io::Error::new(io::ErrorKind::InvalidInput, "a side is too long for PNG");
        u32::try_from(side).map_err(error)
    };
    let mut encoder = png::Encoder::new(writer, side(size.width)?, side(size.height)?);
    encoder.set_color(color);
    encoder.set_depth(bits);
    if !palette.is_empty() {
        encoder.set_palette(palette);
    }
    let failed = |error: png::EncodingError| match error {
        png::EncodingError::IoError(error) => error,
        error => io::Error::new(io::ErrorKind::InvalidInput, error),
    };
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(bytes).map_err(failed)?;
    writer.finish().map_err(failed)
}

/// PASCAL VOC's color of an index: the bits of the index, three at a time, from the highest bit of
/// each channel down (VOC devkit, `VOClabelcolormap.m`).
pub fn voc_color(index: u8) -> [u8; 3] {
    let mut color = [0; 3];
    for (highest, triple) in [(0x80, index), (0x40, index >> 3), (0x20, index >> 6)] {
        for (value, bit) in color.iter_mut().zip([1, 2, 4]) {
            *value |= if triple & bit == 0 { 0 } else { highest };
        }
    }
    color
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use image::{ImageFormat, LumaA, Rgb, RgbImage, Rgba, RgbaImage};
    use proptest::prelude::*;

    const SIZE: Size = Size { height: 12, width: 16 };

    fn read(bytes: &[u8]) -> Result<LabelMask, LabelError> {
        LabelMask::read_bytes(bytes, "mask.png", &Limits::default())
    }

    fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn is_box(x: u32, y: u32) -> bool {
        (4..10).contains(&x) && (3..9).contains(&y)
    }

    proptest! {
        #[test]
        fn numbers_come_back(
            height in 2usize..20,
            width in 2usize..20,
            in_colors in any::<bool>(),
            large in any::<bool>(),
            seed in prop::collection::vec(any::<u16>(), 400),
        ) {
            let size = Size { height, width };
            let most = if large { 60_000 } else { 250 };
            let numbers: Vec<u16> = seed[..size.area()].iter().map(|n| n % most).collect();
            let mut bytes = Vec::new();
            write(&numbers, size, in_colors, &mut bytes).unwrap();
            let mask = read(&bytes).unwrap();
            prop_assert_eq!(mask.size(), size);
            prop_assert!(mask.numbers().eq(numbers.iter().map(|n| u32::from(*n))));
        }
    }

    #[test]
    fn the_palette_is_that_of_voc() {
        let colors = [(0, [0, 0, 0]), (1, [128, 0, 0]), (15, [192, 128, 128]), (20, [0, 64, 128])];
        for (index, color) in colors.into_iter().chain([(255, VOID.1)]) {
            assert_eq!(voc_color(index), color, "{index}");
        }
    }

    #[test]
    fn the_border_of_voc_is_no_object() {
        let number = |index: usize| [0, 15, 255][index % 48 / 16];
        let numbers: Vec<u16> = (0..SIZE.area()).map(number).collect();
        let mut bytes = Vec::new();
        write(&numbers, SIZE, true, &mut bytes).unwrap();
        let mask = read(&bytes).unwrap();
        assert_eq!((mask.objects().unwrap(), mask.void()), (vec![15], Some(255)));
        // In gray it is a number like any other.
        let mut bytes = Vec::new();
        write(&numbers, SIZE, false, &mut bytes).unwrap();
        assert_eq!(read(&bytes).unwrap().objects().unwrap(), [15, 255]);
    }

    #[test]
    fn palettes_of_few_bits_are_unpacked() {
        for bits in [png::BitDepth::One, png::BitDepth::Two, png::BitDepth::Four] {
            let size = Size { height: 2, width: 5 };
            let line = (5 * bits as usize).div_ceil(8);
            let palette = [[0, 0, 0], [255, 255, 255]].concat();
            let mut lines = vec![0u8; 2 * line];
            // The second pixel of the second line.
            lines[line] = 1 << (8 - 2 * bits as usize);
            if bits == png::BitDepth::Four {
                lines[line] = 1;
            }
            let mut bytes = Vec::new();
            encode(&mut bytes, size, (png::ColorType::Indexed, bits), &lines, &palette).unwrap();
            let numbers: Vec<_> = read(&bytes).unwrap().numbers().collect();
            assert_eq!(numbers, [0, 0, 0, 0, 0, 0, 1, 0, 0, 0], "{bits:?}");
        }
    }

    #[test]
    fn a_palette_that_does_not_begin_with_black_is_taken_by_its_colors() {
        let palette = [[255; 3], [0; 3]].concat();
        let mut bytes = Vec::new();
        let indices: Vec<u8> = (0..SIZE.area()).map(|index| u8::from(index < 40)).collect();
        let kind = (png::ColorType::Indexed, png::BitDepth::Eight);
        encode(&mut bytes, SIZE, kind, &indices, &palette).unwrap();
        let mask = read(&bytes).unwrap();
        assert_eq!(mask.objects().unwrap(), [255]);
        assert_eq!(mask.numbers().filter(|number| *number == 0).count(), 40);
    }

    #[test]
    fn a_mask_in_alpha_is_found_there() {
        for color in [0, 255] {
            let image = RgbaImage::from_fn(16, 12, |x, y| {
                Rgba([color, color, color, if is_box(x, y) { 255 } else { 0 }])
            });
            let mask = read(&png(image)).unwrap();
            assert_eq!(mask.objects().unwrap(), [255]);
            assert_eq!(mask.numbers().filter(|number| *number > 0).count(), 36);
        }
        let gray = image::ImageBuffer::from_fn(16, 12, |x, y| {
            LumaA([if is_box(x, y) { 3u8 } else { 0 }, 255])
        });
        assert_eq!(read(&png(gray)).unwrap().objects().unwrap(), [3]);
    }

    #[test]
    fn soft_edges_and_photos_are_no_labels() {
        let soft = GrayImage::from_fn(16, 12, |x, y| {
            let (dx, dy) = (f64::from(x) - 8.0, f64::from(y) - 6.0);
            image::Luma([((5.5 - dx.hypot(dy)).clamp(0.0, 1.0) * 255.0) as u8])
        });
        let error = read(&png(soft)).unwrap().objects().unwrap_err().to_string();
        assert!(error.contains("soft"), "{error}");
        let photo = RgbImage::from_fn(120, 90, |x, y| {
            Rgb([(x * 7 % 251) as u8, (y * 5 % 253) as u8, (x * y % 255) as u8])
        });
        assert!(read(&png(photo)).unwrap().objects().is_err());
        // Labels that lie beside each other are none.
        let labels = GrayImage::from_fn(16, 12, |x, y| image::Luma([(x / 4 * 3 + y / 4) as u8]));
        assert_eq!(read(&png(labels)).unwrap().objects().unwrap().len(), 11);
    }

    #[test]
    fn a_palette_png_cut_short_anywhere_is_refused() {
        let numbers: Vec<u16> = (0..SIZE.area()).map(|index| (index % 7) as u16).collect();
        let mut bytes = Vec::new();
        write(&numbers, SIZE, true, &mut bytes).unwrap();
        let end = bytes.windows(4).position(|window| window == b"IEND").unwrap() - 8;
        for length in 0..end {
            assert!(read(&bytes[..length]).is_err(), "{length} bytes");
        }
    }
}
