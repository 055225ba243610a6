//! What can be read from an exchange.

use super::state::{Dialect, Key};
use crate::field::{Field, Fields, Kind, Side, Stage, Value};
use crate::protocols::formats::dcerpc::{Call, interface_row, operation_row, stub_row};
use crate::protocols::formats::spnego::Logon;
use crate::protocols::formats::transfer::Transfer;

use super::records1::Created;

/// A request and its response, or what is done with a file over many of them.
#[derive(Default)]
pub struct Transaction {
    /// Number in the flow, from 1.
    pub id: u64,
    /// 1 or 2 (which stands for 3 too).
    pub version: u8,
    /// Command.
    pub command: u16,
    /// What the server said of it.
    pub status: Option<Status>,
    /// What pairs request and response.
    pub key: Key,
    /// The dialect that was agreed on by the time it ended.
    pub dialect: Dialect,
    /// What it is.
    pub detail: Detail,
    /// Whether all of the request was seen.
    pub request_done: bool,
    /// Whether all of the response was seen.
    pub response_done: bool,
}

/// What a server says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// MS-ERREF, 2.3.
    Nt(u32),
    /// Class and code.
    Dos(u8, u16),
}

/// What an exchange is.
#[derive(Default)]
pub enum Detail {
    /// Command and status say it all.
    #[default]
    Plain,
    /// The dialect is agreed on.
    Negotiate(Negotiate),
    /// Someone logs on.
    Session(Session),
    /// A share is connected to.
    Tree(Tree),
    /// A file is opened or made.
    Create(Create),
    /// A file is read or written.
    File(Box<FileTransfer>),
    /// A file gets another name.
    Rename {
        /// Old name.
        from: Vec<u8>,
        /// New name.
        to: Vec<u8>,
        /// Its handle.
        handle: Vec<u8>,
    },
    /// A remote procedure is called over a pipe.
    Call(Box<Call>),
    /// A control.
    Control(u32),
    /// Information of a file is set.
    SetInfo {
        /// Its name.
        name: Vec<u8>,
        /// Its handle.
        handle: Vec<u8>,
        /// Command of the transaction (SMB 1), or class.
        command: u16,
        /// Level of the information.
        level: u16,
        /// Whether it is deleted when closed.
        delete: bool,
    },
}

/// How a dialect is agreed on.
#[derive(Default)]
pub struct Negotiate {
    /// What the client offers.
    pub dialects: Vec<Vec<u8>>,
    /// The client's GUID (SMB 2).
    pub client: Option<[u8; 16]>,
    /// The server's GUID.
    pub server: Vec<u8>,
    /// The longest read and write, bytes.
    pub limits: (u32, u32),
}

/// How someone logs on.
#[derive(Default)]
pub struct Session {
    /// By name and challenge, or with a ticket.
    pub logon: Logon,
    /// System and software of the client (SMB 1).
    pub request: Option<[Vec<u8>; 2]>,
    /// System and software of the server (SMB 1).
    pub response: Option<[Vec<u8>; 2]>,
}

/// How a share is connected to.
#[derive(Default)]
pub struct Tree {
    /// Its path.
    pub path: Vec<u8>,
    /// Whether it holds pipes.
    pub is_pipe: bool,
    /// Kind of share (SMB 2).
    pub kind: u8,
    /// Service that the client asks for (SMB 1).
    pub asked: Option<Vec<u8>>,
    /// Service that the server gives (SMB 1).
    pub given: Option<Vec<u8>>,
}

/// How a file is opened.
#[derive(Default)]
pub struct Create {
    /// Its name, as it was sent.
    pub name: Vec<u8>,
    /// What to do when it exists or not.
    pub disposition: u32,
    /// Whether it is deleted when closed.
    pub delete: bool,
    /// Whether it is a directory.
    pub directory: bool,
    /// What the server tells of it.
    pub created: Created,
}

/// What is read from or written to a file.
pub struct FileTransfer {
    /// Its handle.
    pub handle: Vec<u8>,
    /// Its name.
    pub name: Vec<u8>,
    /// The share it is on.
    pub share: Vec<u8>,
    /// Who sends it.
    pub side: Side,
    /// Its content.
    pub transfer: Transfer,
    /// Whether its end was told.
    pub told: bool,
}

