//! MATLAB v5 files, as far as SBD needs them: the field `Segmentation` of the struct `GTinst`, a
//! matrix of instance numbers. Elements may be compressed; both byte orders are read.
//!
//! Source: "MAT-File Format", The MathWorks, level 5.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::io::{self, Read, Write};

use flate2::read::ZlibDecoder;

use super::FormatError;
use crate::text::printable;

/// Bytes that the compressed elements of a file may hold together; SBD's hold a hundredth.
const LIMIT: u64 = 64 << 20;
/// Rows, and columns, that are believed.
const LONGEST_SIDE: usize = 16_384;
/// Pixels that are believed; SBD's photos have 250,000.
const LARGEST_AREA: usize = 1 << 24;
const HEADER: usize = 128;
const VARIABLE: &str = "GTinst";
const FIELD: &str = "Segmentation";

mod element {
    pub(super) const INT8: u32 = 1;
    pub(super) const UINT8: u32 = 2;
    pub(super) const INT16: u32 = 3;
    pub(super) const UINT16: u32 = 4;
    pub(super) const INT32: u32 = 5;
    pub(super) const UINT32: u32 = 6;
    pub(super) const SINGLE: u32 = 7;
    pub(super) const DOUBLE: u32 = 9;
    pub(super) const MATRIX: u32 = 14;
    pub(super) const COMPRESSED: u32 = 15;
}

/// Class of an array that is a struct.
const STRUCT: u32 = 2;
/// Class of a matrix of 16-bit numbers.
const UINT16_MATRIX: u32 = 11;
/// Classes of arrays of numbers: double to uint64.
const NUMERIC: std::ops::RangeInclusive<u32> = 6..=15;
/// Flag of an array of complex numbers.
const COMPLEX: u32 = 0x0800;

/// Numbers of the instance that each pixel belongs to, 0 for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instances {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// `rows · cols` numbers, row-major.
    pub numbers: Vec<u16>,
}

type Found<T> = Result<T, FormatError>;

fn damaged(reason: impl Into<String>) -> FormatError {
    FormatError::damaged(reason)
}

/// Reads SBD's instances.
///
/// # Errors
/// [`FormatError`]; at most 64 MiB are unpacked, and matrices have at most 16,384 rows or columns
/// and 2^24 numbers.
pub fn read(file: &[u8]) -> Found<Instances> {
    if file.starts_with(b"MATLAB 7.3") || file.get(512..516) == Some(b"\x89HDF") {
        let reason = "it is of MATLAB 7.3 (HDF5), which is not read: save it with -v7";
        return Err(FormatError::Unsupported(reason.to_owned()));
    }
    let header = file.get(..HEADER).ok_or_else(|| damaged("it is too short for a MATLAB file"))?;
    let big_endian = match header.get(126..128) {
        Some(b"IM") => false,
        Some(b"MI") => true,
        _ => return Err(damaged("it is no MATLAB v5 file")),
    };
    let mut file = Reader { bytes: file.get(HEADER..).unwrap_or_default(), big_endian };
    let mut left = LIMIT;
    while !file.bytes.is_empty() {
        let (kind, bytes) = file.element()?;
        let unpacked;
        let (kind, bytes) = if kind == element::COMPRESSED {
            unpacked = unpack(bytes, &mut left)?;
            Reader { bytes: &unpacked, big_endian }.element()?
        } else {
            (kind, bytes)
        };
        if kind == element::MATRIX {
            let array = Array::read(Reader { bytes, big_endian })?;
            if array.name == VARIABLE.as_bytes() {
                return array.field()?.matrix();
            }
        }
    }
    Err(damaged(format!("it has no variable {VARIABLE}")))
}

