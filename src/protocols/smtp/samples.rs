//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "a mail with attachments, then another",
        turns: &[
            (ToClient, b"220 mail.example.com ESMTP\r\n"),
            (ToServer, b"EHLO mail.example.org\r\n"),
            (ToClient, b"250-mail.example.com\r\n250-8BITMIME\r\n250 SIZE 1000000\r\n"),
            (ToServer, b"MAIL FROM:<anna@example.org> SIZE=700\r\n"),
            (ToClient, b"250 2.1.0 Ok\r\n"),
            (ToServer, b"RCPT TO:<bruno@example.com>\r\n"),
            (ToClient, b"250 2.1.5 Ok\r\n"),
            (ToServer, b"RCPT TO: <carla@example.com>\r\n"),
            (ToClient, b"250 2.1.5 Ok\r\n"),
            (ToServer, b"DATA\r\n"),
            (ToClient, b"354 go on\r\n"),
            (
                ToServer,
                b"Received: from relay.example.org\r\n\tby mail.example.org; Tue\r\n\
                  Received: from desk by relay.example.org\r\n\
                  From: Anna <anna@example.org>\r\nTo: bruno@example.com, dino@example.com\r\n\
                  Cc: carla@example.com\r\nSubject: Invoice\r\nDate: Tue, 3 Mar 2026 10:00:00\r\n\
                  Message-Id: <1@example.org>\r\nX-Mailer: Mailer 1.0\r\n\
                  Content-Type: multipart/mixed; boundary=\"cut\"\r\n\r\n\
                  --cut\r\nContent-Type: text/plain\r\n\r\n\
                  Please see http://example.net/pay today.\r\n..dots\r\n\
                  --cut\r\nContent-Type: application/octet-stream; name=\"run.exe\"\r\n\
                  Content-Transfer-Encoding: base64\r\n\r\n\
                  TVqQAAMAAAAEAAAA//8AALgAAAA\r\nAAAAA\r\n\
                  --cut\r\nContent-Disposition: attachment; filename=\"note.txt\"\r\n\
                  Content-Transfer-Encoding: quoted-printable\r\n\r\n\
                  caff=E8 =\r\nnero =zz\r\n--cut--\r\n.\r\n",
            ),
            (ToClient, b"250 2.0.0 Ok\r\n"),
            (ToServer, b"MAIL FROM:<anna@example.org>\r\n"),
            (ToClient, b"250 2.1.0 Ok\r\n"),
            (ToServer, b"RSET\r\n"),
            (ToClient, b"250 2.0.0 Ok\r\n"),
            (ToServer, b"QUIT\r\n"),
            (ToClient, b"221 2.0.0 Bye\r\n"),
        ],
    },
    Sample {
        name: "pipelined, in chunks",
        turns: &[
            (ToClient, b"220 mail.example.com ESMTP\r\n"),
            (ToServer, b"ehlo desk\r\n"),
            (ToClient, b"250-mail.example.com\r\n250-PIPELINING\r\n250 CHUNKING\r\n"),
            (
                ToServer,
                b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\n\
                  BDAT 12\r\nSubject: x\r\nBDAT 8 LAST\r\n\r\nhello\nQUIT\r\n",
            ),
            (ToClient, b"250 Ok\r\n250 Ok\r\n250 Ok\r\n250 Ok\r\n221 Bye\r\n"),
        ],
    },
    Sample {
        name: "encrypted from here on",
        turns: &[
            (ToClient, b"220 mail.example.com ESMTP\r\n"),
            (ToServer, b"EHLO desk\r\n"),
            (ToClient, b"250-mail.example.com\r\n250 STARTTLS\r\n"),
            (ToServer, b"STARTTLS\r\n"),
            (ToClient, b"220 2.0.0 Ready\r\n"),
            (ToServer, b"\x16\x03\x01\0\x05\x01\0\0\x01\0"),
        ],
    },
    Sample {
        name: "broken",
        turns: &[
            (
                ToServer,
                b"HELO desk\r\nHELO desk\r\nMAIL FROM:<a>\r\nMAIL FROM:<b>\r\nDATA\r\nx\r\n",
            ),
            (ToClient, b"oops\r\n554 no\r\n250 a\r\n250 a\r\n250 a\r\n550 no\r\n"),
            (ToServer, b"STARTTLS\r\nNOOP\r\nBDAT 3\r\nabcdef\r\n"),
            (ToClient, b"250 a\r\n454 no\r\n250 a\r\n250 a\r\n500 what\r\n"),
            (ToServer, b"DATA\r\n"),
            (ToClient, b"354 a\r\n"),
            (ToServer, b"Content-Disposition: attachment; filename=a\r\n\r\nnever ends"),
        ],
    },
];
