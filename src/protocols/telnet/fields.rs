//! What rules read from a log-in.

use super::transaction::{Login, Transaction};
use crate::field::{Field, Fields, Kind, Side, Stage, Value, YES_OR_NO};

const LOGINS: &[(&str, u64)] = &[("unknown", 0), ("success", 1), ("failure", 2)];

/// A row: name, kind, side, help, example, and how it is read.
macro_rules! row {
    ($name:literal $kind:expr, $side:ident $help:literal $example:literal, $read:expr) => {
        Field {
            name: $name,
            aliases: &[],
            kind: $kind,
            eve: "",
            side: Side::$side,
            stage: Stage::Body,
            help: $help,
            example: $example,
            read: $read,
        }
    };
}

impl Fields for Transaction {
    const FIELDS: &'static [Field<Self>] = &[
        row!("telnet.user" Kind::Bytes, Request
            "Who logs on: the name that is typed, or that of the environment."
            r#"telnet.user; content:"root";"#,
            |t, sink| if !t.user().is_empty() { sink(Value::Bytes(t.user())) }),
        row!("telnet.cleartext_password" Kind::Int { bits: 8, names: YES_OR_NO }, Request
            "Whether a password was typed, which anybody on the way could read: yes or no."
            "telnet.cleartext_password:yes;",
            |t, sink| sink(Value::Int(t.secret.into()))),
        row!("telnet.terminal_type" Kind::Bytes, Request
        "Type of the client's terminal (RFC 1091)."
        r#"telnet.terminal_type; content:"XTERM"; nocase;"#,
        |t, sink| if !t.environment.terminal.is_empty() {
            sink(Value::Bytes(&t.environment.terminal));
        }),
        row!("telnet.environment" Kind::Bytes, Request
            "Each variable of the client's environment (RFC 1572), its name in upper case: \
             NAME=value; the name alone where the value may be a secret, which is wherever it is \
             not USER, LOGNAME, TERM, DISPLAY, LANG, LC_*, TZ, PRINTER, SYSTEMTYPE, JOB or ACCT."
            r#"telnet.environment; content:"USER=-f";"#,
            |t, sink| t.environment.variables.iter().for_each(|text| sink(Value::Bytes(text)))),
        row!("telnet.login" Kind::Int { bits: 8, names: LOGINS }, Response
        "How a log-in went, told from what the server says: success, failure, unknown."
        "telnet.login:failure;",
        |t, sink| if let Some(login) = t.login {
            sink(Value::Int(match login {
                Login::Unknown => 0,
                Login::Success => 1,
                Login::Failure => 2,
            }));
        }),
    ];
}
