//! Fetching from a server on this machine that behaves, and from ones that do not.
#![cfg(feature = "fetch")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::thread;

use fbrs_weights::fetch::{Fetched, Progress, fetch};
use fbrs_weights::{Checkpoint, ExtraKeys, Fault, Published, WeightsError};
use support::golden;
use tempfile::TempDir;

/// How a server answers, and what it was asked.
#[derive(Clone)]
struct Manners {
    file: Vec<u8>,
    etag: Option<&'static str>,
    /// Whether it knows of ranges.
    ranges: bool,
    /// Bytes after which it breaks a connection; every connection takes the next of these.
    breaks: Vec<usize>,
    status: Option<&'static str>,
    /// The `range` headers that came, empty where there was none.
    asked: Vec<String>,
}

struct Server {
    url: String,
    manners: Arc<Mutex<Manners>>,
    cache: TempDir,
}

impl Server {
    fn new(change: impl FnOnce(&mut Manners)) -> Self {
        let mut manners = Manners {
            file: fs::read(golden("zip.pth")).unwrap(),
            etag: Some("\"one\""),
            ranges: true,
            breaks: Vec::new(),
            status: None,
            asked: Vec::new(),
        };
        change(&mut manners);
        let manners = Arc::new(Mutex::new(manners));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/test.pth", listener.local_addr().unwrap());
        let shared = Arc::clone(&manners);
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that goes away is part of the game.
                let _ = answer(&stream.unwrap(), &shared);
            }
        });
        Self { url, manners, cache: tempfile::tempdir().unwrap() }
    }

    fn set(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.manners.lock().unwrap());
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.manners.lock().unwrap().asked)
    }

    fn published(&self) -> Published {
        let mut published = Published::new("test", "hrnet1s_ocr1", &self.url);
        published.training_set = "a formula".to_owned();
        published.terms = "none".to_owned();
        published.megabytes = 1;
        published
    }

    fn fetch(&self) -> Result<Fetched, WeightsError> {
        fetch(&self.published(), self.cache.path(), |_| ControlFlow::Continue(()))
    }

    /// Fetches and stops after so many bytes.
    fn stop_after(&self, bytes: u64) {
        let stopped = fetch(&self.published(), self.cache.path(), |progress| {
            if progress.done < bytes { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert!(matches!(stopped, Err(WeightsError::Cancelled { .. })), "{stopped:?}");
    }

    fn in_cache(&self) -> Vec<String> {
        let names = fs::read_dir(self.cache.path()).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn assert_fetched(&self, fetched: &Fetched) {
        assert!(!fetched.was_there);
        assert_eq!(self.in_cache(), ["sha256.toml", "test.safetensors"]);
        let native = Checkpoint::open(&fetched.path, ExtraKeys::Refuse).unwrap();
        assert_eq!(native.architecture().to_string(), "hrnet1s_ocr1");
        let provenance = native.provenance();
        assert_eq!(provenance.source_file.as_deref(), Some("test.pth"));
        assert_eq!(provenance.source_sha256.as_ref(), Some(&fetched.sha256));
        assert_eq!(provenance.training_set.as_deref(), Some("a formula"));
    }
}

fn answer(mut stream: &TcpStream, manners: &Mutex<Manners>) -> std::io::Result<()> {
    let mut range = String::new();
    let mut if_range = None;
    for line in BufReader::new(stream).lines() {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        } else if let Some(value) = line.strip_prefix("range: ") {
            range = value.to_owned();
        } else if let Some(value) = line.strip_prefix("if-range: ") {
            if_range = Some(value.to_owned());
        }
    }
    let mut manners = manners.lock().unwrap();
    manners.asked.push(range.clone());
    if let Some(status) = manners.status {
        return write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    }
    let etag = manners.etag.map(|etag| format!("etag: {etag}\r\n")).unwrap_or_default();
    let whole = manners.file.len();
    let start = range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-'));
    let start = start.and_then(|start| start.parse::<usize>().ok());
    let same = if_range.is_none() || if_range.as_deref() == manners.etag;
    let first = match start.filter(|_| manners.ranges && same) {
        Some(start) if start >= whole => {
            let head = format!("content-range: bytes */{whole}\r\ncontent-length: 0\r\n\r\n");
            return write!(stream, "HTTP/1.1 416 Range Not Satisfiable\r\n{head}");
        }
        Some(start) => {
            let head = format!("content-range: bytes {start}-{}/{whole}\r\n", whole - 1);
            write!(stream, "HTTP/1.1 206 Partial Content\r\n{head}")?;
            start
        }
        None => {
            write!(stream, "HTTP/1.1 200 OK\r\n")?;
            0
        }
    };
    write!(stream, "{etag}content-length: {}\r\nconnection: close\r\n\r\n", whole - first)?;
    let length = if manners.breaks.is_empty() { whole } else { manners.breaks.remove(0) };
    stream.write_all(&manners.file[first..whole.min(first.saturating_add(length))])
}

#[test]
fn whole_then_not_again() {
    let server = Server::new(|_| {});
    let whole = server.manners.lock().unwrap().file.len() as u64;
    let mut seen = Vec::new();
    let fetched = fetch(&server.published(), server.cache.path(), |progress| {
        seen.push(progress);
        ControlFlow::Continue(())
    });
    server.assert_fetched(&fetched.unwrap());
    assert_eq!(seen.first(), Some(&Progress { done: 0, total: Some(whole) }));
    assert_eq!(seen.last(), Some(&Progress { done: whole, total: Some(whole) }));
    assert!(seen.is_sorted_by_key(|progress| progress.done));
    assert_eq!(server.asked(), [""]);

    assert!(server.fetch().unwrap().was_there);
    assert!(server.asked().is_empty());
    // A damaged native file is fetched anew.
    fs::write(server.cache.path().join("test.safetensors"), "damaged").unwrap();
    server.assert_fetched(&server.fetch().unwrap());
}

#[test]
fn stopped_and_resumed() {
    let server = Server::new(|_| {});
    server.stop_after(300_000);
    assert_eq!(server.in_cache(), ["test.pth.part", "test.pth.part.toml"]);
    let part = fs::metadata(server.cache.path().join("test.pth.part")).unwrap().len();
    assert!(part >= 300_000);
    server.assert_fetched(&server.fetch().unwrap());
    assert_eq!(server.asked(), [String::new(), format!("bytes={part}-")]);
}

#[test]
fn resumed_without_etag() {
    let server = Server::new(|manners| manners.etag = None);
    server.stop_after(300_000);
    server.assert_fetched(&server.fetch().unwrap());
}

#[test]
fn server_ignores_ranges() {
    let server = Server::new(|manners| manners.ranges = false);
    server.stop_after(300_000);
    server.assert_fetched(&server.fetch().unwrap());
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn another_file_since() {
    // Longer or shorter than before; announced by another etag, or by none.
    for etag in [Some("\"two\""), None] {
        for length in [200_000, 700_000] {
            let server = Server::new(|manners| {
                manners.etag = etag.and(manners.etag);
                manners.file = vec![7; length];
            });
            server.stop_after(150_000);
            server.set(|manners| {
                manners.etag = etag;
                manners.file = fs::read(golden("zip.pth")).unwrap();
            });
            server.assert_fetched(&server.fetch().unwrap());
        }
    }
}

#[test]
fn part_is_longer_than_the_file() {
    let server = Server::new(|_| {});
    server.stop_after(100_000);
    let part = server.cache.path().join("test.pth.part");
    fs::write(part, vec![0; 2_000_000]).unwrap();
    server.assert_fetched(&server.fetch().unwrap());
    assert_eq!(server.asked(), ["", "bytes=2000000-", ""]);
}

#[test]
fn part_is_complete() {
    let server = Server::new(|_| {});
    server.stop_after(100_000);
    fs::copy(golden("zip.pth"), server.cache.path().join("test.pth.part")).unwrap();
    server.assert_fetched(&server.fetch().unwrap());
    assert_eq!(server.asked(), [""]);
}

#[test]
fn broken_connections_are_taken_up_again() {
    let server = Server::new(|manners| manners.breaks = vec![200_000, 100_000]);
    server.assert_fetched(&server.fetch().unwrap());
    assert_eq!(server.asked(), ["", "bytes=200000-", "bytes=300000-"]);
}

#[test]
fn broken_for_good_and_resumed() {
    let server = Server::new(|manners| manners.breaks = vec![200_000, 0]);
    let error = server.fetch().unwrap_err();
    assert!(matches!(error, WeightsError::Download { .. }), "{error}");
    let message = error.to_string();
    for words in [&server.url, "is kept for the next try", "test.pth", "by the name test"] {
        assert!(message.contains(words), "{message}");
    }
    server.assert_fetched(&server.fetch().unwrap());
    assert_eq!(server.asked(), ["", "bytes=200000-", "bytes=200000-"]);
}

#[test]
fn wrong_sha256() {
    let server = Server::new(|_| {});
    let expected = "0".repeat(64);
    let mut published = server.published();
    published.sha256 = expected.clone();
    let error = fetch(&published, server.cache.path(), |_| ControlFlow::Continue(())).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, WeightsError::Checksum { .. }), "{message}");
    assert!(message.contains(&expected) && message.contains("manifest"), "{message}");
    assert!(server.in_cache().is_empty(), "{:?}", server.in_cache());
}

#[test]
fn sha256_is_recorded_and_checked_from_then_on() {
    let server = Server::new(|_| {});
    let fetched = server.fetch().unwrap();
    fs::remove_file(&fetched.path).unwrap();
    // Another network of the same kind comes: only the record tells.
    server.set(|manners| {
        let last = manners.file.len() - 1;
        manners.file[last] ^= 1;
    });
    let error = server.fetch().unwrap_err();
    let WeightsError::Checksum { expected, origin, .. } = &error else { panic!("{error}") };
    assert_eq!(*expected, fetched.sha256);
    assert!(origin.contains("first"), "{origin}");
    assert_eq!(server.in_cache(), ["sha256.toml"]);
}

#[test]
fn what_comes_is_no_network() {
    let page = b"<html>Sign in to this network</html>".to_vec();
    let server = Server::new(|manners| manners.file = page);
    let error = server.fetch().unwrap_err();
    assert!(error.to_string().contains("a web page"), "{error}");
    assert!(server.in_cache().is_empty(), "{:?}", server.in_cache());

    let server = Server::new(|_| {});
    let mut published = server.published();
    published.architecture = "resnet34_dh128".to_owned();
    let error = fetch(&published, server.cache.path(), |_| ControlFlow::Continue(())).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("expected resnet34_dh128") && message.contains("hrnet1s_ocr1"),
        "{message}"
    );
}

