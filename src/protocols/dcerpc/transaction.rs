//! What can be read from a call, and how EVE shows it.

use crate::field::{Describe, Field, Fields, Side, Tree, Value};
use crate::protocols::formats::dcerpc::{
    Call, Interface, Stub, interface_row, kind, name, operation_row, stub_row, uuid,
};

/// A call and what it returned, or a bind and its answer; either side may be missing.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// The call.
    pub call: Call,
    /// Minor version of the connection-oriented protocol.
    pub minor: u8,
    /// Activity and number of the call: it came in datagrams.
    pub datagram: Option<([u8; 16], u32)>,
    /// Whether all of the request was seen.
    pub request_done: bool,
    /// Whether all of the response was seen.
    pub response_done: bool,
}

impl Fields for Transaction {
    const FIELDS: &'static [Field<Self>] = &[
        interface_row(|t, sink| t.call.each_interface(sink)),
        operation_row(|t, sink| t.call.each_operation(sink)),
        stub_row(Side::Request, |t, sink| stub(&t.call.arguments, sink)),
        stub_row(Side::Response, |t, sink| stub(&t.call.results, sink)),
    ];
}

fn stub(stub: &Stub, sink: &mut dyn FnMut(Value<'_>)) {
    if !stub.data.is_empty() {
        sink(Value::Bytes(&stub.data));
    }
}

impl Describe for Transaction {
    fn describe(&self, tree: &mut dyn Tree) {
        match self.call.request.filter(|_| self.request_done) {
            Some(kind) => {
                tree.text("request", name(kind).as_bytes());
                self.describe_request(kind, tree);
            }
            None => tree.text("request", b"REQUEST_LOST"),
        }
        match self.call.response.filter(|_| self.response_done) {
            Some(kind) => {
                tree.text("response", name(kind).as_bytes());
                if kind == kind::RESPONSE {
                    tree.object("res", &mut |tree| sizes(&self.call.results, tree));
                }
            }
            None => tree.text("response", b"UNREPLIED"),
        }
        match &self.datagram {
            Some((activity, sequence)) => {
                tree.text("activityuuid", uuid(activity).as_bytes());
                tree.int("seqnum", (*sequence).into());
                tree.text("rpc_version", b"4.0");
            }
            None => {
                tree.int("call_id", self.call.id.into());
                tree.text("rpc_version", format!("5.{}", self.minor).as_bytes());
            }
        }
    }
}

impl Transaction {
    fn describe_request(&self, kind: u8, tree: &mut dyn Tree) {
        if kind == kind::REQUEST {
            tree.object("req", &mut |tree| {
                tree.int("opnum", self.call.operation.into());
                sizes(&self.call.arguments, tree);
            });
        }
        let shown = matches!(kind, kind::REQUEST | kind::BIND) && self.datagram.is_none();
        if shown && !self.call.interfaces.is_empty() {
            tree.list("interfaces", &mut |tree| {
                for interface in self.call.interfaces.iter() {
                    tree.object("", &mut |tree| describe_interface(interface, tree));
                }
            });
        }
    }
}

fn describe_interface(interface: &Interface, tree: &mut dyn Tree) {
    tree.text("uuid", uuid(&interface.uuid).as_bytes());
    tree.text("version", format!("{}.{}", interface.version, interface.minor).as_bytes());
    if let Some(outcome) = interface.outcome {
        tree.int("ack_result", outcome.result.into());
    }
}

fn sizes(stub: &Stub, tree: &mut dyn Tree) {
    tree.int("frag_cnt", stub.fragments.into());
    tree.int("stub_data_size", stub.size);
}
