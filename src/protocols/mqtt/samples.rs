//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "version 5: connects with a will, subscribes, publishes twice, leaves",
        turns: &[
            (
                ToServer,
                b"\x10\x36\0\x04MQTT\x05\xc6\0\x3c\x05\x11\0\0\0\x0a\0\x04pump\
                  \x05\x18\0\0\0\x05\0\x04lost\0\x04gone\0\x04anna\0\x06secret",
            ),
            (ToClient, b"\x20\x08\x01\0\x05\x27\0\x01\0\0"),
            (ToServer, b"\x82\x0d\0\x01\0\0\x07plant/#\x01"),
            (ToClient, b"\x90\x04\0\x01\0\x01"),
            (ToServer, b"\x33\x15\0\x07plant/a\0\x02\0temp 21.5"),
            (ToClient, b"\x40\x02\0\x02"),
            (ToServer, b"\x34\x0d\0\x07plant/b\0\x03\0x"),
            (ToClient, b"\x50\x02\0\x03"),
            (ToServer, b"\x62\x02\0\x03"),
            (ToClient, b"\x70\x02\0\x03"),
            (ToServer, b"\xa2\x0c\0\x04\0\0\x07plant/#"),
            (ToClient, b"\xb0\x04\0\x04\0\x00"),
            (ToServer, b"\xc0\0"),
            (ToClient, b"\xd0\0"),
            (ToServer, b"\xe0\x02\x81\0"),
        ],
    },
    Sample {
        name: "version 3.1.1, everything out of turn",
        turns: &[
            (ToServer, b"\x32\x06\0\x01t\0\x01x\x30\x04\0\x01ty"),
            (ToClient, b"\x20\x02\0\x05\x40\x02\0\x09\x90\x03\0\x09\0\xb0\x02\0\x09"),
            (ToServer, b"\x10\x0c\0\x04MQTT\x04\x02\0\x0a\0\0"),
            (ToClient, b"\x20\x02\0\0"),
            (ToServer, b"\x10\x0c\0\x04MQTT\x04\x02\0\x0a\0\0\x36\x05\0\x01t\0\x01\x00\0"),
        ],
    },
    Sample {
        name: "properties longer than their message",
        turns: &[
            (ToServer, b"\x10\x0d\0\x04MQTT\x05\x02\0\x0a\0\0\0"),
            (ToClient, b"\x20\x03\0\0\0"),
            (ToServer, b"\x30\x06\0\x01t\x7f\x01\x01"),
        ],
    },
];
