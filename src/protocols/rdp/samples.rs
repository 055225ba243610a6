//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "the whole beginning, with the protocol's own encryption",
        turns: &[
            (ToServer, b"\x03\0\0\"\x1d\xe0\0\0\x124\0Cookie: mstshash=anna\r\n"),
            (ToClient, b"\x03\0\0\x13\x0e\xd0\0\0\x124\0\x02\0\x08\0\0\0\0\0"),
            (
                ToServer,
                b"\x03\0\x01!\x02\xf0\x80\x7fe\x82\x01\x94\0\x05\0\x14|\0\x01\x81\0\0\x08\0\
              \x10\0\x01\xc0\0Duca\x80\xfe\x01\xc0\xd2\0\x04\0\x08\0\0\x05\0\x04\x01\xca\
              \x03\xaa\x10\x04\0\0(\n\0\0W\0S\0-\0A\0N\0N\0A\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
              \0\0\0\0\0\x04\0\0\0\0\0\0\0\x0c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
              \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
              \0\0\0\0\0\0\0\0\0\x01\xca\x01\0\0\0\0\0\x18\0\x07\0!\x001\x002\x003\x004\0-\x005\0\
              \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
              \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\xc0\x0c\0\x1b\0\0\0\0\0\0\0\x03\xc0 \0\
              \x02\0\0\0rdpdr\0\0\0\0\0\x80\x80cliprdr\0\0\0\xa0\xc0",
            ),
            (ToClient, b"\x03\0\0\r\x02\xf0\x80\x7ff\x03\n\x01\0"),
            (ToServer, b"\x03\0\0\x0c\x02\xf0\x80\x04\x01\0\x01\0"),
        ],
    },
    Sample {
        name: "TLS takes over",
        turns: &[
            (ToServer, b"\x03\0\0*%\xe0\0\0\x124\0Cookie: mstshash=anna\r\n\x01\0\x08\0\x01\0\0\0"),
            (ToClient, b"\x03\0\0\x13\x0e\xd0\0\0\x124\0\x02\x1f\x08\0\x01\0\0\0"),
            (ToServer, b"\x16\x03\x03\0\x09\x01\0\0\x05hello"),
            (ToClient, b"\x16\x03\x03\0\x14\x02\0\0\x05hello\x0b\0\0\x07\0\0\x04cert"),
            (ToServer, b"\x17\x03\x03\0\x02xy"),
        ],
    },
    Sample {
        name: "broken: a refusal, then noise",
        turns: &[
            (ToServer, b"\x03\0\0*%\xe0\0\0\x124\0Cookie: mstshash=anna\r\n\x01\0\x08\0\x01\0\0\0"),
            (ToClient, b"\x03\0\0\x13\x0e\xd0\0\0\x124\0\x03\0\x08\0\x02\0\0\0\x05noise"),
            (ToServer, b"\x03\0\0\x01\0"),
        ],
    },
];
