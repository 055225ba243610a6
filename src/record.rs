//! What comes out: alerts, flows, transactions, findings; and what others say is to be looked for.
//!
//! A worker makes records, the merge puts them in order, detectors and outputs read them.

use std::sync::Arc;

use crate::field::{Describe, Event, Node};
use crate::file;
use crate::net::{AddressSet, Direction, Endpoint};
use crate::time::{Duration, Timestamp};

mod captured;
mod incident;
mod indicator;
mod pairs;

pub use captured::{Captured, NamedText, Texts};
pub use incident::{Cause, Incident, Notice, TimelineEntry, Turn};
pub use indicator::{ALTERNATIVES_MAX, Indicator, Observable, TERMS_MAX};
pub use pairs::Pairs;

/// Anything that comes out of the packet path.
pub struct Record {
    /// Number of the packet that caused it, from 1, over all inputs: the order of the merge.
    pub sequence: u64,
    /// Order among records of one sequence number that several workers made (flows that ended
    /// by time): the sequence number of the flow's first packet. 0 when a packet caused it.
    pub tie: u64,
    /// When it happened, in packet time.
    pub timestamp: Timestamp,
    /// Who spoke to whom.
    pub context: Context,
    /// What it is.
    pub body: Body,
}

/// Who spoke to whom: the part that every record shares.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// The flow's identifier, the same in every run; `None` outside of flows.
    pub flow_id: Option<u64>,
    /// Source as the record's kind defines it (alert: of the packet; flow and transaction: the
    /// client); `None` for a packet without addresses.
    pub source: Option<Endpoint>,
    /// Destination.
    pub destination: Option<Endpoint>,
    /// IP protocol number.
    pub protocol: u8,
    /// 4, 6, or 0 without IP.
    pub ip_version: u8,
    /// VLAN identifiers, outermost first, 0 where there is none.
    pub vlan: [u16; crate::net::VLAN_LAYERS_MAX],
    /// Type and code of ICMP: of the packet, or of the flow's first packet.
    pub icmp: Option<(u8, u8)>,
}

/// The kinds of record.
pub enum Body {
    /// A signature matched.
    Alert(Box<Alert>),
    /// A flow ended.
    Flow(Box<FlowRecord>),
    /// A transaction of an application protocol is complete.
    Transaction(Box<TransactionRecord>),
    /// A file has ended.
    File(Box<FileRecord>),
    /// A detector judged something remarkable.
    Finding(Box<Finding>),
    /// What belongs together of findings and alerts: an incident opens, grows graver or closes.
    Incident(Box<Incident>),
    /// A malformed packet, stream or message.
    Anomaly(Box<Anomaly>),
    /// A first contact had an outcome. For detectors; no output shows it.
    Contact(Contact),
    /// A flow was active for a while. For detectors.
    Burst(Box<Burst>),
    /// An ARP message. For detectors, and for outputs where that is wanted.
    Arp(Arp),
    /// A message of ICMP. For detectors.
    Icmp(Box<IcmpMessage>),
    /// A fragment of a datagram: its bytes on the wire. For detectors.
    Fragment(u32),
    /// A packet of IP that belongs to no flow, for what it is or as it is malformed: its bytes on the
    /// wire. For detectors.
    Homeless(u32),
    /// What a live capture has received so far, and what it has lost. For detectors.
    Capture(Capture),
    /// A packet that a rule with [`Tag`] may want kept; outputs see those that one does.
    Packet(Box<Packet>),
}

/// A packet as it was captured.
pub struct Packet {
    /// Link layer: the tcpdump group's LINKTYPE_* number.
    pub link: u16,
    /// The whole frame, as much of it as was captured.
    pub bytes: Box<[u8]>,
}

/// The kinds of [`Body`] that detectors ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of Body")]
pub enum Sort {
    Alert,
    Flow,
    Transaction,
    File,
    Finding,
    Incident,
    Anomaly,
    Contact,
    Burst,
    Arp,
    Icmp,
    Fragment,
    Homeless,
    Capture,
    Packet,
}

impl Sort {
    /// How many there are.
    pub const COUNT: usize = 15;
}

