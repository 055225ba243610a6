//! What rules read from a TLS connection.

use super::certificate::Certificate;
use super::connection::Connection;
use crate::field::{Field, Fields, Kind, Side, Stage, Value};
use crate::protocols::formats::hello::{Client, Ja3, Server};

type Sink<'s> = &'s mut dyn FnMut(Value<'_>);

/// Versions as `tls.version` names them.
const VERSIONS: &[(&str, u64)] = &[("1.0", 0x301), ("1.1", 0x302), ("1.2", 0x303), ("1.3", 0x304)];

/// Versions as `ssl_version` names them.
const SSL_VERSIONS: &[(&str, u64)] = &[
    ("sslv2", 2),
    ("sslv3", 0x300),
    ("tls1.0", 0x301),
    ("tls1.1", 0x302),
    ("tls1.2", 0x303),
    ("tls1.3", 0x304),
];

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    side: Side,
    help: &'static str,
    example: &'static str,
    read: fn(&Connection, Sink<'_>),
) -> Field<Connection> {
    let (kind, stage) = (Kind::Bytes, Stage::Body);
    Field { name, aliases, kind, eve: "", side, stage, help, example, read }
}

const fn number(
    name: &'static str,
    bits: u8,
    names: &'static [(&'static str, u64)],
    help: &'static str,
    example: &'static str,
    read: fn(&Connection, Sink<'_>),
) -> Field<Connection> {
    let kind = Kind::Int { bits, names };
    Field { kind, ..row(name, &[], Side::Response, help, example, read) }
}

