//! `pkt_data`: back to the payload.

use crate::detect::operator::{Example, Operator};

/// See [`Operator`].
pub static PKT_DATA: Operator = Operator {
    name: "pkt_data",
    aliases: &[],
    help: "What follows tests the payload again, after another buffer was named.",
    syntax: "pkt_data;",
    examples: &[
        Example {
            rule: "http.uri; content:\"/a\"; pkt_data; content:\"Host\";",
            payload: b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
            alerts: true,
        },
        Example {
            rule: "http.uri; content:\"/a\"; pkt_data; content:\"Cookie\";",
            payload: b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
            alerts: false,
        },
        Example { rule: "pkt_data; content:\"abc\";", payload: b"abc", alerts: true },
    ],
    compile: |argument, builder| {
        super::arguments::none("pkt_data", argument)?;
        builder.select(None);
        Ok(())
    },
};