impl Body {
    /// Which kind it is.
    pub const fn sort(&self) -> Sort {
        match self {
            Self::Alert(_) => Sort::Alert,
            Self::Flow(_) => Sort::Flow,
            Self::Transaction(_) => Sort::Transaction,
            Self::File(_) => Sort::File,
            Self::Finding(_) => Sort::Finding,
            Self::Incident(_) => Sort::Incident,
            Self::Anomaly(_) => Sort::Anomaly,
            Self::Contact(_) => Sort::Contact,
            Self::Burst(_) => Sort::Burst,
            Self::Arp(_) => Sort::Arp,
            Self::Icmp(_) => Sort::Icmp,
            Self::Fragment(_) => Sort::Fragment,
            Self::Homeless(_) => Sort::Homeless,
            Self::Capture(_) => Sort::Capture,
            Self::Packet(_) => Sort::Packet,
        }
    }

    /// Whether outputs get to see it.
    pub const fn is_shown(&self) -> bool {
        match self {
            Self::Arp(arp) => arp.logged,
            _ => !matches!(
                self.sort(),
                Sort::Contact
                    | Sort::Burst
                    | Sort::Icmp
                    | Sort::Fragment
                    | Sort::Homeless
                    | Sort::Capture
            ),
        }
    }
}

/// What is done with a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the rule language's")]
pub enum BitCommand {
    Set,
    Unset,
    Toggle,
    IsSet,
    IsNotSet,
}

/// One `xbits` or `hostbits` option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostBit {
    /// What to do.
    pub command: BitCommand,
    /// Name.
    pub name: String,
    /// Whose bit it is.
    pub track: HostTrack,
    /// How long it stays set, seconds.
    pub expire: u32,
}

/// Whose bit a [`HostBit`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostTrack {
    /// The source's.
    Source,
    /// The destination's.
    Destination,
    /// Of the pair, either way round.
    Pair,
}

/// What a match asks of a set of values that rules change (`dataset`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetQuery {
    /// Number of the set.
    pub set: u32,
    /// What to do with the value.
    pub command: BitCommand,
    /// The value, as the set keeps it.
    pub value: Vec<u8>,
    /// Whether it was in the set when rules were loaded.
    pub loaded: bool,
    /// Values, and bytes of memory, that rules may add to what was loaded.
    pub room: (i64, i64),
}

/// What a rule says of itself, shared by all its alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// Generator, 1 unless the rule says otherwise.
    pub gid: u32,
    /// Signature number.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// The message.
    pub message: String,
    /// The classification's description (`A Network Trojan was detected`); empty without one.
    pub category: String,
    /// Priority: 1 is most severe.
    pub severity: u8,
    /// `allowed` for alert and pass, `blocked` for drop and reject, which a passive sensor
    /// cannot do: always `allowed` here.
    pub action: &'static str,
    /// `metadata` pairs in the rule's order.
    pub metadata: Pairs,
    /// `reference` pairs in the rule's order.
    pub references: Pairs,
    /// Which end `target` names: true for the source, false for the destination.
    pub target_source: Option<bool>,
    /// `threshold` or `detection_filter`.
    pub threshold: Option<Threshold>,
    /// Matches that make no alert, whatever the rule says.
    pub suppressions: Vec<Suppression>,
    /// From which rate on matches make no alert.
    pub rate: Option<RateFilter>,
    /// `xbits` and `hostbits`, in order. Decided at the merge.
    pub host_bits: Vec<HostBit>,
    /// `tag`: which packets are kept after an alert. Decided at the merge.
    pub tags: Vec<Tag>,
    /// `tls.store`: whether the certificates of the connection are to be kept.
    pub keeps_certificates: bool,
}

impl Signature {
    /// What its metadata says under a key, the first time.
    pub fn said(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// The message in Italian, where the rule has one (`metadata:msg_it ...`): bundled rules do.
    pub fn message_it(&self) -> Option<&str> {
        self.said("msg_it")
    }
}

/// Which packets are kept after an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Whose.
    pub scope: TagScope,
    /// In what `count` is counted.
    pub metric: TagMetric,
    /// How many, at least 1; of packets and bytes the alert's own are counted too.
    pub count: u32,
}

/// Whose packets a [`Tag`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagScope {
    /// The flow's.
    Session,
    /// Those from and to the source of the packet that alerted.
    Source,
    /// Those from and to its destination.
    Destination,
}

/// In what a [`Tag`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagMetric {
    /// Packets.
    Packets,
    /// Bytes, as captured.
    Bytes,
    /// Seconds of packet time since the alert.
    Seconds,
}

