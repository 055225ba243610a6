//! SMTP: commands and replies, and the mails that they carry (RFC 5321; BDAT: RFC 3030; STARTTLS:
//! RFC 3207; pipelining: RFC 2920).

mod commands;
mod fields;
mod mail;
mod parser;
mod samples;

use crate::field::{Event, rows};
use crate::net::Direction;
use crate::protocols::{Carrier, Probe, Protocol};

use mail::Mail;

/// SMTP.
pub static PROTOCOL: Protocol = Protocol {
    name: "smtp",
    help: "Mail on its way: envelope, message, attachments.",
    eve: "smtp",
    schema: include_str!("schema.json"),
    files: true,
    frames: &["command_line", "response_line", "data"],
    carriers: &[Carrier::Tcp],
    ports: &[25, 465, 587],
    anywhere: true,
    by_client: false,
    probe,
    parser: || Box::new(parser::Smtp::default()),
    rows: rows::<Mail>,
    events: events::EVENTS,
    samples: samples::SAMPLES,
};

/// The violations that rules can name.
mod events {
    use super::Event;

    macro_rules! events {
        ($($ident:ident $name:literal $help:literal)*) => {
            $(
                #[doc = $help]
                pub static $ident: Event = Event { name: $name, help: $help };
            )*
            /// All of them.
            pub static EVENTS: &[&Event] = &[$(&$ident),*];
        };
    }

    events! {
        INVALID_REPLY "invalid_reply" "A reply without a code, or a greeting that is not 220."
        LONG_COMMAND "max_command_line_len_exceeded" "A command longer than is kept."
        LONG_REPLY "max_reply_line_len_exceeded" "A line of a reply longer than is kept."
        INVALID_PIPELINING "invalid_pipelined_sequence"
            "A command behind one that must be the last of its group."
        CHUNK_EXCEEDED "bdat_chunk_len_exceeded" "More content than BDAT announced."
        NO_WELCOME "no_server_welcome_message" "The client speaks before the server's greeting."
        TLS_REJECTED "tls_rejected" "The server refused STARTTLS."
        DATA_REJECTED "data_command_rejected" "The server refused DATA."
        INVALID_BASE64 "mime_invalid_base64" "A character that base64 does not have."
        INVALID_QP "mime_invalid_qp" "An escape that quoted-printable does not have."
        LONG_LINE "mime_long_line" "A line of more than 998 bytes in a message."
        LONG_ENCODED_LINE "mime_long_enc_line" "An encoded line of more than 76 bytes."
        LONG_HEADER_NAME "mime_long_header_name" "A header's name of more than 75 bytes."
        LONG_HEADER_VALUE "mime_long_header_value" "A header's value of more than 2000 bytes."
        LONG_BOUNDARY "mime_long_boundary" "A boundary of more than 254 bytes."
        LONG_FILENAME "mime_long_filename" "An attachment's name of more than 255 bytes."
        DUPLICATE_FIELDS "duplicate_fields" "A second HELO, or a second sender of a mail."
        UNPARSABLE "unparsable_content" "A mail begins where one has not ended."
    }
}

/// The client's first command, or a greeting that names the protocol.
fn probe(way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    match way {
        Direction::ToServer => {
            let word = bytes.get(..4).unwrap_or(bytes);
            let like = |wanted: &[u8]| {
                wanted.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word))
            };
            match bytes.get(4) {
                _ if !like(b"EHLO") && !like(b"HELO") => Probe::No,
                None => Probe::NeedMore,
                Some(b' ' | b'\r' | b'\n' | b'\t') => Probe::Yes,
                Some(_) => Probe::No,
            }
        }
        Direction::ToClient => greeting(bytes),
    }
}

/// `220 name ESMTP`: other protocols greet with 220 too.
fn greeting(bytes: &[u8]) -> Probe {
    let code = bytes.get(..3).unwrap_or(bytes);
    if !b"220".starts_with(code) || !matches!(bytes.get(3), None | Some(b' ' | b'-')) {
        return Probe::No;
    }
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.windows(4).any(|word| word.eq_ignore_ascii_case(b"smtp")) {
        Probe::Yes
    } else if line.len() == bytes.len() {
        Probe::NeedMore
    } else {
        Probe::No
    }
}

#[cfg(test)]
mod tests;
