//! What rules read from a message.

use super::message::{First, Message};
use crate::field::{Field, Fields, Kind, Side, Stage, Value};

type Sink<'s> = &'s mut dyn FnMut(Value<'_>);

/// A row: name, side, help, example, and how it is read.
macro_rules! row {
    ($name:literal $side:ident $help:literal $example:literal, $read:expr) => {
        Field {
            name: $name,
            aliases: &[],
            kind: Kind::Bytes,
            eve: "",
            side: Side::$side,
            stage: Stage::Body,
            help: $help,
            example: $example,
            read: $read,
        }
    };
}

/// A row of a header: name, header, its compact form, help, example.
macro_rules! header {
    ($name:literal $header:literal $compact:literal $help:literal $example:literal) => {
        row!($name Either $help $example, |message, sink| {
            message.header($header, $compact).for_each(|value| sink(Value::Bytes(value)));
        })
    };
}

/// A row of the session description: name, help, example, and the values it has.
macro_rules! sdp {
    ($name:literal $help:literal $example:literal, $all:ident => $values:expr) => {
        row!($name Either $help $example, |message, sink| {
            if let Some($all) = message.description.as_deref() {
                all($values, sink);
            }
        })
    };
}

/// The same of each of its media.
macro_rules! media {
    ($name:literal $help:literal $example:literal, $medium:ident => $values:expr) => {
        row!($name Either $help $example, |message, sink| {
            for $medium in message.description.iter().flat_map(|all| &all.media) {
                all($values, sink);
            }
        })
    };
}

fn all<'a>(values: impl IntoIterator<Item = &'a Vec<u8>>, sink: Sink<'_>) {
    values.into_iter().for_each(|value| sink(Value::Bytes(value)));
}

/// Values of two headers, neither of which has a compact form.
fn both(message: &Message, one: &'static [u8], other: &'static [u8], sink: Sink<'_>) {
    let values = message.header(one, b"").chain(message.header(other, b""));
    values.for_each(|value| sink(Value::Bytes(value)));
}

