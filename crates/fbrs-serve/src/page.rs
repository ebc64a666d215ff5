//! The page: a photo, clicks, masks, in a browser.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{Html, IntoResponse};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// One file that asks for no other.
const PAGE: &str = include_str!("page/index.html");

/// What the page may do: run its own script and style, ask its own server.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let (style, script) = (hash(inside(PAGE, "style")), hash(inside(PAGE, "script")));
    format!(
        "default-src 'none'; style-src '{style}'; script-src '{script}'; img-src 'self' blob: data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

pub(crate) async fn page() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Html(PAGE))
}

/// What is inside the page's element of that name; it has one.
fn inside<'a>(page: &'a str, element: &str) -> &'a str {
    let begin = page.find(&format!("<{element}")).and_then(|at| page.get(at..));
    let begin = begin.and_then(|page| page.split_once('>')).map(|(_, rest)| rest);
    begin.and_then(|rest| rest.split_once(&format!("</{element}>"))).map_or("", |(text, _)| text)
}

fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_one_script_and_one_style_and_nothing_from_elsewhere() {
        for element in ["style", "script"] {
            assert_eq!(PAGE.matches(&format!("<{element}")).count(), 1, "{element}");
            assert!(inside(PAGE, element).len() > 100, "{element}");
        }
        for outside in
            ["src=\"http", "href=\"http", "url(http", "@import", " style=\"", " onclick="]
        {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }
}
