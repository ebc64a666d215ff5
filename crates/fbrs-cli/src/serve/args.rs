use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use fbrs::{DeviceChoice, Mode, Preset};
use fbrs_serve::{CvatReply, Limits};

use crate::segment::ModeParser;

const ACCESS: &str = "Who is let in";
const NETWORK: &str = "Network";
const TOOLS: &str = "Tools";
const BOUNDS: &str = "Bounds";

/// Clicks over HTTP: sessions, CVAT, Label Studio, X-AnyLabeling, and a page for browsers
///
/// Open http://127.0.0.1:8765 in a browser, or see `/openapi.json`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    ///
    /// Without an address, on this machine alone.
    #[arg(long, alias = "port", value_name = "[IP:]PORT", default_value = "127.0.0.1:8765")]
    #[arg(value_parser = parse_listen)]
    pub(super) listen: SocketAddr,
    /// Keep photos and clicks here, so that sessions survive the end of the server
    ///
    /// Several servers may share a folder. What nobody asked for in a week is removed.
    #[arg(long, value_name = "DIR")]
    pub(super) store: Option<PathBuf>,

    /// Tokens, one in each line; the environment's FBRS_TOKEN where this is not given
    ///
    /// Sent as "authorization: Bearer TOKEN". Sessions belong to the token that made them.
    #[arg(long, value_name = "FILE", help_heading = ACCESS)]
    pub(super) token_file: Option<PathBuf>,
    /// Let everybody in, also from other machines
    #[arg(long, conflicts_with = "token_file", help_heading = ACCESS)]
    pub(super) no_token: bool,
    /// A name under which the server may be asked for, beside localhost and addresses
    #[arg(long, value_name = "NAME", value_parser = parse_host, help_heading = ACCESS)]
    pub(super) allow_host: Vec<String>,
    /// An origin whose pages may ask from browsers: https://tool.example
    #[arg(long, value_name = "ORIGIN", value_parser = parse_origin, help_heading = ACCESS)]
    pub(super) cors: Vec<String>,

    /// `default` for the built-in weights, a file, or a name (`fbrs weights list`)
    #[arg(long, value_name = "W", default_value = "default", help_heading = NETWORK)]
    pub(super) weights: String,
    /// auto, cpu, wgpu[:N] or cuda[:N] (`fbrs devices`)
    #[arg(long, value_name = "D", default_value = "auto", help_heading = NETWORK)]
    pub(super) device: DeviceChoice,
    /// How clicks are enforced where a request does not say (`fbrs segment --help`)
    #[arg(long, value_name = "M", value_parser = ModeParser)]
    #[arg(hide_possible_values = true, help_heading = NETWORK)]
    pub(super) mode: Option<Mode>,
    /// Begin with the options of a published program: cvpr, fixedN, fbrs-demo or ritm-demo
    #[arg(long, value_name = "NAME", help_heading = NETWORK)]
    pub(super) preset: Option<Preset>,
    /// Do not average the answers to the photo and to its mirror image: twice as fast
    #[arg(long, help_heading = NETWORK)]
    pub(super) no_flip: bool,

    /// Where CVAT finds the function; its requests carry no token
    #[arg(long, value_name = "[IP:]PORT", value_parser = parse_listen, help_heading = TOOLS)]
    pub(super) cvat_listen: Option<SocketAddr>,
    /// What CVAT is answered with
    #[arg(long, value_enum, default_value_t = Reply::Shapes, help_heading = TOOLS)]
    pub(super) cvat_reply: Reply,
    /// Label Studio's address: its pictures are fetched from there, and from nowhere else
    #[arg(long, value_name = "URL", help_heading = TOOLS)]
    pub(super) label_studio_url: Option<String>,
    /// Label Studio's access token; the environment's LABEL_STUDIO_API_KEY where this is not given
    #[arg(long, value_name = "FILE", requires = "label_studio_url", help_heading = TOOLS)]
    pub(super) label_studio_key_file: Option<PathBuf>,

    /// Clicks that are answered at the same time; one uses all cores already
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    #[arg(help_heading = BOUNDS)]
    jobs: u16,
    /// Clicks that may wait
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    #[arg(help_heading = BOUNDS)]
    queue: u16,
    /// Time for a request, in seconds
    #[arg(long, value_name = "TIME", default_value = "25s", value_parser = parse_time)]
    #[arg(help_heading = BOUNDS)]
    request_timeout: Time,
    /// Time after which a session that nobody asks for ends
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = parse_time)]
    #[arg(help_heading = BOUNDS)]
    ttl: Time,
    /// Memory of photos and sessions; those that were not used for the longest time give way
    #[arg(long, value_name = "BYTES", default_value = "2G", value_parser = parse_bytes)]
    #[arg(help_heading = BOUNDS)]
    memory: u64,
    /// Sessions of one token
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    #[arg(help_heading = BOUNDS)]
    max_sessions: u16,
    /// Connections at the same time
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..))]
    #[arg(help_heading = BOUNDS)]
    max_connections: u16,
    /// Bytes of a request
    #[arg(long, value_name = "BYTES", default_value = "32M", value_parser = parse_bytes)]
    #[arg(help_heading = BOUNDS)]
    max_body: u64,
    /// Time for clicks to be finished when the server is asked to end
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = parse_time)]
    #[arg(help_heading = BOUNDS)]
    pub(super) drain: Time,
}

