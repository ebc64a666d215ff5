//! Hostile files: each is refused with a clear error, at once, without a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fbrs_models::ParameterSource;
use fbrs_weights::{Checkpoint, ExtraKeys, Precision, Provenance, WeightsError};
use proptest::prelude::*;
use support::{TESTS, golden};
use tempfile::NamedTempFile;

/// Opens a file and reads all of it.
fn read_all(path: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut checkpoint = Checkpoint::open(path, ExtraKeys::Ignore)?;
    for tensor in checkpoint.tensors().to_vec() {
        checkpoint.read(&tensor.name, &tensor.shape)?;
    }
    Ok(())
}

fn bad_files() -> Vec<PathBuf> {
    let folder = Path::new(TESTS).join("bad/weights");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending != "md" && ending != "toml"));
    files.sort();
    files
}

/// The most memory that this process ever had, in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[test]
fn every_bad_file_says_what_is_wrong() {
    let expected = fs::read_to_string(Path::new(TESTS).join("bad/weights/expected.toml")).unwrap();
    let mut expected: BTreeMap<String, String> = toml::from_str(&expected).unwrap();
    for path in bad_files() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let words = expected.remove(name).unwrap_or_else(|| panic!("{name} is not listed"));
        let start = Instant::now();
        let message = read_all(&path).expect_err(name).to_string();
        assert!(message.contains(&words), "{name}: no \"{words}\" in: {message}");
        assert!(message.contains(name), "{name} is not named in: {message}");
        assert!(!message.contains(char::is_control), "{name}: {message:?}");
        assert!(message.len() < 2000, "{name}: {message}");
        assert!(start.elapsed() < Duration::from_secs(1), "{name}: {:?}", start.elapsed());
    }
    assert!(expected.is_empty(), "not there: {expected:?}");
}

/// Cuts a file at the lengths that `at` takes, the longest first, and expects an error each time.
fn assert_refused_when_cut(path: &Path, at: impl Fn(usize, usize) -> bool) {
    let bytes = fs::read(path).unwrap();
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    for length in (0..bytes.len()).rev().filter(|length| at(*length, bytes.len())) {
        file.as_file().set_len(length as u64).unwrap();
        let start = Instant::now();
        assert!(read_all(file.path()).is_err(), "{} cut at {length}", path.display());
        assert!(start.elapsed() < Duration::from_secs(1), "{} cut at {length}", path.display());
    }
}

#[test]
fn bad_files_cut_at_every_length() {
    for path in bad_files() {
        assert_refused_when_cut(&path, |length, whole| whole < 10_000 || length % 997 == 0);
    }
}

#[test]
fn good_archive_cut_short() {
    assert_refused_when_cut(&golden("zip.pth"), |length, whole| {
        length < 2_000 || whole - length < 70_000 || length % 97 == 0
    });
}

#[test]
fn good_stream_cut_short() {
    // A walk through the pickle costs a millisecond, so not every length is tried behind the
    // first pickles.
    assert_refused_when_cut(&golden("stream.pth"), |length, whole| {
        length < 2_000 || whole - length < 300 || length % 499 == 0
    });
}

#[test]
fn good_native_file_cut_short() {
    let path = NamedTempFile::new().unwrap();
    native(path.path());
    assert_refused_when_cut(path.path(), |length, whole| {
        length < 2_000 || whole - length < 300 || length % 499 == 0
    });
}

fn native(path: &Path) {
    let mut checkpoint = Checkpoint::open(golden("zip.pth"), ExtraKeys::Refuse).unwrap();
    checkpoint.save_native(path, Precision::F16, &Provenance::default()).unwrap();
}

/// Every file here is small and asks for much.
#[test]
fn memory_stays_bounded() {
    let file = |bytes: &[u8]| {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    };
    let stream = fs::read(Path::new(TESTS).join("bad/weights/other_network_stream.pth")).unwrap();
    let root = stream.windows(12).position(|bytes| bytes == b"\x80\x02ccollectio").unwrap();
    // A pickle that is ever so long, of each of the steps that keep something.
    for step in [
        &b"N"[..],
        b"(",
        b"}",
        b"]",
        b"X\x01\0\0\0a",
        b"K\x01\x85",
        b"Nq\x07",
        b"ccollections\nOrderedDict\n",
    ] {
        let mut bytes = stream[..root + 2].to_vec();
        bytes.extend(step.iter().cycle().take(step.len() * 3_000_000));
        let file = file(&bytes);
        let start = Instant::now();
        let error = read_all(file.path()).unwrap_err().to_string();
        assert!(error.contains("its pickle has more than"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
    // A header that is nothing but names.
    let mut header = b"{\"__metadata__\":{".to_vec();
    for index in 0..200_000 {
        header.extend(format!("\"{index}\":\"\",").bytes());
    }
    header.pop();
    header.extend(b"}}");
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    read_all(file(&bytes).path()).unwrap_err();
    if let Some(peak) = peak_memory() {
        println!("peak memory: {} MB", peak >> 20);
        assert!(peak < 500 << 20, "{} MB", peak >> 20);
    }
}

#[test]
fn one_wrong_bit_in_an_archive_is_noticed() {
    let bytes = fs::read(golden("zip.pth")).unwrap();
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let at = bytes.len() / 2;
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(&[bytes[at] ^ 1]).unwrap();
    let error = read_all(file.path()).unwrap_err().to_string();
    assert!(error.contains("hecksum"), "{error}");
}

/// Writes `bytes` and opens them; only a panic, or taking long, is wrong.
fn survives(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let start = Instant::now();
    if let Err(error) = read_all(file.path()) {
        prop_assert!(!error.to_string().contains(char::is_control), "{error:?}");
        if let Some(WeightsError::Io { .. }) = error.downcast_ref::<WeightsError>() {
            prop_assert!(false, "a file's fault is given to the machine: {error}");
        }
    }
    prop_assert!(start.elapsed() < Duration::from_secs(1));
    Ok(())
}

/// Small files of every format, as seeds.
fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(TESTS).join("bad/weights");
    ["other_network_zip.pth", "other_network_stream.pth", "other_network.safetensors"]
        .map(|name| fs::read(folder.join(name)).unwrap())
        .into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_bytes(start in 0..4_usize, mut bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        // A format's first bytes, so that the reader behind them is reached.
        let opening = [
            &b""[..],
            b"PK\x03\x04",
            b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02",
            b"\x40\x01\0\0\0\0\0\0{",
        ][start];
        bytes.splice(0..0, opening.iter().copied());
        survives(&bytes)?;
    }

    #[test]
    fn small_files_with_wrong_bytes(
        seed in 0..3_usize,
        wrong in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (at, byte) in wrong {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survives(&bytes)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn good_files_with_wrong_bytes(
        stream in any::<bool>(),
        wrong in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let mut bytes = fs::read(golden(if stream { "stream.pth" } else { "zip.pth" })).unwrap();
        for (at, byte) in wrong {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survives(&bytes)?;
    }
}
