/// What stands in the place of the file that was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stranger {
    /// A page that says that the file cannot be had, or asks for a login.
    WebPage,
    /// The few lines that Git keeps where a large file has not been fetched.
    LfsPointer,
    /// Text in 16-bit units, as some editors and shells on Windows save it.
    Utf16,
}

impl Stranger {
    /// Recognizes one by the first bytes of a file; 64 are enough.
    pub fn of(beginning: &[u8]) -> Option<Self> {
        if beginning.starts_with(b"\xff\xfe") || beginning.starts_with(b"\xfe\xff") {
            return Some(Self::Utf16);
        }
        // Text without a byte order mark: what is read here begins with ASCII.
        if let [0, 1..=0x7f, 0, _, ..] | [1..=0x7f, 0, _, 0, ..] = beginning {
            return Some(Self::Utf16);
        }
        let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning).trim_ascii_start();
        let starts = |word: &[u8]| {
            text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        match () {
            () if starts(b"<!doctype html") || starts(b"<html") => Some(Self::WebPage),
            () if starts(b"version https://git-lfs") => Some(Self::LfsPointer),
            () => None,
        }
    }

    /// What it is, after "is" or "but".
    pub fn name(self) -> &'static str {
        match self {
            Self::WebPage => "a web page",
            Self::LfsPointer => "a Git LFS pointer",
            Self::Utf16 => "text in UTF-16",
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::WebPage => "download the file itself",
            Self::LfsPointer => "fetch the file itself with `git lfs pull`",
            Self::Utf16 => "save it as UTF-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_a_files_place_is_named() {
        for (beginning, found) in [
            (&b"\n <!DOCTYPE html>"[..], Some(Stranger::WebPage)),
            (b"\xef\xbb\xbf<HTML lang=en>", Some(Stranger::WebPage)),
            (b"version https://git-lfs.github.com/spec/v1\noid", Some(Stranger::LfsPointer)),
            (b"\xff\xfe[\0", Some(Stranger::Utf16)),
            (b"\xfe\xff\0[", Some(Stranger::Utf16)),
            (b"[\0{\0", Some(Stranger::Utf16)),
            (b"\0[\0{", Some(Stranger::Utf16)),
            (b"[{\"x\": 1}]", None),
            (b"version 2", None),
            (b"", None),
            (b"[", None),
        ] {
            assert_eq!(Stranger::of(beginning), found, "{beginning:?}");
        }
    }
}
