//! The protocol word of a header.

use crate::detect::diagnostic::nearest;
use crate::detect::operator::Problem;
use crate::detect::rule::{Carrier, Hook};
use crate::field::{Side, Stage};
use crate::net::ip_protocol as ip;
use crate::protocols::PROTOCOLS;

/// Words of the packet layers: carrier, and the IP version they ask for.
static LAYERS: &[(&str, Carrier, Option<u8>)] = &[
    ("ip", Carrier::Any, None),
    ("pkthdr", Carrier::Any, None),
    ("ip4", Carrier::Any, Some(4)),
    ("ipv4", Carrier::Any, Some(4)),
    ("ip6", Carrier::Any, Some(6)),
    ("ipv6", Carrier::Any, Some(6)),
    ("tcp", Carrier::Ip(&[ip::TCP]), None),
    ("tcp-pkt", Carrier::TcpPacket, None),
    ("tcp-stream", Carrier::TcpStream, None),
    ("udp", Carrier::Ip(&[ip::UDP]), None),
    ("icmp", Carrier::Ip(&[ip::ICMP, ip::ICMPV6]), None),
    ("icmpv4", Carrier::Ip(&[ip::ICMP]), None),
    ("icmpv6", Carrier::Ip(&[ip::ICMPV6]), None),
    ("igmp", Carrier::Ip(&[ip::IGMP]), None),
    ("gre", Carrier::Ip(&[ip::GRE]), None),
    ("esp", Carrier::Ip(&[ip::ESP]), None),
    ("ah", Carrier::Ip(&[ip::AH]), None),
    ("sctp", Carrier::Ip(&[ip::SCTP]), None),
];

/// Application protocols that the language knows (Suricata 8). Those that are in
/// [`PROTOCOLS`] are parsed; rules of the others load and cannot match.
static APPLICATIONS: &[&str] = &[
    "arp",
    "bittorrent-dht",
    "dcerpc",
    "dhcp",
    "dnp3",
    "dns",
    "doh2",
    "enip",
    "ftp",
    "ftp-data",
    "http",
    "http1",
    "http2",
    "ike",
    "imap",
    "irc",
    "jabber",
    "krb5",
    "ldap",
    "mdns",
    "modbus",
    "mqtt",
    "nfs",
    "ntp",
    "pgsql",
    "pop3",
    "quic",
    "rdp",
    "rfb",
    "sip",
    "smb",
    "smtp",
    "snmp",
    "ssh",
    "ssl",
    "telnet",
    "template",
    "tftp",
    "tls",
    "websocket",
];

/// The application protocol of this name, as the sensor itself calls it.
pub fn application_name(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    let ours = canonical(&word);
    let parsed = PROTOCOLS.iter().map(|protocol| protocol.name);
    parsed.chain(APPLICATIONS.iter().copied()).find(|name| *name == ours)
}

/// `http` covers every version that is parsed; `ssl` is what `tls` was called.
fn canonical(word: &str) -> &str {
    match word {
        "http1" => "http",
        "ssl" => "tls",
        other => other,
    }
}

/// The word for what a header asks for.
pub fn protocol_word(carrier: Carrier, ip_version: Option<u8>) -> &'static str {
    match carrier {
        Carrier::Application(index) | Carrier::Alone(index) => {
            PROTOCOLS.get(index).map_or("", |protocol| protocol.name)
        }
        Carrier::Absent => "another",
        _ => LAYERS
            .iter()
            .find(|(_, known, version)| *known == carrier && *version == ip_version)
            .map_or("ip", |(name, ..)| name),
    }
}

/// Moments of packets that the word of a packet layer can be tied to.
static PACKET_HOOKS: &[&str] = &["flow_start", "pre_flow", "pre_stream", "all"];

/// The moment of a transaction that a name stands for: whose half it is of, and the stage that is
/// nearest to it.
pub fn hook(name: &str) -> Option<Hook> {
    let (whose, moment) = name.split_once('_')?;
    let side = match whose {
        "request" | "client" => Side::Request,
        "response" | "server" => Side::Response,
        _ => return None,
    };
    let stage = match moment {
        "started" | "in_progress" | "line" | "headers" | "hello" | "hello_done" | "banner_done"
        | "banner_wait_eol" => Stage::Head,
        "body" | "trailer" | "complete" | "finished" | "data" | "cert_done" | "handshake_done" => {
            Stage::Body
        }
        _ => return None,
    };
    Some(Hook { side, stage })
}

/// What follows the colon of a protocol word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nothing that changes when the rule is looked at.
    Any,
    /// The first packet of a flow each way.
    FlowStart,
    /// A moment of a transaction.
    Of(Hook),
}

/// Splits the moment off a protocol word.
///
/// # Errors
/// When there is no such moment.
pub fn protocol_moment(word: &str) -> Result<(&str, Moment), Problem> {
    let Some((protocol, name)) = word.split_once(':') else { return Ok((word, Moment::Any)) };
    let layer = LAYERS.iter().any(|(known, ..)| known.eq_ignore_ascii_case(protocol));
    let moment = match (layer, hook(name)) {
        (true, _) if name == "flow_start" => Some(Moment::FlowStart),
        (true, _) if PACKET_HOOKS.contains(&name) => Some(Moment::Any),
        (false, Some(hook)) => Some(Moment::Of(hook)),
        _ => None,
    };
    moment.map(|moment| (protocol, moment)).ok_or_else(|| {
        let span = protocol.len() + 1..word.len();
        Problem::spanned("R903", span, format!("a rule cannot be tied to the moment `{name}`"))
            .hint("write the protocol alone: its keywords are tested as soon as they are known")
    })
}

/// What a protocol word asks for, and the IP version if it asks for one. Case is ignored.
///
/// # Errors
/// When the language has no such protocol.
pub fn protocol_carrier(word: &str) -> Result<(Carrier, Option<u8>), Problem> {
    let word = word.to_ascii_lowercase();
    if let Some((_, carrier, version)) = LAYERS.iter().find(|(name, ..)| *name == word) {
        return Ok((*carrier, *version));
    }
    let parsed = canonical(&word);
    if let Some(index) = PROTOCOLS.iter().position(|protocol| protocol.name == parsed) {
        let alone = word == "http1";
        let carrier = if alone { Carrier::Alone(index) } else { Carrier::Application(index) };
        return Ok((carrier, None));
    }
    if APPLICATIONS.contains(&word.as_str()) {
        return Ok((Carrier::Absent, None));
    }
    let layers = LAYERS.iter().map(|(name, ..)| *name);
    let problem = Problem::spanned("R010", 0..word.len(), format!("`{word}` is not a protocol"));
    Err(match nearest(&word, layers.chain(APPLICATIONS.iter().copied())) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint("write ip, tcp, udp, icmp or an application protocol such as http"),
    })
}
