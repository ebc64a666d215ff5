//! Records of event files: length, its checksum, payload, its checksum.

/// A payload as it stands in the file.
pub(super) fn record(payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(payload.len() + 16);
    record.extend_from_slice(&length);
    record.extend_from_slice(&checksum(&length));
    record.extend_from_slice(payload);
    record.extend_from_slice(&checksum(payload));
    record
}

/// The CRC-32C, masked: a checksum of data that holds checksums would mean little.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8).to_le_bytes()
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(crc32c::crc32c(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn the_bytes_are_those_of_the_definition() {
        let payload = [7_u8; 24];
        let record = record(&payload);
        // What every event file of TensorFlow begins with: its first record has 24 bytes.
        assert_eq!(record[..12], [0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]);
        assert_eq!((record.len(), &record[12..36]), (40, &payload[..]));
        let crc = u64::from(crc32c::crc32c(&payload));
        let masked = (((crc >> 15 | crc << 17) & 0xFFFF_FFFF) + 0xA282_EAD8) as u32;
        assert_eq!(record[36..], masked.to_le_bytes());
    }

    /// The payloads of a file, read by the definition; checksums must be right.
    pub(in super::super) fn payloads(mut file: &[u8]) -> Vec<&[u8]> {
        let mut payloads = Vec::new();
        while !file.is_empty() {
            let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
            assert_eq!(file[8..12], checksum(&file[..8]));
            payloads.push(&file[12..12 + length]);
            assert_eq!(file[12 + length..16 + length], checksum(&file[12..12 + length]));
            file = &file[16 + length..];
        }
        payloads
    }

    /// A message's fields: number and value; a varint's or fixed number's bytes, little end first.
    pub(in super::super) fn fields(mut message: &[u8]) -> Vec<(u64, Vec<u8>)> {
        fn varint(message: &mut &[u8]) -> u64 {
            let mut value = 0;
            for shift in (0..).step_by(7) {
                let byte = message[0];
                *message = &message[1..];
                value |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
            }
            value
        }
        let mut fields = Vec::new();
        while !message.is_empty() {
            let key = varint(&mut message);
            let length = match key & 7 {
                0 => {
                    let value = varint(&mut message);
                    fields.push((key >> 3, value.to_le_bytes().to_vec()));
                    continue;
                }
                1 => 8,
                2 => varint(&mut message) as usize,
                5 => 4,
                kind => panic!("kind {kind}"),
            };
            fields.push((key >> 3, message[..length].to_vec()));
            message = &message[length..];
        }
        fields
    }

    /// Steps, tags and numbers of an event file.
    pub(in super::super) fn numbers(file: &[u8]) -> Vec<(u64, String, f32)> {
        let mut numbers = Vec::new();
        for payload in &payloads(file)[1..] {
            let event = fields(payload);
            let of = |number| event.iter().find(|(field, _)| *field == number).unwrap().1.clone();
            let step = u64::from_le_bytes(of(2).try_into().unwrap());
            let value = fields(&fields(&of(5))[0].1);
            let tag = String::from_utf8(value[0].1.clone()).unwrap();
            let number = if value[1].0 == 2 { value[1].1.clone() } else { vec![0; 4] };
            numbers.push((step, tag, f32::from_le_bytes(number.try_into().unwrap())));
        }
        numbers
    }
}
