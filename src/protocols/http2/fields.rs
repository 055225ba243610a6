//! What can be read from a stream: the keywords of HTTP, and those of this version alone.

use super::hpack::Field as Named;
use super::names::{ERRORS, FRAMES};
use super::stream::{Part, Stream};
use crate::field::{Field, Fields, Kind, Side, Stage, Value};
use crate::file::File;
use crate::protocols::formats::dns::Message;

type Sink<'a> = &'a mut dyn FnMut(Value<'_>);

/// A row: kind, side, stage, name, aliases, help, example, and what reads it from that side.
macro_rules! row {
    ($kind:expr, $side:ident $part:ident $stage:ident $name:literal [$($alias:literal)*]
     $help:literal $example:literal, |$p:ident, $sink:ident| $body:expr) => {
        Field {
            name: $name,
            aliases: &[$($alias),*],
            kind: $kind,
            eve: "",
            side: Side::$side,
            stage: Stage::$stage,
            help: $help,
            example: $example,
            read: |stream: &Stream, $sink: Sink<'_>| {
                let $p: &Part = &stream.$part;
                $body;
            },
        }
    };
}

/// A row of bytes that are put together, when there are any.
macro_rules! bytes {
    ($side:ident $part:ident $name:literal [$($alias:literal)*] $help:literal $example:literal,
     |$p:ident| $value:expr) => {
        row!(Kind::Bytes, $side $part Head $name [$($alias)*] $help $example,
            |$p, sink| give($value.as_deref(), sink))
    };
}

/// A row of all values of a field.
macro_rules! header {
    ($side:ident $part:ident $name:literal [$($alias:literal)*] $header:literal $example:literal) => {
        Field {
            name: $name,
            aliases: &[$($alias),*],
            kind: Kind::Bytes,
            eve: "",
            side: Side::$side,
            stage: Stage::Head,
            help: concat!("Value of the header `", $header, "`; repeated ones are joined by `, `."),
            example: $example,
            read: |stream: &Stream, sink: Sink<'_>| {
                give(stream.$part.joined($header.as_bytes()).as_deref(), sink);
            },
        }
    };
}

/// A row of numbers of frames.
macro_rules! number {
    ($side:ident $part:ident $name:literal $bits:literal $names:expr, $help:literal $example:literal,
     $values:ident) => {
        row!(Kind::Int { bits: $bits, names: $names }, $side $part Body $name [] $help $example,
            |p, sink| p.$values.iter().for_each(|value| sink(Value::Int(u64::from(*value)))))
    };
}

