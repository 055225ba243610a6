//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// A server's greeting.
const GREETING: &[u8] = b"\x4a\0\0\0\x0a8.0.36\0\x2a\0\0\0abcdefgh\0\xff\xff\xff\x02\0\xff\xdf\x15\
                          \0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0caching_sha2_password\0";

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "who is believed, after another proof was asked for",
        turns: &[
            (ToClient, GREETING),
            (
                ToServer,
                b"\x4d\0\0\x01\x8d\xa6\xbf\x01\0\0\0\x01\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
                  anna\0\x08proofsix\
                  anagrafe\0caching_sha2_password\0",
            ),
            (ToClient, b"\x2c\0\0\x02\xfemysql_native_password\0abcdefghijklmnopqrst\0"),
            (ToServer, b"\x14\0\0\x03ABCDEFGHIJKLMNOPQRST"),
            (ToClient, b"\x07\0\0\x04\0\0\0\x02\0\0\0"),
            (ToServer, b"\x09\0\0\0\x03select 1"),
        ],
    },
    Sample {
        name: "who is not",
        turns: &[
            (ToClient, GREETING),
            (
                ToServer,
                b"\x26\0\0\x01\x85\xa2\x0a\0\0\0\0\x01\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0root\0\0",
            ),
            (ToClient, b"\x1f\0\0\x02\xff\x15\x04#28000Access denied for root"),
        ],
    },
    Sample {
        name: "on to TLS",
        turns: &[
            (ToClient, GREETING),
            (
                ToServer,
                b"\x20\0\0\x01\x85\xae\x0a\0\0\0\0\x01\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            ),
            (ToServer, b"\x16\x03\x01\0\x05\x01\0\0\x01\0"),
        ],
    },
    Sample {
        name: "refused without a question",
        turns: &[(ToClient, b"\x17\0\0\0\xff\x10\x04Too many connections")],
    },
    Sample {
        name: "broken: an answer that ends too soon",
        turns: &[(ToClient, GREETING), (ToServer, b"\x03\0\0\x01\x85\xa2\x0a")],
    },
];
