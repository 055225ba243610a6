//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "options, a wrong password, then the right one",
        turns: &[
            (ToClient, b"\xff\xfd\x18\xff\xfd\x1f\xff\xfd\x27"),
            (ToServer, b"\xff\xfb\x18\xff\xfb\x1f\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0\xff\xfb\x27"),
            (ToClient, b"\xff\xfa\x18\x01\xff\xf0\xff\xfa\x27\x01\xff\xf0"),
            (
                ToServer,
                b"\xff\xfa\x18\x00XTERM\xff\xf0\xff\xfa\x27\x00\x00DISPLAY\x01a:0\x03PASSWORD\x01\
                secret\xff\xf0",
            ),
            (ToClient, b"\x1b[1mDebian GNU/Linux\x1b[0m\r\nhost login: "),
            (ToServer, b"anm\x7fna\r\x00"),
            (ToClient, b"anm\x08 \x08na\r\nPassword: "),
            (ToServer, b"secret\r\x00"),
            (ToClient, b"\r\nLogin incorrect\r\nhost login: "),
            (ToServer, b"anna\r\n"),
            (ToClient, b"anna\r\nPassword: "),
            (ToServer, b"secret\r\n"),
            (ToClient, b"\r\nLast login: Mon Nov 30\r\nanna@host:~$ "),
            (ToServer, b"ls\r\n"),
            (ToClient, b"ls\r\nfile\r\nanna@host:~$ "),
        ],
    },
    Sample {
        name: "asked twice for a password in another language, all typed ahead",
        turns: &[
            (ToClient, b"Username:"),
            (ToServer, b"admin\nsecret\n"),
            (ToClient, b"\r\nParola d'ordine:\r\n% Bad secrets\r\n\r\nUsername: "),
            (ToServer, b"root\r\n"),
            (ToClient, b"\r\nHeslo: "),
            (ToServer, b"secret\r\n"),
            (ToClient, b"\r\nrouter>"),
        ],
    },
    Sample {
        name: "broken: options of no form, one that never ends, a user that is an option",
        turns: &[
            (ToClient, b"\xff\xfa\xff\xf0\xff\x01\xff\xfa\x18\xff\xfb\x01\xff\xff\xff\xf9"),
            (ToServer, b"\xff\xfa\x27\x00\x00USER\x01-f root\xff\xf0\xff\xfa\x1f\x00\xff\xf0"),
            (
                ToServer,
                b"\xff\xfa\x27\x02\x05x\xff\xf0\xff\xfa\x25\x03bruno\xff\xf0\xff\xfa\x18\x00x",
            ),
        ],
    },
    Sample {
        name: "both turn to TLS",
        turns: &[
            (ToClient, b"\xff\xfd\x2e"),
            (ToServer, b"\xff\xfb\x2e\xff\xfa\x2e\x01\xff\xf0"),
            (ToClient, b"\xff\xfa\x2e\x01\xff\xf0"),
            (ToServer, b"\x16\x03\x01\x00\x02\x01\x00"),
        ],
    },
    Sample {
        name: "encrypted from here on",
        turns: &[(ToServer, b"\xff\xfb\x26\xff\xfa\x26\x03\x00\xff\xf0login: nobody\r\n")],
    },
];
