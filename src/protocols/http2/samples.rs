//! Conversations, made by hand after RFC 9113.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// A packet raises few alerts (Suricata's `packet-alert-max`): so no turn says all at once.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "a request with a weight, a response that is coded and padded, another, and the end",
        turns: &[
            (ToServer, include_bytes!("samples/get_0_S.bin")),
            (ToClient, include_bytes!("samples/get_1_C.bin")),
            (ToServer, include_bytes!("samples/get_2_S.bin")),
            (ToClient, include_bytes!("samples/get_3_C.bin")),
            (ToServer, include_bytes!("samples/get_4_S.bin")),
            (ToClient, include_bytes!("samples/get_5_C.bin")),
            (ToServer, include_bytes!("samples/get_6_S.bin")),
        ],
    },
    Sample {
        name: "fields over three frames, an answer before the answer, a trailer, a late reset",
        turns: &[
            (ToServer, include_bytes!("samples/post_0_S.bin")),
            (ToClient, include_bytes!("samples/post_1_C.bin")),
        ],
    },
    Sample {
        name: "frames of wrong lengths, data of no stream, fields that point to nothing",
        turns: &[
            (
                ToServer,
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
                  \x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x01\x00\x00\x10\x00\
                  \x00\x00\x03\x08\x00\x00\x00\x00\x00abc",
            ),
            (ToClient, b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x01\x00\x00\x10\x00"),
            (
                ToServer,
                b"\x00\x00\x02\x00\x00\x00\x00\x00\x00zz\
                  \x00\x00\x02\x01\x05\x00\x00\x00\x01\xff\x00\
                  \x00\x00\x01\x09\x04\x00\x00\x00\x01x",
            ),
        ],
    },
];