/// Matches of whom make no alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Whose address is looked at; `None` for all matches.
    pub whose: Option<SuppressedEnd>,
    /// The addresses.
    pub addresses: Arc<AddressSet>,
}

/// Whose address a [`Suppression`] looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum SuppressedEnd {
    Source,
    Destination,
    Either,
}

/// Matches that come faster make no alert for a while (`rate_filter` with `new_action pass`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateFilter {
    /// Whose matches are counted together.
    pub track: Track,
    /// How many.
    pub count: u32,
    /// Within which span.
    pub seconds: u32,
    /// For how long, seconds.
    pub timeout: u32,
}

/// When repeated matches of a rule become alerts. Applied at the merge, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// What is counted and let through.
    pub kind: ThresholdKind,
    /// Whose matches are counted together.
    pub track: Track,
    /// How many.
    pub count: u32,
    /// Within which span.
    pub seconds: u32,
}

/// See Suricata's user guide, "Thresholding Keywords".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThresholdKind {
    /// At most `count` alerts in the span.
    Limit,
    /// An alert at every `count`-th match in the span.
    Threshold,
    /// One alert per span, at the `count`-th match.
    Both,
    /// Alerts once the rate is above `count` in the span (`detection_filter`).
    DetectionFilter,
    /// Alerts at match number `count`, then each time the number is `multiplier` times what it
    /// was at the last alert. The span means nothing.
    Backoff {
        /// At least 2.
        multiplier: u32,
    },
}

/// Whose matches are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Track {
    /// By source address.
    BySource,
    /// By destination address.
    ByDestination,
    /// By both addresses.
    ByBoth,
    /// By rule alone.
    ByRule,
    /// By flow.
    ByFlow,
}

/// A signature matched.
#[derive(Default)]
pub struct Alert {
    /// The rule.
    pub signature: Arc<Signature>,
    /// The transaction's number within its flow, when the match was in one.
    pub transaction_id: Option<u64>,
    /// What the transaction held at the match.
    pub application: Option<Application>,
    /// The flow's application protocol.
    pub app_protocol: Option<&'static str>,
    /// Direction of the packet, when it belongs to a flow.
    pub direction: Option<Direction>,
    /// The flow as it stood.
    pub flow: Option<FlowCounters>,
    /// Names of the flow bits that were set.
    pub flowbits: Vec<String>,
    /// Numbers of the flow that were set (`flowint`).
    pub flowints: Vec<(String, u32)>,
    /// Texts that expressions captured, if any.
    pub captured: Option<Box<Captured>>,
    /// What it asks of sets that rules change. Decided at the merge.
    pub queries: Vec<SetQuery>,
    /// The rule makes no alert: it matched for what it sets.
    pub silent: bool,
    /// Why the site wants to hear no more of it: it belongs to no incident then.
    pub suppressed: Option<String>,
}

/// Packets and bytes of a flow; index 0 to the server, 1 to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowCounters {
    /// Packets each way.
    pub packets: [u64; 2],
    /// Bytes each way, link layer included, as captured on the wire.
    pub bytes: [u64; 2],
    /// First packet.
    pub start: Timestamp,
    /// Last packet.
    pub end: Timestamp,
}

/// A flow ended.
#[derive(Clone, Debug)]
pub struct FlowRecord {
    /// Packets, bytes, times.
    pub counters: FlowCounters,
    /// `new`, `established`, `closed` or `bypassed`.
    pub state: &'static str,
    /// `timeout`, `forced` (evicted or replaced), `shutdown` (end of input).
    pub reason: &'static str,
    /// Whether a rule alerted on it.
    pub alerted: bool,
    /// Application protocol: `failed` when probing gave up, `None` when it never began.
    pub app_protocol: Option<&'static str>,
    /// Transactions seen.
    pub transactions: u64,
    /// Of TCP alone.
    pub tcp: Option<TcpRecord>,
    /// Type and code of the first ICMP packet back.
    pub icmp_response: Option<(u8, u8)>,
    /// How the first contact went.
    pub outcome: Outcome,
    /// Texts that expressions of rules captured from it (`flowvar`).
    pub texts: Texts,
}

/// What EVE's `tcp` object says of a flow.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpRecord {
    /// Flags seen each way, ored.
    pub flags: [u8; 2],
    /// The state machine's state at the end, as EVE names it (`fin_wait1`); empty without one.
    pub state: &'static str,
    /// Whether bytes were missing, each way.
    pub gap: [bool; 2],
}

