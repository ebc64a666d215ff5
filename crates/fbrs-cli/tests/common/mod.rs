//! What the tests of the program share: a folder to work in, photos, and runs of the program.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use image::{DynamicImage, GrayImage, Rgb, RgbImage};
use tempfile::TempDir;

/// Width and height of [`Work::photo`].
pub const SIZE: (u32, u32) = (120, 90);

/// A folder of its own for every test, with `photo.png` in it.
pub struct Work {
    folder: TempDir,
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Work {
    pub fn new() -> Self {
        let work = Self { folder: tempfile::tempdir().unwrap() };
        Self::photo().save(work.path("photo.png")).unwrap();
        work
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A red box on textured green.
    pub fn photo() -> RgbImage {
        RgbImage::from_fn(SIZE.0, SIZE.1, |x, y| {
            let shade = ((x * 7 + y * 13) % 23) as u8;
            let inside = (40..90).contains(&x) && (25..65).contains(&y);
            Rgb(if inside { [200, 60 + shade, 40] } else { [40, 90 + shade, 60] })
        })
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fbrs"));
        command.args(arguments).current_dir(self.folder.path());
        command.env("FBRS_CACHE", self.path("cache"));
        // Without it, graphics drivers that look for a window system write to standard error.
        command.env("XDG_RUNTIME_DIR", self.folder.path());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).stdin(Stdio::null()).output().unwrap().into()
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Runs `fbrs segment photo.png --device cpu --mode NoBRS …`, which must succeed quietly.
    pub fn segment(&self, arguments: &[&str]) -> Ended {
        let fixed = ["segment", "photo.png", "--device", "cpu", "--mode", "NoBRS"];
        let ended = self.run(&[&fixed, arguments].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.err, "", "{ended:?}");
        ended
    }

    pub fn image(&self, name: &str) -> DynamicImage {
        image::open(self.path(name)).unwrap()
    }

    /// A picture that must be stored as gray with 8 bits.
    pub fn gray(&self, name: &str) -> GrayImage {
        match self.image(name) {
            DynamicImage::ImageLuma8(gray) => gray,
            other => panic!("{name} is {:?}", other.color()),
        }
    }

    /// Every file in the folder, however deep.
    pub fn files(&self) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => drop(files.insert(path)),
                }
            }
        }
        files
    }

    /// The run must end with this code and one sentence that holds all these words, and leave no
    /// file behind.
    pub fn refuses(&self, arguments: &[&str], code: i32, words: &[&str]) {
        let before = self.files();
        let ended = self.run(arguments);
        ended.is_refusal(code, words);
        assert_eq!(self.files(), before, "{arguments:?}");
    }
}

impl Ended {
    pub fn is_refusal(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        assert!(self.err.starts_with("fbrs: "), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "no \"{word}\" in {self:?}");
        }
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A file of the repository's golden data.
pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(name)
}

/// The same as text, for an argument.
pub fn golden_text(name: &str) -> String {
    golden(name).to_str().unwrap().to_owned()
}
