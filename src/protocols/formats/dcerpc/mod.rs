//! DCE/RPC: remote procedure calls over a stream, over datagrams, and within the named pipes of
//! SMB (C706, chapter 12; MS-RPCE, 2.2.2).

mod call;
mod pdu;

pub use call::{
    Call, INTERFACES_MAX, STUB_BYTES_MAX, Stub, interface_row, operation_row, stub_row,
};
pub use pdu::{
    Bind, HEADER_BYTES, Header, Interface, Outcome, Request, bind_outcomes, name, swapped, uuid,
};

/// Kinds of unit (C706, 12.6.4) that are read.
pub mod kind {
    /// A call.
    pub const REQUEST: u8 = 0;
    /// What a call returns.
    pub const RESPONSE: u8 = 2;
    /// A client names the interfaces that it will call.
    pub const BIND: u8 = 11;
    /// Which of them the server accepts.
    pub const BIND_ACK: u8 = 12;
    /// Further interfaces.
    pub const ALTER_CONTEXT: u8 = 14;
    /// Which of them the server accepts.
    pub const ALTER_CONTEXT_RESPONSE: u8 = 15;
    /// The last kind that is defined.
    pub const LAST: u8 = 20;
}