/// A complete transaction.
pub struct TransactionRecord {
    /// The protocol's EVE name: event type and object key; empty for one without events.
    pub protocol: &'static str,
    /// Number within the flow, from 0.
    pub id: u64,
    /// Which way the packet that completed it went.
    pub direction: Direction,
    /// Its fields.
    pub transaction: Box<dyn Describe>,
    /// Whether a rule wants its certificates kept (`tls.store`).
    pub keeps_certificates: bool,
}

/// A file has ended.
#[derive(Clone, Debug)]
pub struct FileRecord {
    /// The flow's application protocol.
    pub app_protocol: &'static str,
    /// The transaction's number within the flow.
    pub transaction_id: u64,
    /// The EVE name of the protocol and what its transaction held; none when it has no events.
    pub application: Option<Application>,
    /// As the protocol gave it.
    pub name: Vec<u8>,
    /// Bytes, lost ones included.
    pub size: u64,
    /// Position of the first byte in the whole file.
    pub start: u64,
    /// How it ended.
    pub state: file::State,
    /// Whether a part is missing.
    pub gap: bool,
    /// Whether it is to be stored.
    pub stored: bool,
    /// Numbers of the rules that want it stored.
    pub sids: Vec<u32>,
    /// Its kind in the words of libmagic, when that was asked for.
    pub magic: Option<&'static str>,
    /// MD5, when it was asked for and the file is whole.
    pub md5: Option<Vec<u8>>,
    /// SHA-1, likewise.
    pub sha1: Option<Vec<u8>>,
    /// SHA-256, likewise.
    pub sha256: Option<Vec<u8>>,
    /// The content, as much as was kept, of a file that is to be stored.
    pub content: Option<Vec<u8>>,
}

/// What a transaction held when an alert or a file ended in it.
#[derive(Clone, Debug)]
pub struct Application {
    /// The key of its object in EVE.
    pub name: &'static str,
    /// The object.
    pub object: Node,
    /// Objects that stand beside it, with their keys.
    pub beside: Node,
}

impl Application {
    /// What `thing` says of itself now.
    pub fn of(name: &'static str, thing: &dyn Describe) -> Self {
        Self { name, object: Node::of(thing), beside: Node::beside(thing) }
    }
}

/// A malformed packet, stream or message.
#[derive(Clone, Copy, Debug)]
pub struct Anomaly {
    /// `decode`, `stream` or `applayer`.
    pub kind: &'static str,
    /// The event.
    pub event: &'static Event,
    /// The application protocol, for `applayer`.
    pub app_protocol: Option<&'static str>,
}

/// How a first contact went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Outcome {
    /// Not known, or not a first contact (picked up in mid-stream).
    #[default]
    Unknown,
    /// The other side answered: SYN/ACK, a datagram, an echo reply.
    Answered,
    /// The other side refused: RST to a SYN, ICMP unreachable.
    Refused,
    /// The other side accepted a TCP connection, and this one broke it off before it was open: who only
    /// wants to know whether a port is open does so.
    Abandoned,
    /// Nothing came back until the flow ended.
    Silent,
}

/// A first contact had an outcome: told when it is known, once a flow.
#[derive(Clone, Copy, Debug)]
pub struct Contact {
    /// When the first packet came.
    pub start: Timestamp,
    /// How it went; never [`Outcome::Unknown`].
    pub outcome: Outcome,
    /// TCP flags of the first packet (0 for other protocols): tells SYN from FIN, NULL, XMAS scans.
    pub flags: u8,
}

/// A flow was active, without a pause of more than a second and within a few rounds of the engine:
/// what goes on in a flow while it lasts. Index 0 to the server, 1 to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Burst {
    /// First packet.
    pub start: Timestamp,
    /// Last packet.
    pub end: Timestamp,
    /// Packets each way.
    pub packets: [u32; 2],
    /// Bytes each way, link layer included, as captured on the wire; held at the largest number.
    pub bytes: [u32; 2],
    /// Bytes of payload each way: what the transport protocol carried; held at the largest number.
    pub payload: [u32; 2],
    /// Whether the capture left out some of them, so that nothing tells what they were.
    pub cut: bool,
    /// Packets with a payload each way.
    pub filled: [u32; 2],
    /// TCP flags each way, ored.
    pub flags: [u8; 2],
    /// Whether the client of a TCP connection says that it has no room for more: a window of nought.
    pub shut: bool,
    /// Packets that open a TCP connection (SYN without ACK), to the server.
    pub opening: u32,
    /// Whether the flow began with it.
    pub is_first: bool,
    /// Packets each way that the flow had before; held at the largest number.
    pub before: [u32; 2],
    /// First packet of the flow.
    pub began: Timestamp,
    /// Bytes each way of the flow when it was told.
    pub total: [u64; 2],
    /// Application protocol then: `failed` when probing gave up.
    pub app_protocol: Option<&'static str>,
}

