//! A packet as EVE shows it, and its rows: each is a transaction of its own.

use super::google::Cyu;
use crate::field::{Describe, Field, Fields, Kind, Side, Stage, Tree, Value};
use crate::protocols::formats::hello::{Client, Ja3, Server};

/// A packet with a long header, or one of Google's that names its version.
#[derive(Debug, Default)]
pub struct Packet {
    /// Version.
    pub version: u32,
    /// Whether its header is a long one.
    pub long: bool,
    /// Name of the server, of either handshake.
    pub sni: Option<Vec<u8>>,
    /// The client as it calls itself in Google's handshake.
    pub user_agent: Option<Vec<u8>>,
    /// Fingerprints of messages of Google's handshake.
    pub cyu: Vec<Cyu>,
    /// A client's hello.
    pub client: Option<Client>,
    /// A server's hello.
    pub server: Option<Server>,
}

impl Packet {
    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        let hellos = usize::from(self.client.is_some()) + usize::from(self.server.is_some());
        size_of::<Self>() + hellos * 1024 + self.cyu.len() * 256
    }

    /// As EVE names the version: Google's by their letters, others in hex.
    fn version_name(&self) -> String {
        match &self.version.to_be_bytes() {
            google @ (b"Q039" | b"Q043" | b"Q044" | b"Q045" | b"Q046") => {
                String::from_utf8_lossy(google).into_owned()
            }
            _ => format!("{:x}", self.version),
        }
    }

    fn ja3(&self) -> Option<&Ja3> {
        self.client.as_ref().and_then(|client| client.ja3.as_ref())
    }

    fn ja3s(&self) -> Option<&Ja3> {
        self.server.as_ref().and_then(|server| server.ja3s.as_ref())
    }

    fn ja4(&self) -> Option<&[u8]> {
        self.client.as_ref().map(|client| client.ja4.as_bytes())
    }
}

impl Describe for Packet {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.text("version", self.version_name().as_bytes());
        for (key, value) in [("sni", &self.sni), ("ua", &self.user_agent)] {
            if let Some(value) = value {
                tree.text(key, value);
            }
        }
        if !self.cyu.is_empty() {
            tree.list("cyu", &mut |tree| {
                for cyu in &self.cyu {
                    tree.object("", &mut |tree| {
                        tree.text("hash", cyu.hash.as_bytes());
                        tree.text("string", cyu.string.as_bytes());
                    });
                }
            });
        }
        for (key, ja3) in [("ja3", self.ja3()), ("ja3s", self.ja3s())] {
            if let Some(ja3) = ja3 {
                tree.object(key, &mut |tree| {
                    tree.text("hash", ja3.hash.as_bytes());
                    tree.text("string", ja3.string.as_bytes());
                });
            }
        }
        if let Some(ja4) = self.ja4() {
            tree.text("ja4", ja4);
        }
        let (extensions, alpn) = match (&self.client, &self.server) {
            (Some(client), _) => (&client.extensions[..], &client.alpn[..]),
            (None, Some(server)) => (&server.extensions[..], &server.alpn[..]),
            (None, None) => (&[][..], &[][..]),
        };
        if !extensions.is_empty() {
            tree.list("extensions", &mut |tree| {
                extensions.iter().for_each(|kind| self.extension(*kind, alpn, tree));
            });
        }
    }
}

impl Packet {
    fn extension(&self, kind: u16, alpn: &[Vec<u8>], tree: &mut dyn Tree) {
        let sni = self.sni.as_slice();
        let values = match kind {
            SERVER_NAME => sni,
            ALPN => alpn,
            _ => &[],
        };
        tree.object("", &mut |tree| {
            if let Some(name) = extension_name(kind) {
                tree.text("name", name.as_bytes());
            }
            tree.int("type", kind.into());
            if !values.is_empty() {
                tree.list("values", &mut |tree| {
                    values.iter().for_each(|value| tree.text("", value));
                });
            }
        });
    }
}

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