#[test]
fn server_refuses() {
    let server = Server::new(|manners| manners.status = Some("404 Not Found"));
    let error = server.fetch().unwrap_err().to_string();
    assert!(error.contains("404 Not Found") && error.contains(&server.url), "{error}");
}

#[test]
fn nobody_listens() {
    let cache = tempfile::tempdir().unwrap();
    // Port 9 of this machine: discard, which nothing serves.
    let url = "http://127.0.0.1:9/test.pth".to_owned();
    let mut published = Server::new(|_| {}).published();
    published.url = url.clone();
    let error = fetch(&published, cache.path(), |_| ControlFlow::Continue(())).unwrap_err();
    let put = cache.path().join("test.pth").display().to_string();
    let message = error.to_string();
    assert!(message.contains(&url) && message.contains(&put), "{message}");
}

#[test]
fn a_download_that_cannot_be_imported_for_want_of_room_is_kept() {
    let server = Server::new(|_| {});
    // Stands for a full disk: the native file cannot be written.
    let native = server.cache.path().join("test.safetensors");
    fs::create_dir(&native).unwrap();
    let error = server.fetch().unwrap_err();
    assert!(matches!(error, WeightsError::Write { .. }), "{error}");
    assert_eq!(error.fault(), Fault::Output);
    assert_eq!(server.asked(), [""]);
    assert!(server.cache.path().join("test.pth.part").is_file());
    fs::remove_dir(&native).unwrap();
    server.assert_fetched(&server.fetch().unwrap());
    assert!(server.asked().is_empty(), "it was downloaded again");
}

