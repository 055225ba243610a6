//! What findings and alerts come to together.

use super::Level;
use crate::time::Timestamp;

/// Findings and alerts that belong together, as they stand at one of its turns.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Day of its first clue and eight hexadecimal digits, the same in every run and in all
    /// records of the incident: `20250311-4f2a9c1e`.
    pub id: String,
    /// Which turn it takes.
    pub turn: Turn,
    /// How grave it is so far; never falls.
    pub level: Level,
    /// Sum of the clues' weights, each halved every half hour, now.
    pub score: f64,
    /// The score that opens an incident.
    pub threshold: f64,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// Whether somebody is to be told of it now.
    pub notice: Notice,
    /// One line, Italian.
    pub title_it: String,
    /// One line, English.
    pub title_en: String,
    /// Who did it: the first 16.
    pub sources: Vec<std::net::IpAddr>,
    /// How many did it.
    pub sources_total: u64,
    /// To whom: the first 32.
    pub targets: Vec<std::net::IpAddr>,
    /// To how many.
    pub targets_total: u64,
    /// Stages of an attack that were reached, in the order of an attack: `reconnaissance`.
    pub stages: Vec<&'static str>,
    /// The first clue.
    pub first: Timestamp,
    /// The last clue.
    pub last: Timestamp,
    /// What happened, in order: the first 24 entries and the last 8.
    pub timeline: Vec<TimelineEntry>,
    /// Entries that are left out between them.
    pub timeline_omitted: u64,
    /// Detectors and signatures that spoke, in the order of their first word: the first 32.
    pub causes: Vec<Cause>,
    /// Words of others that are counted nowhere else.
    pub causes_omitted: u64,
    /// Flow identifiers that show it: the first 32.
    pub evidence: Vec<u64>,
    /// ATT&CK techniques: the first 16.
    pub techniques: Vec<String>,
    /// Tags of the `acn` taxonomy: the first 16.
    pub acn: Vec<String>,
    /// Plain words, Italian: what happened in order, how sure, what to do now.
    pub explain_it: String,
    /// Plain words, English.
    pub explain_en: String,
}

/// Why an incident is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Enough came together.
    Opened,
    /// Its level rose.
    Graver,
    /// A further stage of an attack was reached.
    Stage,
    /// One that was attacked attacks others.
    Spread,
    /// Nothing new came for hours.
    Quiet,
    /// It has been open for a day: what goes on is told as another.
    Aged,
    /// A newer incident took its place in memory.
    Displaced,
    /// The input is at its end.
    End,
}

impl Turn {
    /// As EVE writes it: what becomes of the incident, and why.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Opened => ("opened", "score"),
            Self::Graver => ("updated", "level"),
            Self::Stage => ("updated", "stage"),
            Self::Spread => ("updated", "spread"),
            Self::Quiet => ("closed", "quiet"),
            Self::Aged => ("closed", "age"),
            Self::Displaced => ("closed", "displaced"),
            Self::End => ("closed", "end"),
        }
    }
}

/// Whether somebody is to be told of an incident now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Yes.
    Sent,
    /// It would be, but for the most that are told in a day.
    Folded,
    /// No: it is below medium, or was told before.
    None,
}

/// One line of an incident's story.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TimelineEntry {
    /// The first time.
    pub at: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
    /// Generator.
    pub gid: u32,
    /// Signature number.
    pub sid: u32,
    /// Title of the first finding, or message of the signature.
    pub title: String,
    /// How grave.
    pub level: Level,
    /// Who.
    pub source: Option<std::net::IpAddr>,
    /// To whom.
    pub target: Option<std::net::IpAddr>,
}

/// A detector or signature that spoke in an incident.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cause {
    /// Generator: 9100 and up for detectors.
    pub gid: u32,
    /// Signature number; 0 for a detector, all of whose findings count as one.
    pub sid: u32,
    /// The detector's name or the signature's message.
    pub name: String,
    /// The signature's message in Italian; empty where it has none.
    pub name_it: String,
    /// How often it spoke.
    pub count: u64,
    /// How grave, at most.
    pub level: Level,
    /// How sure, at most.
    pub confidence: f64,
    /// The first time.
    pub first: Timestamp,
    /// Who did it, the first time that it was as grave.
    pub source: Option<std::net::IpAddr>,
    /// To whom, that time.
    pub target: Option<std::net::IpAddr>,
    /// Hosts that did it, and hosts to which it was done, at most of those findings and alerts.
    pub hosts: [u64; 2],
}
