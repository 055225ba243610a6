//! What can be read from an exchange, and how EVE shows it.

use super::names;
use crate::field::{Describe, Field, Fields, Kind, Side, Stage, Tree, Value};
use crate::protocols::formats::rpc::{self, Caller};
use crate::protocols::formats::transfer::Transfer;

/// A call and its reply, or what is done with a file over many of them.
#[derive(Default)]
pub struct Transaction {
    /// Number in the flow, from 1.
    pub id: u64,
    /// What pairs call and reply.
    pub call: u32,
    /// Version of the protocol.
    pub version: u32,
    /// Procedure, or the operation of version 4 that matters.
    pub procedure: u32,
    /// What it is about.
    pub name: Vec<u8>,
    /// The handle of that, or of the directory that holds it.
    pub handle: Vec<u8>,
    /// Who calls.
    pub caller: Caller,
    /// Whether the call was denied.
    pub denied: u32,
    /// What the server said.
    pub status: u32,
    /// Whether it gets no record, being cut off.
    pub quiet: bool,
    /// What it is.
    pub detail: Detail,
}

/// What an exchange is.
#[derive(Default)]
pub enum Detail {
    /// Procedure and status say it all.
    #[default]
    Plain,
    /// A file gets this name.
    Rename(Vec<u8>),
    /// A file is read or written.
    File(Box<FileTransfer>),
}

/// What is read from or written to a file.
pub struct FileTransfer {
    /// Who sends it.
    pub side: Side,
    /// Its content.
    pub transfer: Transfer,
    /// Pieces seen.
    pub chunks: u32,
    /// The call with which it ended, when it has.
    pub last: Option<u32>,
    /// Whether its end was told.
    pub told: bool,
}

/// Procedures of versions 2 and 3 (RFC 1813, 3.3) that mean something special.
pub mod procedure {
    pub const NULL: u32 = 0;
    pub const GETATTR: u32 = 1;
    pub const LOOKUP: u32 = 3;
    pub const READ: u32 = 6;
    pub const WRITE: u32 = 7;
    pub const CREATE: u32 = 8;
    pub const MKDIR: u32 = 9;
    pub const SYMLINK: u32 = 10;
    pub const MKNOD: u32 = 11;
    pub const REMOVE: u32 = 12;
    pub const RMDIR: u32 = 13;
    pub const RENAME: u32 = 14;
    pub const READDIRPLUS: u32 = 17;
    pub const COMMIT: u32 = 21;
}

/// A row of a number of 32 bits that the client sends.
macro_rules! row {
    ($name:literal [$($alias:literal)*] $help:literal $example:literal, $read:expr) => {
        Field {
            name: $name,
            aliases: &[$($alias),*],
            kind: Kind::Int { bits: 32, names: &[] },
            eve: "",
            side: Side::Request,
            stage: Stage::Head,
            help: $help,
            example: $example,
            read: $read,
        }
    };
}

impl Fields for Transaction {
    const FIELDS: &'static [Field<Self>] = &[
        row!("nfs_procedure" []
            "Number of the procedure; in version 4 of the operation that reads, writes, creates or \
             removes." "nfs_procedure:6;",
            |t, sink| sink(Value::Int(t.procedure.into()))),
        row!("nfs.version" ["nfs_version"]
            "Version of the protocol: 2, 3 or 4." "nfs.version:3;",
            |t, sink| sink(Value::Int(t.version.into()))),
    ];
}

impl Describe for Transaction {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.int("version", self.version.into());
        tree.text("procedure", names::procedure(self.version, self.procedure).as_bytes());
        tree.text("filename", &self.name);
        if !self.handle.is_empty() {
            let mut check = flate2::Crc::new();
            check.update(&self.handle);
            tree.text("hhash", format!("{:x}", check.sum()).as_bytes());
        }
        tree.int("id", self.id);
        tree.bool("file_tx", matches!(self.detail, Detail::File(_)));
        tree.text("type", b"response");
        tree.text("status", names::status(self.status).as_bytes());
        match &self.detail {
            Detail::Plain => {}
            Detail::Rename(to) => tree.object("rename", &mut |tree| {
                tree.text("from", &self.name);
                tree.text("to", to);
            }),
            Detail::File(file) => {
                let key = if file.side == Side::Request { "write" } else { "read" };
                tree.object(key, &mut |tree| {
                    tree.bool("first", true);
                    tree.bool("last", file.last.is_some());
                    tree.int("last_xid", file.last.unwrap_or_default().into());
                    tree.int("chunks", file.chunks.into());
                });
            }
        }
    }

    fn beside(&self, tree: &mut dyn Tree) {
        tree.object("rpc", &mut |tree| rpc::describe(self.call, self.denied, &self.caller, tree));
    }

    /// Attributes are asked for all the time; what closes a file is told with the file.
    fn is_logged(&self) -> bool {
        let quiet = [procedure::GETATTR, procedure::COMMIT];
        !self.quiet && (self.version > 3 || !quiet.contains(&self.procedure))
    }
}

impl Transaction {
    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        let detail = match &self.detail {
            Detail::Plain => 0,
            Detail::Rename(to) => to.capacity(),
            Detail::File(file) => size_of::<FileTransfer>() + file.transfer.memory(),
        };
        self.name.capacity() + self.handle.capacity() + self.caller.memory() + detail
    }
}