/// Writes SBD's instances: uncompressed, little-endian.
///
/// # Errors
/// Where `writer` fails, and where there are not `rows · cols` numbers or too many of them.
pub fn write(instances: &Instances, mut writer: impl Write) -> io::Result<()> {
    let Instances { rows, cols, numbers } = instances;
    let sound = (1..=LONGEST_SIDE).contains(rows)
        && (1..=LONGEST_SIDE).contains(cols)
        && rows.checked_mul(*cols) == Some(numbers.len())
        && numbers.len() <= LARGEST_AREA;
    if !sound {
        let reason = format!("{rows}×{cols} is no size of {} instance numbers", numbers.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    let columns = (0..*cols).flat_map(|col| numbers.iter().skip(col).step_by(*cols));
    let columns: Vec<u8> = columns.flat_map(|number| number.to_le_bytes()).collect();
    let extents = [rows, cols].map(|extent| *extent as i32);
    let matrix = array(UINT16_MATRIX, extents, "", &[tagged(element::UINT16, &columns)].concat());
    // One field; room for its name and a closing zero.
    let mut name = FIELD.as_bytes().to_vec();
    name.resize(32, 0);
    let length = tagged(element::INT32, &32i32.to_le_bytes());
    let fields = [length, tagged(element::INT8, &name), matrix].concat();
    let mut header = [b' '; HEADER];
    let (text, tail) = header.split_at_mut(124);
    for (byte, letter) in text.iter_mut().zip(b"MATLAB 5.0 MAT-file, written by fbrs") {
        *byte = *letter;
    }
    tail.copy_from_slice(&[0, 1, b'I', b'M']);
    writer.write_all(&header)?;
    writer.write_all(&array(STRUCT, [1, 1], VARIABLE, &fields))
}

fn array(class: u32, extents: [i32; 2], name: &str, rest: &[u8]) -> Vec<u8> {
    let flags = [class.to_le_bytes(), [0; 4]].concat();
    let parts = [
        tagged(element::UINT32, &flags),
        tagged(element::INT32, &extents.map(i32::to_le_bytes).concat()),
        tagged(element::INT8, name.as_bytes()),
        rest.to_vec(),
    ];
    tagged(element::MATRIX, &parts.concat())
}

/// An element with type and length before it and zeros up to a multiple of 8 bytes behind it.
fn tagged(kind: u32, bytes: &[u8]) -> Vec<u8> {
    let mut element = [kind.to_le_bytes(), (bytes.len() as u32).to_le_bytes()].concat();
    element.extend(bytes);
    element.resize(element.len().next_multiple_of(8), 0);
    element
}

/// Unpacks a compressed element; `left` is how many bytes there may still be.
fn unpack(bytes: &[u8], left: &mut u64) -> Found<Vec<u8>> {
    let mut unpacked = Vec::new();
    let mut inflate = ZlibDecoder::new(bytes).take(left.saturating_add(1));
    inflate
        .read_to_end(&mut unpacked)
        .map_err(|_| damaged("a compressed part of it is damaged"))?;
    *left = left.checked_sub(unpacked.len() as u64).ok_or_else(|| {
        FormatError::TooLarge(format!("it unpacks to more than {} MiB", LIMIT >> 20))
    })?;
    Ok(unpacked)
}

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
struct Reader<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Found<&'a [u8]> {
        let split = self.bytes.split_at_checked(count);
        let (taken, rest) = split.ok_or_else(|| damaged("it ends too early"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Found<u32> {
        let bytes = self.take(4)?.try_into().unwrap_or([0; 4]);
        Ok(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// Type and bytes of the next element. A small one has its length beside its type; others are
    /// padded to 8 bytes, but for compressed ones.
    fn element(&mut self) -> Found<(u32, &'a [u8])> {
        let tag = self.u32()?;
        if tag >> 16 != 0 {
            let bytes = self.take(4)?.get(..(tag >> 16) as usize);
            return Ok((tag & 0xffff, bytes.ok_or_else(|| damaged("its parts are damaged"))?));
        }
        let length = self.u32()? as usize;
        let bytes = self.take(length)?;
        if tag != element::COMPRESSED {
            let padding = length.next_multiple_of(8).saturating_sub(length);
            self.take(padding.min(self.bytes.len()))?;
        }
        Ok((tag, bytes))
    }

    /// The numbers of the next element, each by its index; those that are no whole numbers from 0
    /// to `most` are refused. Returns how many there are.
    fn numbers(&mut self, most: u32, mut each: impl FnMut(usize, u32)) -> Found<usize> {
        let big_endian = self.big_endian;
        let (kind, bytes) = self.element()?;
        let mut keep = |index: usize, number: f64| {
            let whole = number >= 0.0 && number <= f64::from(most) && number.fract() == 0.0;
            match whole {
                true => each(index, number as u32),
                false => {
                    let reason = format!("expected whole numbers from 0 to {most}, found {number}");
                    return Err(damaged(reason));
                }
            }
            Ok(())
        };
        macro_rules! read {
            ($number:ty) => {{
                let (chunks, _) = bytes.as_chunks::<{ size_of::<$number>() }>();
                for (index, chunk) in chunks.iter().enumerate() {
                    let number = match big_endian {
                        true => <$number>::from_be_bytes(*chunk),
                        false => <$number>::from_le_bytes(*chunk),
                    };
                    keep(index, f64::from(number))?;
                }
                Ok(chunks.len())
            }};
        }
        match kind {
            element::INT8 => read!(i8),
            element::UINT8 => read!(u8),
            element::INT16 => read!(i16),
            element::UINT16 => read!(u16),
            element::INT32 => read!(i32),
            element::UINT32 => read!(u32),
            element::SINGLE => read!(f32),
            element::DOUBLE => read!(f64),
            _ => Err(damaged("it has other things where numbers should be")),
        }
    }
}

/// An array: what all have in common, and the rest unread.
struct Array<'a> {
    class: u32,
    flags: u32,
    extents: [usize; 2],
    name: &'a [u8],
    rest: Reader<'a>,
}

impl<'a> Array<'a> {
    fn read(mut reader: Reader<'a>) -> Found<Self> {
        let (kind, flags) = reader.element()?;
        if kind != element::UINT32 {
            return Err(damaged("an array begins without its flags"));
        }
        let flags = Reader { bytes: flags, big_endian: reader.big_endian }.u32()?;
        let mut extents = [0; 2];
        let count = reader.numbers(u32::MAX, |index, extent| {
            if let Some(slot) = extents.get_mut(index) {
                *slot = extent as usize;
            }
        })?;
        if count != 2 {
            return Err(damaged(format!("expected matrices, found an array of {count} extents")));
        }
        let (_, name) = reader.element()?;
        Ok(Self { class: flags & 0xff, flags, extents, name, rest: reader })
    }

    /// The field that holds the instances.
    fn field(mut self) -> Found<Self> {
        if self.class != STRUCT || self.extents != [1, 1] {
            return Err(damaged(format!("expected {VARIABLE} to be one struct")));
        }
        let mut length = 0;
        self.rest.numbers(256, |_, number| length = number as usize)?;
        let (_, names) = self.rest.element()?;
        let mut known = Vec::new();
        for name in names.chunks(length.max(1)) {
            let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
            let (kind, bytes) = self.rest.element()?;
            if name == FIELD.as_bytes() {
                if kind != element::MATRIX {
                    return Err(damaged(format!("its field {FIELD} is no matrix")));
                }
                return Self::read(Reader { bytes, big_endian: self.rest.big_endian });
            }
            known.push(String::from_utf8_lossy(name).into_owned());
        }
        let known = printable(&known.join(", "));
        Err(damaged(format!("{VARIABLE} has no field {FIELD}, its fields are: {known}")))
    }

    fn matrix(mut self) -> Found<Instances> {
        if !NUMERIC.contains(&self.class) || self.flags & COMPLEX != 0 {
            return Err(damaged(format!("expected {FIELD} to be a matrix of real numbers")));
        }
        let [rows, cols] = self.extents;
        let area = rows.checked_mul(cols).filter(|area| *area <= LARGEST_AREA);
        let sides = 1..=LONGEST_SIDE;
        let (Some(area), true, true) = (area, sides.contains(&rows), sides.contains(&cols)) else {
            let reason = format!("{FIELD} is said to have {rows}×{cols} numbers");
            return Err(FormatError::TooLarge(reason));
        };
        let mut numbers = vec![0u16; area];
        let (mut row, mut col) = (0usize, 0usize);
        let found = self.rest.numbers(u32::from(u16::MAX), |_, number| {
            let at = row.saturating_mul(cols).saturating_add(col);
            if let (Some(slot), Ok(number)) = (numbers.get_mut(at), u16::try_from(number)) {
                *slot = number;
            }
            row = row.saturating_add(1);
            if row == rows {
                (row, col) = (0, col.saturating_add(1));
            }
        })?;
        if found != area {
            return Err(damaged(format!("expected {rows}×{cols} numbers, found {found}")));
        }
        Ok(Instances { rows, cols, numbers })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    fn written(instances: &Instances) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(instances, &mut bytes).unwrap();
        bytes
    }

    /// The same file with its one element compressed.
    fn compressed(plain: &[u8]) -> Vec<u8> {
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::best());
        deflate.write_all(&plain[HEADER..]).unwrap();
        let packed = deflate.finish().unwrap();
        let tag = [element::COMPRESSED.to_le_bytes(), (packed.len() as u32).to_le_bytes()];
        [plain[..HEADER].to_vec(), tag.concat(), packed].concat()
    }

    fn sample() -> Instances {
        Instances { rows: 3, cols: 4, numbers: (0..12).map(|i| i * 700 % 9).collect() }
    }

    proptest! {
        #[test]
        fn instances_come_back(rows in 1usize..30, cols in 1usize..30, seed in any::<u16>()) {
            let numbers = (0..rows * cols).map(|i| (i as u16).wrapping_mul(seed)).collect();
            let instances = Instances { rows, cols, numbers };
            prop_assert_eq!(&read(&written(&instances)).unwrap(), &instances);
            prop_assert_eq!(&read(&compressed(&written(&instances))).unwrap(), &instances);
        }

        #[test]
        fn any_byte_may_change(at in 124usize..400, value in any::<u8>()) {
            let mut bytes = written(&sample());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            let _ = read(&bytes);
        }
    }

    #[test]
    fn a_file_cut_short_anywhere_is_refused() {
        for whole in [written(&sample()), compressed(&written(&sample()))] {
            // The last bytes may be padding.
            for length in 0..whole.len() - 8 {
                assert!(read(&whole[..length]).is_err(), "{length} bytes");
            }
        }
    }

    #[test]
    fn sizes_are_checked_before_they_are_believed() {
        let mut bytes = written(&sample());
        let extents = [3u32.to_le_bytes(), 4u32.to_le_bytes()].concat();
        let at = bytes.windows(8).position(|window| window == extents).unwrap();
        for [rows, cols] in [[u32::MAX, 0], [0, u32::MAX], [1 << 13, 1 << 13], [20_000, 1], [4, 3]]
        {
            bytes[at..at + 4].copy_from_slice(&rows.to_le_bytes());
            bytes[at + 4..at + 8].copy_from_slice(&cols.to_le_bytes());
            let found = read(&bytes);
            assert_eq!(found.is_ok(), (rows, cols) == (4, 3), "{rows}×{cols}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        let text = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        let mut hdf5 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".to_vec();
        hdf5.resize(600, 0);
        assert!(text(&hdf5).contains("-v7"));
        let other = written(&sample());
        let at = other.windows(12).position(|window| window == FIELD.as_bytes()).unwrap();
        let mut other = other;
        other[at..at + 12].copy_from_slice(b"Boundaries\x1b[");
        let text = text(&other);
        assert!(text.contains("Boundaries\\u{1b}"), "{text}");
    }
}
