//! Conversations, made by hand after RFC 4795.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "a name that is asked for, and an answer",
        turns: &[
            (ToServer, b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x04wpad\0\0\x01\0\x01"),
            (
                ToClient,
                b"\x12\x34\x80\0\0\x01\0\x01\0\0\0\0\x04wpad\0\0\x01\0\x01\
                  \x04wpad\0\0\x01\0\x01\0\0\0\x1e\0\x04\xc0\xa8\x0a\x42",
            ),
        ],
    },
    Sample {
        name: "a conflict, a circle, and a cut question",
        turns: &[
            (ToServer, b"\0\x01\x04\0\0\x01\0\0\0\0\0\0\x02pc\0\0\xff\0\x01"),
            (ToServer, b"\0\x02\x80\0\0\0\0\x01\0\0\0\0\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\0"),
            (ToServer, b"\0\x03\0\0\0\x01\0\0\0\0\0\0\x04wp"),
        ],
    },
];
