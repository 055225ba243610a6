//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "binds, searches, changes, leaves",
        turns: &[
            (
                ToServer,
                b"0+\x02\x01\x01`&\x02\x01\x03\x04\x19cn=anna,dc=example,dc=org\x80\x06secret",
            ),
            (
                ToClient,
                b"0\x0c\x02\x01\x01a\x07\x0a\x01\x00\x04\x00\x04\x00",
            ),
            (
                ToServer,
                b"0@\x02\x01\x02c;\x04\x11dc=example,dc=org\x0a\x01\x02\x0a\x01\x00\x02\x01\x01\x02\x01\
                  \x00\x01\x01\x00\x87\x0bobjectClass0\x0a\x04\x02cn\x04\x04mail",
            ),
            (
                ToClient,
                b"0[\x02\x01\x02dV\x04\x19cn=anna,dc=example,dc=org090\x0c\x04\x02cn1\x06\x04\x04anna0)\
                  \x04\x04mail1!\x04\x10anna@example.org\x04\x0da@example.org0\x1f\x02\x01\x02e\x1a\x0a\
                  \x01\x04\x04\x00\x04\x13size limit exceeded",
            ),
            (
                ToServer,
                b"0@\x02\x01\x03f;\x04\x19cn=anna,dc=example,dc=org0\x1e0\x1c\x0a\x01\x020\x17\x04\x04m\
                  ail1\x0f\x04\x0db@example.org0#\x02\x01\x04h\x1e\x04\x0fcn=b,dc=example0\x0b0\x09\x04\
                  \x02cn1\x03\x04\x01b",
            ),
            (
                ToClient,
                b"0\x0e\x02\x01\x03g\x09\x0a\x012\x04\x00\x04\x02no0\x0c\x02\x01\x04i\x07\x0a\x01\x00\x04\
                  \x00\x04\x00",
            ),
            (
                ToServer,
                b"0\x14\x02\x01\x05J\x0fcn=b,dc=example",
            ),
            (
                ToClient,
                b"0\x16\x02\x01\x05k\x11\x0a\x01 \x04\x0adc=example\x04\x00",
            ),
            (
                ToServer,
                b"00\x02\x01\x06l+\x04\x0fcn=b,dc=example\x04\x04cn=c\x01\x01\xff\x80\x0fou=x,dc=exampl\
                  e",
            ),
            (
                ToClient,
                b"0\x0c\x02\x01\x06m\x07\x0a\x01\x00\x04\x00\x04\x00",
            ),
            (
                ToServer,
                b"0\x1f\x02\x01\x07n\x1a\x04\x0fcn=c,dc=example0\x07\x04\x02cn\x04\x01c",
            ),
            (
                ToClient,
                b"0\x0c\x02\x01\x07o\x07\x0a\x01\x06\x04\x00\x04\x00",
            ),
            (
                ToServer,
                b"0\x06\x02\x01\x08P\x01\x02",
            ),
            (
                ToServer,
                b"0\x05\x02\x01\x09B\x00",
            ),
        ],
    },
    Sample {
        name: "encrypted from here on",
        turns: &[
            (
                ToServer,
                b"0\x1d\x02\x01\x01w\x18\x80\x161.3.6.1.4.1.1466.20037",
            ),
            (
                ToClient,
                b"0$\x02\x01\x01x\x1f\x0a\x01\x00\x04\x00\x04\x00\x8a\x161.3.6.1.4.1.1466.20037\x16",
            ),
            (
                ToServer,
                b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
            ),
        ],
    },
    Sample {
        name: "sealed after a bind, answers to nothing",
        turns: &[
            (
                ToServer,
                b"0\x1c\x02\x01\x01`\x17\x02\x01\x03\x04\x00\xa3\x10\x04\x0aGSS-SPNEGO\x04\x02ab",
            ),
            (
                ToClient,
                b"0\x10\x02\x01\x01a\x0b\x0a\x01\x0e\x04\x00\x04\x00\x87\x02xy",
            ),
            (
                ToClient,
                b"0'\x02\x01\x00x\x22\x0a\x014\x04\x00\x04\x03bye\x8a\x161.3.6.1.4.1.1466.200360\x0c\x02\
                  \x01Me\x07\x0a\x01\x00\x04\x00\x04\x00",
            ),
            (
                ToServer,
                b"\x00\x00\x00\x04abcd",
            ),
        ],
    },
];
