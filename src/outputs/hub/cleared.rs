//! What may leave of something seen. Formats are made from this and from nothing else: there is no
//! field in which an internal address could stand.

use std::net::IpAddr;

use super::policy::Tlp;
use super::seen::Counters;
use crate::record::Level;
use crate::time::Timestamp;

/// What an internal host is, as far as its place in the conversation tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It was spoken to.
    Server,
    /// It began.
    Client,
    /// It is spoken to in a protocol of industrial devices.
    Plc,
}

impl Role {
    /// As it is written in objects.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Plc => "plc",
        }
    }
}

/// One end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// A host of others, by its address.
    External {
        /// Its address: never of the site, never private.
        address: IpAddr,
        /// Its port.
        port: Option<u16>,
    },
    /// A host of the site, by its pseudonym.
    Internal {
        /// What it is.
        role: Role,
        /// Its pseudonym of this week.
        pseudonym: String,
        /// The port that was spoken to; never the port from which a client spoke.
        port: Option<u16>,
    },
}

/// What belongs to the attacker, as far as can be told, and can be looked for elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Infrastructure {
    /// An address.
    Address(IpAddr),
    /// A registered domain.
    Domain(String),
}

/// A number behind a judgement, made coarse.
#[derive(Clone, Debug, PartialEq)]
pub enum Feature {
    /// A whole number.
    Int(u64),
    /// A number with a fraction.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Several whole numbers: ports.
    List(Vec<u64>),
}

/// An incident as a machine may tell it: a draft, for people to confirm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Whether nothing more comes.
    pub is_closed: bool,
    /// When its first clue came.
    pub first: Timestamp,
    /// External addresses of those who did it.
    pub sources: Vec<IpAddr>,
    /// How many did it, and to how many.
    pub totals: [u64; 2],
}

/// What may leave.
#[derive(Clone, Debug, PartialEq)]
pub struct Cleared {
    /// When it was judged.
    pub at: Timestamp,
    /// When it began.
    pub began: Timestamp,
    /// The detector's name; `signature` for alerts of rules.
    pub detector: String,
    /// Generator, number and revision.
    pub number: [u64; 3],
    /// How grave.
    pub level: Level,
    /// How sure, percent.
    pub confidence: u8,
    /// One line, rewritten.
    pub title: String,
    /// The rule's classification.
    pub category: String,
    /// The explanation in Italian, rewritten; may be empty.
    pub explanation: String,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// Tags of the `acn` taxonomy.
    pub acn: Vec<String>,
    /// What was judged, and against what.
    pub score: Option<[f64; 2]>,
    /// The numbers behind it, sorted by name.
    pub features: Vec<(String, Feature)>,
    /// Who began; none when it is neither of the site nor an address of the world.
    pub source: Option<Party>,
    /// To whom.
    pub destination: Option<Party>,
    /// `tcp`, `udp`, `icmp`.
    pub transport: Option<String>,
    /// The application protocol.
    pub application: Option<String>,
    /// Packets and bytes of the flow.
    pub counters: Option<Counters>,
    /// The indicator of others that was seen here, by its identifier.
    pub reported: Option<String>,
    /// The attacker's, sorted.
    pub infrastructure: Vec<Infrastructure>,
    /// How far it may travel.
    pub tlp: Tlp,
    /// What makes it an incident, if it is one.
    pub incident: Option<Draft>,
    /// What makes it this one and no other: the same in every run, without any internal address.
    pub key: String,
}

/// Why something stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Withheld {
    /// The policy does not name its detector.
    Detector,
    /// It is an alert of a rule, and the policy lets none leave.
    Signature,
    /// It is an incident, and the policy lets no drafts of them leave.
    Incident,
    /// It is not grave enough for the policy.
    Level,
    /// It would need a stricter mark than the policy allows.
    Mark,
    /// The policy's last day is over.
    Expired,
    /// Neither end is in the home networks: one of them may be the site's all the same.
    Unplaced,
    /// A text in it could not be shown to be clean.
    Guard,
}

impl Withheld {
    /// All reasons.
    pub const ALL: [Self; 8] = [
        Self::Detector,
        Self::Signature,
        Self::Incident,
        Self::Level,
        Self::Mark,
        Self::Expired,
        Self::Unplaced,
        Self::Guard,
    ];

    /// As counters name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detector => "detector",
            Self::Signature => "signature",
            Self::Incident => "incident",
            Self::Level => "level",
            Self::Mark => "tlp",
            Self::Expired => "expired",
            Self::Unplaced => "unplaced",
            Self::Guard => "privacy",
        }
    }
}
