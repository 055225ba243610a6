//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "a whole beginning, with a line before the server introduces itself",
        turns: &[
            (ToServer, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
            (ToClient, b"Welcome.\r\nSSH-2.0-dropbear_2022.83\r\n"),
            (
                ToServer,
                b"\0\0\0\xf8\x04\x14\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\
              \x11\x11\0\0\0/curve25519-sha256,diffie-hellman-group14-sha256\0\0\0\x18ss\
              h-ed25519,rsa-sha2-256\0\0\0\x15aes128-ctr,aes256-ctr\0\0\0\x15aes128-ctr,\
              aes256-ctr\0\0\0\rhmac-sha2-256\0\0\0\rhmac-sha2-256\0\0\0\x15none,zlib@op\
              enssh.com\0\0\0\x15none,zlib@openssh.com\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            ),
            (
                ToClient,
                b"\0\0\0\x95\x04\x14\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\0\0\0\x11curve25519-sha\
              256\0\0\0\x0bssh-ed25519\0\0\0\naes128-ctr\0\0\0\naes256-ctr\0\0\0\rhmac-s\
              ha2-256\0\0\0\rhmac-sha2-512\0\0\0\x04none\0\0\0\x04none\0\0\0\0\0\0\0\0\0\
              \0\0\0\0\0\0\0\0",
            ),
            (ToServer, b"\0\0\0\x0e\x04\x1e\0\0\0\x04abcd\0\0\0\0"),
            (
                ToClient,
                b"\0\0\0\x0e\x04\x1f\0\0\0\x04efgh\0\0\0\0\0\0\0\x0c\n\x15\0\0\0\0\0\0\0\0\0\
              \0",
            ),
            (ToServer, b"\0\0\0\x0c\n\x15\0\0\0\0\0\0\0\0\0\0\x8e\x01\x02sealed"),
            (ToClient, b"\xee\xee\xee\xee"),
        ],
    },
    Sample {
        name: "an old version, a long identification string",
        turns: &[
            (ToServer, b"SSH-1.99-OpenSSH_3.4p1\n"),
            (
                ToClient,
                b"SSH-1.99-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
              xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
              xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
              xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
            ),
            (ToServer, b"\0\0\0\x08\x04\x14\0\0\0\0\0\0"),
        ],
    },
    Sample { name: "broken", turns: &[(ToServer, b"SSH-2.0\r\n")] },
    Sample {
        name: "a packet of no length",
        turns: &[(ToServer, b"SSH-2.0-x\r\n\0\0\0\x01\x04\x14"), (ToClient, b"SSH-2.0-y\r\n")],
    },
];
