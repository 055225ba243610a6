//! Tests of the two addresses of a packet by what is known of them elsewhere.

use std::net::IpAddr;

use super::places::LastPlaces;

/// Which end of a packet a test is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Either one is enough.
    Any,
    /// Both.
    Both,
    /// The source.
    Source,
    /// The destination.
    Destination,
}

/// What rules call them.
pub const ENDS: [(&str, Ends); 5] = [
    ("any", Ends::Any),
    ("both", Ends::Both),
    ("src", Ends::Source),
    ("dst", Ends::Destination),
    ("dest", Ends::Destination),
];

impl Ends {
    /// As rules name it.
    pub fn of(word: &str) -> Option<Self> {
        ENDS.iter().find(|(known, _)| *known == word).map(|(_, ends)| *ends)
    }

    /// Whether the test holds for the ends that it is about.
    pub fn hold(self, source: IpAddr, destination: IpAddr, test: impl Fn(IpAddr) -> bool) -> bool {
        match self {
            Self::Any => test(source) || test(destination),
            Self::Both => test(source) && test(destination),
            Self::Source => test(source),
            Self::Destination => test(destination),
        }
    }
}

/// A test of source and destination, as the rule sees them.
pub trait EndsTest: Send + Sync {
    /// Whether it holds; `last` knows the countries that were asked for before.
    fn holds(&self, source: IpAddr, destination: IpAddr, last: &LastPlaces) -> bool;

    /// Whether it is asked at every packet, or once for each flow and direction where the rule asks
    /// for nothing else.
    fn every_packet(&self) -> bool;
}
