//! One download over HTTP that survives being stopped.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fbrs_data::files::{self, Destination};
use fbrs_data::text::printable;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::{HeaderMap, Response, StatusCode, header};

use super::{Progress, lock};
use crate::error::{cannot_write, shown};
use crate::provenance::{hash_into, hex};
use crate::{Published, WeightsError};

/// Connections that are tried in one call, as long as each brings the download further.
const ATTEMPTS: u32 = 4;

/// The begun download of a published file, locked against other processes.
pub(crate) struct Part<'a> {
    published: &'a Published,
    cache: &'a Path,
    file: File,
    path: PathBuf,
}

/// Bytes of a download that are believed to be weights. The largest published file has 223 MB.
const LARGEST: u64 = 2 << 30;

/// Bytes of that description.
const LONGEST_ORIGIN: u64 = 1 << 16;

/// What the far end said of the file a part is of; kept beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    url: String,
    /// Names one version of the file (its ETag or else its date), where the far end does so.
    version: Option<String>,
    total: Option<u64>,
}

/// How a connection ended.
enum Outcome {
    Complete,
    /// With something to show for it or not, and why.
    Broken {
        progressed: bool,
        reason: String,
    },
    /// What is there is not the beginning of what the far end has.
    Useless,
}

impl<'a> Part<'a> {
    pub(crate) fn open(published: &'a Published, cache: &'a Path) -> Result<Self, WeightsError> {
        let path = cache.join(format!("{}.pth.part", published.name));
        match lock::try_lock(&path).map_err(|error| cannot_write(&path, error))? {
            Some(file) => Ok(Self { published, cache, file, path }),
            None => Err(WeightsError::Unsupported {
                file: shown(&path),
                reason: "another fbrs is downloading it: wait for that one".to_owned(),
            }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Throws the part away, still locked: whoever waits for it notices. One that cannot be removed
    /// is emptied by the next download.
    pub(crate) fn remove(self) {
        let _ = fs::remove_file(self.origin_path());
        let _ = fs::remove_file(&self.path);
    }

    /// Downloads what is missing; returns the SHA-256 of the whole.
    pub(crate) fn download(
        &self,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<String, WeightsError> {
        let agent = agent(&self.published.url);
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            match self.connect(&agent, progress)? {
                Outcome::Complete => return self.hash(),
                Outcome::Broken { progressed: true, reason } => last = reason,
                Outcome::Broken { progressed: false, reason } => return Err(self.failed(reason)),
                Outcome::Useless => {
                    self.file.set_len(0).map_err(|error| self.io(error))?;
                    "it sends another file than it announces".clone_into(&mut last);
                }
            }
        }
        Err(self.failed(last))
    }

    /// One request and its answer.
    fn connect(
        &self,
        agent: &Agent,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Outcome, WeightsError> {
        let mut done = self.file.metadata().map_err(|error| self.io(error))?.len();
        let known = self.origin();
        if known.url != self.published.url {
            // Begun from another address, or nothing is known about it.
            done = 0;
        }
        if done > 0 && known.total == Some(done) {
            return Ok(Outcome::Complete);
        }
        let mut request = agent.get(&self.published.url);
        if done > 0 {
            request = request.header(header::RANGE, format!("bytes={done}-"));
            // A weak name does not promise the same bytes and may not be used here.
            let strong = |version: &&String| !version.starts_with("W/");
            if let Some(version) = known.version.as_ref().filter(strong) {
                request = request.header(header::IF_RANGE, version);
            }
        }
        let response = match request.call() {
            Ok(response) => response,
            Err(error) => {
                return Ok(Outcome::Broken { progressed: false, reason: error.to_string() });
            }
        };
        let origin = match self.judge(&response, done, &known) {
            Ok(Some(origin)) => origin,
            Ok(None) => return Ok(Outcome::Useless),
            Err(reason) => return Ok(Outcome::Broken { progressed: false, reason }),
        };
        if response.status() == StatusCode::OK {
            done = 0;
        }
        self.file.set_len(done).map_err(|error| self.io(error))?;
        if origin != known {
            self.remember(&origin)?;
        }
        self.receive(response, done, origin.total, progress)
    }

    /// What an answer is an answer with: a file to take in, nothing of use, or a failure.
    fn judge(
        &self,
        response: &Response<ureq::Body>,
        done: u64,
        known: &Origin,
    ) -> Result<Option<Origin>, String> {
        let headers = response.headers();
        let version = text(headers, header::ETAG).or_else(|| text(headers, header::LAST_MODIFIED));
        let version = version.map(str::to_owned);
        let url = self.published.url.clone();
        match response.status() {
            StatusCode::OK => {
                let total =
                    text(headers, header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
                Ok(Some(Origin { url, version, total }))
            }
            StatusCode::PARTIAL_CONTENT => {
                let range = text(headers, header::CONTENT_RANGE).and_then(content_range);
                let Some((start, total)) = range else {
                    return Err("it answers with a part of the file and does not say which".into());
                };
                let same = start == done
                    && version == known.version
                    && (known.total.is_none() || total == known.total);
                Ok(same.then_some(Origin { url, version, total }))
            }
            // Nothing lies behind what is here, so it is no beginning of what is there.
            StatusCode::RANGE_NOT_SATISFIABLE if done > 0 => Ok(None),
            status => Err(format!("it answers {status}")),
        }
    }

    fn receive(
        &self,
        response: Response<ureq::Body>,
        mut done: u64,
        total: Option<u64>,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Outcome, WeightsError> {
        let mut out = &self.file;
        out.seek(SeekFrom::Start(done)).map_err(|error| self.io(error))?;
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        let mut progressed = false;
        loop {
            if progress(Progress { done, total }).is_break() {
                return Err(WeightsError::Cancelled { name: self.published.name.clone() });
            }
            let count = match body.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Ok(Outcome::Broken { progressed, reason: error.to_string() });
                }
            };
            if count == 0 {
                break;
            }
            progressed = true;
            out.write_all(buffer.get(..count).unwrap_or_default())
                .map_err(|error| self.io(error))?;
            done = done.saturating_add(count as u64);
            if done > LARGEST {
                return Err(self.failed(format!("it sends more than {LARGEST} bytes")));
            }
        }
        match total {
            Some(total) if done < total => Ok(Outcome::Broken {
                progressed,
                reason: format!("the connection ended after {done} of {total} bytes"),
            }),
            Some(total) if done > total => Ok(Outcome::Useless),
            _ => Ok(Outcome::Complete),
        }
    }

    fn hash(&self) -> Result<String, WeightsError> {
        let mut hasher = Sha256::new();
        let mut file = &self.file;
        let hashed = file.rewind().and_then(|()| hash_into(&mut hasher, &mut file));
        hashed.map_err(|error| self.io(error))?;
        Ok(hex(&hasher.finalize()))
    }

    fn origin_path(&self) -> PathBuf {
        self.cache.join(format!("{}.pth.part.toml", self.published.name))
    }

    /// What is known of the part; nothing where its description is gone or makes no sense.
    fn origin(&self) -> Origin {
        let text = files::read_text(&self.origin_path(), LONGEST_ORIGIN).unwrap_or_default();
        toml::from_str(&text).unwrap_or_default()
    }

    fn remember(&self, origin: &Origin) -> Result<(), WeightsError> {
        let path = self.origin_path();
        let io = |error| cannot_write(&path, error);
        let text = toml::to_string(origin).map_err(|error| io(io::Error::other(error)))?;
        let destination = Destination::new(&path).map_err(io)?;
        destination.replace(|draft| draft.write_all(text.as_bytes())).map_err(io)
    }

    fn io(&self, source: io::Error) -> WeightsError {
        cannot_write(&self.path, source)
    }

    fn failed(&self, reason: String) -> WeightsError {
        let Published { name, url, .. } = self.published;
        let put = shown(&self.cache.join(format!("{name}.pth")));
        let reason = printable(&reason);
        WeightsError::Download { name: name.clone(), url: url.clone(), reason, put }
    }
}

fn agent(url: &str) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // Nothing that begins encrypted may go on in the clear.
        .https_only(url.starts_with("https://"))
        .accept_encoding("identity")
        .user_agent(concat!("fbrs/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .timeout_per_read(Some(Duration::from_secs(60)));
    // Proxies are for what lies outside this machine.
    let config = if url.starts_with("http://127.0.0.1:") { config.proxy(None) } else { config };
    config.build().new_agent()
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// First byte and length of the whole, from `bytes FIRST-LAST/LENGTH`.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()))
}
