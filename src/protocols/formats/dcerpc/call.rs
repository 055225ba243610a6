//! A call as rules and EVE see it, over whatever carries it.

use std::sync::Arc;

use super::kind;
use super::pdu::{Header, Interface, Request};
use crate::field::{Field, Kind, Read, Side, Stage, Value};

/// Bytes of arguments or results that rules look at, per side of a call.
pub const STUB_BYTES_MAX: usize = 262_144;

/// Interfaces that a flow may have bound; of further ones the oldest are forgotten.
pub const INTERFACES_MAX: usize = 256;

/// A call and what it returned, or a bind and its answer.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// Pairs both sides.
    pub id: u32,
    /// The interface, by its context number.
    pub context: u16,
    /// The operation of the interface.
    pub operation: u16,
    /// Kind of the client's unit; `None` when it was not seen.
    pub request: Option<u8>,
    /// Kind of the server's unit; `None` when it was not seen.
    pub response: Option<u8>,
    /// Arguments.
    pub arguments: Stub,
    /// Results.
    pub results: Stub,
    /// The interfaces that it may be a call of, or that it binds.
    pub interfaces: Arc<Vec<Interface>>,
}

/// Arguments or results, marshalled (C706, chapter 14), put together from fragments.
#[derive(Clone, Debug, Default)]
pub struct Stub {
    /// The first [`STUB_BYTES_MAX`] bytes.
    pub data: Vec<u8>,
    /// Bytes seen.
    pub size: u64,
    /// Fragments seen.
    pub fragments: u16,
}

impl Stub {
    /// Adds a fragment.
    pub fn add(&mut self, bytes: &[u8]) {
        let room = STUB_BYTES_MAX.saturating_sub(self.data.len());
        self.data.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.size = self.size.saturating_add(bytes.len() as u64);
        self.fragments = self.fragments.saturating_add(1);
    }
}

impl Call {
    /// Takes a fragment of a request in; false when it is broken.
    pub fn add_request(&mut self, header: &Header, after_header: &[u8]) -> bool {
        let Some(request) = Request::read(header, after_header) else { return false };
        if self.arguments.fragments == 0 {
            (self.context, self.operation) = (request.context, request.operation);
        }
        self.arguments.add(request.stub);
        true
    }

    /// Takes a fragment of a response in, from `skipped` bytes behind its header on; false when it
    /// is broken. The results themselves begin behind 8 bytes.
    pub fn add_response(&mut self, header: &Header, after_header: &[u8], skipped: usize) -> bool {
        let Some(stub) = header.body(after_header).get(skipped..) else { return false };
        self.results.add(stub);
        true
    }

    /// Whether the client calls an operation.
    pub fn is_request(&self) -> bool {
        self.request == Some(kind::REQUEST)
    }

    /// Calls `sink` with each interface that the server accepted and that this may be a call of:
    /// its UUID, major version, and whether it was bound in a first fragment.
    pub fn each_interface(&self, sink: &mut dyn FnMut(Value<'_>)) {
        let accepted = |interface: &&Interface| interface.outcome.is_some_and(|o| o.result == 0);
        for interface in self.interfaces.iter().filter(accepted).filter(|_| self.is_request()) {
            let mut bytes = [0; 19];
            let tail = interface.version.to_be_bytes().into_iter();
            let tail = tail.chain([u8::from(interface.first_fragment)]);
            for (to, from) in bytes.iter_mut().zip(interface.uuid.into_iter().chain(tail)) {
                *to = from;
            }
            sink(Value::Bytes(&bytes));
        }
    }

    /// Calls `sink` with the number of the operation that is called.
    pub fn each_operation(&self, sink: &mut dyn FnMut(Value<'_>)) {
        if self.is_request() {
            sink(Value::Int(self.operation.into()));
        }
    }

    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        self.arguments.data.capacity() + self.results.data.capacity()
    }
}

/// The row of the interfaces of a call.
pub const fn interface_row<T>(read: Read<T>) -> Field<T> {
    Field {
        name: "dcerpc.interface",
        aliases: &[],
        kind: Kind::Bytes,
        eve: "",
        side: Side::Either,
        stage: Stage::Head,
        help: "Interfaces that a call may be of and that the server accepted: UUID, 16 bytes, major \
               version, 2 bytes, and 1 when it was bound in a first fragment. `dcerpc.iface` is \
               the easier way to test it.",
        example: "dcerpc.iface:367abb81-9844-35f1-ad32-98f038001003;",
        read,
    }
}

/// The row of the operation of a call.
pub const fn operation_row<T>(read: Read<T>) -> Field<T> {
    Field {
        name: "dcerpc.operation",
        aliases: &[],
        kind: Kind::Int { bits: 16, names: &[] },
        eve: "",
        side: Side::Either,
        stage: Stage::Head,
        help: "Number of the operation that is called. `dcerpc.opnum` tests it against a list.",
        example: "dcerpc.opnum:15,17-20;",
        read,
    }
}

/// The row of the arguments or of the results of a call.
pub const fn stub_row<T>(side: Side, read: Read<T>) -> Field<T> {
    Field {
        name: "dcerpc.stub_data",
        aliases: &["dce_stub_data"],
        kind: Kind::Bytes,
        eve: "",
        side,
        stage: Stage::Head,
        help: "Arguments of a call, or its results: all fragments together, their first 256 KiB.",
        example: "dcerpc.stub_data; content:\"|05 00|\";",
        read,
    }
}
