//! A transfer: what rules read from it, and how EVE shows it.

use crate::field::{Describe, Field, Fields, Kind, Side, Stage, Tree, Value};
use crate::file::File;
use crate::protocols::formats::announced::Announced;

/// A file on its way.
pub struct Transfer {
    /// What was announced.
    pub announced: Announced,
    /// What came of it.
    pub file: File,
}

const COMMANDS: &[(&str, u64)] = &[("retr", 1), ("stor", 2)];

impl Fields for Transfer {
    const FIELDS: &'static [Field<Self>] = &[Field {
        name: "ftpdata_command",
        aliases: &["ftpdata.command"],
        kind: Kind::Int { bits: 8, names: COMMANDS },
        eve: "",
        side: Side::Either,
        stage: Stage::Head,
        help: "What was asked for: retr fetches, stor stores a file.",
        example: "ftpdata_command:stor;",
        read: |transfer, sink| sink(Value::Int(if transfer.announced.store { 2 } else { 1 })),
    }];
}

impl Describe for Transfer {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.text("filename", &self.announced.name);
        let command: &[u8] = if self.announced.store { b"STOR" } else { b"RETR" };
        tree.text("command", command);
    }
}