impl Fields for Connection {
    const FIELDS: &'static [Field<Self>] = &[
        row(
            "tls.sni",
            &["tls_sni"],
            Side::Request,
            "The server name that the client asks for, as sent.",
            "tls.sni; content:\"example.org\"; nocase;",
            |c, sink| of(c.client.as_ref().and_then(|c| c.sni.as_deref()), sink),
        ),
        row(
            "tls.cert_subject",
            &["tls_cert_subject"],
            Side::Response,
            "Subject of the server's certificate: `C=IT, O=Comune, CN=example.org`.",
            "tls.cert_subject; content:\"CN=example.org\"; nocase;",
            |c, sink| certificate(c, |c| &c.subject, sink),
        ),
        row(
            "tls.cert_issuer",
            &["tls_cert_issuer"],
            Side::Response,
            "Issuer of the server's certificate, written as the subject.",
            "tls.cert_issuer; content:\"CN=Test\"; nocase;",
            |c, sink| certificate(c, |c| &c.issuer, sink),
        ),
        row(
            "tls.cert_serial",
            &["tls_cert_serial"],
            Side::Response,
            "Serial number of the server's certificate: upper-case hex with colons.",
            "tls.cert_serial; content:\"5C:19:B7:B1\";",
            |c, sink| certificate(c, |c| &c.serial, sink),
        ),
        row(
            "tls.cert_fingerprint",
            &["tls_cert_fingerprint"],
            Side::Response,
            "SHA-1 of the server's certificate: lower-case hex with colons.",
            "tls.cert_fingerprint; content:\"4a:a3:66:76\";",
            |c, sink| certificate(c, |c| &c.fingerprint, sink),
        ),
        row(
            "tls.subjectaltname",
            &[],
            Side::Response,
            "Each alternative name of the server's certificate.",
            "tls.subjectaltname; content:\"example.org\"; nocase;",
            |c, sink| {
                let names = c.certificate.iter().flat_map(|c| &c.names);
                names.for_each(|name| sink(Value::Bytes(name.as_bytes())));
            },
        ),
        row(
            "tls.certs",
            &[],
            Side::Response,
            "Each certificate of the server's chain, DER.",
            "tls.certs; content:\"|06 03 55 04 03|\";",
            |c, sink| c.chain.iter().for_each(|der| sink(Value::Bytes(der))),
        ),
        row(
            "tls.alpn",
            &[],
            Side::Either,
            "Each application protocol that the client offers, then the server's choice.",
            "tls.alpn; content:\"h2\";",
            |c, sink| {
                let offered = c.client.iter().flat_map(|c| &c.alpn);
                let chosen = c.server.iter().flat_map(|s| &s.alpn);
                offered.chain(chosen).for_each(|name| sink(Value::Bytes(name)));
            },
        ),
        row(
            "tls.random",
            &[],
            Side::Either,
            "The 32 random bytes of the client's hello, then of the server's.",
            "tls.random; content:\"|9b ce 7a 5e|\"; startswith;",
            |c, sink| randoms(c, 0..32, sink),
        ),
        row(
            "tls.random_time",
            &[],
            Side::Either,
            "The first four bytes of each random, once a time.",
            "tls.random_time; content:\"|9b ce 7a 5e|\";",
            |c, sink| randoms(c, 0..4, sink),
        ),
        row(
            "tls.random_bytes",
            &[],
            Side::Either,
            "The last 28 bytes of each random.",
            "tls.random_bytes; content:\"|57 5d 77 02|\";",
            |c, sink| randoms(c, 4..32, sink),
        ),
        row(
            "ja3.hash",
            &["ja3_hash"],
            Side::Request,
            "JA3 of the client: MD5 in lower-case hex.",
            "ja3.hash; content:\"e7eca2baf4458d095b7f45da28c16c34\";",
            |c, sink| of(ja3(c).map(|ja3| ja3.hash.as_bytes()), sink),
        ),
        row(
            "ja3.string",
            &["ja3_string"],
            Side::Request,
            "JA3 of the client before it is hashed.",
            "ja3.string; content:\"19-20-21-22\";",
            |c, sink| of(ja3(c).map(|ja3| ja3.string.as_bytes()), sink),
        ),
        row(
            "ja3s.hash",
            &["ja3s_hash"],
            Side::Response,
            "JA3S of the server: MD5 in lower-case hex.",
            "ja3s.hash; content:\"b26c652e0a402a24b5ca2a660e84f9d5\";",
            |c, sink| of(ja3s(c).map(|ja3| ja3.hash.as_bytes()), sink),
        ),
        row(
            "ja3s.string",
            &["ja3s_string"],
            Side::Response,
            "JA3S of the server before it is hashed.",
            "ja3s.string; content:\"771,23-35\";",
            |c, sink| of(ja3s(c).map(|ja3| ja3.string.as_bytes()), sink),
        ),
        row(
            "ja4.hash",
            &["ja4_hash"],
            Side::Request,
            "JA4 of the client.",
            "ja4.hash; content:\"t13d1516h2\"; startswith;",
            |c, sink| of(c.client.as_ref().map(|client| client.ja4.as_bytes()), sink),
        ),
        number(
            "tls.version",
            16,
            VERSIONS,
            "Version of the connection: 1.0 to 1.3, or its number.",
            "tls.version:1.2;",
            |c, sink| sink(Value::Int(c.version.into())),
        ),
        number(
            "ssl_version",
            16,
            SSL_VERSIONS,
            "Version of the connection by its long name, or several of them.",
            "ssl_version:tls1.2;",
            |c, sink| sink(Value::Int(c.version.into())),
        ),
        Field {
            side: Side::Request,
            ..number(
                "ssl_version",
                16,
                SSL_VERSIONS,
                "Version that the client asks for by its long name, or several of them.",
                "ssl_version:tls1.0,tls1.1,tls1.2;",
                |c, sink| {
                    if c.asked != 0 {
                        sink(Value::Int(c.asked.into()));
                    }
                },
            )
        },
        number(
            "tls.cert_chain_len",
            32,
            &[],
            "How many certificates the server sent.",
            "tls.cert_chain_len:>2;",
            |c, sink| {
                if !c.chain.is_empty() {
                    sink(Value::Int(c.chain.len() as u64));
                }
            },
        ),
    ];
}

fn of(value: Option<&[u8]>, sink: Sink<'_>) {
    value.into_iter().for_each(|bytes| sink(Value::Bytes(bytes)));
}

fn certificate(connection: &Connection, part: fn(&Certificate) -> &String, sink: Sink<'_>) {
    of(connection.certificate.as_ref().map(|c| part(c).as_bytes()), sink);
}

fn randoms(connection: &Connection, range: std::ops::Range<usize>, sink: Sink<'_>) {
    let client = connection.client.as_ref().map(|Client { random, .. }| random);
    let server = connection.server.as_ref().map(|Server { random, .. }| random);
    for random in client.into_iter().chain(server) {
        of(random.get(range.clone()), sink);
    }
}

fn ja3(connection: &Connection) -> Option<&Ja3> {
    connection.client.as_ref().and_then(|client| client.ja3.as_ref())
}

fn ja3s(connection: &Connection) -> Option<&Ja3> {
    connection.server.as_ref().and_then(|server| server.ja3s.as_ref())
}
