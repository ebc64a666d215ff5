//! MATLAB v5 files, as far as SBD needs them: the first field of a struct, a matrix of whole
//! numbers. Elements may be compressed; both byte orders are read.
//!
//! Nothing that a file says of lengths is believed before the bytes are there, and a compressed
//! element may not grow beyond [`LIMIT`].

use std::io::Read;

use flate2::read::ZlibDecoder;

/// Bytes that a compressed element may hold.
const LIMIT: u64 = 256 << 20;
const HEADER: usize = 128;
/// Matrices within matrices that are looked into.
const MAX_DEPTH: usize = 8;

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
/// Classes of arrays of numbers: double to uint64.
const NUMERIC: std::ops::RangeInclusive<u32> = 6..=15;
/// Flag of an array of complex numbers.
const COMPLEX: u32 = 0x0800;

/// A matrix of whole numbers from 0 on, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) values: Vec<u32>,
}

type Found<T> = Result<T, String>;

/// The first field of the struct called `variable`.
pub(super) fn first_field(file: &[u8], variable: &str) -> Found<Matrix> {
    let header = file.get(..HEADER).ok_or("it is too short for a MATLAB file")?;
    let big_endian = match header.get(126..128) {
        Some(b"IM") => false,
        Some(b"MI") => true,
        _ => return Err("it is no MATLAB v5 file".to_owned()),
    };
    let mut file = Reader { bytes: file.get(HEADER..).unwrap_or_default(), big_endian };
    while !file.bytes.is_empty() {
        let (kind, bytes) = file.element()?;
        let mut unpacked = Vec::new();
        let (kind, bytes) = if kind == element::COMPRESSED {
            let mut inflate = ZlibDecoder::new(bytes).take(LIMIT + 1);
            let read = inflate.read_to_end(&mut unpacked);
            read.map_err(|error| format!("a compressed element is damaged: {error}"))?;
            if unpacked.len() as u64 > LIMIT {
                return Err(format!("a compressed element holds more than {LIMIT} bytes"));
            }
            Reader { bytes: &unpacked, big_endian }.element()?
        } else {
            (kind, bytes)
        };
        if kind == element::MATRIX {
            let array = Array::read(Reader { bytes, big_endian })?;
            if array.name == variable.as_bytes() {
                return array.first_field();
            }
        }
    }
    Err(format!("it has no variable {variable}"))
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
        let (taken, rest) = split.ok_or("it ends in the middle of an element")?;
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
            return Ok((tag & 0xffff, bytes.ok_or("a small element is longer than 4 bytes")?));
        }
        let length = self.u32()? as usize;
        let bytes = self.take(length)?;
        if tag != element::COMPRESSED {
            let padding = length.next_multiple_of(8) - length;
            self.take(padding.min(self.bytes.len()))?;
        }
        Ok((tag, bytes))
    }

    fn numbers(&mut self) -> Found<Vec<f64>> {
        let big_endian = self.big_endian;
        let (kind, bytes) = self.element()?;
        macro_rules! read {
            ($number:ty) => {{
                let (chunks, _) = bytes.as_chunks::<{ size_of::<$number>() }>();
                let read = |chunk: &[u8; size_of::<$number>()]| {
                    let number = match big_endian {
                        true => <$number>::from_be_bytes(*chunk),
                        false => <$number>::from_le_bytes(*chunk),
                    };
                    f64::from(number)
                };
                chunks.iter().map(read).collect()
            }};
        }
        Ok(match kind {
            element::INT8 => read!(i8),
            element::UINT8 => read!(u8),
            element::INT16 => read!(i16),
            element::UINT16 => read!(u16),
            element::INT32 => read!(i32),
            element::UINT32 => read!(u32),
            element::SINGLE => read!(f32),
            element::DOUBLE => read!(f64),
            kind => return Err(format!("expected numbers, found an element of type {kind}")),
        })
    }
}

/// An array: what all have in common, and the rest unread.
struct Array<'a> {
    class: u32,
    flags: u32,
    extents: Vec<usize>,
    name: Vec<u8>,
    rest: Reader<'a>,
}

impl<'a> Array<'a> {
    fn read(mut reader: Reader<'a>) -> Found<Self> {
        let (kind, flags) = reader.element()?;
        if kind != element::UINT32 {
            return Err("an array begins without its flags".to_owned());
        }
        let flags = Reader { bytes: flags, big_endian: reader.big_endian }.u32()?;
        let extent = |number: f64| {
            let whole = number >= 0.0 && number <= f64::from(u32::MAX);
            whole.then_some(number as usize).ok_or("an extent is negative")
        };
        let extents = reader.numbers()?.into_iter().map(extent).collect::<Result<_, _>>()?;
        let (_, name) = reader.element()?;
        Ok(Self { class: flags & 0xff, flags, extents, name: name.to_owned(), rest: reader })
    }

    /// The first field of a struct; a struct within it is looked into.
    fn first_field(self) -> Found<Matrix> {
        let mut array = self;
        for _ in 0..MAX_DEPTH {
            if array.class != STRUCT {
                return array.matrix();
            }
            if array.extents.iter().any(|extent| *extent != 1) {
                return Err("expected one struct, found an array of them".to_owned());
            }
            // The length of names, then the names: the first value belongs to the first name.
            array.rest.numbers()?;
            array.rest.element()?;
            let (kind, bytes) = array.rest.element()?;
            if kind != element::MATRIX {
                return Err("expected an array as the struct's first field".to_owned());
            }
            array = Array::read(Reader { bytes, big_endian: array.rest.big_endian })?;
        }
        Err("its structs lie too deep in each other".to_owned())
    }

    fn matrix(mut self) -> Found<Matrix> {
        if !NUMERIC.contains(&self.class) || self.flags & COMPLEX != 0 {
            return Err("expected a matrix of real numbers".to_owned());
        }
        let &[rows, cols] = self.extents.as_slice() else {
            return Err(format!("expected a matrix, found {} extents", self.extents.len()));
        };
        let columns = self.rest.numbers()?;
        if rows.checked_mul(cols) != Some(columns.len()) {
            let found = columns.len();
            return Err(format!("expected {rows}×{cols} numbers, found {found}"));
        }
        let whole = |number: f64| {
            let fits = number >= 0.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0;
            fits.then_some(number as u32).ok_or("expected whole numbers from 0 on")
        };
        let mut values = Vec::with_capacity(columns.len());
        for row in 0..rows {
            for number in columns.iter().skip(row).step_by(rows.max(1)) {
                values.push(whole(*number)?);
            }
        }
        Ok(Matrix { rows, cols, values })
    }
}
