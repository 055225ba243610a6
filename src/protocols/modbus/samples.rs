//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "reads, writes, an exception",
        turns: &[
            (ToServer, b"\0\x01\0\0\0\x06\x0a\x01\0\0\0\x01\0\x02\0\0\0\x06\x0a\x03\0\x05\0\x02"),
            (ToClient, b"\0\x01\0\0\0\x04\x0a\x01\x01\x00\0\x02\0\0\0\x07\x0a\x03\x04\0\x09\0\x18"),
            (ToServer, b"\0\x03\0\0\0\x0b\x0a\x10\0\x05\0\x02\x04\0\x0b\x01\0"),
            (ToClient, b"\0\x03\0\0\0\x06\x0a\x10\0\x05\0\x02"),
            (ToServer, b"\0\x04\0\0\0\x06\x0a\x05\0\x02\xff\0"),
            (ToClient, b"\0\x04\0\0\0\x03\x0a\x85\x02"),
        ],
    },
    Sample {
        name: "diagnostics, device identification, masks",
        turns: &[
            (ToServer, b"\0\0\0\0\0\x06\x0a\x08\0\x04\0\0"),
            (ToServer, b"\0\x01\0\0\0\x05\x0a\x2b\x0e\x03\x01"),
            (ToServer, b"\0\x02\0\0\0\x08\x0a\x16\0\x04\0\xf2\0\x25"),
            (ToClient, b"\0\x02\0\0\0\x08\x0a\x16\0\x04\0\xf2\0\x25"),
            (ToServer, b"\0\x03\0\0\0\x0d\x0a\x17\0\x03\0\x01\0\x0e\0\x01\x02\0\xff"),
            (ToClient, b"\0\x03\0\0\0\x05\x0a\x17\x02\0\xfe"),
        ],
    },
    Sample {
        name: "broken",
        turns: &[
            (ToClient, b"\0\x01\0\0\0\x03\x0a\x81\x06"),
            (ToServer, b"\0\x02\0\x01\0\x06\x0a\x01\0\0\0\0"),
            (ToServer, b"\0\x03\0\0\0\x02\x0a\x03\0\x04\0\0\x01\0\x0a\x03"),
        ],
    },
];
