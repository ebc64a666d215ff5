//! The fields of TensorFlow's `Event` that a log needs, as protocol buffers write them.

use super::{At, Picture};

/// What an event says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    Number(f32),
    Picture(Picture<'a>),
}

/// The first event of a file.
pub(super) fn version(seconds: f64) -> Vec<u8> {
    let mut event = Message::default();
    event.double(1, seconds);
    event.bytes(3, b"brain.Event:2");
    event.0
}

/// A number or a picture.
pub(super) fn event(seconds: f64, at: At, tag: &str, content: Content<'_>) -> Vec<u8> {
    let mut value = Message::default();
    value.bytes(1, tag.as_bytes());
    match content {
        Content::Number(number) => value.float(2, number),
        Content::Picture(picture) => {
            let mut image = Message::default();
            image.varint(1, picture.height.into());
            image.varint(2, picture.width.into());
            image.varint(3, COLOR_CHANNELS);
            image.bytes(4, picture.encoded);
            value.bytes(4, &image.0);
        }
    }
    let mut summary = Message::default();
    summary.bytes(1, &value.0);
    let mut event = Message::default();
    event.double(1, seconds);
    let (At::Step(number) | At::Epoch(number)) = at;
    event.varint(2, number);
    event.bytes(5, &summary.0);
    event.0
}

const COLOR_CHANNELS: u64 = 3;

/// A message that is being written.
#[derive(Debug, Default)]
struct Message(Vec<u8>);

impl Message {
    fn double(&mut self, field: u64, value: f64) {
        self.number(field << 3 | 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.number(field << 3 | 5);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn varint(&mut self, field: u64, value: u64) {
        self.number(field << 3);
        self.number(value);
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.number(field << 3 | 2);
        self.number(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::fields;
    use super::*;

    #[test]
    fn a_number_has_the_bytes_of_the_definition() {
        let event = event(1.5, At::Step(300), "ab", Content::Number(0.25));
        let expected: &[u8] = &[
            0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, // 1: 1.5
            0x10, 0xac, 0x02, // 2: 300
            0x2a, 11, // 5, 11 bytes
            0x0a, 9, // 1, 9 bytes
            0x0a, 2, b'a', b'b', // 1: "ab"
            0x15, 0, 0, 0x80, 0x3e, // 2: 0.25
        ];
        assert_eq!(event, expected);
        assert_eq!(version(0.0).len(), 24);
        assert_eq!(version(0.0)[9..11], [0x1a, 13]);
    }

    #[test]
    fn a_picture_has_its_size_and_its_bytes() {
        let encoded = vec![9; 1000];
        let picture = Picture { height: 320, width: 1440, encoded: &encoded };
        let event = event(0.0, At::Epoch(2), "p", Content::Picture(picture));
        let value = fields(&fields(&fields(&event)[2].1)[0].1);
        let image = fields(&value[1].1);
        assert_eq!((value[1].0, image[3].1.len()), (4, 1000));
        let numbers: Vec<_> = image[..3].iter().map(|(_, bytes)| (bytes[0], bytes[1])).collect();
        assert_eq!(numbers, [(64, 1), (160, 5), (3, 0)]);
    }
}
