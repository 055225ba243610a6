//! Conversations, after the examples of BEP 5.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "peers are asked for, and told",
        turns: &[
            (
                ToServer,
                b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e\
                  1:q9:get_peers1:t2:aa1:v4:LT\x01\x021:y1:qe",
            ),
            (
                ToClient,
                b"d1:rd2:id20:abcdefghij01234567895:nodes26:mnopqrstuvwxyz123456\xc0\x00\x02\x07\x1a\xe1\
                  5:token8:aoeusnth6:valuesl6:\xc0\x00\x02\x08\x1a\xe26:\xc0\x00\x02\x09\x1a\xe3ee\
                  1:t2:aa1:y1:re",
            ),
        ],
    },
    Sample {
        name: "an error, a message that is cut, and something else on the same port",
        turns: &[
            (ToClient, b"d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee"),
            (ToServer, b"d1:ad2:id20:abcdefghij0123456789"),
            (ToServer, b"\x41\x02utp"),
        ],
    },
];
