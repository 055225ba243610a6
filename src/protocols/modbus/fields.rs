//! What can be read from a transaction, and how EVE shows it.

use super::codes::{self, DIAGNOSTIC, MASK_WRITE, MEI};
use super::message::{Message, Write, flaw};
use crate::field::{Describe, Field, Fields, Kind, Side, Stage, Tree, Value};

/// A request and its response; either may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Number within the flow, from 0.
    pub id: u64,
    /// What the client asked.
    pub request: Option<Message>,
    /// What the server answered.
    pub response: Option<Message>,
}

type Sink<'a> = &'a mut dyn FnMut(Value<'_>);

/// A number row: side, name, bits, help, example, and what gives the number from a message.
macro_rules! int {
    ($side:ident $part:ident $name:literal $bits:literal $names:expr, $help:literal $example:literal,
     |$m:ident| $value:expr) => {
        Field {
            name: $name,
            aliases: &[],
            kind: Kind::Int { bits: $bits, names: $names },
            eve: "",
            side: Side::$side,
            stage: Stage::Head,
            help: $help,
            example: $example,
            read: |t: &Transaction, sink: Sink<'_>| {
                if let Some(number) = t.$part.as_ref().and_then(|$m: &Message| $value) {
                    sink(Value::Int(u64::from(number)));
                }
            },
        }
    };
}

/// A row that reads from a message through a function of it.
macro_rules! row {
    ($kind:expr, $side:ident $part:ident $name:literal $help:literal $example:literal,
     |$m:ident, $sink:ident| $body:expr) => {
        Field {
            name: $name,
            aliases: &[],
            kind: $kind,
            eve: "",
            side: Side::$side,
            stage: Stage::Head,
            help: $help,
            example: $example,
            read: |t: &Transaction, $sink: Sink<'_>| {
                if let Some($m) = &t.$part {
                    $body;
                }
            },
        }
    };
}

const CATEGORIES: &[(&str, u64)] =
    &[("assigned", 1), ("unassigned", 2), ("user", 4), ("reserved", 8)];

const ACCESSES: &[(&str, u64)] =
    &[("read", 1), ("write", 2), ("discretes", 4), ("coils", 8), ("input", 16), ("holding", 32)];

