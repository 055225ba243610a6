//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "3.8, a challenge, a screen",
        turns: &[
            (ToClient, b"RFB 003.008\n"),
            (ToServer, b"RFB 003.008\n"),
            (ToClient, b"\x02\x01\x02"),
            (ToServer, b"\x02"),
            (ToClient, b"0123456789abcdef"),
            (ToServer, b"fedcba9876543210"),
            (ToClient, b"\0\0\0\0"),
            (ToServer, b"\x01"),
            (
                ToClient,
                b"\x04\0\x03\0\x20\x18\0\x01\0\xff\0\xff\0\xff\x10\x08\0\0\0\0\
                  \0\0\0\x0aA desktop!\0\0\0\x01",
            ),
            (ToServer, b"\x03\x01\0\0\0\0\x04\0\x03\0"),
        ],
    },
    Sample {
        name: "3.3, the server decides and refuses",
        turns: &[
            (ToClient, b"RFB 003.008\n"),
            (ToServer, b"RFB 003.003\n"),
            (ToClient, b"\0\0\0\x020123456789abcdef"),
            (ToServer, b"fedcba9876543210"),
            (ToClient, b"\0\0\0\x01"),
        ],
    },
    Sample {
        name: "a way of authentication that is not known",
        turns: &[
            (ToClient, b"RFB 003.889\n"),
            (ToServer, b"RFB 003.889\n"),
            (ToClient, b"\x02\x1e\x23"),
            (ToServer, b"\x1e\x01\x02"),
        ],
    },
    Sample {
        name: "broken: a result that cannot be, a version that is none",
        turns: &[
            (ToClient, b"RFB 003.007\n"),
            (ToServer, b"RFB 00x.007\n"),
            (ToClient, b"\x01\x01"),
        ],
    },
];
