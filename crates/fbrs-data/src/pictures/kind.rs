//! What a file is, told by its first bytes.

use image::ImageFormat;

use crate::text::Stranger;

/// Bytes from the beginning of a file that are enough to tell what it is.
pub(super) const BEGINNING: u64 = 512;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A picture that is read.
    Picture(ImageFormat),
    /// A picture of a format that is not read.
    Unread(&'static str),
    /// No picture.
    Other(&'static str),
}

/// Pictures that are read; `\0` at the place of a length stands for any byte.
const READ: [(&[u8], ImageFormat); 18] = [
    (b"\x89PNG\r\n\x1a\n", ImageFormat::Png),
    (b"\xff\xd8\xff", ImageFormat::Jpeg),
    (b"GIF87a", ImageFormat::Gif),
    (b"GIF89a", ImageFormat::Gif),
    (b"II*\0", ImageFormat::Tiff),
    (b"MM\0*", ImageFormat::Tiff),
    // BigTIFF, whose offsets have 64 bits.
    (b"II+\0", ImageFormat::Tiff),
    (b"MM\0+", ImageFormat::Tiff),
    (b"BM", ImageFormat::Bmp),
    (b"P1", ImageFormat::Pnm),
    (b"P2", ImageFormat::Pnm),
    (b"P3", ImageFormat::Pnm),
    (b"P4", ImageFormat::Pnm),
    (b"P5", ImageFormat::Pnm),
    (b"P6", ImageFormat::Pnm),
    (b"P7", ImageFormat::Pnm),
    (b"Pf", ImageFormat::Pnm),
    (b"PF", ImageFormat::Pnm),
];

/// Pictures that are not read.
const UNREAD: [(&[u8], &str); 25] = [
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"%PDF-", "PDF"),
    (b"%!PS", "PostScript"),
    (b"8BPS", "a Photoshop document"),
    (b"gimp xcf", "a GIMP project"),
    (b"\0\0\x01\0", "an icon (ICO)"),
    (b"DDS ", "DDS"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"#?RGBE", "Radiance HDR"),
    (b"qoif", "QOI"),
    (b"farbfeld", "farbfeld"),
    (b"FUJIFILMCCD-RAW", "a raw photo of a camera (RAF)"),
    (b"IIU\0", "a raw photo of a camera (RW2)"),
    (b"IIRO", "a raw photo of a camera (ORF)"),
    (b"IIRS", "a raw photo of a camera (ORF)"),
    (b"MMOR", "a raw photo of a camera (ORF)"),
    (b"FOVb", "a raw photo of a camera (X3F)"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"<svg", "SVG"),
    (b"AT&TFORM", "DjVu"),
    (b"SIMPLE  =", "FITS"),
];

/// What else is often found under a picture's name.
const OTHER: [(&[u8], &str); 8] = [
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"MATLAB ", "a MATLAB file"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
];

impl Kind {
    /// Tells from the first [`BEGINNING`] bytes of a file, or from all if it has fewer.
    pub(super) fn of(beginning: &[u8]) -> Self {
        let starts = |magic: &[u8]| beginning.starts_with(magic);
        // Raw photos of Canon's older cameras pass for TIFF, and hold what no reader of TIFF shows.
        if starts(b"II*\0") && beginning.get(8..10) == Some(b"CR") {
            return Self::Unread("a raw photo of a camera (CR2)");
        }
        if starts(b"RIFF") && beginning.get(8..12) == Some(b"WEBP") {
            return Self::Picture(ImageFormat::WebP);
        }
        if let Some((_, format)) = READ.iter().find(|(magic, _)| starts(magic)) {
            return Self::Picture(*format);
        }
        if let Some((_, name)) = UNREAD.iter().find(|(magic, _)| starts(magic)) {
            return Self::Unread(name);
        }
        if beginning.get(4..8) == Some(b"ftyp") {
            return of_brand(beginning.get(8..12).unwrap_or_default());
        }
        if beginning.get(128..132) == Some(b"DICM") {
            return Self::Unread("DICOM");
        }
        if let Some((_, name)) = OTHER.iter().find(|(magic, _)| starts(magic)) {
            return Self::Other(name);
        }
        if let Some(stranger) = Stranger::of(beginning) {
            return Self::Other(stranger.name());
        }
        if beginning.is_empty() {
            return Self::Other("an empty file");
        }
        if is_targa(beginning) {
            return Self::Unread("TGA");
        }
        Self::Other("something else")
    }
}

/// Of the container that videos and some pictures share.
fn of_brand(brand: &[u8]) -> Kind {
    match brand {
        b"avif" | b"avis" => Kind::Unread("AVIF"),
        b"crx " => Kind::Unread("a raw photo of a camera (CR3)"),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
            Kind::Unread("HEIC")
        }
        _ => Kind::Other("a video"),
    }
}

/// Targa has no magic number: every field of its header must make sense.
fn is_targa(beginning: &[u8]) -> bool {
    let Some(
        [
            _,
            palette,
            kind,
            start0,
            start1,
            entries0,
            entries1,
            entry,
            _,
            _,
            _,
            _,
            w0,
            w1,
            h0,
            h1,
            depth,
            flags,
        ],
    ) = beginning.first_chunk::<18>()
    else {
        return false;
    };
    let sized = [w0, w1] != [&0, &0] && [h0, h1] != [&0, &0];
    let entry_is_known = match palette {
        0 => [start0, start1, entries0, entries1, entry].iter().all(|byte| **byte == 0),
        1 => matches!(entry, 15 | 16 | 24 | 32),
        _ => false,
    };
    let depth_is_known = match kind {
        1 | 9 => *palette == 1 && *depth == 8,
        2 | 10 => matches!(depth, 15 | 16 | 24 | 32),
        3 | 11 => matches!(depth, 8 | 16),
        _ => false,
    };
    sized && entry_is_known && depth_is_known && flags & 0xc0 == 0
}

/// A format's name in messages.
pub(super) fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Gif => "GIF",
        ImageFormat::WebP => "WebP",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Pnm => "PNM",
        _ => "image",
    }
}
