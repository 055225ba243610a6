//! Conversations for tests.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

/// Conversations for tests.
pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "a page",
        turns: &[
            (
                ToServer,
                b"GET /a/../index.html?q=%41 HTTP/1.1\r\nHost: Example.ORG:8080\r\n\
                  User-Agent: test/1.0\r\nCookie: session=1\r\nAccept: */*\r\n\r\n",
            ),
            (
                ToClient,
                b"HTTP/1.1 200 OK\r\nServer: tiny\r\nContent-Type: text/html; charset=utf-8\r\n\
                  Content-Length: 13\r\nSet-Cookie: session=2\r\n\r\n<html></html>",
            ),
        ],
    },
    Sample {
        name: "pipelined requests, chunked and bodiless responses",
        turns: &[
            (
                ToServer,
                b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\ncmd=ls;\
                  HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n\
                  GET /y HTTP/1.1\nHost: a\nX-Long: one\n two\nX-Long: three\n\n",
            ),
            (
                ToClient,
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\
                  \r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n\
                  HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n\
                  HTTP/1.1 304 Not Modified\r\n\r\n",
            ),
        ],
    },
    Sample {
        name: "gzip, until the connection closes",
        turns: &[
            (ToServer, b"GET /z HTTP/1.0\r\n\r\n"),
            (
                ToClient,
                b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n\
                  \x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x57\x28\xcf\x2f\xca\
                  \x49\x01\x00\x85\x11\x4a\x0d\x0b\x00\x00\x00",
            ),
        ],
    },
    Sample {
        name: "an answer before the head of the request is complete",
        turns: &[
            (ToServer, b"GET /long HTTP/1.1\r\nHost: a\r\nX-Long: xxxx"),
            (ToClient, b"HTTP/1.1 431 Too large\r\nContent-Length: 2\r\n\r\nno"),
            (ToServer, b"xxxx\r\n\r\n"),
        ],
    },
    Sample {
        name: "a tunnel",
        turns: &[
            (ToServer, b"CONNECT mail.example:443 HTTP/1.1\r\nHost: mail.example:443\r\n\r\n"),
            (ToClient, b"HTTP/1.1 200 Connection established\r\n\r\n"),
        ],
    },
    Sample {
        name: "broken",
        turns: &[
            (
                ToServer,
                b"\r\n GET\t/x y HTTP/1.1\r\n folded\r\nno colon\r\nBad Name : v\r\n\
                  Content-Length: x\r\nTransfer-Encoding: y\r\n\r\nGET /old\r\n",
            ),
            (ToClient, b"HTTP/1.1 abc\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nrest of it"),
        ],
    },
    Sample {
        name: "HTTP/0.9",
        turns: &[(ToServer, b"GET /old\r\n"), (ToClient, b"<html>\nold\n\n</html>")],
    },
    Sample {
        name: "files: a form with two, a named download, a part of a file",
        turns: &[
            (
                ToServer,
                b"POST /up.php HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; \
                  boundary=XX\r\nContent-Length: 189\r\n\r\n\
                  --XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                  --XX\r\nContent-Disposition: form-data; name=\"b\"; filename=\"b.exe\"\r\n\r\nMZ\r\n\
                  --XX\r\nContent-Disposition: form-data; filename=\"c\"\r\n\r\n\r\n--XX--\r\n",
            ),
            (
                ToClient,
                b"HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename=\"x.pdf\"\r\n\
                  Content-Length: 8\r\n\r\n%PDF-1.4",
            ),
            (ToServer, b"GET /big.iso HTTP/1.1\r\nHost: a\r\nRange: bytes=4-7\r\n\r\n"),
            (
                ToClient,
                b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-7/100\r\n\
                  Content-Length: 4\r\n\r\ndata",
            ),
        ],
    },
];
