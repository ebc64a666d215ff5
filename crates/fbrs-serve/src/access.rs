//! Who is let in: tokens, names of the server, origins of pages.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Request, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::Access;
use crate::desk::names::hex;
use crate::engine::Owner;
use crate::problem::{Code, Problem, Result};

/// What requests are held against. Tokens are held as digests: comparing those takes the same time
/// whatever they are.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    tokens: Vec<[u8; 32]>,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Gate {
    pub(crate) fn new(access: &Access, listen: SocketAddr) -> Self {
        let mut hosts: Vec<_> = access.hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        hosts.extend(["localhost".to_owned(), listen.ip().to_string()]);
        let tokens = access.tokens.iter().map(|token| digest(token)).collect();
        Self { tokens, hosts, origins: access.origins.clone() }
    }

    pub(crate) fn wants_token(&self) -> bool {
        !self.tokens.is_empty()
    }

    pub(crate) fn origins(&self) -> &[String] {
        &self.origins
    }

    /// A text for each owner that stays the same from start to start and tells nothing.
    pub(crate) fn owners(&self) -> Vec<String> {
        match self.tokens.is_empty() {
            true => vec![String::new()],
            false => self.tokens.iter().map(|token| hex(token)).collect(),
        }
    }

    /// Whose a request is.
    ///
    /// # Errors
    /// [`Code::Unauthorized`].
    pub(crate) fn owner(&self, headers: &HeaderMap) -> Result<Owner> {
        if !self.wants_token() {
            return Ok(Owner(0));
        }
        let Some(sent) = sent_token(headers) else {
            let why = "a token is needed: send the header \"authorization: Bearer TOKEN\"";
            return Err(Problem::new(Code::Unauthorized, why));
        };
        let sent = digest(&sent);
        // All are compared, so that the time does not tell which it was.
        let mut found = None;
        for (number, token) in self.tokens.iter().enumerate() {
            if bool::from(token.ct_eq(&sent)) {
                found = Some(Owner(number));
            }
        }
        found
            .ok_or_else(|| Problem::new(Code::Unauthorized, "the token is not one of the server's"))
    }

    /// Refuses requests for another name: a page that made its own name lead here would be let in
    /// else. Addresses cannot be made to lead elsewhere.
    ///
    /// # Errors
    /// [`Code::Forbidden`].
    pub(crate) fn check_host<B>(&self, request: &Request<B>) -> Result<()> {
        let mut all = request.headers().get_all(header::HOST).iter();
        let (sent, second) = (all.next().and_then(|host| host.to_str().ok()), all.next());
        if second.is_some() {
            return Err(Problem::new(Code::BadRequest, "the header \"host\" came twice"));
        }
        let authority = request.uri().authority().map(|authority| authority.as_str());
        let Some(host) = sent.or(authority) else {
            // Old probes say no name, and learn nothing.
            return match request.uri().path() {
                "/healthz" | "/readyz" => Ok(()),
                _ => Err(Problem::new(Code::BadRequest, "the header \"host\" is missing")),
            };
        };
        let name = without_port(host).to_ascii_lowercase();
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        if is_address || self.hosts.contains(&name) {
            return Ok(());
        }
        let why = "the server is not known by this name: --allow-host adds one";
        Err(Problem::new(Code::Forbidden, why))
    }

    /// Refuses requests of other servers' pages.
    ///
    /// # Errors
    /// [`Code::Forbidden`].
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<()> {
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or("");
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let is_own = own.is_some() && own == host;
        if is_own || self.origins.iter().any(|allowed| allowed == origin) {
            return Ok(());
        }
        let why = "pages of this origin are not let in: --cors ORIGIN adds one";
        Err(Problem::new(Code::Forbidden, why))
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The token of a request: as Bearer, as Basic's password, as `Token`, or in a header of its own.
fn sent_token(headers: &HeaderMap) -> Option<String> {
    let own = headers.get("token").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let Some(sent) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())
    else {
        return own;
    };
    let (scheme, rest) = sent.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => Some(rest.trim().to_owned()),
        "basic" => {
            let decoded = BASE64_STANDARD.decode(rest.trim()).ok()?;
            let text = String::from_utf8(decoded).ok()?;
            text.split_once(':').map(|(_, password)| password.to_owned())
        }
        _ => own,
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of an address in brackets are not its port's.
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn gate() -> Gate {
        let access = Access {
            tokens: vec!["first".to_owned(), "second".to_owned()],
            hosts: vec!["Masks.example".to_owned()],
            origins: vec!["https://tool.example".to_owned()],
        };
        Gate::new(&access, SocketAddr::from(([127, 0, 0, 1], 8765)))
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_token_is_taken_in_every_form() {
        let gate = gate();
        for (name, value) in [
            ("authorization", "Bearer second"),
            ("authorization", "bearer second"),
            ("authorization", "Token second"),
            // any name, "second" as the password
            ("authorization", "Basic YW5ub3RhdG9yOnNlY29uZA=="),
            ("token", "second"),
        ] {
            assert_eq!(gate.owner(&headers(&[(name, value)])).unwrap(), Owner(1), "{name} {value}");
        }
        for (name, value) in [
            ("authorization", "Bearer third"),
            ("authorization", "Bearer"),
            ("authorization", "Basic !!"),
            ("authorization", "Bearer first "),
        ] {
            let owner = gate.owner(&headers(&[(name, value)]));
            assert_eq!(owner.is_ok(), value == "Bearer first ", "{value}");
        }
        assert_eq!(gate.owner(&HeaderMap::new()).unwrap_err().code, Code::Unauthorized);
    }

    #[test]
    fn names_and_origins_of_others_are_refused() {
        let gate = gate();
        let with = |pairs: &[(&'static str, &str)], path: &str| {
            let mut request = Request::builder().uri(path).body(()).unwrap();
            *request.headers_mut() = headers(pairs);
            request
        };
        let host = |host: &str| gate.check_host(&with(&[("host", host)], "/")).is_ok();
        for name in [
            "localhost:8765",
            "127.0.0.1",
            "[::1]:8765",
            "10.0.0.7:80",
            "masks.example",
            "LOCALHOST",
        ] {
            assert!(host(name), "{name}");
        }
        for name in ["evil.example", "localhost.evil.example:8765", "127.0.0.1.evil.example"] {
            assert!(!host(name), "{name}");
        }
        assert!(gate.check_host(&with(&[], "/")).is_err());
        assert!(gate.check_host(&with(&[], "/healthz")).is_ok());
        let mut twice = with(&[("host", "localhost")], "/");
        twice.headers_mut().append("host", "evil.example".parse().unwrap());
        assert!(gate.check_host(&twice).is_err());
        let origin = |origin: &str| {
            gate.check_origin(&headers(&[("host", "localhost:8765"), ("origin", origin)])).is_ok()
        };
        assert!(origin("http://localhost:8765") && origin("https://tool.example"));
        assert!(!origin("http://localhost:9999") && !origin("null") && !origin("https://evil"));
        assert!(gate.check_origin(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn nothing_printed_holds_a_token() {
        assert!(!format!("{:?}", gate()).contains("first"));
    }
}
