//! What rules read from a command, its responses and a mail. The names are those that Suricata 9
//! documents (doc/userguide/rules/imap-keywords.rst); the others are ours.

use super::transaction::Transaction;
use crate::field::{Field, Fields, Kind, Side, Stage, Value, YES_OR_NO};
use crate::net::Direction;

const WAYS: &[(&str, u64)] = &[("to_server", 0), ("to_client", 1)];
const ANSWER: Kind = Kind::Int { bits: 8, names: YES_OR_NO };
const WAY: Kind = Kind::Int { bits: 8, names: WAYS };

/// A row: name, kind, side, stage, help, example, and how it is read.
macro_rules! row {
    ($name:literal $kind:expr, $side:ident $stage:ident $help:literal $example:literal, $read:expr) => {
        Field {
            name: $name,
            aliases: &[],
            kind: $kind,
            eve: "",
            side: Side::$side,
            stage: Stage::$stage,
            help: $help,
            example: $example,
            read: $read,
        }
    };
}

type Sink<'s> = &'s mut dyn FnMut(Value<'_>);

/// A text that is there.
fn text(bytes: &[u8], sink: Sink<'_>) {
    if !bytes.is_empty() {
        sink(Value::Bytes(bytes));
    }
}

/// A header's name as rules write it: small letters, `_` for `-`.
fn plain(name: &[u8]) -> Vec<u8> {
    let letter = |byte: &u8| if *byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    name.trim_ascii().iter().map(letter).collect()
}

impl Fields for Transaction {
    const FIELDS: &'static [Field<Self>] = &[
        row!("imap.request" Kind::Bytes, Request Head
            "The line of the client, literals as they are announced, without passwords."
            r#"imap.request; content:"SELECT INBOX";"#,
            |t, sink| t.request.iter().for_each(|line| text(line, sink))),
        row!("imap.response" Kind::Bytes, Response Body
            "Each line of the server, literals as they are announced."
            r#"imap.response; content:"[AUTHENTICATIONFAILED]";"#,
            |t, sink| t.responses.iter().for_each(|line| text(line, sink))),
        row!("imap.command" Kind::Bytes, Request Head
            "Name of the command, in upper case when it is known: LOGIN, UID FETCH."
            r#"imap.command; content:"LOGIN";"#,
            |t, sink| text(&t.command, sink)),
        row!("imap.user" Kind::Bytes, Request Body
            "Who logs on by LOGIN or AUTHENTICATE."
            r#"imap.user; content:"anna@example.org";"#,
            |t, sink| text(&t.user, sink)),
        row!("imap.cleartext_password" ANSWER, Request Body
        "Whether LOGIN or AUTHENTICATE carried a password or a token that can be read: yes or no."
        "imap.cleartext_password:yes;",
        |t, sink| if matches!(t.command.as_slice(), b"LOGIN" | b"AUTHENTICATE") {
            sink(Value::Int(t.secret.into()));
        }),
        row!("imap.status" Kind::Bytes, Response Body
        "How the server ended the command: OK, NO, BAD; of a greeting OK, PREAUTH, BYE."
        r#"imap.status; content:"NO";"#,
        |t, sink| if let Some(status) = t.status {
            sink(Value::Bytes(status.name().as_bytes()));
        }),
        row!("imap.email.direction" WAY, Either Body
        "Where a mail goes: to_server (APPEND) or to_client (FETCH)."
        "imap.email.direction:to_server;",
        |t, sink| if let Some(mail) = &t.mail {
            sink(Value::Int((mail.way == Direction::ToClient).into()));
        }),
        row!("imap.email.body" Kind::Bytes, Either Body
            "What follows the headers of a mail, as sent; its first 100 KiB."
            r#"imap.email.body; content:"confidential";"#,
            |t, sink| t.mail.iter().for_each(|mail| text(&mail.body, sink))),
        row!("imap.email.header" Kind::Bytes, Either Body
        "Each header of a mail: its name in small letters with _ for -, a colon, a blank, its \
         value. Where it is folded, the end of the line and one blank behind it are left out, as \
         in mails of SMTP."
        r#"imap.email.header; content:"content_type: text/plain";"#,
        |t, sink| for header in t.mail.iter().flat_map(|mail| mail.message.headers()) {
            let name = plain(&header.name);
            text(&[name.as_slice(), b": ", header.value.trim_ascii()].concat(), sink);
        }),
        row!("imap.email.header.name" Kind::Bytes, Either Body
        "Name of each header of a mail, in small letters with _ for -."
        r#"imap.email.header.name; content:"x_mailer";"#,
        |t, sink| for header in t.mail.iter().flat_map(|mail| mail.message.headers()) {
            text(&plain(&header.name), sink);
        }),
        row!("imap.email.header.value" Kind::Bytes, Either Body
        "Value of each header of a mail, unfolded as in imap.email.header."
        r#"imap.email.header.value; content:"anna@example.org";"#,
        |t, sink| for header in t.mail.iter().flat_map(|mail| mail.message.headers()) {
            text(header.value.trim_ascii(), sink);
        }),
    ];
}
