//! How the exchange stands, for the page of metrics.

use super::exchange::Counts;
use super::inbound;
use super::spool::{DROPPED_REASONS, Depth};
use crate::record::Observable;
use crate::time::Timestamp;

/// What became of an attempt to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The recipient has it.
    Accepted,
    /// The recipient is away or busy: it is tried again.
    Later,
    /// It does not go until somebody does something.
    Stopped,
}

impl Attempt {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Later, Self::Stopped];

    /// As counters name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Later => "later",
            Self::Stopped => "stopped",
        }
    }
}

/// What a look for rules of the centre came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Newer ones are in force.
    Installed,
    /// There is nothing newer.
    Unchanged,
    /// What was there is refused; the rules in force stay.
    Refused,
    /// Nothing could be had.
    Failed,
}

impl Looked {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Installed, Self::Unchanged, Self::Refused, Self::Failed];

    /// As counters name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What threads of the exchange do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Takes what happens, clears it, keeps it.
    Take,
    /// Sends to a recipient.
    Send,
    /// Reads indicators.
    Poll,
    /// Sends metrics.
    Push,
    /// Sends lines to a collector.
    Forward,
    /// Fetches rules that the centre signed.
    Rules,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Take, Self::Send, Self::Poll, Self::Push, Self::Forward, Self::Rules];

    /// As gauges name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::Send => "send",
            Self::Poll => "poll",
            Self::Push => "push",
            Self::Forward => "forward",
            Self::Rules => "rules",
        }
    }
}

/// Kinds of what indicators name.
pub const KINDS: usize = Observable::KINDS.len();

/// The exchange at one moment; counters since the start, over all recipients.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When it was taken.
    pub now: Timestamp,
    /// Lines that were lost on the way to the exchange.
    pub lost: u64,
    /// What became of events.
    pub events: Counts,
    /// What waits.
    pub queue: Depth,
    /// What was given up, in the order of [`DROPPED_REASONS`]; since the spool was made.
    pub dropped: [u64; DROPPED_REASONS.len()],
    /// Events that recipients have.
    pub sent: u64,
    /// Events that recipients refuse for good.
    pub rejected: u64,
    /// Attempts to send, in the order of [`Attempt::ALL`].
    pub attempts: [u64; Attempt::ALL.len()],
    /// Lines of syslog that collectors have read.
    pub lines_sent: u64,
    /// Attempts to send them, in the order of [`Attempt::ALL`].
    pub line_attempts: [u64; Attempt::ALL.len()],
    /// When something last arrived.
    pub last_sent: Option<Timestamp>,
    /// What became of indicators.
    pub inbound: inbound::Counts,
    /// Readings of collections: that worked, and that did not.
    pub polls: [u64; 2],
    /// When one last worked.
    pub last_poll: Option<Timestamp>,
    /// Hits by kind, in the order of [`Observable::KINDS`].
    pub hits: [u64; KINDS],
    /// When the sensor's certificate ends; 0 for none.
    pub certificate_until: u64,
    /// Looks for rules of the centre, in the order of [`Looked::ALL`].
    pub rules: [u64; Looked::ALL.len()],
    /// The version of the rules of the centre in force; 0 for none.
    pub rules_version: u64,
    /// Threads that broke, in the order of [`Task::ALL`].
    pub broken: [u64; Task::ALL.len()],
}
