//! How a server is set up.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use fbrs::Options;

/// How a server is set up. The default listens to this machine alone and keeps nothing on the disk.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where the server's own interface and its page are.
    pub listen: SocketAddr,
    /// Where CVAT finds the function; `None` for nowhere.
    pub cvat: Option<Cvat>,
    /// Where Label Studio is, so that pictures are fetched from there; `None`: pictures of Label
    /// Studio's requests are refused.
    pub label_studio: Option<LabelStudio>,
    /// Who is let in.
    pub access: Access,
    /// How clicks are answered where a request does not say; the network's own where `None`.
    pub options: Option<Options>,
    /// What requests may take.
    pub limits: Limits,
    /// Where photos and clicks are kept, so that sessions survive the end of the process; `None`
    /// for nowhere.
    pub store: Option<PathBuf>,
    /// How long clicks that run may take to finish when the server is asked to end.
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8765)),
            cvat: None,
            label_studio: None,
            access: Access::default(),
            options: None,
            limits: Limits::default(),
            store: None,
            drain: Duration::from_secs(20),
        }
    }
}

/// CVAT's function.
#[derive(Debug, Clone)]
pub struct Cvat {
    /// Where it listens. CVAT's requests carry no token: only CVAT should reach this address.
    pub listen: SocketAddr,
    /// What it answers with.
    pub reply: CvatReply,
}

/// What CVAT is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CvatReply {
    /// Run lengths of the mask's box: small; read by CVAT from 2026 on.
    #[default]
    Shapes,
    /// Every pixel of the photo: read by every version.
    Mask,
}

/// Where Label Studio is.
#[derive(Clone)]
pub struct LabelStudio {
    /// Its address, with scheme: pictures are fetched from nowhere else.
    pub url: String,
    /// The access token that it wants, where it wants one.
    pub key: Option<String>,
}

impl std::fmt::Debug for LabelStudio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LabelStudio").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Who is let in.
#[derive(Clone, Default)]
pub struct Access {
    /// Tokens, one of which every request must carry; with none everybody is let in. Sessions
    /// belong to the token that made them.
    pub tokens: Vec<String>,
    /// Names, beside loopback's and the address that is listened to, under which the server may be
    /// asked for: a request for another is refused.
    pub hosts: Vec<String>,
    /// Origins (`https://tool.example`) whose pages may ask from browsers.
    pub origins: Vec<String>,
}

/// Never with its tokens.
impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("tokens", &self.tokens.len())
            .field("hosts", &self.hosts)
            .field("origins", &self.origins)
            .finish()
    }
}

/// What requests may take.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limits {
    /// Clicks that are answered at the same time. One uses all cores already.
    pub jobs: usize,
    /// Clicks that wait.
    pub queue: usize,
    /// Clicks of one token that wait.
    pub queue_per_token: usize,
    /// Time from a request to its answer.
    pub request_timeout: Duration,
    /// Time after which a session that nobody asks for ends.
    pub idle: Duration,
    /// Bytes of photos and sessions held altogether.
    pub memory: u64,
    /// Sessions of one token.
    pub sessions_per_token: usize,
    /// Clicks on one object.
    pub clicks: usize,
    /// Connections at the same time.
    pub connections: usize,
    /// Bytes of a request's body.
    pub body: u64,
    /// Pixels of a photo.
    pub photo_area: u64,
    /// Longer side of what a request may have the network see, in pixels. The server's own options are
    /// not bound by it.
    pub view_side: usize,
    /// Time in which a request's header has to be there.
    pub header_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            jobs: 1,
            queue: 64,
            queue_per_token: 64,
            request_timeout: Duration::from_secs(25),
            idle: Duration::from_secs(30 * 60),
            memory: 2 << 30,
            sessions_per_token: 64,
            clicks: 200,
            connections: 256,
            body: 32 << 20,
            photo_area: 50_000_000,
            view_side: 1024,
            header_timeout: Duration::from_secs(10),
        }
    }
}
