//! `fbrs serve`: clicks over HTTP.

mod args;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use fbrs::weights::{ExtraKeys, printable};
use fbrs::{Options, Preset, Segmenter};
use fbrs_data::files;
use fbrs_serve::{Access, Config, Cvat, LabelStudio, Server};
use tokio::sync::Notify;

use crate::exit::Exit;
use crate::print::{self, Voice};
use crate::weights::places;
use crate::{devices, interrupt};

pub(crate) use args::ServeArgs;

/// Runs `fbrs serve` until a signal ends it.
pub(crate) fn run(args: ServeArgs, voice: Voice) -> Result<()> {
    let access = access(&args, voice)?;
    let label_studio = label_studio(&args)?;
    log(voice);
    let checkpoint = places().locate(&args.weights)?.open(ExtraKeys::Refuse)?;
    if let Some(remark) = checkpoint.remark() {
        voice.warn(format!("{}: {remark}", printable(checkpoint.file())));
    }
    let options = options(&args, &checkpoint);
    options.check()?;
    let device = devices::open(args.device, voice)?;
    let segmenter = Segmenter::from_checkpoint(checkpoint, device)?;
    let mut config = Config::default();
    config.listen = args.listen;
    config.cvat = args.cvat_listen.map(|listen| Cvat { listen, reply: args.cvat_reply.into() });
    config.label_studio = label_studio;
    config.access = access;
    config.options = Some(options);
    config.store = args.store.clone();
    config.drain = args.drain.0;
    args.limits(&mut config.limits, config.access.tokens.len());
    let server = Server::bind(config, segmenter)
        .map_err(|error| Exit::Output.because(format!("cannot serve: {error}")))?;
    let stop = Arc::new(Notify::new());
    let asked = stop.clone();
    interrupt::divert(move || asked.notify_one());
    let other = |error: std::io::Error| Exit::Other.because(format!("cannot serve: {error}"));
    print::say(format!("listening on http://{}", server.address().map_err(other)?));
    if let Some(address) = server.cvat_address().map_err(other)? {
        print::say(format!("CVAT's function listens on http://{address}"));
    }
    server.run(async move { stop.notified().await }).map_err(other)
}

/// Lines about requests: for people on a terminal, JSON for all that reads logs.
fn log(voice: Voice) {
    let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false);
    if voice.quiet {
        return;
    }
    match voice.is_watched() {
        true => lines.compact().init(),
        false => lines.json().flatten_event(true).init(),
    }
}

fn options(args: &ServeArgs, checkpoint: &fbrs::weights::Checkpoint) -> Options {
    let usual = || Options::for_network(&checkpoint.architecture());
    let mut options = args.preset.map_or_else(usual, Preset::options);
    options.flip &= !args.no_flip;
    options.refine.mode = args.mode.unwrap_or(options.refine.mode);
    options
}

/// Tokens: one in each line of a file, or one in the environment.
fn access(args: &ServeArgs, voice: Voice) -> Result<Access> {
    let mut tokens = match &args.token_file {
        Some(path) => lines(path, "--token-file")?,
        None => {
            std::env::var("FBRS_TOKEN").ok().filter(|token| !token.is_empty()).into_iter().collect()
        }
    };
    let is_open = !args.listen.ip().is_loopback();
    if args.no_token {
        tokens.clear();
        if is_open {
            voice.warn("whoever reaches this address may use it: there is no token");
        }
    } else if is_open && tokens.is_empty() {
        let sentence = format!(
            "{} is reached from other machines: give a token with --token-file or in FBRS_TOKEN, or \
             say --no-token",
            args.listen
        );
        return Err(Exit::Usage.because(sentence));
    }
    if args.cvat_listen.is_some_and(|listen| !listen.ip().is_loopback()) {
        voice.warn("whoever reaches CVAT's address may use it: CVAT sends no token");
    }
    Ok(Access { tokens, hosts: args.allow_host.clone(), origins: args.cors.clone() })
}

fn label_studio(args: &ServeArgs) -> Result<Option<LabelStudio>> {
    let Some(url) = &args.label_studio_url else { return Ok(None) };
    let url = url.trim_end_matches('/').to_owned();
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        let sentence =
            "--label-studio-url: expected an address that begins with http:// or https://";
        return Err(Exit::Usage.because(sentence));
    }
    let key = match &args.label_studio_key_file {
        Some(path) => lines(path, "--label-studio-key-file")?.into_iter().next(),
        None => std::env::var("LABEL_STUDIO_API_KEY").ok().filter(|key| !key.is_empty()),
    };
    Ok(Some(LabelStudio { url, key }))
}

/// The largest file of tokens that is read.
const MAX_TOKENS: u64 = 1 << 20;

/// The lines of a file that are not empty; there is one at least.
fn lines(path: &Path, option: &str) -> Result<Vec<String>> {
    let bad = |why: String| Exit::Usage.because(format!("{option}: {why}"));
    let file = files::open(path).map_err(|error| bad(error.to_string()))?;
    let mut text = String::new();
    let read = file.take(MAX_TOKENS + 1).read_to_string(&mut text);
    read.map_err(|error| bad(format!("{}: {error}", path.display())))?;
    if text.len() as u64 > MAX_TOKENS {
        return Err(bad(format!("{} is too large for a file of tokens", path.display())));
    }
    let lines: Vec<_> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    match lines.is_empty() {
        true => Err(bad(format!("{} holds no token", path.display()))),
        false => Ok(lines),
    }
}
