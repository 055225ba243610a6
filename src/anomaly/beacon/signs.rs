//! What of a host's calls to one place makes them suspicious, and what speaks for them.

use std::net::IpAddr;

use super::calls::Rhythm;
use super::{Pair, domain};

/// Requests that say something of how a program asks.
const REQUESTS_MIN: u32 = 6;
/// As few different pages as that, asked again and again.
const PAGES_MAX: usize = 4;
/// From so constant sizes on they count as the same.
const SAME_SIZE: f64 = 0.9;
/// The answer may vary more: its first holds the certificate.
const SAME_ANSWER: f64 = 0.6;
/// Bytes from which on a message is more than a sign of life.
const SAYS_SOMETHING: f64 = 100.0;
/// From so regular calls on they count as clockwork.
const CLOCKWORK: f64 = 0.95;
/// Hosts of ours from which on it says something that only one goes somewhere.
const HOSTS_MIN: usize = 5;
/// Visitors from which on a place is one where people go.
pub(super) const COMMON: u8 = 3;
/// Ports on which HTTP and TLS are usual.
const HTTP_PORTS: &[u16] = &[80, 8080, 8000, 8008, 8081, 3128];
const TLS_PORTS: &[u16] = &[443, 8443];

/// Owners whose programs tell of themselves, look for updates or keep a line open everywhere.
const WELL_KNOWN: &[&str] = &[
    "adobe.com",
    "amazon.com",
    "amazontrust.com",
    "android.com",
    "anydesk.com",
    "apple.com",
    "avast.com",
    "avg.com",
    "bing.com",
    "bitdefender.com",
    "bitdefender.net",
    "canonical.com",
    "cloudflare.com",
    "debian.org",
    "digicert.com",
    "dropbox.com",
    "drweb.com",
    "eset.com",
    "facebook.com",
    "fbcdn.net",
    "firefox.com",
    "fortinet.com",
    "fortinet.net",
    "ggpht.com",
    "google-analytics.com",
    "google.com",
    "google.it",
    "googleapis.com",
    "googlevideo.com",
    "gstatic.com",
    "hp.com",
    "icloud.com",
    "instagram.com",
    "kaspersky.com",
    "lencr.org",
    "live.com",
    "live.net",
    "mcafee.com",
    "microsoft.com",
    "microsoftonline.com",
    "mozilla.com",
    "mozilla.net",
    "mozilla.org",
    "msedge.net",
    "msftconnecttest.com",
    "msftncsi.com",
    "msn.com",
    "nvidia.com",
    "office.com",
    "office.net",
    "office365.com",
    "onedrive.com",
    "outlook.com",
    "sectigo.com",
    "sentinelone.net",
    "sharepoint.com",
    "skype.com",
    "slack.com",
    "sophos.com",
    "sophosxl.net",
    "spotify.com",
    "symantec.com",
    "teamviewer.com",
    "trendmicro.com",
    "ubuntu.com",
    "webex.com",
    "whatsapp.com",
    "whatsapp.net",
    "windows.com",
    "windowsupdate.com",
    "youtube.com",
    "ytimg.com",
    "zoom.us",
];

/// What a pair's calls speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Speech {
    /// Nothing that is known.
    #[default]
    Unknown,
    Http,
    Tls,
    Quic,
}

impl Speech {
    /// As people call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Http => "HTTP",
            Self::Tls => "TLS",
            Self::Quic => "QUIC",
        }
    }
}

/// What was read in requests and greetings of a pair.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Manner {
    /// The server's certificate is signed by itself.
    pub(super) self_signed: bool,
    /// Hash of the program's greeting in TLS.
    pub(super) print: u64,
    /// None before the first request of HTTP.
    pub(super) web: Option<Box<Web>>,
}

/// How a pair's calls by HTTP look.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Web {
    pub(super) requests: u32,
    /// Of them by what calls itself a browser but sends nothing else that browsers do.
    pub(super) disguised: u32,
    /// Hashes of different pages.
    pages: Vec<u32>,
}

impl Manner {
    /// Bytes that it points to.
    pub(super) fn memory(&self) -> usize {
        let of = |web: &Web| size_of::<Web>() + web.pages.capacity() * size_of::<u32>();
        self.web.as_deref().map_or(0, of)
    }
}

impl Web {
    /// Takes a page that was asked for.
    pub(super) fn page(&mut self, hash: u32) {
        if self.pages.len() <= PAGES_MAX && !self.pages.contains(&hash) {
            self.pages.push(hash);
        }
    }
}

/// What is known of a pair from elsewhere.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    /// Hosts of ours that go there, up to [`COMMON`].
    pub(super) visitors: u8,
    /// Hosts of ours that were seen greeting or calling.
    pub(super) hosts: usize,
    /// The program is used by this host for this place alone, among others that it has.
    pub(super) own_program: bool,
    /// Both are ours: how far apart, 0 for a peer outside.
    pub(super) nearness: f64,
}

/// A sign and its weight; the weights add up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sign {
    pub(super) weight: f64,
    pub(super) it: &'static str,
    pub(super) en: &'static str,
}

const fn sign(weight: f64, it: &'static str, en: &'static str) -> Sign {
    Sign { weight, it, en }
}

