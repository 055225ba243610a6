//! One datagram, and what rules read from it.

use crate::field::{Describe, Field, Fields, Kind, Read, Side, Stage, Tree, Value};
use crate::protocols::formats::digits::hex;
use crate::reader::Reader;

/// Bytes of a datagram without extensions (RFC 5905, 7.3).
const LEAST_BYTES: usize = 48;

/// RFC 5905, figure 10.
const MODES: &[(&str, u64)] = &[
    ("reserved", 0),
    ("symmetric_active", 1),
    ("symmetric_passive", 2),
    ("client", 3),
    ("server", 4),
    ("broadcast", 5),
    ("control", 6),
    ("private", 7),
];

/// What is read of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// 3 or 4.
    pub version: u8,
    /// Who speaks: client, server, ...
    pub mode: u8,
    /// How far the clock is from a reference clock; 0 unspecified.
    pub stratum: u8,
    /// The reference clock, the server's server, or why it refuses.
    pub reference: [u8; 4],
}

impl Packet {
    /// Reads a datagram; `None` when it is too short or of another version.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes.get(..LEAST_BYTES)?);
        let first = reader.u8()?;
        let version = first >> 3 & 7;
        let stratum = reader.u8()?;
        reader.skip(10)?;
        let reference = reader.array()?;
        matches!(version, 3 | 4).then_some(Self { version, mode: first & 7, stratum, reference })
    }
}

const fn row(
    name: &'static str,
    kind: Kind,
    help: &'static str,
    example: &'static str,
    read: Read<Packet>,
) -> Field<Packet> {
    Field {
        name,
        aliases: &[],
        kind,
        eve: "",
        side: Side::Either,
        stage: Stage::Body,
        help,
        example,
        read,
    }
}

impl Fields for Packet {
    const FIELDS: &'static [Field<Self>] = &[
        row(
            "ntp.version",
            Kind::Int { bits: 8, names: &[] },
            "Version: 3 or 4.",
            "ntp.version:4;",
            |p, sink| sink(Value::Int(p.version.into())),
        ),
        row(
            "ntp.mode",
            Kind::Int { bits: 8, names: MODES },
            "Who speaks: 3 client, 4 server, ...",
            "ntp.mode:client;",
            |p, sink| sink(Value::Int(p.mode.into())),
        ),
        row(
            "ntp.stratum",
            Kind::Int { bits: 8, names: &[] },
            "Distance of the clock from a reference clock; 0 unspecified.",
            "ntp.stratum:2;",
            |p, sink| sink(Value::Int(p.stratum.into())),
        ),
        row(
            "ntp.reference_id",
            Kind::Bytes,
            "Four bytes: the reference clock, the server's server, or why it refuses.",
            "ntp.reference_id; content:\"LOCL\";",
            |p, sink| sink(Value::Bytes(&p.reference)),
        ),
    ];
}

impl Describe for Packet {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.int("version", self.version.into());
        tree.int("mode", self.mode.into());
        tree.int("stratum", self.stratum.into());
        tree.text("reference_id", hex(&self.reference, ":").as_bytes());
    }

    fn is_logged(&self) -> bool {
        false
    }
}
