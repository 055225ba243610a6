//! Metrics that the site sends by itself, where nobody can come in to read them.

use super::page::{Page, Section};

/// Where metrics go, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The receiver of Prometheus remote-write, `https://`.
    pub url: String,
    /// Seconds between two.
    pub seconds: u64,
}

/// Reads the section `[metrics]`; `None` when there is none, or something in it is wrong, which is
/// then told.
pub(super) fn push(section: &Section<'_>, page: &mut Page<'_>) -> Option<Push> {
    section.only(&["url", "seconds"], page);
    let url = section.text("url", "the receiver, https://HOST/api/v1/write", page)?;
    if !is_address(&url) {
        section.wrong("url", &format!("{url:?}: write https://HOST/api/v1/write"), page);
    }
    let seconds = section.number_within("seconds", 60, 1, 3600, page);
    Some(Push { url, seconds })
}

/// Whether it is an address of a file behind TLS, without a user.
pub(super) fn is_address(url: &str) -> bool {
    let host = url.strip_prefix("https://").and_then(|rest| rest.split('/').next());
    host.is_some_and(|host| !host.is_empty() && !host.contains('@'))
        && url.bytes().all(|byte| byte.is_ascii_graphic())
}
