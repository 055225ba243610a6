//! A message as a transaction: its rows, and how EVE shows it.

use super::message::{Attribute, Header, Payloads, Transform};
use super::names::{self, ATTRIBUTES, AUTHENTICATION, ENCRYPTION, GROUP};
use crate::field::{Describe, Field, Fields, Kind, Side, Stage, Tree, Value};
use crate::protocols::formats::digits::hex;

/// What one side of version 1 has said so far.
#[derive(Clone, Debug, Default)]
pub struct Party {
    /// Key exchange data.
    pub key: Vec<u8>,
    /// Nonce.
    pub nonce: Vec<u8>,
    /// The first transform of its security association.
    pub transform: Option<Transform>,
    /// How many transforms there are in it.
    pub transforms: usize,
}

/// A message, and what was known when it came.
#[derive(Debug, Default)]
pub struct Message {
    /// Its header.
    pub header: Header,
    /// Whether the server sent it.
    pub from_server: bool,
    /// What its payloads say; empty when these are encrypted.
    pub payloads: Payloads,
    /// Domain of interpretation.
    pub domain: Option<u32>,
    /// The client so far.
    pub client: Party,
    /// The server so far.
    pub server: Party,
    /// What the responder of version 2 chose.
    pub chosen: Transform,
    spi: [String; 2],
}

impl Message {
    /// From its header and payloads.
    pub fn new(header: Header, from_server: bool, payloads: Payloads) -> Self {
        let spi = [header.initiator, header.responder].map(|spi| format!("{spi:016x}"));
        Self { header, from_server, payloads, spi, ..Self::default() }
    }

    /// Whether its payloads are encrypted (version 1).
    pub const fn is_encrypted(&self) -> bool {
        self.header.flags & 1 != 0
    }

    fn spi_of(&self, responder: bool) -> &[u8] {
        let [initiator, other] = &self.spi;
        if responder { other.as_bytes() } else { initiator.as_bytes() }
    }

    const fn is_first_version(&self) -> bool {
        self.header.major == 1
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        let parties = [&self.client, &self.server];
        let parties: usize = parties.iter().map(|p| p.key.len() + p.nonce.len()).sum();
        let payloads = &self.payloads;
        let vendors: usize = payloads.vendors.iter().map(String::len).sum();
        size_of::<Self>() + parties + payloads.key.len() + payloads.nonce.len() + vendors
    }
}

impl Describe for Message {
    fn describe(&self, tree: &mut dyn Tree) {
        let [initiator, responder] = &self.spi;
        tree.int("version_major", self.header.major.into());
        tree.int("version_minor", self.header.minor.into());
        tree.text("init_spi", initiator.as_bytes());
        tree.text("resp_spi", responder.as_bytes());
        tree.int("message_id", self.header.message.into());
        tree.int("exchange_type", self.header.exchange.into());
        if self.is_first_version() {
            if let Some(name) = names::exchange(self.header.exchange) {
                tree.text("exchange_type_verbose", name.as_bytes());
            }
            if let Some(transform) = &self.server.transform {
                describe_transform(transform, tree);
            }
        } else {
            let initiator = self.header.flags & 0x08 != 0;
            tree.text("role", if initiator { b"initiator" } else { b"responder" });
            if !initiator {
                let chosen = [(ENCRYPTION, "alg_enc"), (AUTHENTICATION, "alg_auth")];
                for (kind, key) in chosen.into_iter().chain([(GROUP, "alg_dh")]) {
                    let number = self.chosen.iter().find(|attribute| attribute.kind == kind);
                    if let Some(number) = number.and_then(|attribute| attribute.number) {
                        tree.text(key, names::transform(kind, number).as_bytes());
                    }
                }
            }
        }
        let kinds = self.payloads.kinds.iter().filter_map(|kind| names::payload(*kind));
        if kinds.clone().next().is_some() {
            tree.list("payload", &mut |tree| {
                kinds.clone().for_each(|name| tree.text("", name.as_bytes()));
            });
        }
        if self.is_first_version() {
            tree.object("ikev1", &mut |tree| self.describe_first(tree));
        } else {
            tree.object("ikev2", &mut |tree| self.describe_second(tree));
        }
    }
}

impl Message {
    fn describe_first(&self, tree: &mut dyn Tree) {
        if let Some(domain) = self.domain {
            tree.int("doi", domain.into());
        }
        tree.bool("encrypted_payloads", self.is_encrypted());
        if self.is_encrypted() {
            return;
        }
        tree.object("client", &mut |tree| {
            describe_party(&self.client, tree);
            if !self.from_server && !self.payloads.transforms.is_empty() {
                tree.list("proposals", &mut |tree| {
                    for transform in &self.payloads.transforms {
                        tree.object("", &mut |tree| describe_transform(transform, tree));
                    }
                });
            }
        });
        tree.object("server", &mut |tree| describe_party(&self.server, tree));
        if !self.payloads.vendors.is_empty() {
            tree.list("vendor_ids", &mut |tree| {
                self.payloads.vendors.iter().for_each(|vendor| tree.text("", vendor.as_bytes()));
            });
        }
    }