/// Names of extensions (IANA, TLS ExtensionType Values).
const fn extension_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        SERVER_NAME => "server_name",
        1 => "max_fragment_length",
        2 => "client_certificate_url",
        3 => "trusted_ca_keys",
        4 => "truncated_hmac",
        5 => "status_request",
        9 => "cert_type",
        10 => "supported_groups",
        11 => "ec_point_formats",
        12 => "srp",
        13 => "signature_algorithms",
        14 => "use_srtp",
        15 => "heartbeat",
        ALPN => "alpn",
        17 => "status_request_v2",
        18 => "signed_certificate_timestamp",
        19 => "client_certificate_type",
        20 => "server_certificate_type",
        21 => "padding",
        22 => "encrypt_then_mac",
        23 => "extended_master_secret",
        24 => "token_binding",
        25 => "cached_info",
        27 => "compress_certificate",
        28 => "record_size_limit",
        34 => "delegated_credentials",
        35 => "session_ticket",
        41 => "pre_shared_key",
        42 => "early_data",
        43 => "supported_versions",
        44 => "cookie",
        45 => "psk_key_exchange_modes",
        47 => "certificate_authorities",
        48 => "oid_filters",
        49 => "post_handshake_auth",
        50 => "signature_algorithms_cert",
        51 => "key_share",
        52 => "transparency_info",
        54 => "connection_id",
        57 => "quic_transport_parameters",
        58 => "ticket_request",
        13_172 => "next_protocol_negotiation",
        65_281 => "renegotiation_info",
        _ => return None,
    })
}

type Sink<'s> = &'s mut dyn FnMut(Value<'_>);

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    side: Side,
    help: &'static str,
    example: &'static str,
    read: fn(&Packet, Sink<'_>),
) -> Field<Packet> {
    let (kind, stage) = (Kind::Bytes, Stage::Body);
    Field { name, aliases, kind, eve: "", side, stage, help, example, read }
}

fn of(value: Option<&[u8]>, sink: Sink<'_>) {
    value.into_iter().for_each(|bytes| sink(Value::Bytes(bytes)));
}

impl Fields for Packet {
    const FIELDS: &'static [Field<Self>] = &[
        row(
            "quic.version",
            &[],
            Side::Either,
            "The four bytes of the version in a long header.",
            "quic.version; content:\"|00 00 00 01|\";",
            |p, sink| of(p.long.then_some(&p.version.to_be_bytes()), sink),
        ),
        row(
            "quic.sni",
            &[],
            Side::Request,
            "The server name that the client asks for.",
            "quic.sni; content:\"example.com\";",
            |p, sink| of(p.sni.as_deref(), sink),
        ),
        row(
            "quic.ua",
            &[],
            Side::Request,
            "The client as it calls itself, in Google's versions.",
            "quic.ua; content:\"Chrome/\";",
            |p, sink| of(p.user_agent.as_deref(), sink),
        ),
        row(
            "quic.cyu.hash",
            &[],
            Side::Request,
            "CYU of each message of Google's handshake: MD5 in lower-case hex.",
            "quic.cyu.hash; content:\"e030dea1f2eea44ac7db5fe4de792acd\";",
            |p, sink| p.cyu.iter().for_each(|cyu| sink(Value::Bytes(cyu.hash.as_bytes()))),
        ),
        row(
            "quic.cyu.string",
            &[],
            Side::Request,
            "CYU of each message of Google's handshake before it is hashed.",
            "quic.cyu.string; content:\"43,PAD-SNI\";",
            |p, sink| p.cyu.iter().for_each(|cyu| sink(Value::Bytes(cyu.string.as_bytes()))),
        ),
        row(
            "ja3.hash",
            &["ja3_hash"],
            Side::Request,
            "JA3 of the client's hello: MD5 in lower-case hex.",
            "ja3.hash; content:\"e7eca2baf4458d095b7f45da28c16c34\";",
            |p, sink| of(p.ja3().map(|ja3| ja3.hash.as_bytes()), sink),
        ),
        row(
            "ja3.string",
            &["ja3_string"],
            Side::Request,
            "JA3 of the client's hello before it is hashed.",
            "ja3.string; content:\"771,4865-4866\";",
            |p, sink| of(p.ja3().map(|ja3| ja3.string.as_bytes()), sink),
        ),
        row(
            "ja3s.hash",
            &["ja3s_hash"],
            Side::Response,
            "JA3S of the server's hello: MD5 in lower-case hex.",
            "ja3s.hash; content:\"b26c652e0a402a24b5ca2a660e84f9d5\";",
            |p, sink| of(p.ja3s().map(|ja3| ja3.hash.as_bytes()), sink),
        ),
        row(
            "ja3s.string",
            &["ja3s_string"],
            Side::Response,
            "JA3S of the server's hello before it is hashed.",
            "ja3s.string; content:\"771,4866,43-51\";",
            |p, sink| of(p.ja3s().map(|ja3| ja3.string.as_bytes()), sink),
        ),
        row(
            "ja4.hash",
            &["ja4_hash"],
            Side::Request,
            "JA4 of the client's hello.",
            "ja4.hash; content:\"q13d\"; startswith;",
            |p, sink| of(p.ja4(), sink),
        ),
    ];
}
