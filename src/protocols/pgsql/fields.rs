//! What rules read from a transaction, and how EVE shows it.

use super::message::{Request, Response, Transaction};
use crate::field::{Describe, Field, Fields, Kind, Side, Stage, Tree, Value};

impl Fields for Transaction {
    const FIELDS: &'static [Field<Self>] = &[Field {
        name: "pgsql.query",
        aliases: &[],
        kind: Kind::Bytes,
        eve: "",
        side: Side::Request,
        stage: Stage::Head,
        help: "A query, as it was sent, at most its first 64 KiB.",
        example: "pgsql.query; content:\"select\"; nocase;",
        read: |t, sink| {
            if let Some(Request::Query(query)) = &t.request {
                sink(Value::Bytes(query));
            }
        },
    }];
}

impl Describe for Transaction {
    fn describe(&self, tree: &mut dyn Tree) {
        // The reference engine counts its transactions from 1 here.
        tree.int("tx_id", self.id.saturating_add(1));
        if let Some(request) = &self.request {
            tree.object("request", &mut |tree| describe_request(request, tree));
        }
        if let Some(response) = &self.response {
            tree.object("response", &mut |tree| describe_response(response, tree));
        }
    }
}

fn describe_request(request: &Request, tree: &mut dyn Tree) {
    match request {
        Request::Encryption => tree.text("message", b"SSL Request"),
        Request::Startup { version: [major, minor], parameters } => {
            tree.text("protocol_version", format!("{major}.{minor}").as_bytes());
            tree.object("startup_parameters", &mut |tree| {
                let (users, others): (Vec<_>, Vec<_>) =
                    parameters.iter().partition(|(name, _)| name == b"user");
                if let Some((_, user)) = users.first() {
                    tree.text("user", user);
                }
                list("optional_parameters", &others, tree);
            });
        }
        Request::Cancel { process, key } => {
            tree.text("message", b"cancel_request");
            tree.int("process_id", (*process).into());
            tree.int("secret_key", (*key).into());
        }
        Request::Password => tree.bool("password_redacted", true),
        Request::SaslInitial { mechanism, data } => {
            let known: &[u8] = match &**mechanism {
                b"SCRAM-SHA-256" => b"scram_SHA256",
                b"SCRAM-SHA-256-PLUS" => b"scram_SHA256_plus",
                other => other,
            };
            tree.text("sasl_authentication_mechanism", known);
            tree.text("sasl_param", data);
        }
        Request::Sasl(data) => tree.text("sasl_response", data),
        Request::Query(query) => tree.text("simple_query", query),
        Request::CopyIn { count, size } => tree.object("copy_data_in", &mut |tree| {
            tree.int("msg_count", *count);
            tree.int("data_size", *size);
        }),
        Request::Terminate => tree.text("message", b"termination_message"),
    }
}

fn describe_response(r: &Response, tree: &mut dyn Tree) {
    if let Some(granted) = r.encryption {
        tree.bool("ssl_accepted", granted);
    }
    if let Some(salt) = &r.salt {
        tree.text("authentication_md5_password", salt);
    }
    if let Some(data) = &r.sasl_final {
        tree.text("authentication_sasl_final", data);
    }
    let keys = [
        (b'S', "severity_localizable"),
        (b'V', "severity_non_localizable"),
        (b'C', "code"),
        (b'M', "message"),
        (b'F', "file"),
        (b'L', "line"),
        (b'R', "routine"),
    ];
    let told = |letter: u8| r.error.iter().find(|(known, _)| *known == letter);
    if let Some(message) = r.message.filter(|_| told(b'M').is_none()) {
        tree.text("message", message.as_bytes());
    }
    for (letter, key) in keys {
        if let Some((_, value)) = told(letter) {
            tree.text(key, value);
        }
    }
    list("parameter_status", &r.parameters.iter().collect::<Vec<_>>(), tree);
    if let Some((process, key)) = r.key {
        tree.int("process_id", process.into());
        tree.int("secret_key", key.into());
    }
    if let Some(columns) = r.columns {
        tree.int("field_count", columns.into());
    }
    let (rows, size) = r.rows;
    if rows > 0 {
        tree.int("data_rows", rows);
        tree.int("data_size", size);
    }
    for (key, columns) in [("copy_in_response", r.copy_in), ("copy_out_response", r.copy_out)] {
        if let Some(columns) = columns {
            tree.object(key, &mut |tree| tree.int("columns", columns.into()));
        }
    }
    let (count, size) = r.copied;
    if count > 0 {
        tree.object("copy_data_out", &mut |tree| {
            tree.int("row_count", count);
            tree.int("data_size", size);
        });
    }
    if let Some(done) = &r.completed {
        tree.text("command_completed", done);
    }
}

/// One object for each parameter, as the reference engine shows them.
fn list(key: &str, parameters: &[&(Vec<u8>, Vec<u8>)], tree: &mut dyn Tree) {
    if parameters.is_empty() {
        return;
    }
    tree.list(key, &mut |tree| {
        for (name, value) in parameters {
            let name = String::from_utf8_lossy(name);
            let name = match &*name {
                "DateStyle" => "date_style",
                "IntervalStyle" => "interval_style",
                "TimeZone" => "time_zone",
                other => other,
            };
            tree.object("", &mut |tree| tree.text(name, value));
        }
    });
}
