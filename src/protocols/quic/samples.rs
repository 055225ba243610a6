//! Conversations: those of RFC 9001, appendix A, and others made by hand after it.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "the hellos of the standard's appendix",
        turns: &[
            (ToServer, include_bytes!("samples/v1_client.bin")),
            (ToClient, include_bytes!("samples/v1_server.bin")),
        ],
    },
    Sample {
        name: "version 2, the hello in three parts over two datagrams, the last one first",
        turns: &[
            (ToServer, include_bytes!("samples/v2_second.bin")),
            (ToServer, include_bytes!("samples/v2_first.bin")),
        ],
    },
    Sample {
        name: "Google's Q043: what the client offers",
        turns: &[(ToServer, include_bytes!("samples/q043.bin"))],
    },
    Sample {
        name: "a negotiation of versions, a retry, and an Initial that no key opens",
        turns: &[
            (ToClient, b"\x80\x00\x00\x00\x00\x01a\x01b\x00\x00\x00\x01"),
            (ToClient, b"\xf0\x00\x00\x00\x01\x01a\x01btoken0123456789abcdef"),
            (ToServer, b"\xc0\x00\x00\x00\x01\x01b\x01a\x00\x200123456789abcdef0123456789abcdef"),
        ],
    },
];