impl Fields for Transaction {
    const FIELDS: &'static [Field<Self>] = &[
        int!(Request request "modbus.transaction_id" 16 &[],
            "Number that pairs a request with its response." "modbus.transaction_id:1;",
            |m| Some(m.transaction)),
        int!(Request request "modbus.unit_id" 8 &[],
            "The device behind the server that is asked." "modbus.unit_id:10;", |m| Some(m.unit)),
        int!(Request request "modbus.function" 8 &[],
            "Function code." "modbus.function:16;", |m| Some(m.function)),
        int!(Request request "modbus.subfunction" 16 &[],
            "Diagnostic subfunction, or type of encapsulated interface." "modbus.subfunction:4;",
            |m| m.subfunction),
        int!(Request request "modbus.category" 8 CATEGORIES,
            "Kind of function code: assigned, unassigned, user or reserved."
            "modbus.category:reserved;", |m| Some(m.category())),
        int!(Request request "modbus.access" 8 ACCESSES,
            "Bits of what the function does: 1 read, 2 write, 4 discrete inputs, 8 coils, 16 input \
             registers, 32 holding registers, 64 single, 128 multiple."
            "modbus.access:&2=2;", |m| Some(m.access())),
        int!(Request request "modbus.read_address" 16 &[],
            "First address that is read, counted from 0." "modbus.read_address:<100;",
            |m| m.read.map(|range| range.address)),
        int!(Request request "modbus.read_quantity" 16 &[],
            "How many bits or registers are read." "modbus.read_quantity:>100;",
            |m| m.read.map(|range| range.quantity)),
        int!(Request request "modbus.write_address" 16 &[],
        "First address that is written, counted from 0." "modbus.write_address:500;",
        |m| m.write.map(|write| match write {
            Write::One { address, .. } | Write::Mask { address, .. } => address,
            Write::Many(range) => range.address,
        })),
        int!(Request request "modbus.write_quantity" 16 &[],
        "How many bits or registers are written." "modbus.write_quantity:>10;",
        |m| m.write.map(|write| match write {
            Write::Many(range) => range.quantity,
            _ => 1,
        })),
        row!(Kind::Int { bits: 16, names: &[] }, Request request "modbus.write_value"
            "Each value that is written, in the order of the addresses; 0xff00 or 0 when a single \
             coil, 1 or 0 when several coils." "modbus.write_value:>200;",
            |m, sink| m.each_written(&mut |_, value| sink(Value::Int(u64::from(value))))),
        int!(Request request "modbus.first_address" 16 &[],
            "First address that is read or written, the written one of a request that does both; \
             counted from 1." "modbus.first_address:<100;",
            |m| m.addresses().map(|range| *range.start())),
        int!(Request request "modbus.last_address" 16 &[],
            "Last address that is read or written, the written one of a request that does both; \
             counted from 1." "modbus.last_address:>99;",
            |m| m.addresses().map(|range| *range.end())),
        row!(Kind::Int { bits: 32, names: &[] }, Request request "modbus.written"
        "Each address that is written, counted from 1, in the upper 16 bits, and its value in \
         the lower ones: 1 or 0 of a coil."
        "modbus.written:0x01f40000<>0x01f50000;", |m, sink| m.each_written(&mut |at, value| {
            let value = if m.function == 5 { u16::from(value != 0) } else { value };
            // A mask sets no value that is known.
            if let (Some(at), false) = (at.checked_add(1), m.function == MASK_WRITE) {
                sink(Value::Int(u64::from(at) << 16 | u64::from(value)));
            }
        })),
        row!(Kind::Bytes, Request request "modbus.request_data"
            "What follows the parsed part of a request: written values, or data of other functions."
            r#"modbus.request_data; content:"|00 01|";"#, |m, sink| sink(Value::Bytes(&m.data))),
        int!(Response response "modbus.exception" 8 &[],
            "Why the server refused." "modbus.exception:2;", |m| m.exception),
        row!(Kind::Bytes, Response response "modbus.response_data"
            "What follows the parsed part of a response: read values, or data of other functions."
            r#"modbus.response_data; content:"|00 01|";"#, |m, sink| sink(Value::Bytes(&m.data))),
    ];
}

impl Describe for Transaction {
    fn describe(&self, tree: &mut dyn Tree) {
        // The reference engine counts its transactions from 1 here.
        tree.int("id", self.id.saturating_add(1));
        if let Some(request) = &self.request {
            tree.object("request", &mut |tree| message(request, true, tree));
        }
        if let Some(response) = &self.response {
            tree.object("response", &mut |tree| message(response, false, tree));
        }
    }
}

fn message(m: &Message, request: bool, tree: &mut dyn Tree) {
    tree.int("transaction_id", u64::from(m.transaction));
    tree.int("protocol_id", u64::from(m.protocol));
    tree.int("unit_id", u64::from(m.unit));
    tree.int("function_raw", u64::from(m.function));
    tree.text("function_code", codes::function_name(m.function).as_bytes());
    tree.text("access_type", codes::flags(m.access(), codes::access::NAMES).as_bytes());
    tree.text("category", codes::flags(m.category(), codes::category::NAMES).as_bytes());
    tree.text("error_flags", codes::flags(m.flaws, flaw::NAMES).as_bytes());
    if let Some(code) = m.exception {
        tree.object("exception", &mut |tree| {
            tree.int("raw", u64::from(code));
            tree.text("code", codes::exception_name(code).as_bytes());
        });
    } else if let Some(sub) = m.subfunction.filter(|_| request || m.function != MEI) {
        let (key, name) = match m.function {
            MEI => ("mei", codes::mei_name(sub)),
            _ => ("diagnostic", codes::diagnostic_name(sub)),
        };
        tree.object(key, &mut |tree| {
            tree.int("raw", u64::from(sub));
            tree.text("code", name.as_bytes());
            tree.text("data", &m.data);
        });
    } else if m.access() != 0 && m.flaws & flaw::LENGTH == 0 {
        values(m, request, tree);
    } else if m.function != DIAGNOSTIC && (m.function != MEI || m.subfunction.is_some()) {
        // The reference engine's schema has no object for encapsulated interfaces in responses.
        tree.text("data", &m.data);
    }
}

fn values(m: &Message, request: bool, tree: &mut dyn Tree) {
    let reads = m.access() & codes::access::READ != 0;
    if let Some(range) = m.read {
        tree.object("read", &mut |tree| {
            tree.int("address", u64::from(range.address));
            tree.int("quantity", u64::from(range.quantity));
        });
    } else if reads && !request {
        tree.object("read", &mut |tree| tree.text("data", &m.data));
    }
    if let Some(write) = m.write {
        tree.object("write", &mut |tree| match write {
            Write::One { address, value } => {
                tree.int("address", u64::from(address));
                tree.int("data", u64::from(value));
            }
            // As in a response, which has no values either: how many. The values follow.
            Write::Many(range) => {
                tree.int("address", u64::from(range.address));
                tree.int("data", u64::from(range.quantity));
            }
            Write::Mask { address, or, .. } => {
                tree.int("address", u64::from(address));
                tree.int("data", u64::from(or));
            }
        });
        if matches!(write, Write::Many(_)) {
            tree.text("data", &m.data);
        }
    }
}
