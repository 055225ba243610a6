//! Conversations, made by hand after RFC 6762.

use crate::net::Direction::ToServer;
use crate::protocols::Sample;

pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "a question and what is announced",
        turns: &[
            (ToServer, b"\0\0\0\0\0\x01\0\0\0\0\0\0\x08_airplay\x04_tcp\x05local\0\0\x0c\0\x01"),
            (
                ToServer,
                b"\0\0\x84\0\0\0\0\x02\0\0\0\x01\x08_airplay\x04_tcp\x05local\0\0\x0c\0\x01\
                  \0\0\x11\x94\0\x0a\x07printer\xc0\x0c\
                  \xc0\x2c\0\x10\x80\x01\0\0\x11\x94\0\x08\x03a=1\x03b=2\
                  \xc0\x2c\0\x21\x80\x01\0\0\0\x78\0\x0b\0\0\0\0\x02\x77\x02hp\xc0\x1a",
            ),
        ],
    },
    Sample {
        name: "a claim, and a cut one",
        turns: &[
            (
                ToServer,
                b"\0\0\0\0\0\x01\0\0\0\x01\0\0\x02hp\x05local\0\0\xff\0\x01\
                  \xc0\x0c\0\x01\0\x01\0\0\0\x78\0\x04\xc0\x00\x02\x09",
            ),
            (ToServer, b"\0\0\0\0\0\x01\0\0\0\0\0\0\x02hp\x05lo"),
        ],
    },
];
