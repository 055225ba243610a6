//! Conversations, made by hand after RFC 1002.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "a name that is asked for, and an answer",
        turns: &[
            (
                ToServer,
                b"\x12\x34\x01\x10\0\x01\0\0\0\0\0\0\x20FHFAEBEECACACACACACACACACACACAAA\0\0\x20\0\x01",
            ),
            (
                ToClient,
                b"\x12\x34\x85\0\0\0\0\x01\0\0\0\0\x20FHFAEBEECACACACACACACACACACACAAA\0\0\x20\0\x01\
                  \0\0\0\xa5\0\x06\0\0\xc0\xa8\x0a\x42",
            ),
        ],
    },
    Sample {
        name: "a registration, the status of a node, and a cut question",
        turns: &[
            (
                ToServer,
                b"\0\x01\x29\x10\0\x01\0\0\0\0\0\x01\x20FHFAEBEECACACACACACACACACACACAAA\0\0\x20\0\x01\
                  \xc0\x0c\0\x20\0\x01\0\0\0\0\0\x06\x80\0\xc0\xa8\x0a\x05",
            ),
            (ToServer, b"\0\x02\0\0\0\x01\0\0\0\0\0\0\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01"),
            (ToServer, b"\0\x03\x01\x10\0\x01\0\0\0\0\0\0\x20FHFA"),
        ],
    },
];
