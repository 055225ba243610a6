//! Collectors of syslog: systems that the town has already, and that take lines over TLS.

use super::page::{Page, Section};
use super::{Tlp, tlp};

/// Collectors at most.
pub const COLLECTORS_MAX: usize = 4;
/// The port of syslog over TLS (RFC 5425, 4.1).
const PORT: u16 = 6514;

/// A system that takes lines of syslog over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// Who it is, for people and the log of what left.
    pub name: String,
    /// Its name, as its certificate has it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `syslog` or `cef`.
    pub format: String,
    /// The strictest mark that it is cleared for.
    pub tlp: Tlp,
}

/// Reads the sections `[[collector]]`.
pub(super) fn collectors(whole: &Section<'_>, page: &mut Page<'_>) -> Option<Vec<Collector>> {
    let sections = whole.several("collector", COLLECTORS_MAX, page);
    let read = sections.iter().map(|section| collector(section, page)).collect::<Vec<_>>();
    for (number, (section, of)) in sections.iter().zip(&read).enumerate() {
        let address = |of: &Option<Collector>| of.as_ref().map(|of| (of.host.clone(), of.port));
        let mut before = read.iter().take(number).filter_map(address);
        if address(of).is_some_and(|own| before.any(|other| other == own)) {
            section.wrong("address", "another collector has it: each has to have its own", page);
        }
    }
    read.into_iter().collect()
}

fn collector(section: &Section<'_>, page: &mut Page<'_>) -> Option<Collector> {
    section.only(&["name", "address", "format", "tlp"], page);
    let name = section.text("name", "who it is", page);
    let address = section.text("address", "its name and port, \"siem.example.it:6514\"", page);
    let address = address.and_then(|address| {
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) => (host.to_owned(), port.parse().ok().filter(|port| *port > 0)),
            None => (address.clone(), Some(PORT)),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        let sound = !host.is_empty() && host.len() <= 253 && host.bytes().all(plain);
        let address = port.filter(|_| sound).map(|port| (host, port));
        if address.is_none() {
            let what = "no name with a port: write \"siem.example.it:6514\"";
            section.wrong("address", what, page);
        }
        address
    });
    let format = section.optional_text("format", page).unwrap_or_else(|| "syslog".to_owned());
    if !matches!(format.as_str(), "syslog" | "cef") {
        section.wrong("format", &format!("{format:?} is neither \"syslog\" nor \"cef\""), page);
    }
    let tlp = tlp(section, "tlp", page);
    let (host, port) = address?;
    Some(Collector { name: name?, host, port, format, tlp: tlp? })
}
