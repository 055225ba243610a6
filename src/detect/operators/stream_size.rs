//! `stream_size`: how far the two streams of a TCP connection have come.

use crate::decode::Transport;
use crate::detect::integer::IntegerTest;
use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::rule::{PacketTest, PacketView};
use crate::detect::syntax::{items, required};

const SYNTAX: &str = "stream_size:server|client|both|either,<|<=|=|!=|>=|>,BYTES;";

/// Whose stream.
#[derive(Clone, Copy)]
enum Whose {
    Server,
    Client,
    Both,
    Either,
}

struct StreamSize {
    whose: Whose,
    test: IntegerTest,
}

impl PacketTest for StreamSize {
    fn matches(&self, packet: &PacketView<'_>) -> bool {
        let Some(flow) = packet.flow else { return false };
        if !matches!(packet.headers.transport, Transport::Tcp(_)) {
            return false;
        }
        // The first byte of sequence space is that of the SYN.
        let [to_server, to_client] = flow.stream.map(|bytes| self.test.matches(bytes + 1));
        match self.whose {
            Whose::Client => to_server,
            Whose::Server => to_client,
            Whose::Both => to_server && to_client,
            Whose::Either => to_server || to_client,
        }
    }
}

/// See [`Operator`].
pub static STREAM_SIZE: Operator = Operator {
    name: "stream_size",
    aliases: &[],
    help: "How many bytes the server, the client, both or either have sent over the TCP \
           connection, the SYN counted as one.",
    syntax: SYNTAX,
    examples: &[
        Example { rule: r#"content:"x"; stream_size:client,<,100;"#, payload: b"x", alerts: true },
        Example { rule: r#"content:"x"; stream_size:server,>,100;"#, payload: b"x", alerts: false },
    ],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        let wrong = |span, message: String| {
            Problem::spanned("R228", span, message).hint(format!("write `{SYNTAX}`"))
        };
        let mut parts = items(text).filter(|(_, item)| *item != "prefilter");
        let (span, word) = parts.next().unwrap_or((0..1, ""));
        let whose = match word {
            "server" => Whose::Server,
            "client" => Whose::Client,
            "both" => Whose::Both,
            "either" => Whose::Either,
            _ => return Err(wrong(span, format!("`{word}` has no stream"))),
        };
        let (Some((from, sign)), Some((until, number))) = (parts.next(), parts.next()) else {
            return Err(wrong(0..text.len(), "a sign and a number are missing".to_owned()));
        };
        let test = IntegerTest::parse(&format!("{sign}{number}"), 32, &[])
            .map_err(|_| wrong(from.start..until.end, format!("`{sign}{number}` is no test")))?;
        builder.rule.packets.push(Box::new(StreamSize { whose, test }));
        builder.rule.packet_only = true;
        Ok(())
    },
};