impl Fields for Message {
    const FIELDS: &'static [Field<Self>] = &[
        row!("sip.method" Request "Method of a request." r#"sip.method; content:"INVITE";"#,
        |message, sink| if let First::Request(method, ..) = &message.first {
            sink(Value::Bytes(method));
        }),
        row!("sip.uri" Request "Address in a request." r#"sip.uri; content:"sip:bruno@";"#,
        |message, sink| if let First::Request(_, uri, _) = &message.first {
            sink(Value::Bytes(uri));
        }),
        row!("sip.request_line" Request "First line of a request, without its end."
        r#"sip.request_line; content:"INVITE sip:"; startswith;"#,
        |message, sink| if let First::Request(..) = &message.first {
            sink(Value::Bytes(&message.line));
        }),
        row!("sip.stat_code" Response "Code of a response." r#"sip.stat_code; content:"180";"#,
        |message, sink| if let First::Response(_, code, _) = &message.first {
            sink(Value::Bytes(code));
        }),
        row!("sip.stat_msg" Response "Words behind the code of a response."
        r#"sip.stat_msg; content:"Ringing";"#,
        |message, sink| if let First::Response(_, _, reason) = &message.first {
            sink(Value::Bytes(reason));
        }),
        row!("sip.response_line" Response "First line of a response, without its end."
        r#"sip.response_line; content:"SIP/2.0 180"; startswith;"#,
        |message, sink| if let First::Response(..) = &message.first {
            sink(Value::Bytes(&message.line));
        }),
        row!("sip.protocol" Either "Protocol and version." r#"sip.protocol; content:"SIP/2.0";"#,
        |message, sink| {
            let (First::Request(_, _, version) | First::Response(version, ..)) =
                &message.first;
            sink(Value::Bytes(version));
        }),
        header!("sip.from" b"from" b"f" "Who calls." r#"sip.from; content:"sip:anna@";"#),
        header!("sip.to" b"to" b"t" "Who is called." r#"sip.to; content:"sip:bruno@";"#),
        header!("sip.via" b"via" b"v" "Each way it came." r#"sip.via; content:"SIP/2.0/UDP";"#),
        header!("sip.user_agent" b"user-agent" b"" "The program."
            r#"sip.user_agent; content:"Phone/1";"#),
        header!("sip.content_type" b"content-type" b"c" "Kind of the body."
            r#"sip.content_type; content:"application/sdp";"#),
        header!("sip.content_length" b"content-length" b"l" "Bytes of the body, as sent."
            r#"sip.content_length; content:"0";"#),
        header!("sip.call_id" b"call-id" b"i" "The conversation that a message belongs to."
            r#"sip.call_id; content:"@192.0.2.1";"#),
        header!("sip.cseq" b"cseq" b"" "Number and method of the request that is sent or answered."
            r#"sip.cseq; content:"REGISTER"; endswith;"#),
        row!("sip.authorization" Request "Credentials of a request, for a server or a proxy."
        r#"sip.authorization; content:"username=";"#,
        |message, sink| both(message, b"authorization", b"proxy-authorization", sink)),
        row!("sip.authenticate" Response "What a response asks credentials for."
        r#"sip.authenticate; content:"realm=";"#,
        |message, sink| both(message, b"www-authenticate", b"proxy-authenticate", sink)),
        sdp!("sdp.session_name" "Name of the session." r#"sdp.session_name; content:"Call";"#,
            d => &d.session_name),
        sdp!("sdp.session_info" "What the session is about."
            r#"sdp.session_info; content:"talk";"#, d => &d.session.info),
        sdp!("sdp.origin" "Who describes it: user, numbers, address."
            r#"sdp.origin; content:"IN IP4 192.0.2.1";"#, d => &d.origin),
        sdp!("sdp.uri" "Where more is told." r#"sdp.uri; content:"http://";"#,
            d => &d.uri),
        sdp!("sdp.email" "Whom to write to." r#"sdp.email; content:"anna@example.org";"#,
            d => &d.email),
        sdp!("sdp.phone_number" "Whom to call." r#"sdp.phone_number; content:"+39";"#,
            d => &d.phone_number),
        sdp!("sdp.connection_data" "Where media go, for all of them."
            r#"sdp.connection_data; content:"192.0.2.1";"#,
            d => &d.session.connection),
        sdp!("sdp.bandwidth" "Each bandwidth of the session."
            r#"sdp.bandwidth; content:"AS:64";"#, d => &d.session.bandwidths),
        sdp!("sdp.time" "Each time at which it is held: start and end."
            r#"sdp.time; content:"3034423619";"#,
            d => d.times.iter().map(|(time, _)| time)),
        sdp!("sdp.repeat_time" "Each rule of repetition." r#"sdp.repeat_time; content:"7d 1h";"#,
            d => d.times.iter().filter_map(|(_, repeat)| repeat.as_ref())),
        sdp!("sdp.timezone" "Changes of the time of day." r#"sdp.timezone; content:"-1h";"#,
            d => &d.timezone),
        sdp!("sdp.encryption_key" "Key of the session." r#"sdp.encryption_key; content:"prompt";"#,
            d => &d.session.key),
        sdp!("sdp.attribute" "Each attribute of the session."
            r#"sdp.attribute; content:"recvonly";"#,
            d => &d.session.attributes),
        media!("sdp.media.media" "Each medium: kind, port, transport, formats."
            r#"sdp.media.media; content:"audio 49170";"#, m => [&m.0]),
        media!("sdp.media.media_info" "What each medium is."
            r#"sdp.media.media_info; content:"voice";"#, m => &m.1.info),
        media!("sdp.media.connection_data" "Where each medium goes."
            r#"sdp.media.connection_data; content:"192.0.2.2";"#,
            m => &m.1.connection),
        media!("sdp.media.encryption_key" "Key of each medium."
            r#"sdp.media.encryption_key; content:"clear:";"#, m => &m.1.key),
    ];
}