impl Burst {
    /// Payload of a packet to the server, on average, bytes.
    pub const fn length(&self) -> u64 {
        let [packets, _] = self.packets;
        let packets = if packets == 0 { 1 } else { packets };
        (self.payload[0] / packets) as u64
    }
}

/// An ARP message for IPv4 over Ethernet (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub operation: u16,
    /// Source of the frame that carried it.
    pub frame_source: [u8; 6],
    /// Sender hardware address.
    pub sender_mac: [u8; 6],
    /// Sender protocol address.
    pub sender: std::net::Ipv4Addr,
    /// Target hardware address.
    pub target_mac: [u8; 6],
    /// Target protocol address.
    pub target: std::net::Ipv4Addr,
    /// Whether outputs get to see it.
    pub logged: bool,
}

/// A message of ICMP or ICMPv6. Of a burst and round the first [`Self::PER_ROUND`] are told. The
/// record's context is of the packet: who sent it to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct IcmpMessage {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Bytes 4 to 7 of the header.
    pub rest: u32,
    /// Identifier and sequence number of echo and the like.
    pub echo: Option<(u16, u16)>,
    /// Time to live, or hop limit, of the packet.
    pub hops: u8,
    /// Source of the frame of Ethernet that carried it.
    pub frame_source: Option<[u8; 6]>,
    /// Bytes after the header of eight bytes.
    pub length: u32,
    /// The first [`Self::SAMPLE`] of them.
    pub sample: Vec<u8>,
    /// A hash of all that were captured.
    pub hash: u64,
}

impl IcmpMessage {
    /// Messages of a burst that are told in one round.
    pub const PER_ROUND: u32 = 64;
    /// Bytes kept of each, at most.
    pub const SAMPLE: usize = 256;
}

/// Counters of a live capture since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// Frames handed on.
    pub received: u64,
    /// Frames that the kernel or the interface dropped.
    pub dropped: u64,
}

/// How grave a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Look when there is time.
    Low,
    /// Look today.
    Medium,
    /// Look now.
    High,
    /// Act now.
    Critical,
}

impl Level {
    /// As EVE writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// EVE severity: 1 is most severe.
    pub const fn severity(self) -> u8 {
        match self {
            Self::Critical | Self::High => 1,
            Self::Medium => 2,
            Self::Low => 3,
            Self::Info => 4,
        }
    }
}

/// A detector judged something remarkable. Shown as an EVE alert of generator 9100 and up.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The detector's name: `scan`.
    pub detector: &'static str,
    /// Generator number, fixed per detector.
    pub gid: u32,
    /// Signature number, fixed per detector.
    pub sid: u32,
    /// One line in English: `Vertical TCP scan of 192.0.2.7`.
    pub title: String,
    /// How grave.
    pub level: Level,
    /// The number that was judged.
    pub score: f64,
    /// What it was judged against.
    pub threshold: f64,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// The numbers behind it, in order.
    pub numbers: Vec<(&'static str, Node)>,
    /// What is normal, in the same terms.
    pub baseline: Vec<(&'static str, Node)>,
    /// Flow identifiers that show it.
    pub evidence: Vec<u64>,
    /// Hosts that did it, and hosts to which it was done, with those that its context names.
    pub hosts: [u64; 2],
    /// ATT&CK technique: `T1046`; empty when nobody does anything.
    pub technique: &'static str,
    /// Tags of the taxonomy of Italy's cyber agency, as MISP's `acn` taxonomy writes them:
    /// `acn:active-scanning="network-scanning"`.
    pub acn: &'static [&'static str],
    /// Plain words, Italian.
    pub explain_it: String,
    /// Plain words, English.
    pub explain_en: String,
    /// From the first thing seen to the judgement.
    pub took: Duration,
    /// Why the site wants to hear no more of it, if so: it belongs to no incident then.
    pub suppressed: Option<String>,
}
