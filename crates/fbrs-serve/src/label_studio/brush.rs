//! Label Studio's brush strokes: a stream of bits that holds a picture in RGBA, run by run.

use fbrs::Size;
use image::GrayImage;

/// Bits of a run's length, the shortest first.
const LENGTHS: [u32; 4] = [3, 4, 8, 16];

/// A mask as a brush stroke: all four channels 255 on the object, 0 elsewhere.
pub(super) fn encode(mask: &GrayImage, size: Size) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(4 * (size.width as u32) * (size.height as u32), 32);
    // Words have 8 bits.
    bits.push(8 - 1, 5);
    LENGTHS.iter().for_each(|length| bits.push(length - 1, 4));
    let pixels = mask.as_raw();
    let mut at = 0;
    while let Some(value) = pixels.get(at) {
        let rest = pixels.get(at..).unwrap_or_default();
        let run = rest.iter().take_while(|pixel| (**pixel > 0) == (*value > 0)).count();
        bits.run(4 * run as u64, if *value > 0 { 255 } else { 0 });
        at += run;
    }
    bits.bytes
}

#[derive(Debug, Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are used.
    used: u32,
}

impl Bits {
    /// The lowest `count` bits of a value, the highest of them first.
    fn push(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
                self.used = 0;
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << (7 - self.used);
            }
            self.used += 1;
        }
    }

    /// A value that is repeated.
    fn run(&mut self, mut length: u64, value: u32) {
        while length > 0 {
            let most = 1u64 << LENGTHS[3];
            let now = length.min(most);
            let index = LENGTHS.iter().position(|bits| now <= 1 << bits).unwrap_or(3);
            self.push(1, 1);
            self.push(index as u32, 2);
            self.push((now - 1) as u32, LENGTHS.get(index).copied().unwrap_or(16));
            self.push(value, 8);
            length -= now;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// As the format says it is read.
    fn decode(bytes: &[u8]) -> Vec<u8> {
        let mut at = 0;
        let mut read = |count: usize| {
            let value = (at..at + count).fold(0u64, |value, bit| {
                value << 1 | u64::from(bytes[bit / 8] >> (7 - bit % 8) & 1)
            });
            at += count;
            value
        };
        let count = read(32) as usize;
        let word = read(5) as usize + 1;
        let lengths: Vec<_> = (0..4).map(|_| read(4) as usize + 1).collect();
        let mut out = Vec::new();
        while out.len() < count {
            let is_run = read(1) == 1;
            let index = read(2) as usize;
            let length = read(lengths[index]) as usize + 1;
            if is_run {
                let value = read(word) as u8;
                out.extend(std::iter::repeat_n(value, length));
            } else {
                out.extend((0..length).map(|_| read(word) as u8));
            }
        }
        out
    }

    #[test]
    fn masks_come_back() {
        let mut state = 3u32;
        for (width, height) in [(1, 1), (5, 7), (64, 3), (301, 200)] {
            let size = Size { height, width };
            let mut value = 0;
            let mask = GrayImage::from_fn(width as u32, height as u32, |_, _| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if state >> 28 == 0 {
                    value = 255 - value;
                }
                image::Luma([value])
            });
            let expected: Vec<u8> = mask.as_raw().iter().flat_map(|p| [*p; 4]).collect();
            assert!(decode(&encode(&mask, size)) == expected, "{size}");
        }
        // Runs that no single length holds.
        let size = Size { height: 300, width: 400 };
        assert_eq!(decode(&encode(&GrayImage::new(400, 300), size)), vec![0; 480_000]);
    }
}
