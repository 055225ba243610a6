//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "a call with a description",
        turns: &[
            (
                ToServer,
                b"INVITE sip:bruno@example.com SIP/2.0\r\nVia: SIP/2.0/UDP desk.example.org\r\n\
                  f: Anna <sip:anna@example.org>;tag=1\r\nTo: <sip:bruno@example.com>\r\n\
                  User-Agent: Phone/1\r\nContent-Type: application/sdp\r\n\
                  Content-Length: 293\r\n\r\n\
                  v=0\r\no=anna 1 2 IN IP4 192.0.2.1\r\ns=Call\r\ni=A talk\r\n\
                  u=http://example.org/\r\ne=anna@example.org\r\np=+39 06 1\r\n\
                  c=IN IP4 192.0.2.1\r\nb=AS:64\r\nt=3034423619 3042462419\r\nr=7d 1h 0 25h\r\n\
                  z=2882844526 -1h\r\nk=prompt\r\na=recvonly\r\n\
                  m=audio 49170 RTP/AVP 0\r\ni=voice\r\nc=IN IP4 192.0.2.2\r\nk=clear:x\r\n\
                  a=ptime:20\r\n",
            ),
            (ToClient, b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP desk.example.org\r\nl: 0\r\n\r\n"),
            (ToServer, b"ACK sip:bruno@example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n"),
        ],
    },
    Sample {
        name: "the wrong way, folded, broken",
        turns: &[
            (
                ToServer,
                b"REGISTER sip:example.org SIP/2.0\r\nTo: <sip:a@example.org>\r\n ;x\r\n\r\n",
            ),
            (ToClient, b"BYE sip:a@example.org SIP/2.0\r\n\r\n"),
            (ToClient, b"SIP/2.0 200 OK\r\nno header\r\n\r\n"),
        ],
    },
];