/// The signs of a pair.
pub(super) fn signs(
    pair: &Pair,
    (name, port): (Option<&str>, u16),
    rhythm: &Rhythm,
    around: &Around,
) -> Vec<Sign> {
    let mut signs = Vec::new();
    let manner = &pair.manner;
    let home = around.nearness > 0.0;
    if name.is_none() {
        nameless(pair, &mut signs);
    }
    if manner.self_signed && !home {
        signs.push(sign(
            1.5,
            "il certificato del server è firmato da sé stesso",
            "the server's certificate is signed by itself",
        ));
    }
    let web = manner.web.as_deref().filter(|web| web.requests >= REQUESTS_MIN);
    if web.is_some_and(|web| web.disguised * 2 > web.requests) {
        signs.push(sign(
            1.5,
            "il programma si dichiara un browser ma non si comporta come tale",
            "the program calls itself a browser but does not behave like one",
        ));
    }
    if web.is_some_and(|web| web.pages.len() <= PAGES_MAX) {
        signs.push(sign(
            0.5,
            "chiede sempre le stesse pagine",
            "it always asks for the same pages",
        ));
    }
    port_signs(pair, port, home, &mut signs);
    if around.own_program && name.is_some() {
        signs.push(sign(
            1.5,
            "il programma che chiama non parla con nessun altro e nessun altro lo usa",
            "the program that calls speaks with nobody else, and nobody else uses it",
        ));
    }
    if around.visitors == 1 && around.hosts >= HOSTS_MIN && !home {
        signs.push(sign(
            0.5,
            "nessun'altra macchina della rete va a quell'indirizzo",
            "no other machine of the network goes there",
        ));
    }
    if rhythm.sizes[0] >= SAME_SIZE && rhythm.sizes[1] >= SAME_ANSWER {
        signs.push(sign(
            0.5,
            "domande e risposte hanno sempre la stessa lunghezza",
            "questions and answers always have the same length",
        ));
    }
    if rhythm.time >= CLOCKWORK {
        signs.push(sign(0.5, "le pause sono quasi identiche", "the pauses are nearly equal"));
    }
    against(pair, name, rhythm, around, &mut signs);
    signs
}

fn nameless(pair: &Pair, signs: &mut Vec<Sign>) {
    signs.push(sign(
        2.0,
        "l'altro capo è un indirizzo senza nome",
        "the other end is an address without a name",
    ));
    if matches!(pair.speech, Speech::Tls | Speech::Quic) {
        signs.push(sign(
            0.5,
            "la connessione cifrata non dice a quale sito è diretta",
            "the encrypted connection does not say to which site it goes",
        ));
    }
}

fn port_signs(pair: &Pair, port: u16, home: bool, signs: &mut Vec<Sign>) {
    let usual = match pair.speech {
        Speech::Http => HTTP_PORTS,
        Speech::Tls | Speech::Quic => TLS_PORTS,
        Speech::Unknown => {
            signs.push(sign(
                0.5,
                "il protocollo non è riconosciuto",
                "the protocol is not one that is known",
            ));
            return;
        }
    };
    if !usual.contains(&port) {
        let weight = if home { 0.5 } else { 1.0 };
        signs.push(sign(weight, "la porta è insolita", "the port is an unusual one"));
    }
}

/// What speaks for the calls.
fn against(
    pair: &Pair,
    name: Option<&str>,
    rhythm: &Rhythm,
    around: &Around,
    signs: &mut Vec<Sign>,
) {
    if around.nearness > 0.0 {
        signs.push(sign(
            -around.nearness,
            "l'altro capo è nella rete interna",
            "the other end is in the internal network",
        ));
    }
    // A line that is kept open and only says that it is still there, or carries voices.
    let small = rhythm.bytes.iter().any(|bytes| *bytes < SAYS_SOMETHING);
    if pair.speech == Speech::Unknown && (pair.datagrams || (pair.flows <= 2 && small)) {
        signs.push(sign(
            -2.5,
            "può essere soltanto una linea tenuta aperta",
            "it may only be a line that is kept open",
        ));
    }
    if around.visitors >= COMMON {
        signs.push(sign(
            -2.0,
            "anche altre macchine della rete vanno lì",
            "other machines of the network go there too",
        ));
    }
    if name.is_some_and(is_well_known) {
        signs.push(sign(
            -3.0,
            "il nome è di un fornitore molto diffuso",
            "the name is that of a very common vendor",
        ));
    }
}

/// Whether a name's owner is one whose programs are everywhere.
pub(super) fn is_well_known(name: &str) -> bool {
    let owner = domain::split(name.as_bytes()).map_or(&[][..], |split| split.domain);
    WELL_KNOWN.iter().any(|known| owner.eq_ignore_ascii_case(known.as_bytes()))
}

/// How near two hosts of ours are: what speaks for their talk. 0 for addresses of different
/// private blocks, which one office seldom has both of.
pub(super) fn nearness(host: IpAddr, peer: IpAddr) -> f64 {
    const SAME_SUBNET: f64 = 2.5;
    const SAME_BLOCK: f64 = 1.5;
    match (host, peer) {
        (IpAddr::V4(host), IpAddr::V4(peer)) => {
            let (host, peer) = (host.octets(), peer.octets());
            if host[..3] == peer[..3] {
                SAME_SUBNET
            } else if host[0] == peer[0] {
                SAME_BLOCK
            } else {
                0.0
            }
        }
        _ => SAME_SUBNET,
    }
}