#[test]
fn a_process_that_ended_between_import_and_record_is_noticed() {
    let server = Server::new(|_| {});
    let fetched = server.fetch().unwrap();
    let record = server.cache.path().join("sha256.toml");
    fs::remove_file(&record).unwrap();
    assert!(server.fetch().unwrap().was_there);
    assert!(fs::read_to_string(&record).unwrap().contains(&fetched.sha256));
}

#[test]
fn records_of_fetches_at_the_same_time_are_all_kept() {
    let server = Server::new(|_| {});
    thread::scope(|scope| {
        for index in 0..8 {
            let (server, cache) = (&server, server.cache.path());
            scope.spawn(move || {
                let mut published = server.published();
                published.name = format!("test{index}");
                fetch(&published, cache, |_| ControlFlow::Continue(())).unwrap();
            });
        }
    });
    let record = fs::read_to_string(server.cache.path().join("sha256.toml")).unwrap();
    for index in 0..8 {
        assert!(record.contains(&format!("test{index} = ")), "{record}");
    }
    assert_eq!(server.in_cache().len(), 9, "{:?}", server.in_cache());
}

#[test]
fn one_download_at_a_time() {
    let server = Server::new(|_| {});
    let mut other = None;
    let fetched = fetch(&server.published(), server.cache.path(), |_| {
        other.get_or_insert_with(|| server.fetch().map(drop));
        ControlFlow::Continue(())
    });
    let error = other.unwrap().unwrap_err().to_string();
    assert!(error.contains("another fbrs is downloading"), "{error}");
    server.assert_fetched(&fetched.unwrap());
}
