//! What rules read from a command and its reply.

use super::transaction::Transaction;
use crate::field::{Field, Fields, Kind, Side, Stage, Value, YES_OR_NO};

type Sink<'s> = &'s mut dyn FnMut(Value<'_>);
type Read = fn(&Transaction, Sink<'_>);

const MODES: &[(&str, u64)] = &[("passive", 0), ("active", 1)];

/// A row: kind, side, stage, name, help, example, and how it is read.
const fn row(
    (kind, side, stage): (Kind, Side, Stage),
    name: &'static str,
    help: &'static str,
    example: &'static str,
    read: Read,
) -> Field<Transaction> {
    Field { name, aliases: &[], kind, eve: "", side, stage, help, example, read }
}

const fn number(bits: u8, names: &'static [(&'static str, u64)]) -> Kind {
    Kind::Int { bits, names }
}

const COMMAND: (Kind, Side, Stage) = (Kind::Bytes, Side::Request, Stage::Head);
const REPLY: (Kind, Side, Stage) = (Kind::Bytes, Side::Response, Stage::Body);

impl Fields for Transaction {
    const FIELDS: &'static [Field<Self>] = &[
        row(
            COMMAND,
            "ftp.command",
            "Name of the command, in upper case.",
            "ftp.command; content:\"USER\";",
            |t, sink| {
                if let Some(command) = t.command {
                    sink(Value::Bytes(command.as_bytes()));
                }
            },
        ),
        row(
            COMMAND,
            "ftp.command_data",
            "What follows the command and a blank.",
            "ftp.command_data; content:\"anonymous\";",
            |t, sink| {
                if !t.data.is_empty() {
                    sink(Value::Bytes(&t.data));
                }
            },
        ),
        row(
            REPLY,
            "ftp.completion_code",
            "Each code of the reply: three digits.",
            "ftp.completion_code; content:\"230\";",
            |t, sink| {
                let codes = t.replies.iter().filter_map(|reply| reply.code.as_ref());
                codes.for_each(|code| sink(Value::Bytes(code)));
            },
        ),
        row(
            REPLY,
            "ftp.reply",
            "Each line of the reply, without its code.",
            "ftp.reply; content:\"logged in\"; nocase;",
            |t, sink| t.replies.iter().for_each(|reply| sink(Value::Bytes(&reply.text))),
        ),
        row(
            (number(8, YES_OR_NO), Side::Response, Stage::Body),
            "ftp.reply_received",
            "Whether the command was answered: yes or no.",
            "ftp.reply_received:yes;",
            |t, sink| {
                if t.command.is_some() {
                    sink(Value::Int(t.answered.into()));
                }
            },
        ),
        row(
            (number(16, &[]), Side::Either, Stage::Body),
            "ftp.dynamic_port",
            "Port for data that the command and its reply agreed upon.",
            "ftp.dynamic_port:>1023;",
            |t, sink| {
                if let Some(port) = t.port {
                    sink(Value::Int(port.into()));
                }
            },
        ),
        row(
            (number(8, MODES), Side::Either, Stage::Body),
            "ftp.mode",
            "Who opens the connection for data that was agreed upon: active the server, passive \
             the client.",
            "ftp.mode:passive;",
            |t, sink| {
                if t.port.is_some() {
                    sink(Value::Int(t.active.into()));
                }
            },
        ),
    ];
}
