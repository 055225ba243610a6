//! What rules read from a frame.

use super::frame::{FLAGS, Frame, OPCODES};
use crate::field::{Field, Fields, Kind, Side, Stage, Value};

const fn row(
    name: &'static str,
    kind: Kind,
    help: &'static str,
    example: &'static str,
    read: crate::field::Read<Frame>,
) -> Field<Frame> {
    Field {
        name,
        aliases: &[],
        kind,
        eve: "",
        side: Side::Either,
        stage: Stage::Body,
        help,
        example,
        read,
    }
}

impl Fields for Frame {
    const FIELDS: &'static [Field<Self>] = &[
        row(
            "websocket.flags",
            Kind::Int { bits: 8, names: FLAGS },
            "The bits before the opcode: the last frame of its message, compressed.",
            "websocket.flags:fin,!comp;",
            |frame, sink| sink(Value::Int(frame.flags.into())),
        ),
        row(
            "websocket.mask",
            Kind::Int { bits: 32, names: &[] },
            "The key that the payload was masked with.",
            "websocket.mask:>0;",
            |frame, sink| {
                if let Some(mask) = frame.mask {
                    sink(Value::Int(mask.into()));
                }
            },
        ),
        row(
            "websocket.opcode",
            Kind::Int { bits: 8, names: OPCODES },
            "What the frame is.",
            "websocket.opcode:text;",
            |frame, sink| sink(Value::Int(frame.opcode.into())),
        ),
        row(
            "websocket.payload",
            Kind::Bytes,
            "The payload unmasked; at the end of a message all of it, decompressed.",
            "websocket.payload; content:\"hello\";",
            |frame, sink| sink(Value::Bytes(&frame.payload)),
        ),
    ];
}
