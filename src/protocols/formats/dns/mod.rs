//! Messages of the domain name system (RFC 1035, section 4), which DNS, DNS over HTTPS,
//! multicast DNS and LLMNR carry: how they are read, what rules read from them, how EVE shows them.

mod describe;
pub mod events;
mod fields;
mod message;
pub mod multicast;
mod name;

pub use message::{
    Data, Faults, HEADER_BYTES, Message, Question, Record, Section, Span, fits, rrtype, whole,
};
pub use name::NameFaults;
