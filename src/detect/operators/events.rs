//! `decode-event`, `stream-event`, `app-layer-event`: what was malformed.

use crate::detect::diagnostic::nearest;
use crate::detect::events::{Known, Layer, event, names};
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::syntax::required;

fn compile(
    layer: Layer,
    argument: Option<&str>,
    builder: &mut Builder,
    syntax: &str,
) -> Result<(), Problem> {
    let name = required(argument, syntax)?;
    match event(layer, name) {
        Known::Raised(event) => builder.rule.events.push(event),
        Known::Never => builder.rule.never = true,
        Known::Not => {
            let message = format!("`{name}` is not an event of this layer");
            let problem = Problem::spanned("R218", 0..name.len(), message);
            let all: Vec<String> = names(layer).collect();
            return Err(match nearest(name, all.iter().map(String::as_str)) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => {
                    problem.hint(format!("write `{syntax}`; `rivellino rules events` lists all"))
                }
            });
        }
    }
    Ok(())
}

/// `decode-event`.
pub static DECODE_EVENT: Operator = Operator {
    name: "decode-event",
    aliases: &["engine-event"],
    help: "A frame or a packet broke a rule of its layer. Names of events that are never raised \
           here load and do not match.",
    syntax: "decode-event:LAYER.NAME;",
    examples: &[
        Example { rule: "decode-event:ipv4.trunc_pkt;", payload: b"x", alerts: false },
        Example { rule: "decode-event:ipv4.hlen_too_small;", payload: b"x", alerts: false },
    ],
    compile: |argument, builder| {
        compile(Layer::Decode, argument, builder, "decode-event:LAYER.NAME;")
    },
};

/// `stream-event`.
pub static STREAM_EVENT: Operator = Operator {
    name: "stream-event",
    aliases: &[],
    help: "A TCP conversation broke a rule of TCP.",
    syntax: "stream-event:NAME;",
    examples: &[Example { rule: "stream-event:reassembly_seq_gap;", payload: b"x", alerts: false }],
    compile: |argument, builder| compile(Layer::Stream, argument, builder, "stream-event:NAME;"),
};

/// `app-layer-event`.
pub static APP_LAYER_EVENT: Operator = Operator {
    name: "app-layer-event",
    aliases: &[],
    help: "A message broke a rule of its application protocol. Names of events that are never \
           raised here load and do not match.",
    syntax: "app-layer-event:PROTOCOL.NAME;",
    examples: &[
        Example { rule: "app-layer-event:mqtt.double_connect;", payload: b"x", alerts: false },
        Example {
            rule: "app-layer-event:applayer_mismatch_protocol_both_directions;",
            payload: b"x",
            alerts: false,
        },
    ],
    compile: |argument, builder| {
        compile(Layer::Application, argument, builder, "app-layer-event:PROTOCOL.NAME;")
    },
};
