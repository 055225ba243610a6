//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "a session with replies of several lines and files both ways",
        turns: &[
            (ToClient, b"220-Welcome to this FTP server.\r\n230 is not the end.\r\n220 Ready.\r\n"),
            (ToServer, b"USER anonymous\r\n"),
            (ToClient, b"331 Any password will do.\r\n"),
            (ToServer, b"PASS anna@example.org\r\n"),
            (ToClient, b"230 Logged in.\r\n"),
            (ToServer, b"FEAT\r\n"),
            (ToClient, b"211-Features:\r\n EPSV\r\n211 End\r\n"),
            (ToServer, b"PASV\r\n"),
            (ToClient, b"227 Entering Passive Mode (10,1,0,2,39,18).\r\n"),
            (ToServer, b"RETR readme.txt\r\n"),
            (ToClient, b"150 Opening connection.\r\n226 Transfer complete.\r\n"),
            (ToServer, b"PORT 10,1,0,1,39,17\r\n"),
            (ToClient, b"200 PORT command successful.\r\n"),
            (ToServer, b"STOR upload.bin\r\n"),
            (ToClient, b"150 Go on.\r\n"),
            (ToClient, b"226 Transfer complete.\r\n"),
            (ToServer, b"QUIT\r\n"),
            (ToClient, b"221 Goodbye.\r\n"),
        ],
    },
    Sample {
        name: "extended commands, then TLS is asked for",
        turns: &[
            (ToServer, b"USER anna\r\nEPSV\r\n"),
            (ToClient, b"331 Password?\r\n229 Entering Extended Passive Mode (|||6446|)\r\n"),
            (ToServer, b"EPRT |1|10.1.0.1|6275|\r\n"),
            (ToClient, b"500 No.\r\n"),
            (ToServer, b"STOR x\r\n"),
            (ToClient, b"425 No.\r\n"),
            (ToServer, b"AUTH TLS\r\n"),
            (ToClient, b"234 Proceed.\r\n"),
            (ToServer, b"\x16\x03\x01\x00\x02\x01\x00"),
        ],
    },
    Sample {
        name: "broken: no names, no codes, no line ends",
        turns: &[
            (ToServer, b"USER \r\nRETR\r\nRETR a\r\nPORT 1,2,3\n\n"),
            (ToClient, b"no code\r\n\r\n22\r\n120 soon\r\n"),
            (ToClient, b"200-never\r\n200 ends\r\nloose\r\nlines\r\n"),
            (ToServer, b"  quit"),
        ],
    },
];
