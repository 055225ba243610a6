//! What rules read from a mail.

use super::mail::Mail;
use crate::field::{Field, Fields, Kind, Side, Stage, Value, YES_OR_NO};
use crate::protocols::formats::mime::Message;

/// A row: name, stage, help, example, and how it is read.
macro_rules! row {
    ($name:literal $stage:ident $help:literal $example:literal, $read:expr) => {
        row!($name Kind::Bytes, $stage $help $example, $read)
    };
    ($name:literal $kind:expr, $stage:ident $help:literal $example:literal, $read:expr) => {
        Field {
            name: $name,
            aliases: &[],
            kind: $kind,
            eve: "",
            side: Side::Request,
            stage: Stage::$stage,
            help: $help,
            example: $example,
            read: $read,
        }
    };
}

/// A row of a header of the message.
macro_rules! header {
    ($name:literal $header:literal $help:literal $example:literal) => {
        row!($name Body $help $example, |mail, sink| {
            let value = mail.message.as_deref().and_then(|m| m.header_value($header));
            value.into_iter().for_each(|value| sink(Value::Bytes(value)));
        })
    };
}

impl Fields for Mail {
    const FIELDS: &'static [Field<Self>] = &[
        row!("smtp.helo" Head "What the client calls itself in HELO or EHLO."
            r#"smtp.helo; content:"mail.example.org";"#,
            |mail, sink| mail.helo.iter().for_each(|text| sink(Value::Bytes(text)))),
        row!("smtp.mail_from" Head "The sender in MAIL FROM, with its angle brackets."
            r#"smtp.mail_from; content:"<anna@example.org>";"#,
            |mail, sink| mail.mail_from.iter().for_each(|text| sink(Value::Bytes(text)))),
        row!("smtp.rcpt_to" Head "Each recipient in RCPT TO, with its angle brackets."
            r#"smtp.rcpt_to; content:"<bruno@example.com>";"#,
            |mail, sink| mail.rcpt_to.iter().for_each(|text| sink(Value::Bytes(text)))),
        row!("smtp.auth_refused" Kind::Int { bits: 16, names: &[] }, Body
            "How often the server refused who wanted to log on (AUTH), since the mail before."
            "smtp.auth_refused:>3;",
            |mail, sink| sink(Value::Int(mail.refused.into()))),
        row!("smtp.logged_on" Kind::Int { bits: 8, names: YES_OR_NO }, Body
            "Whether the client that wanted to (AUTH) has logged on, since the mail before: yes or \
             no."
            "smtp.logged_on:yes;",
            |mail, sink| mail.logged_on.iter().for_each(|on| sink(Value::Int((*on).into())))),
        header!("email.from" b"from" "The header From of a message."
            r#"email.from; content:"anna@example.org";"#),
        header!("email.subject" b"subject" "The header Subject, as sent."
            r#"email.subject; content:"Invoice";"#),
        header!("email.to" b"to" "The header To." r#"email.to; content:"bruno@example.com";"#),
        header!("email.cc" b"cc" "The header Cc." r#"email.cc; content:"carla@example.com";"#),
        header!("email.date" b"date" "The header Date." r#"email.date; content:"2026";"#),
        header!("email.message_id" b"message-id" "The header Message-Id."
            r#"email.message_id; content:"@example.org>"; endswith;"#),
        header!("email.x_mailer" b"x-mailer" "The header X-Mailer: the program that wrote it."
            r#"email.x_mailer; content:"Mailer 1.0";"#),
        row!("email.url" Body "Each web address in the text, without http://."
        r#"email.url; content:"example.net/pay";"#,
        |mail, sink| {
            let urls = mail.message.as_deref().map_or(&[][..], Message::urls);
            urls.iter().for_each(|url| sink(Value::Bytes(url)));
        }),
        row!("email.received" Body "Each header Received: the ways it came."
        r#"email.received; content:"from relay.example.org";"#,
        |mail, sink| {
            if let Some(message) = mail.message.as_deref() {
                message.header_values(b"received").for_each(|v| sink(Value::Bytes(v)));
            }
        }),
    ];
}
