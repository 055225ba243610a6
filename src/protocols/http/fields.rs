//! What can be read from a transaction.

use super::transaction::Transaction;
use crate::field::{Field, Fields, Kind, Side, Stage, Value};

type Sink<'a> = &'a mut dyn FnMut(Value<'_>);

fn give(value: Option<&[u8]>, sink: Sink<'_>) {
    if let Some(bytes) = value {
        sink(Value::Bytes(bytes));
    }
}

/// A row of bytes: side, stage, name, aliases, help, example, and an expression that gives
/// `Option<&[u8]>`.
macro_rules! bytes {
    ($side:ident $stage:ident $name:literal [$($alias:literal)*] $help:literal $example:literal,
     |$t:ident| $value:expr) => {
        Field {
            name: $name,
            aliases: &[$($alias),*],
            kind: Kind::Bytes,
            eve: "",
            side: Side::$side,
            stage: Stage::$stage,
            help: $help,
            example: $example,
            read: |$t: &Transaction, sink: Sink<'_>| give($value, sink),
        }
    };
}

/// A row of the value of a header.
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
            read: |t: &Transaction, sink: Sink<'_>| give(t.$part.get($header.as_bytes()), sink),
        }
    };
}

/// A row that calls the sink itself.
macro_rules! row {
    ($kind:expr, $side:ident $name:literal [$($alias:literal)*] $help:literal $example:literal,
     $read:expr) => {
        Field {
            name: $name,
            aliases: &[$($alias),*],
            kind: $kind,
            eve: "",
            side: Side::$side,
            stage: Stage::Head,
            help: $help,
            example: $example,
            read: $read,
        }
    };
}

fn request<'a>(t: &'a Transaction, value: &'a [u8]) -> Option<&'a [u8]> {
    (!t.request.is_empty()).then_some(value)
}

fn response<'a>(t: &'a Transaction, value: &'a [u8]) -> Option<&'a [u8]> {
    (!t.response.is_empty()).then_some(value)
}

impl Fields for Transaction {
    const FIELDS: &'static [Field<Self>] = &[
        bytes!(Request Head "http.method" ["http_method"]
            "The request method." r#"http.method; content:"GET";"#, |t| t.request.part(0)),
        bytes!(Request Head "http.uri" ["http_uri"]
            "The request target without scheme and host: percent-decoded, backslashes and repeated \
             slashes to one slash, dot segments removed."
            r#"http.uri; content:"/index.php";"#, |t| t.uri()),
        bytes!(Request Head "http.uri.raw" ["http_raw_uri"]
            "The request target as sent." r#"http.uri.raw; content:"%2e%2e";"#,
            |t| t.request.part(1)),
        bytes!(Request Head "http.protocol" ["http_protocol"]
            "The protocol in the request line." r#"http.protocol; content:"HTTP/1.0";"#,
            |t| t.request.part(2)),
        bytes!(Response Head "http.protocol" ["http_protocol"]
            "The protocol in the status line." r#"http.protocol; content:"HTTP/1.0";"#,
            |t| t.response.part(0)),
        bytes!(Request Head "http.request_line" ["http_request_line"]
            "The request line without its ending."
            r#"http.request_line; content:"GET / HTTP/1.0";"#,
            |t| request(t, t.request.line())),
        bytes!(Response Head "http.response_line" ["http_response_line"]
            "The status line without its ending."
            r#"http.response_line; content:"HTTP/1.0 200 OK";"#,
            |t| response(t, t.response.line())),
        bytes!(Response Head "http.stat_code" ["http_stat_code"]
            "The status." r#"http.stat_code; content:"200";"#, |t| t.response.part(1)),
        bytes!(Response Head "http.stat_msg" ["http_stat_msg"]
            "The words after the status." r#"http.stat_msg; content:"OK";"#,
            |t| t.response.part(2)),
        bytes!(Request Head "http.host" ["http_host"]
            "Host of the target or of the Host header, in lower case, without port."
            r#"http.host; content:"example.org"; bsize:11;"#, |t| t.host()),
        bytes!(Request Head "http.host.raw" ["http_raw_host"]
            "Host as sent." r#"http.host.raw; content:"Example.org";"#, |t| t.raw_host()),
        bytes!(Request Head "http.header" ["http_header"]
            "The request's headers but cookies: `Name: value` and a line ending each."
            r#"http.header; content:"X-Token|3a 20|";"#, |t| request(t, t.request.normal())),
        bytes!(Response Head "http.header" ["http_header"]
            "The response's headers but cookies: `Name: value` and a line ending each."
            r#"http.header; content:"X-Token|3a 20|";"#, |t| response(t, t.response.normal())),
        bytes!(Request Head "http.header.raw" ["http_raw_header"]
            "The request's headers as sent." r#"http.header.raw; content:"X-Token|3a|";"#,
            |t| request(t, t.request.block())),
        bytes!(Response Head "http.header.raw" ["http_raw_header"]
            "The response's headers as sent." r#"http.header.raw; content:"X-Token|3a|";"#,
            |t| response(t, t.response.block())),
        row!(Kind::Bytes, Request "http.request_header" ["http_request_header"]
            "Each of the request's headers as `Name: value`."
            r#"http.request_header; content:"User-Agent|3a 20|";"#,
            |t, sink| t.request.each_line(&mut |line| sink(Value::Bytes(line)))),
        row!(Kind::Bytes, Response "http.response_header" ["http_response_header"]
            "Each of the response's headers as `Name: value`."
            r#"http.response_header; content:"Server|3a 20|";"#,
            |t, sink| t.response.each_line(&mut |line| sink(Value::Bytes(line)))),
        bytes!(Request Head "http.header_names" ["http_header_names"]
            "Names of the request's headers, a line ending before, between and two after."
            r#"http.header_names; content:"|0d 0a|Host|0d 0a|";"#,
            |t| request(t, t.request.names())),
        bytes!(Response Head "http.header_names" ["http_header_names"]
            "Names of the response's headers, a line ending before, between and two after."
            r#"http.header_names; content:"|0d 0a|Server|0d 0a|";"#,
            |t| response(t, t.response.names())),
        bytes!(Request Head "http.start" ["http_start"]
            "Request line and headers, normalised, to the empty line."
            r#"http.start; content:"HTTP/1.1|0d 0a|User-Agent";"#,
            |t| request(t, t.request.start())),
        bytes!(Response Head "http.start" ["http_start"]
            "Status line and headers, normalised, to the empty line."
            r#"http.start; content:"HTTP/1.1 200 OK|0d 0a|Date";"#,
            |t| response(t, t.response.start())),
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
        bytes!(Request Body "http.request_body" ["http_client_body" "http_request_body"]
            "The request's body, its first 100 KiB." r#"http.request_body; content:"cmd=";"#,
            |t| t.request_body.kept()),
        bytes!(Response Body "http.response_body" ["http_server_body" "http_response_body"]
            "The response's body, decompressed, its first 100 KiB."
            r#"http.response_body; content:"<html";"#, |t| t.response_body.kept()),
        bytes!(Response Body "file.data" ["file_data"]
            "Content that the server sends: the response's body, decompressed."
            r#"file.data; content:"MZ"; startswith;"#, |t| t.response_body.kept()),
    ];
}
