//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "a mailbox is read",
        turns: &[
            (ToClient, b"+OK POP3 server ready <1.2@example.org>\r\n"),
            (ToServer, b"CAPA\r\n"),
            (ToClient, b"+OK Capabilities\r\nTOP\r\nUIDL\r\n.\r\n"),
            (ToServer, b"user anna\r\nPASS two words\r\n"),
            (ToClient, b"+OK\r\n+OK 2 messages\r\n"),
            (ToServer, b"AUTH PLAIN\r\n"),
            (ToClient, b"+ \r\n"),
            (ToServer, b"AGFubmEAc2VjcmV0\r\n"),
            (ToClient, b"-ERR already in\r\n"),
            (ToServer, b"LIST 1\r\nRETR 1\r\n"),
            (ToClient, b"+OK 1 120\r\n+OK 120 octets\r\nSubject: a\r\n\r\n..dot\r\n.\r\n"),
            (ToServer, b"QUIT\r\n"),
            (ToClient, b"+OK\r\n"),
        ],
    },
    Sample {
        name: "TLS takes over",
        turns: &[
            (ToClient, b"+OK ready\r\n"),
            (ToServer, b"STLS\r\n"),
            (ToClient, b"+OK go on\r\n"),
            (ToServer, b"\x16\x03\x01\x00\x02\x01\x00"),
        ],
    },
    Sample {
        name: "broken: unknown, too many, too few",
        turns: &[
            (ToClient, b"+OK ready\r\n"),
            (ToServer, b"HELLO\r\nDELE\r\nNOOP now\r\n\r\n"),
            (ToClient, b"-ERR what\r\n-ERR which\r\nnothing\r\n-ERR"),
        ],
    },
];
