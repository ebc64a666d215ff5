//! Whether a JPEG is whole.
//!
//! Decoders of JPEG fill what is missing with gray and say nothing of it. Here all entropy-coded
//! data are walked through, without making pixels: every block of every scan must be there, no code
//! may be one that no table has, and nothing may be left between a scan and the next marker. Tables
//! and procedures are those of ITU-T T.81; numbers in brackets are its sections.

mod bits;
mod blocks;
mod frame;
mod huffman;
mod scan;

use fbrs_clicks::Size;
use frame::Frame;
use huffman::Huffman;
use scan::Scan;

/// What is wrong with a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Data are missing.
    Ends,
    /// Data are not what they must be.
    Broken,
}

impl Fault {
    /// The fault in words, after "is damaged: ".
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Ends => "the JPEG ends before its picture is complete",
            Self::Broken => "the JPEG's data make no sense from some place on",
        }
    }
}

/// What was found where nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything is there.
    Whole,
    /// Tables are not in the file: it is left to the decoder.
    Unknown,
}

/// Markers (B.1.1.3), their second bytes.
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const QUANTIZATION: u8 = 0xdb;
const RESTART_INTERVAL: u8 = 0xdd;
const HUFFMAN: u8 = 0xc4;

/// More scans than any encoder makes; each costs a walk through all blocks.
const MOST_SCANS: usize = 100;

/// The kind of a JPEG that is not read; `None` for the usual kinds, and where the file ends before
/// it tells.
pub(super) fn unread_kind(bytes: &[u8]) -> Option<&'static str> {
    let mut segments = Segments { bytes, at: 0 };
    loop {
        let marker = segments.marker()?;
        match marker {
            0xc0..=0xc2 => {
                let header = segments.payload()?;
                return match header {
                    [8, 0, 0, ..] => Some("a JPEG that tells its height behind the picture"),
                    [8, ..] => None,
                    _ => Some("a JPEG of more than 8 bits per value"),
                };
            }
            0xc3 => return Some("a lossless JPEG"),
            0xc5..=0xc7 | 0xcd..=0xcf => return Some("a hierarchical JPEG"),
            0xc9 | 0xca => return Some("a JPEG with arithmetic coding"),
            0xcb => return Some("a lossless JPEG"),
            0xf7 => return Some("a JPEG-LS"),
            END_OF_IMAGE | START_OF_SCAN => return None,
            marker if stands_alone(marker) => {}
            _ => drop(segments.payload()?),
        }
    }
}

/// Looks whether everything of the picture is there. What stands behind its end does not matter,
/// nor whether the end is marked.
///
/// `size` is what a decoder reads in the header.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(bytes: &[u8], size: Size) -> Result<Verdict, Fault> {
    let mut segments = Segments { bytes, at: 0 };
    let mut tables = Tables::default();
    let mut frame: Option<Frame> = None;
    let mut scans = 0_usize;
    loop {
        let Some(marker) = segments.marker() else {
            // Without an end, everything that the header promises must be there.
            let complete = frame.is_some_and(|frame| frame.is_complete());
            return if complete { Ok(Verdict::Whole) } else { Err(Fault::Ends) };
        };
        match marker {
            END_OF_IMAGE => {
                let seen = frame.is_some_and(|frame| frame.is_seen());
                return if seen { Ok(Verdict::Whole) } else { Err(Fault::Ends) };
            }
            marker if stands_alone(marker) => continue,
            _ => {}
        }
        let payload = segments.payload().ok_or(Fault::Ends)?;
        match marker {
            0xc0..=0xc2 if frame.is_none() => {
                frame = Some(Frame::read(payload, size, marker == 0xc2).ok_or(Fault::Broken)?);
            }
            HUFFMAN => tables.read_huffman(payload).ok_or(Fault::Broken)?,
            QUANTIZATION => tables.read_quantization(payload).ok_or(Fault::Broken)?,
            RESTART_INTERVAL => match payload {
                [high, low] => tables.restart_interval = u16::from_be_bytes([*high, *low]),
                _ => return Err(Fault::Broken),
            },
            START_OF_SCAN => {
                scans = scans.saturating_add(1);
                if scans > MOST_SCANS {
                    return Err(Fault::Broken);
                }
                let frame = frame.as_mut().ok_or(Fault::Broken)?;
                let scan = Scan::read(payload, frame).ok_or(Fault::Broken)?;
                if !scan.has_tables(&tables, frame) {
                    return Ok(Verdict::Unknown);
                }
                let length = scan.walk(&tables, frame, segments.rest())?;
                segments.skip(length);
            }
            _ => {}
        }
    }
}

/// Whether a marker has nothing that belongs to it.
fn stands_alone(marker: u8) -> bool {
    matches!(marker, 0x01 | 0xd0..=0xd7 | START_OF_IMAGE)
}

/// The tables in force.
#[derive(Debug, Default)]
struct Tables {
    dc: [Option<Box<Huffman>>; 4],
    ac: [Option<Box<Huffman>>; 4],
    /// First value of each quantization table: the step of the mean of a block.
    steps: [u16; 4],
    /// Units between restarts; 0 for none.
    restart_interval: u16,
}

impl Tables {
    /// Reads a DHT segment (B.2.4.2): any number of tables.
    fn read_huffman(&mut self, mut payload: &[u8]) -> Option<()> {
        while let Some((head, rest)) = payload.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let count = counts.iter().map(|count| usize::from(*count)).sum();
            let (values, rest) = rest.split_at_checked(count)?;
            let tables = match head >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            let table = tables.get_mut(usize::from(head & 15))?;
            *table = Some(Box::new(Huffman::new(counts, values)?));
            payload = rest;
        }
        Some(())
    }

    /// Reads a DQT segment (B.2.4.1): any number of tables.
    fn read_quantization(&mut self, mut payload: &[u8]) -> Option<()> {
        while let Some((head, rest)) = payload.split_first() {
            let (first, length) = match (head >> 4, rest) {
                (0, [first, ..]) => (u16::from(*first), 64),
                (1, [high, low, ..]) => (u16::from_be_bytes([*high, *low]), 128),
                _ => return None,
            };
            *self.steps.get_mut(usize::from(head & 15))? = first;
            payload = rest.get(length..)?;
        }
        Some(())
    }
}

/// The segments of a file, one after the other.
#[derive(Debug)]
struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, length: usize) {
        self.at = self.at.saturating_add(length);
    }

    /// Goes behind the next marker; bytes before it are passed over.
    fn marker(&mut self) -> Option<u8> {
        let rest = self.rest();
        let place = rest.windows(2).position(|pair| matches!(pair, [0xff, 0x01..=0xfe]))?;
        self.skip(place.saturating_add(2));
        rest.get(place.saturating_add(1)).copied()
    }

    /// What belongs to the marker: a length, itself counted, and so many bytes.
    fn payload(&mut self) -> Option<&'a [u8]> {
        let (head, rest) = self.rest().split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*head));
        let payload = rest.get(..length.checked_sub(2)?)?;
        self.skip(length);
        Some(payload)
    }
}