/// A row of the message of DNS that a side carries, by its place among the rows of messages.
macro_rules! dns {
    ($side:ident $part:ident $index:literal) => {
        of_message($index, Side::$side, |stream: &Stream, sink: Sink<'_>| {
            let field = Message::FIELDS.get($index);
            if let (Some(message), Some(field)) = (&stream.$part.dns, field) {
                (field.read)(message, sink);
            }
        })
    };
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn of_message(index: usize, side: Side, read: fn(&Stream, Sink<'_>)) -> Field<Stream> {
    let field = &Message::FIELDS[index];
    Field {
        name: field.name,
        aliases: field.aliases,
        kind: field.kind,
        eve: "",
        side,
        stage: Stage::Body,
        help: field.help,
        example: field.example,
        read,
    }
}

fn give(value: Option<&[u8]>, sink: Sink<'_>) {
    if let Some(bytes) = value {
        sink(Value::Bytes(bytes));
    }
}

/// Host of an authority (RFC 3986, section 3.2): in lower case, without user and port.
pub fn host(authority: &[u8]) -> Vec<u8> {
    let user = authority.iter().position(|byte| *byte == b'@').map_or(0, |at| at + 1);
    let rest = authority.get(user..).unwrap_or_default();
    // An address of IPv6 has colons within brackets.
    let bracket = rest.iter().position(|byte| *byte == b']').filter(|_| rest.starts_with(b"["));
    let from = bracket.unwrap_or(0);
    let colon = rest.iter().skip(from).position(|byte| *byte == b':').map(|at| at + from);
    rest.get(..colon.unwrap_or(rest.len())).unwrap_or_default().to_ascii_lowercase()
}

/// The authority, or the host that stands for it.
pub fn authority(request: &Part) -> Option<Vec<u8>> {
    request.joined(b":authority").or_else(|| request.joined(b"host"))
}

fn is_cookie(field: &Named) -> bool {
    field.name == b"cookie" || field.name == b"set-cookie"
}

/// `name: value` and a line ending each; `None` without fields.
fn lines(part: &Part, raw: bool) -> Option<Vec<u8>> {
    let mut lines = Vec::new();
    for field in part.head_fields().filter(|field| raw || !is_cookie(field)) {
        let value = if raw { &field.value } else { field.value.trim_ascii() };
        lines.extend_from_slice(&line(field, value));
        lines.extend_from_slice(b"\r\n");
    }
    (!lines.is_empty()).then_some(lines)
}

fn line(field: &Named, value: &[u8]) -> Vec<u8> {
    [field.name.as_slice(), b": ", value].concat()
}

fn names(part: &Part) -> Option<Vec<u8>> {
    let mut names = b"\r\n".to_vec();
    for field in part.head_fields() {
        names.extend_from_slice(&field.name);
        names.extend_from_slice(b"\r\n");
    }
    names.extend_from_slice(b"\r\n");
    (part.head > 0).then_some(names)
}

fn request_line(request: &Part) -> Option<Vec<u8>> {
    let method = request.first(b":method")?;
    let path = request.first(b":path")?;
    Some([method, b" ", path, b" HTTP/2\r\n"].concat())
}

fn response_line(response: &Part) -> Option<Vec<u8>> {
    Some([b"HTTP/2 ", response.first(b":status")?, b"\r\n"].concat())
}

fn each_line(part: &Part, sink: Sink<'_>) {
    part.head_fields().for_each(|field| sink(Value::Bytes(&line(field, &field.value))));
}

fn each_name(part: &Part, sink: Sink<'_>) {
    part.fields.iter().for_each(|field| sink(Value::Bytes(&field.name)));
}

fn body(part: &Part, sink: Sink<'_>) {
    let content = part.file.as_ref().map(File::data);
    give(content.filter(|content| !content.is_empty()), sink);
}

impl Fields for Stream {
    const FIELDS: &'static [Field<Self>] = &[
        bytes!(Request request "http.method" ["http_method"]
            "The request method." r#"http.method; content:"GET";"#, |p| p.first(b":method")),
        bytes!(Request request "http.uri" ["http_uri"]
            "The request target." r#"http.uri; content:"/index.php";"#, |p| p.first(b":path")),
        bytes!(Request request "http.uri.raw" ["http_raw_uri"]
            "The request target as sent." r#"http.uri.raw; content:"%2e%2e";"#,
            |p| p.first(b":path")),
        bytes!(Request request "http.protocol" ["http_protocol"]
            "Always `HTTP/2`." r#"http.protocol; content:"HTTP/2";"#,
            |_p| Some(&b"HTTP/2"[..])),
        bytes!(Response response "http.protocol" ["http_protocol"]
            "Always `HTTP/2`." r#"http.protocol; content:"HTTP/2";"#,
            |_p| Some(&b"HTTP/2"[..])),
        bytes!(Request request "http.request_line" ["http_request_line"]
            "The request line that the request would have in older versions, with its ending."
            r#"http.request_line; content:"GET / HTTP/2";"#, |p| request_line(p)),
        bytes!(Response response "http.response_line" ["http_response_line"]
            "The status line that the response would have in older versions, with its ending."
            r#"http.response_line; content:"HTTP/2 200";"#, |p| response_line(p)),
        bytes!(Response response "http.stat_code" ["http_stat_code"]
            "The status." r#"http.stat_code; content:"200";"#, |p| p.first(b":status")),
        bytes!(Response response "http.stat_msg" ["http_stat_msg"]
            "Always empty: this version has no words after the status."
            r#"http.stat_msg; bsize:0;"#, |_p| Some(&b""[..])),
        bytes!(Request request "http.host" ["http_host"]
            "Host of the authority, in lower case, without user and port."
            r#"http.host; content:"example.org"; bsize:11;"#,
            |p| authority(p).map(|authority| host(&authority))),
        bytes!(Request request "http.host.raw" ["http_raw_host"]
            "The authority as sent." r#"http.host.raw; content:"Example.org";"#, |p| authority(p)),
        bytes!(Request request "http.header" ["http_header"]
            "The request's fields but cookies: `name: value` and a line ending each."
            r#"http.header; content:"x-token|3a 20|";"#, |p| lines(p, false)),
        bytes!(Response response "http.header" ["http_header"]
            "The response's fields but cookies: `name: value` and a line ending each."
            r#"http.header; content:"x-token|3a 20|";"#, |p| lines(p, false)),
        bytes!(Request request "http.header.raw" ["http_raw_header"]
            "The request's fields: `name: value` and a line ending each."
            r#"http.header.raw; content:"x-token|3a|";"#, |p| lines(p, true)),
        bytes!(Response response "http.header.raw" ["http_raw_header"]
            "The response's fields: `name: value` and a line ending each."
            r#"http.header.raw; content:"x-token|3a|";"#, |p| lines(p, true)),
        row!(Kind::Bytes, Request request Head "http.request_header" ["http_request_header"]
            "Each of the request's fields as `name: value`."
            r#"http.request_header; content:"user-agent|3a 20|";"#, |p, sink| each_line(p, sink)),
        row!(Kind::Bytes, Response response Head "http.response_header" ["http_response_header"]
            "Each of the response's fields as `name: value`."
            r#"http.response_header; content:"server|3a 20|";"#, |p, sink| each_line(p, sink)),
        bytes!(Request request "http.header_names" ["http_header_names"]
            "Names of the request's fields, a line ending before, between and two after."
            r#"http.header_names; content:"|0d 0a|host|0d 0a|";"#, |p| names(p)),
        bytes!(Response response "http.header_names" ["http_header_names"]
            "Names of the response's fields, a line ending before, between and two after."
            r#"http.header_names; content:"|0d 0a|server|0d 0a|";"#, |p| names(p)),
        header!(Request request "http.user_agent" ["http_user_agent"] "user-agent"
            r#"http.user_agent; content:"curl/"; startswith;"#),
        header!(Request request "http.referer" ["http_referer"] "referer"
            r#"http.referer; content:".php";"#),
        header!(Request request "http.accept" ["http_accept"] "accept"
            r#"http.accept; content:"image/gif";"#),
        header!(Request request "http.accept_enc" ["http_accept_enc"] "accept-encoding"
            r#"http.accept_enc; content:"gzip";"#),
        header!(Request request "http.accept_lang" ["http_accept_lang"] "accept-language"
            r#"http.accept_lang; content:"en-us";"#),
        header!(Request request "http.connection" ["http_connection"] "connection"
            r#"http.connection; content:"keep-alive";"#),
        header!(Response response "http.connection" ["http_connection"] "connection"
            r#"http.connection; content:"keep-alive";"#),
        header!(Request request "http.content_type" ["http_content_type"] "content-type"
            r#"http.content_type; content:"x-www-form-urlencoded";"#),
        header!(Response response "http.content_type" ["http_content_type"] "content-type"
            r#"http.content_type; content:"text/javascript";"#),
        header!(Request request "http.content_len" ["http_content_len"] "content-length"
            r#"http.content_len; content:"666";"#),
        header!(Response response "http.content_len" ["http_content_len"] "content-length"
            r#"http.content_len; content:"555";"#),
        header!(Request request "http.cookie" ["http_cookie"] "cookie"
            r#"http.cookie; content:"session=";"#),
        header!(Response response "http.cookie" ["http_cookie"] "set-cookie"
            r#"http.cookie; content:"session=";"#),
        header!(Response response "http.location" ["http_location"] "location"
            r#"http.location; content:"http://";"#),
        header!(Response response "http.server" ["http_server"] "server"
            r#"http.server; content:"Microsoft-IIS/6.0";"#),
        row!(Kind::Bytes, Request request Body "http.request_body"
            ["http_client_body" "http_request_body"]
            "The request's body, decompressed, its first 100 KiB."
            r#"http.request_body; content:"cmd=";"#, |p, sink| body(p, sink)),
        row!(Kind::Bytes, Response response Body "http.response_body"
            ["http_server_body" "http_response_body"]
            "The response's body, decompressed, its first 100 KiB."
            r#"http.response_body; content:"<html";"#, |p, sink| body(p, sink)),
        row!(Kind::Bytes, Request request Body "http2.header_name" ["http2_header_name"]
            "Each name of the client's fields." r#"http2.header_name; content:"user-agent";"#,
            |p, sink| each_name(p, sink)),
        row!(Kind::Bytes, Response response Body "http2.header_name" ["http2_header_name"]
            "Each name of the server's fields." r#"http2.header_name; content:"server";"#,
            |p, sink| each_name(p, sink)),
        number!(Request request "http2.frametype" 8 FRAMES,
            "Type of each frame of the client." "http2.frametype:GOAWAY;", kinds),
        number!(Response response "http2.frametype" 8 FRAMES,
            "Type of each frame of the server." "http2.frametype:GOAWAY;", kinds),
        number!(Request request "http2.errorcode" 32 ERRORS,
            "Why the client ended a stream or the connection."
            "http2.errorcode:PROTOCOL_ERROR;", errors),
        number!(Response response "http2.errorcode" 32 ERRORS,
            "Why the server ended a stream or the connection."
            "http2.errorcode:PROTOCOL_ERROR;", errors),
        number!(Request request "http2.priority" 8 &[],
            "Each weight, less one, that the client gives the stream."
            "http2.priority:>100;", priorities),
        number!(Response response "http2.priority" 8 &[],
            "Each weight, less one, that the server gives the stream."
            "http2.priority:>100;", priorities),
        number!(Request request "http2.window" 32 &[],
            "By how much the client opens the window, each time."
            "http2.window:>1000;", windows),
        number!(Response response "http2.window" 32 &[],
            "By how much the server opens the window, each time."
            "http2.window:>1000;", windows),
        number!(Request request "http2.size_update" 64 &[],
            "Each size that the client gives its table of fields."
            "http2.size_update:>1000;", updates),
        number!(Response response "http2.size_update" 64 &[],
            "Each size that the server gives its table of fields."
            "http2.size_update:>1000;", updates),
        row!(Kind::Int { bits: 64, names: &[] }, Request request Body "http2.setting" []
            "Each setting of the client as one number: its identifier times 2^32, and its value."
            "http2.setting:0x100001000;", |p, sink| settings(p, sink)),
        row!(Kind::Int { bits: 64, names: &[] }, Response response Body "http2.setting" []
            "Each setting of the server as one number: its identifier times 2^32, and its value."
            "http2.setting:0x100001000;", |p, sink| settings(p, sink)),
        dns!(Request request 0),
        dns!(Request request 1),
        dns!(Response response 1),
        dns!(Request request 2),
        dns!(Response response 2),
        dns!(Request request 3),
        dns!(Response response 3),
        dns!(Request request 4),
        dns!(Response response 4),
        dns!(Request request 5),
        dns!(Response response 5),
        dns!(Request request 6),
        dns!(Response response 6),
        dns!(Request request 7),
        dns!(Response response 7),
        dns!(Request request 8),
        dns!(Response response 8),
    ];
}

fn settings(part: &Part, sink: Sink<'_>) {
    for (id, value) in &part.settings {
        sink(Value::Int(u64::from(*id) << 32 | u64::from(*value)));
    }
}
