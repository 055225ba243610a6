//! Application protocols: one folder each, one list.
//!
//! No parser sees a flow, a rule, an output or another parser. To add one: make its folder, add
//! `mod x;` and one entry of [`PROTOCOLS`].

pub mod bittorrent_dht;
pub mod datagrams;
pub mod dcerpc;
pub mod dhcp;
pub mod dhcpv6;
pub mod dnp3;
pub mod dns;
pub mod enip;
pub mod formats;
pub mod frame;
pub mod ftp;
pub mod ftp_data;
pub mod http;
pub mod http2;
pub mod identify;
pub mod ike;
pub mod imap;
pub mod krb5;
mod ldap;
mod llmnr;
pub mod mdns;
pub mod modbus;
mod mqtt;
pub mod mysql;
pub mod nbns;
pub mod nfs;
pub mod ntp;
pub mod pgsql;
pub mod pop3;
pub mod quic;
pub mod rdp;
pub mod recognise;
pub mod rfb;
mod sip;
pub mod smb;
mod smtp;
pub mod snmp;
pub mod ssh;
pub mod telnet;
pub mod tftp;
pub mod tls;
pub mod transactions;
mod websocket;

use std::net::IpAddr;

use self::frame::Frame;
use crate::field::{Describe, Event, Row, Side, Stage};
use crate::file::{File, Wants};
use crate::net::{Chunk, Direction};
use crate::time::Timestamp;

/// What a probe makes of the first bytes of a direction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Probe {
    /// These bytes are this protocol's.
    Yes,
    /// They are not.
    No,
    /// Too few to tell.
    NeedMore,
}

/// Which transport a protocol runs on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Carrier {
    /// A byte stream.
    Tcp,
    /// Datagrams.
    Udp,
}

/// What a parser tells of what it found.
#[derive(Clone, Debug)]
pub enum Signal {
    /// The fields of `side` up to `stage` are final now.
    Ready {
        /// Number of the transaction within the flow, from 0.
        transaction: u64,
        /// Request or response; `Either` when the thing has no sides.
        side: Side,
        /// How far it came.
        stage: Stage,
    },
    /// Something was wrong.
    Event {
        /// In which transaction, when in one.
        transaction: Option<u64>,
        /// Which side sent it.
        side: Side,
        /// What.
        event: &'static Event,
    },
    /// Nothing will be added to it: log it, then take it away.
    Done {
        /// Number of the transaction.
        transaction: u64,
    },
    /// A file has ended, or all of it that will be kept was seen ([`Parser::file`]): told once a
    /// file, before its transaction is done.
    File {
        /// In which transaction.
        transaction: u64,
        /// Who sends it.
        side: Side,
        /// Its number within the transaction.
        index: u32,
    },
    /// A unit came, as it stood on the wire: told only when [`Wants::frames`] asks for it.
    Frame(Box<Frame>),
    /// Another flow is to come, which carries something for this one (the data of FTP).
    Expect(Box<Expectation>),
    /// The stream goes on as another protocol (CONNECT, Upgrade, STARTTLS): the parser gets
    /// nothing more. With a name that protocol takes over at once; without one the next bytes of
    /// each side are probed.
    Handover(Option<&'static str>),
    /// What comes cannot be understood any more: the parser gets nothing more, rules go on looking at
    /// the bytes.
    Stop,
    /// What comes is encrypted, both ways: the parser gets nothing more, and rules do not look at it.
    Sealed,
}

impl Signal {
    /// Tells that all of a side is final at once: its head, and its body.
    pub fn all_ready(transaction: u64, side: Side, signals: &mut Vec<Self>) {
        for stage in [Stage::Head, Stage::Body] {
            signals.push(Self::Ready { transaction, side, stage });
        }
    }
}

/// A flow that another one announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Where it will be opened to; `None` when it goes to the server of the flow that announces
    /// it. An address other than those of that flow's two ends is not believed.
    pub address: Option<IpAddr>,
    /// The port it will be opened to.
    pub port: u16,
    /// The protocol that it will carry, by name.
    pub protocol: &'static str,
    /// What that protocol's parser is told ([`Parser::expected`]).
    pub context: Vec<u8>,
}

/// What a parser is told beside the bytes.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Packet time.
    pub now: Timestamp,
    /// Which transport carries it.
    pub carrier: Carrier,
    /// The server's port.
    pub server_port: u16,
    /// What is to be learned of files and frames.
    pub files: Wants,
}