const AFTER_HELP: &str = "\
A session by hand:
  fbrs serve &
  curl --data-binary @photo.jpg http://127.0.0.1:8765/v1/images
  curl -H 'content-type: application/json' -d '{\"image\": \"sha256:…\"}' http://127.0.0.1:8765/v1/sessions
  curl -H 'content-type: application/json' -d '{\"x\": 320, \"y\": 200, \"positive\": true}' \\
      http://127.0.0.1:8765/v1/sessions/…/clicks

A signal (SIGTERM, Ctrl-C) ends it: no more clicks are taken, those that run are finished. A second
one ends it at once.";

impl ServeArgs {
    /// Sets what was said.
    pub(super) fn limits(&self, limits: &mut Limits, tokens: usize) {
        limits.jobs = self.jobs.into();
        limits.queue = self.queue.into();
        // One of several does not keep the others waiting.
        let share = if tokens > 1 { self.queue.div_ceil(2) } else { self.queue };
        limits.queue_per_token = share.into();
        limits.request_timeout = self.request_timeout.0;
        limits.idle = self.ttl.0;
        limits.memory = self.memory;
        limits.sessions_per_token = self.max_sessions.into();
        limits.connections = self.max_connections.into();
        limits.body = self.max_body;
    }
}

/// What CVAT is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Reply {
    /// Run lengths of the mask's box: small; read by CVAT from 2026 on
    Shapes,
    /// Every pixel of the photo: read by every version
    Mask,
}

impl From<Reply> for CvatReply {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Shapes => Self::Shapes,
            Reply::Mask => Self::Mask,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(pub(super) Duration);

/// A number with a unit, a whole number above 0.
fn with_unit(text: &str, units: &[(&str, u64)], expected: &str) -> Result<u64, String> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim();
    let factor = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
    let number = number.parse::<u64>().ok().filter(|number| *number > 0);
    let product = number.zip(factor).and_then(|(number, (_, factor))| number.checked_mul(*factor));
    product.ok_or_else(|| format!("expected {expected}"))
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    let expected = "expected a port, such as 8765, or an address with one, such as 0.0.0.0:8765";
    text.parse().map_err(|_| expected.to_owned())
}

fn parse_host(text: &str) -> Result<String, String> {
    let is_name = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    };
    match is_name(text) {
        true => Ok(text.to_owned()),
        false => Err("expected a name such as masks.example, without scheme and port".to_owned()),
    }
}

fn parse_origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let (name, port) = host.map_or(("", None), |host| {
        host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)))
    });
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    match parse_host(name).is_ok() && is_port {
        true => Ok(text.to_owned()),
        false => Err("expected an origin such as https://tool.example, without a path".to_owned()),
    }
}

fn parse_time(text: &str) -> Result<Time, String> {
    let units = [("", 1), ("s", 1), ("m", 60), ("h", 60 * 60)];
    let seconds = with_unit(text, &units, "a time such as 25s, 30m or 2h")?;
    match seconds <= 7 * 24 * 60 * 60 {
        true => Ok(Time(Duration::from_secs(seconds))),
        false => Err("expected at most a week".to_owned()),
    }
}

fn parse_bytes(text: &str) -> Result<u64, String> {
    let units = [("", 1), ("k", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)];
    with_unit(text, &units, "a number of bytes such as 100M or 2G")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_times_and_addresses() {
        assert_eq!(parse_bytes("100M"), Ok(100 << 20));
        assert_eq!(parse_bytes("2g"), Ok(2 << 30));
        assert_eq!(parse_bytes("4096"), Ok(4096));
        assert_eq!(parse_time("25"), Ok(Time(Duration::from_secs(25))));
        assert_eq!(parse_time("30m"), Ok(Time(Duration::from_secs(1800))));
        for bad in
            ["", "0", "-1", "1.5G", "2T", "G", "99999999999999999999G", "18446744073709551615k"]
        {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
        for bad in ["*", "tool.example", "https://tool.example/", "https://", "ftp://tool.example"]
        {
            assert!(parse_origin(bad).is_err(), "{bad}");
        }
        assert!(parse_origin("http://localhost:3000").is_ok() && parse_host("a b").is_err());
        for (text, address) in
            [("80", "127.0.0.1:80"), ("0.0.0.0:0", "0.0.0.0:0"), ("[::1]:443", "[::1]:443")]
        {
            assert_eq!(parse_listen(text).map(|at| at.to_string()), Ok(address.to_owned()));
        }
        for bad in ["", "-1", "65536", "localhost:80", "127.0.0.1", "::1"] {
            assert!(parse_listen(bad).is_err(), "{bad}");
        }
        for bad in ["", "0s", "5d", "9999h", "s"] {
            assert!(parse_time(bad).is_err(), "{bad}");
        }
    }
}
