//! A log-in: what rules read from it, and how EVE shows it.

use crate::field::{Describe, Field, Fields, Kind, Read, Side, Stage, Tree, Value};

/// A log-in, as far as it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// Version of the server.
    pub version: Vec<u8>,
    /// Who wants to log on; `None` when that is encrypted or has not come.
    pub user: Option<Vec<u8>>,
    /// The database that is asked for with it.
    pub database: Option<Vec<u8>>,
    /// Whether it goes on as TLS.
    pub encrypted: bool,
    /// How it ended: 0 when the server took it, or the error's number.
    pub result: Option<u16>,
    /// What the server says of an error.
    pub reason: Vec<u8>,
}

/// A row: kind, side, name, help, example, and how it is read.
const fn row(
    (kind, side): (Kind, Side),
    name: &'static str,
    help: &'static str,
    example: &'static str,
    read: Read<Login>,
) -> Field<Login> {
    Field { name, aliases: &[], kind, eve: "", side, stage: Stage::Body, help, example, read }
}

impl Fields for Login {
    const FIELDS: &'static [Field<Self>] = &[
        row(
            (Kind::Bytes, Side::Response),
            "mysql.version",
            "Version of the server, as it greets.",
            "mysql.version; content:\"5.5.\"; startswith;",
            |login, sink| sink(Value::Bytes(&login.version)),
        ),
        row(
            (Kind::Bytes, Side::Request),
            "mysql.user",
            "Who wants to log on.",
            "mysql.user; content:\"root\";",
            |login, sink| login.user.iter().for_each(|user| sink(Value::Bytes(user))),
        ),
        row(
            (Kind::Bytes, Side::Request),
            "mysql.database",
            "The database that is asked for when logging on.",
            "mysql.database; content:\"anagrafe\";",
            |login, sink| login.database.iter().for_each(|name| sink(Value::Bytes(name))),
        ),
        row(
            (Kind::Int { bits: 16, names: &[] }, Side::Response),
            "mysql.error_code",
            "How the log-in ended: 0 when the server took it, or the error's number.",
            "mysql.error_code:1045;",
            |login, sink| login.result.iter().for_each(|code| sink(Value::Int((*code).into()))),
        ),
    ];
}

impl Describe for Login {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.text("version", &self.version);
        for (key, text) in [("user", &self.user), ("database", &self.database)] {
            if let Some(text) = text {
                tree.text(key, text);
            }
        }
        tree.bool("tls", self.encrypted);
        if let Some(code) = self.result {
            tree.int("error_code", code.into());
        }
        if !self.reason.is_empty() {
            tree.text("error", &self.reason);
        }
    }
}
