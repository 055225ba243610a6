//! Conversations, recorded on loopback with a self-signed certificate made for them.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "TLS 1.2 with a certificate",
        turns: &[
            (ToServer, include_bytes!("samples/tls12_0_S.bin")),
            (ToClient, include_bytes!("samples/tls12_1_C.bin")),
            (ToServer, include_bytes!("samples/tls12_2_S.bin")),
            (ToClient, include_bytes!("samples/tls12_3_C.bin")),
            (ToServer, include_bytes!("samples/tls12_4_S.bin")),
        ],
    },
    Sample {
        name: "TLS 1.3",
        turns: &[
            (ToServer, include_bytes!("samples/tls13_0_S.bin")),
            (ToClient, include_bytes!("samples/tls13_1_C.bin")),
            (ToServer, include_bytes!("samples/tls13_2_S.bin")),
        ],
    },
    Sample {
        name: "a hello of SSLv2 that offers TLS 1.0",
        turns: &[(
            ToServer,
            b"\x80\x1f\x01\x03\x01\x00\x06\x00\x00\x00\x10\x00\x00\x35\x01\x00\x80\
              0123456789abcdef",
        )],
    },
];