    fn describe_second(&self, tree: &mut dyn Tree) {
        /// Notifications below tell of errors (RFC 7296, section 3.10.1).
        const STATUS: u16 = 16_384;
        let notifications = &self.payloads.notifications;
        let errors = notifications.iter().filter(|kind| **kind < STATUS).count();
        tree.int("errors", errors as u64);
        if !notifications.is_empty() {
            tree.list("notify", &mut |tree| {
                for kind in notifications {
                    tree.text("", names::notification(*kind).as_bytes());
                }
            });
        }
    }
}

fn describe_party(party: &Party, tree: &mut dyn Tree) {
    let keys = [
        (&party.key, "key_exchange_payload", "key_exchange_payload_length"),
        (&party.nonce, "nonce_payload", "nonce_payload_length"),
    ];
    for (bytes, content, length) in keys {
        if !bytes.is_empty() {
            tree.text(content, hex(bytes, "").as_bytes());
            tree.int(length, bytes.len() as u64);
        }
    }
}

/// The attributes that the schema knows, each once.
fn describe_transform(transform: &[Attribute], tree: &mut dyn Tree) {
    const SHOWN: [&str; 7] = [
        "alg_enc",
        "alg_hash",
        "alg_auth",
        "alg_dh",
        "sa_life_type",
        "sa_life_duration",
        "sa_key_length",
    ];
    for key in SHOWN {
        let kind = ATTRIBUTES.iter().find(|(name, _)| *name == key).map(|(_, kind)| *kind);
        let found = transform.iter().find(|attribute| Some(attribute.kind.into()) == kind);
        if let Some(attribute) = found {
            let name = attribute.number.map_or("Unknown", |n| names::value(attribute.kind, n));
            tree.text(key, name.as_bytes());
            if let Some(number) = attribute.number {
                tree.int(&format!("{key}_raw"), number.into());
            }
        }
    }
}

type Sink<'s> = &'s mut dyn FnMut(Value<'_>);

const fn row(
    name: &'static str,
    kind: Kind,
    side: Side,
    help: &'static str,
    example: &'static str,
    read: fn(&Message, Sink<'_>),
) -> Field<Message> {
    Field { name, aliases: &[], kind, eve: "", side, stage: Stage::Body, help, example, read }
}

const fn int(bits: u8) -> Kind {
    Kind::Int { bits, names: &[] }
}

fn some(bytes: &[u8], sink: Sink<'_>) {
    if !bytes.is_empty() {
        sink(Value::Bytes(bytes));
    }
}

fn length(bytes: &[u8], sink: Sink<'_>) {
    if !bytes.is_empty() {
        sink(Value::Int(bytes.len() as u64));
    }
}

impl Fields for Message {
    const FIELDS: &'static [Field<Self>] = &[
        row(
            "ike.init_spi",
            Kind::Bytes,
            Side::Request,
            "Identifier that the initiator gave: lower-case hex.",
            "ike.init_spi; content:\"0102030405060708\";",
            |m, sink| some(m.spi_of(false), sink),
        ),
        row(
            "ike.resp_spi",
            Kind::Bytes,
            Side::Response,
            "Identifier that the responder gave: lower-case hex.",
            "ike.resp_spi; content:\"1112131415161718\";",
            |m, sink| some(m.spi_of(true), sink),
        ),
        row(
            "ike.exchtype",
            int(8),
            Side::Either,
            "Type of the exchange.",
            "ike.exchtype:2;",
            |m, sink| sink(Value::Int(m.header.exchange.into())),
        ),
        row(
            "ike.vendor",
            Kind::Bytes,
            Side::Request,
            "Each identifier of a vendor, version 1: lower-case hex.",
            "ike.vendor; content:\"4a131c81070358455c5728f20e95452f\";",
            |m, sink| m.payloads.vendors.iter().for_each(|v| sink(Value::Bytes(v.as_bytes()))),
        ),
        row(
            "ike.key_exchange_payload",
            Kind::Bytes,
            Side::Either,
            "Key exchange data, version 1.",
            "ike.key_exchange_payload; content:\"|35 04 d3 d2|\";",
            |m, sink| some(&m.payloads.key, sink),
        ),
        row(
            "ike.key_exchange_payload_length",
            int(32),
            Side::Either,
            "Bytes of the key exchange data, version 1.",
            "ike.key_exchange_payload_length:>100;",
            |m, sink| length(&m.payloads.key, sink),
        ),
        row(
            "ike.nonce_payload",
            Kind::Bytes,
            Side::Either,
            "Nonce, version 1.",
            "ike.nonce_payload; content:\"|89 d7 c8 fb|\";",
            |m, sink| some(&m.payloads.nonce, sink),
        ),
        row(
            "ike.nonce_payload_length",
            int(32),
            Side::Either,
            "Bytes of the nonce, version 1.",
            "ike.nonce_payload_length:<200;",
            |m, sink| length(&m.payloads.nonce, sink),
        ),
        row(
            "ike.sa_attribute",
            int(64),
            Side::Response,
            "Each attribute of the transform that the server chose as one number: its type times \
             2^32, and its value.",
            "ike.sa_attribute:0x100000007;",
            |m, sink| {
                for attribute in m.payloads.transforms.first().into_iter().flatten() {
                    if let Some(number) = attribute.number {
                        sink(Value::Int(u64::from(attribute.kind) << 32 | u64::from(number)));
                    }
                }
            },
        ),
    ];
}
