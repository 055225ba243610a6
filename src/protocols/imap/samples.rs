//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "a mailbox is read, a mail fetched and one stored",
        turns: &[
            (ToClient, b"* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR] Mail ready.\r\n"),
            (ToServer, b"a1 capability\r\na2 LOGIN \"an\\\"na\" secret\r\n"),
            (ToClient, b"* CAPABILITY IMAP4rev1\r\na1 OK done\r\na2 OK logged in\r\n"),
            (ToServer, b"a3 SELECT INBOX\r\n"),
            (ToClient, b"* 1 EXISTS\r\n* FLAGS (\\Seen)\r\na3 OK [READ-WRITE] done\r\n"),
            (ToServer, b"a4 UID FETCH 1 (FLAGS BODY.PEEK[])\r\n"),
            (
                ToClient,
                b"* 1 FETCH (UID 7 BODY[] {227}\r\nFrom: bruno@example.com\r\nTo: anna@example.org, \
                carla@example.org\r\nX-Mailer: M\r\n 1\r\nContent-Type: multipart/mixed; boundary=b\r\n\
                \r\n--b\r\n\r\nhttp://example.net/pay\r\n--b\r\nContent-Disposition: attachment; \
                filename=a.txt\r\n\r\nabc\r\n--b--\r\n FLAGS (\\Seen))\r\na4 OK done\r\n",
            ),
            (ToServer, b"a5 FETCH 1 BODY[HEADER.FIELDS (SUBJECT)]\r\n"),
            (
                ToClient,
                b"* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {14}\r\nSubject: s\r\n\r\n)\r\na5 OK\r\n",
            ),
            (ToServer, b"a6 APPEND Sent (\\Seen) {32+}\r\nFrom: anna@example.org\r\n\r\nsecret\r\n"),
            (ToClient, b"a6 OK stored\r\n"),
            (ToServer, b"a7 IDLE\r\n"),
            (ToClient, b"+ idling\r\n* 2 EXISTS\r\n"),
            (ToServer, b"DONE\r\n"),
            (ToClient, b"a7 OK\r\n"),
            (ToServer, b"a8 LOGOUT\r\n"),
            (ToClient, b"* BYE\r\na8 OK\r\n"),
        ],
    },
    Sample {
        name: "who logs on, in every way",
        turns: &[
            (ToClient, b"* OK ready\r\n"),
            (ToServer, b"1 LOGIN {4}\r\n"),
            (ToClient, b"+ go on\r\n"),
            (ToServer, b"anna {6}\r\n"),
            (ToClient, b"+ go on\r\n"),
            (ToServer, b"secret\r\n"),
            (ToClient, b"1 NO [AUTHENTICATIONFAILED] no\r\n"),
            (ToServer, b"2 AUTHENTICATE PLAIN\r\n"),
            (ToClient, b"+ \r\n"),
            (ToServer, b"AGFubmEAc2VjcmV0\r\n"),
            (ToClient, b"2 NO no\r\n"),
            (ToServer, b"3 AUTHENTICATE LOGIN\r\n"),
            (ToClient, b"+ VXNlcm5hbWU6\r\n"),
            (ToServer, b"YW5uYQ==\r\n"),
            (ToClient, b"+ UGFzc3dvcmQ6\r\n"),
            (ToServer, b"c2VjcmV0\r\n"),
            (ToClient, b"3 NO no\r\n"),
            (ToServer, b"4 AUTHENTICATE CRAM-MD5\r\n"),
            (ToClient, b"+ PDEuMkBleGFtcGxlLm9yZz4=\r\n"),
            (ToServer, b"YW5uYSBiOTEzYTYwMmM3ZWRhN2E0OTViNGU2ZTczMzRkMzg5MA==\r\n"),
            (ToClient, b"4 NO no\r\n"),
            (ToServer, b"5 AUTHENTICATE XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHh5egEB\r\n"),
            (ToClient, b"5 OK logged in\r\n"),
        ],
    },
    Sample {
        name: "TLS takes over",
        turns: &[
            (ToClient, b"* OK ready\r\n"),
            (ToServer, b"1 STARTTLS\r\n"),
            (ToClient, b"1 OK go on\r\n"),
            (ToServer, b"\x16\x03\x01\x00\x02\x01\x00"),
        ],
    },
    Sample {
        name: "broken: no command, no tag, a refused literal, answers to nothing",
        turns: &[
            (ToClient, b"* PREAUTH ready\r\n* 3 EXISTS\r\n"),
            (ToServer, b"b1 HELLO\r\nlogin anna secret\r\nword\r\n\r\nb2 LIST {99999999999}\r\n"),
            (ToServer, b"b3 APPEND Sent {900}\r\n"),
            (ToClient, b"b3 NO too large\r\nb9 OK what\r\nb1 WHAT\r\n\r\n"),
            (ToServer, b"b4 STARTTLS\r\nb5 LOGIN anna\r\nb6 APPEND Sent {40}\r\nFrom: x"),
        ],
    },
];