type Sink<'a> = &'a mut dyn FnMut(Value<'_>);

/// A row of bytes that the client sends.
macro_rules! row {
    ($name:literal [$($alias:literal)*] $help:literal $example:literal, $read:expr) => {
        Field {
            name: $name,
            aliases: &[$($alias),*],
            kind: Kind::Bytes,
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
        row!("smb.named_pipe" ["smb_named_pipe"]
            "Path of the share of pipes that is connected to, without its first backslash in SMB 1; \
             UTF-16 without zero bytes." "smb.named_pipe; content:\"IPC\";",
            |t, sink| tree(t, true, sink)),
        row!("smb.share" ["smb_share"]
            "Path of the share that is connected to, when it holds no pipes; as `smb.named_pipe`."
            "smb.share; content:\"share\";",
            |t, sink| tree(t, false, sink)),
        row!("smb.ntlmssp_user" []
            "User that logs on by NTLMSSP; UTF-16 without zero bytes."
            "smb.ntlmssp_user; content:\"mario\"; nocase;",
            |t, sink| logon(t, |who| &who.user, sink)),
        row!("smb.ntlmssp_domain" []
            "Domain of the user that logs on by NTLMSSP; UTF-16 without zero bytes."
            "smb.ntlmssp_domain; content:\"COMUNE\"; nocase;",
            |t, sink| logon(t, |who| &who.domain, sink)),
        Field {
            name: "smb.version",
            aliases: &[],
            kind: Kind::Int { bits: 8, names: &[] },
            eve: "",
            side: Side::Either,
            stage: Stage::Head,
            help: "Version of the protocol: 1, or 2, which stands for 3 too.",
            example: "smb.version:2;",
            read: |t, sink| {
                if t.version != 0 {
                    sink(Value::Int(t.version.into()));
                }
            },
        },
        interface_row(|t, sink| call(t, |call| call.each_interface(sink))),
        operation_row(|t, sink| call(t, |call| call.each_operation(sink))),
        stub_row(Side::Request, |t, sink| call(t, |call| bytes(&call.arguments.data, sink))),
        stub_row(Side::Response, |t, sink| call(t, |call| bytes(&call.results.data, sink))),
    ];
}

fn bytes(bytes: &[u8], sink: Sink<'_>) {
    if !bytes.is_empty() {
        sink(Value::Bytes(bytes));
    }
}

fn tree(transaction: &Transaction, pipe: bool, sink: Sink<'_>) {
    if let Detail::Tree(tree) = &transaction.detail
        && tree.is_pipe == pipe
    {
        bytes(&tree.path, sink);
    }
}

fn logon(
    transaction: &Transaction,
    part: fn(&crate::protocols::formats::ntlmssp::Authenticate) -> &Vec<u8>,
    sink: Sink<'_>,
) {
    if let Detail::Session(session) = &transaction.detail
        && let Some(who) = &session.logon.ntlmssp
    {
        bytes(part(who), sink);
    }
}

fn call(transaction: &Transaction, read: impl FnOnce(&Call)) {
    if let Detail::Call(call) = &transaction.detail {
        read(call);
    }
}

impl Transaction {
    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        match &self.detail {
            Detail::Plain | Detail::Control(_) => 0,
            Detail::Negotiate(negotiate) => {
                let dialects = negotiate.dialects.iter().map(Vec::capacity).sum::<usize>();
                dialects + negotiate.dialects.capacity() * size_of::<Vec<u8>>()
            }
            Detail::Session(session) => session.logon.memory(),
            Detail::Tree(tree) => tree.path.capacity(),
            Detail::Create(create) => create.name.capacity(),
            Detail::File(file) => {
                size_of::<FileTransfer>() + file.name.capacity() + file.transfer.memory()
            }
            Detail::Rename { from, to, .. } => from.capacity() + to.capacity(),
            Detail::Call(call) => size_of::<Call>() + call.memory(),
            Detail::SetInfo { name, .. } => name.capacity(),
        }
    }
}
