//! Archives with the exact bytes of `torch.save`, whatever the file's name.

use std::fs::File;
use std::io::Read;

use zip::ZipArchive;

use super::golden;

/// Bytes to which every entry's data is aligned.
const ALIGNMENT: usize = 64;

/// A record: its magic, then numbers of so many bytes.
fn record(magic: &[u8; 4], numbers: &[(u64, usize)]) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    numbers.iter().for_each(|(number, size)| bytes.extend(&number.to_le_bytes()[..*size]));
    bytes
}

/// The entries of the golden archive, without their folder, and the checksum of each.
fn golden_entries() -> Vec<(String, Vec<u8>, u32)> {
    let mut archive = ZipArchive::new(File::open(golden("zip.pth")).unwrap()).unwrap();
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().split_once('/').unwrap().1.to_owned();
        let mut data = Vec::new();
        entry.read_to_end(&mut data).unwrap();
        entries.push((name, data, entry.crc32()));
    }
    entries
}

/// The golden archive as it would be if its file had been called `root`.
pub(crate) fn saved_as(root: &str) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    let entries = golden_entries();
    for (name, data, crc) in &entries {
        let name = format!("{root}/{name}");
        let (start, length) = (file.len() as u64, name.len() as u64);
        let (crc, size) = (u64::from(*crc), data.len() as u64);
        // General purpose flags: a descriptor behind the data, a name in UTF-8.
        let flags = 0x808;
        // Header, name, head of the extra field that pads.
        let unpadded = file.len() + 30 + name.len() + 4;
        let padding = unpadded.next_multiple_of(ALIGNMENT) - unpadded;
        let numbers = [(0, 2), (flags, 2), (0, 2), (0, 4), (0, 4), (0, 4), (0, 4), (length, 2)];
        file.extend(record(b"PK\x03\x04", &numbers));
        file.extend((padding as u16 + 4).to_le_bytes());
        file.extend(name.bytes());
        file.extend(b"FB");
        file.extend((padding as u16).to_le_bytes());
        file.extend(vec![b'Z'; padding]);
        file.extend(data);
        file.extend(record(b"PK\x07\x08", &[(crc, 4), (size, 4), (size, 4)]));
        let numbers = [(0, 4), (flags, 2), (0, 2), (0, 4), (crc, 4), (size, 4), (size, 4)];
        directory.extend(record(b"PK\x01\x02", &numbers));
        directory.extend(record_tail(length, start));
        directory.extend(name.bytes());
    }
    let (count, size, start) = (entries.len() as u64, directory.len() as u64, file.len() as u64);
    file.extend(directory);
    let numbers =
        [(44, 8), (798, 2), (45, 2), (0, 8), (count, 8), (count, 8), (size, 8), (start, 8)];
    file.extend(record(b"PK\x06\x06", &numbers));
    file.extend(record(b"PK\x06\x07", &[(0, 4), (start + size, 8), (1, 4)]));
    let numbers = [(0, 4), (count, 2), (count, 2), (size, 4), (start, 4), (0, 2)];
    file.extend(record(b"PK\x05\x06", &numbers));
    file
}

/// The end of a directory's entry: lengths of name, extra field and comment, disk, attributes,
/// where the entry is.
fn record_tail(name: u64, start: u64) -> Vec<u8> {
    let mut bytes = (name as u16).to_le_bytes().to_vec();
    bytes.extend([0; 12]);
    bytes.extend((start as u32).to_le_bytes());
    bytes
}