/// Bytes of one flow to transactions. Pure: the same bytes give the same transactions, however
/// they are cut.
///
/// A transaction stays where it is, and what a reached stage made final does not change, until
/// [`Parser::take`]: inspection comes after the whole batch is parsed.
pub trait Parser: Send {
    /// Takes the next chunk of a direction and reports through `signals`, in order.
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    );

    /// A live transaction.
    fn transaction(&self, id: u64) -> Option<&dyn Describe>;

    /// Takes a transaction out: after [`Signal::Done`], or when the flow ends.
    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>>;

    /// A file of a live transaction, by the number that [`Signal::File`] gave.
    fn file(&self, _transaction: u64, _index: u32) -> Option<&File> {
        None
    }

    /// The same, to mark it.
    fn file_mut(&mut self, _transaction: u64, _index: u32) -> Option<&mut File> {
        None
    }

    /// Called before the first bytes of a flow that was announced, with [`Expectation::context`].
    fn expected(&mut self, _context: &[u8]) {}

    /// Whether the server may speak first in it: then nothing is wrong when it does.
    fn server_begins(&self) -> bool {
        false
    }

    /// Whether its streams are read to their end, beyond the depth to which others are: what it
    /// carries is long, and comes again and again (files of a share).
    fn is_endless(&self) -> bool {
        false
    }

    /// After [`Signal::Handover`]: how many bytes at the end of the chunk it has left to what
    /// follows.
    fn left_over(&self) -> usize {
        0
    }

    /// Bytes it holds, about: counted against the flow memory limit.
    fn memory(&self) -> usize;
}

/// All that the house knows of a protocol.
pub struct Protocol {
    /// As rules and EVE name it: `http`.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// As EVE names its events and their object (`http` for `http2` too); empty when it has none.
    pub eve: &'static str,
    /// The shape of what it writes, a JSON object that is merged into the published schema of EVE:
    /// `properties` (its object, and what stands beside it) and `$defs` that these refer to. Empty
    /// when it writes nothing.
    pub schema: &'static str,
    /// Whether it carries files: the rows of [`File`] are its transactions' too.
    pub files: bool,
    /// The units that it tells of as they stand on the wire, as rules name them ([`Signal::Frame`]).
    pub frames: &'static [&'static str],
    /// What carries it.
    pub carriers: &'static [Carrier],
    /// Tried first on these server ports; never trusted without `probe`.
    pub ports: &'static [u16],
    /// Whether it is looked for on other ports too: only a strong `probe` may say so.
    pub anywhere: bool,
    /// Whether `ports` count at the client's end too: where a question goes to a group, its answer
    /// is a flow of its own, which begins at the port of who answers.
    pub by_client: bool,
    /// Whether the first bytes of a direction are this protocol's.
    pub probe: fn(Direction, Carrier, &[u8]) -> Probe,
    /// A parser for a new flow.
    pub parser: fn() -> Box<dyn Parser>,
    /// The rows of its transaction.
    pub rows: fn() -> Vec<Row>,
    /// The violations it can name.
    pub events: &'static [&'static Event],
    /// Conversations that tests of all protocols cut, mutate and replay.
    pub samples: &'static [Sample],
}

/// A conversation as data.
pub struct Sample {
    /// What is remarkable in it.
    pub name: &'static str,
    /// Who says what, in order.
    pub turns: &'static [(Direction, &'static [u8])],
}

/// Every protocol, in the order in which they are probed when no port gives a hint.
pub static PROTOCOLS: &[&Protocol] = &[
    &http::PROTOCOL,
    &tls::PROTOCOL,
    &http2::PROTOCOL,
    &ike::PROTOCOL,
    &bittorrent_dht::PROTOCOL,
    &dns::PROTOCOL,
    &modbus::PROTOCOL,
    &quic::PROTOCOL,
    &mdns::PROTOCOL,
    &llmnr::PROTOCOL,
    &nbns::PROTOCOL,
    &dhcp::PROTOCOL,
    &dhcpv6::PROTOCOL,
    &snmp::PROTOCOL,
    &ntp::PROTOCOL,
    &dnp3::PROTOCOL,
    &enip::PROTOCOL,
    &pgsql::PROTOCOL,
    &dcerpc::PROTOCOL,
    &smb::PROTOCOL,
    &krb5::PROTOCOL,
    &smtp::PROTOCOL,
    &sip::PROTOCOL,
    &websocket::PROTOCOL,
    &mqtt::PROTOCOL,
    &mysql::PROTOCOL,
    &ldap::PROTOCOL,
    &ssh::PROTOCOL,
    &ftp::PROTOCOL,
    &ftp_data::PROTOCOL,
    &rdp::PROTOCOL,
    &rfb::PROTOCOL,
    &pop3::PROTOCOL,
    &imap::PROTOCOL,
    &telnet::PROTOCOL,
    &tftp::PROTOCOL,
    &nfs::PROTOCOL,
];
