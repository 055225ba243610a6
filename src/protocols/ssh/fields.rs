//! What rules read from an SSH connection.

use super::connection::{Connection, Speaker};
use crate::field::{Field, Fields, Kind, Side, Stage, Value};

type Sink<'s> = &'s mut dyn FnMut(Value<'_>);
type Read = fn(&Connection, Sink<'_>);

/// A row: side, stage, name, aliases, help, example, and how it is read.
const fn row(
    (side, stage): (Side, Stage),
    name: &'static str,
    aliases: &'static [&'static str],
    help: &'static str,
    example: &'static str,
    read: Read,
) -> Field<Connection> {
    Field { name, aliases, kind: Kind::Bytes, eve: "", side, stage, help, example, read }
}

const CLIENT: (Side, Stage) = (Side::Request, Stage::Head);
const SERVER: (Side, Stage) = (Side::Response, Stage::Head);
const CLIENT_OFFER: (Side, Stage) = (Side::Request, Stage::Body);
const SERVER_OFFER: (Side, Stage) = (Side::Response, Stage::Body);

const PROTO: &str = "Version of the protocol in the identification string of who speaks: `2.0`.";
const SOFTWARE: &str = "Software in the identification string of who speaks, without comments.";

impl Fields for Connection {
    const FIELDS: &'static [Field<Self>] = &[
        row(
            CLIENT,
            "ssh.proto",
            &["ssh_proto"],
            PROTO,
            "ssh.proto; content:\"2.0\";",
            |c, sink| {
                of(&c.client, |s| &s.proto, sink);
            },
        ),
        row(
            SERVER,
            "ssh.proto",
            &["ssh_proto"],
            PROTO,
            "ssh.proto; content:\"1.99\";",
            |c, sink| {
                of(&c.server, |s| &s.proto, sink);
            },
        ),
        row(
            CLIENT,
            "ssh.software",
            &["ssh_software"],
            SOFTWARE,
            "ssh.software; content:\"OpenSSH\"; nocase;",
            |c, sink| of(&c.client, |s| &s.software, sink),
        ),
        row(
            SERVER,
            "ssh.software",
            &["ssh_software"],
            SOFTWARE,
            "ssh.software; content:\"dropbear\"; nocase;",
            |c, sink| of(&c.server, |s| &s.software, sink),
        ),
        row(
            CLIENT_OFFER,
            "ssh.hassh",
            &["ssh-hassh"],
            "HASSH of the client: MD5 in lower-case hex.",
            "ssh.hassh; content:\"3c22e3bfc2b8b121088e0bc23a380321\";",
            |c, sink| of(&c.client, |s| s.hassh.as_bytes(), sink),
        ),
        row(
            CLIENT_OFFER,
            "ssh.hassh.string",
            &["ssh-hassh-string"],
            "HASSH of the client before it is hashed: what it offers for key exchange, ciphers, \
             MACs, compression.",
            "ssh.hassh.string; content:\"curve25519-sha256\";",
            |c, sink| of(&c.client, |s| &s.hassh_string, sink),
        ),
        row(
            SERVER_OFFER,
            "ssh.hassh.server",
            &["ssh-hassh-server"],
            "HASSH of the server: MD5 in lower-case hex.",
            "ssh.hassh.server; content:\"9c57946ab365c9be9627c40ff6066798\";",
            |c, sink| of(&c.server, |s| s.hassh.as_bytes(), sink),
        ),
        row(
            SERVER_OFFER,
            "ssh.hassh.server.string",
            &["ssh-hassh-server-string"],
            "HASSH of the server before it is hashed.",
            "ssh.hassh.server.string; content:\"none\";",
            |c, sink| of(&c.server, |s| &s.hassh_string, sink),
        ),
    ];
}

fn of(speaker: &Speaker, part: fn(&Speaker) -> &[u8], sink: Sink<'_>) {
    let bytes = part(speaker);
    if !bytes.is_empty() {
        sink(Value::Bytes(bytes));
    }
}
