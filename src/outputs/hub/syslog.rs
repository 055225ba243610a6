//! Syslog (RFC 5424), for the SOC that a town has already: one line for each event, at most
//! [`LINE_BYTES_MAX`] bytes, what is structured in an element of its own, and the title as text.
//! Over TLS (RFC 5425) each line stands behind its length: [`framed`].

use serde_json::Value;

use super::Format;
use super::cleared::{Cleared, Infrastructure, Party};
use super::identity::Identity;
use super::time::millis;
use crate::record::Level;
use crate::time::Timestamp;

/// Bytes of a line at most: what every receiver should take (RFC 5425, 4.3.1).
pub const LINE_BYTES_MAX: usize = 2048;
/// Of these, for the text at the end.
const TEXT_BYTES_MAX: usize = 640;
/// Bytes of one value at most.
const VALUE_BYTES_MAX: usize = 160;
/// `local0` (RFC 5424, table 1).
const FACILITY: u8 = 16;
/// The element. The number is that of RFC 5612, for whoever has none registered.
const ELEMENT: &str = "rivellino@32473";

/// Makes lines of syslog in the name of one sensor.
pub struct Syslog {
    host: String,
}

impl Syslog {
    /// In the name of `identity`.
    pub fn new(identity: &Identity) -> Self {
        Self { host: host(identity) }
    }
}

/// The sensor as a name of a host: `comune-082053-1`.
pub fn host(identity: &Identity) -> String {
    let office = identity.office().map(|office| format!("-{}", office.to_ascii_lowercase()));
    format!("comune-{}{}-{}", identity.istat(), office.unwrap_or_default(), identity.sensor())
}

/// The names and values of an event, for formats of lines. Values are of one line.
pub(super) fn pairs(of: &Cleared) -> Vec<(&'static str, String)> {
    let [gid, sid, rev] = of.number;
    let mut pairs = vec![
        ("detector", of.detector.clone()),
        ("level", of.level.name().to_owned()),
        ("confidence", of.confidence.to_string()),
        ("signature", format!("{gid}:{sid}:{rev}")),
        ("tlp", of.tlp.name().to_owned()),
    ];
    for (party, address_is, pseudonym_is, port_is) in
        [(&of.source, "src", "srcHost", "spt"), (&of.destination, "dst", "dstHost", "dpt")]
    {
        let port = match party {
            Some(Party::External { address, port }) => {
                pairs.push((address_is, address.to_string()));
                *port
            }
            Some(Party::Internal { role, pseudonym, port }) => {
                pairs.push((pseudonym_is, format!("{} {pseudonym}", role.name())));
                *port
            }
            None => None,
        };
        pairs.extend(port.map(|port| (port_is, port.to_string())));
    }
    pairs.extend(of.transport.iter().map(|name| ("proto", name.clone())));
    pairs.extend(of.application.iter().map(|name| ("app", name.clone())));
    let domain = of.infrastructure.iter().find_map(|what| match what {
        Infrastructure::Domain(domain) => Some(domain.clone()),
        Infrastructure::Address(_) => None,
    });
    pairs.extend(domain.map(|domain| ("domain", domain)));
    if !of.techniques.is_empty() {
        pairs.push(("technique", of.techniques.join(" ")));
    }
    if !of.acn.is_empty() {
        pairs.push(("acn", of.acn.join(" ")));
    }
    if let Some([score, threshold]) = of.score {
        pairs.push(("score", score.to_string()));
        pairs.push(("threshold", threshold.to_string()));
    }
    pairs.into_iter().map(|(key, value)| (key, one_line(&value, VALUE_BYTES_MAX))).collect()
}

/// At most so many bytes, without characters that would end a line.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    for c in text.chars() {
        let c = if c.is_control() { ' ' } else { c };
        if line.len() + c.len_utf8() > most {
            break;
        }
        line.push(c);
    }
    line
}

/// A line behind its length (RFC 6587, octet counting; RFC 5425).
pub fn framed(line: &str) -> Vec<u8> {
    format!("{} {line}", line.len()).into_bytes()
}

/// A line of another format in a frame of syslog.
pub fn wrapped(line: &str, identity: &Identity, now: Timestamp) -> String {
    // A warning: how grave it is, the line says.
    format!("<{}>1 {} {} rivellino - cef - {line}", FACILITY * 8 + 4, millis(now), host(identity))
}

impl Format for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn preamble(&self) -> Vec<Value> {
        Vec::new()
    }

    fn objects(&self, of: &Cleared) -> Vec<Value> {
        let severity = match of.level {
            Level::Critical => 2,
            Level::High => 3,
            Level::Medium => 4,
            Level::Low => 5,
            Level::Info => 6,
        };
        let kind = if of.incident.is_some() { "incident" } else { "event" };
        let mut line = format!(
            "<{}>1 {} {} rivellino - {kind} [{ELEMENT}",
            FACILITY * 8 + severity,
            millis(of.at),
            self.host
        );
        for (key, value) in pairs(of) {
            // RFC 5424, 6.3.3.
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]");
            let more = format!(" {key}=\"{value}\"");
            if line.len() + more.len() + TEXT_BYTES_MAX < LINE_BYTES_MAX - 8 {
                line.push_str(&more);
            }
        }
        // Without the mark that says UTF-8 (6.4): the guard lets pass no character that is not seen.
        line.push_str("] ");
        let title = one_line(&of.title, TEXT_BYTES_MAX / 2);
        let text =
            if of.explanation.is_empty() { title } else { format!("{title}: {}", of.explanation) };
        line.push_str(&one_line(&text, TEXT_BYTES_MAX));
        vec![Value::String(line)]
    }

    /// Each line for itself.
    fn batch(&self, objects: Vec<Value>, _: Timestamp) -> Vec<Value> {
        objects
    }
}
