//! Conversations, made by hand after the PostgreSQL documentation.

use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Sample;

pub static SAMPLES: &[Sample] = &[
    Sample {
        name: "a login, a query, an error",
        turns: &[
            (ToServer, b"\x00\x00\x00\x08\x04\xd2\x16/"),
            (ToClient, b"N"),
            (
                ToServer,
                b"\x00\x00\x00 \x00\x03\x00\x00user\x00ada\x00datab\
                  ase\x00town\x00\x00",
            ),
            (ToClient, b"R\x00\x00\x00\x0c\x00\x00\x00\x05\x9a\x01\x02\x03"),
            (
                ToServer,
                b"p\x00\x00\x00\x18md5d41d8cd98f00b2\
                  04\x00",
            ),
            (
                ToClient,
                b"R\x00\x00\x00\x08\x00\x00\x00\x00S\x00\x00\x00\x19TimeZone\
                  \x00Europe/Rome\x00K\x00\x00\x00\x0c\x00\x00\x00\x07\
                  \x00\x00\x00cZ\x00\x00\x00\x05I",
            ),
            (
                ToServer,
                b"Q\x00\x00\x00\x1cSELECT name FROM \
                  taxes;\x00",
            ),
            (
                ToClient,
                b"T\x00\x00\x00\x1d\x00\x01name\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
                  \x00\x00\x00\x00\x00\x00\x00\x00D\x00\x00\x00\x0d\x00\x01\x00\x00\x00\x03Ada\
                  D\x00\x00\x00\x0f\x00\x01\x00\x00\x00\x05CarloC\x00\x00\x00\x0dS\
                  ELECT 2\x00Z\x00\x00\x00\x05I",
            ),
            (ToServer, b"Q\x00\x00\x00\x0fselect 1/0\x00"),
            (
                ToClient,
                b"E\x00\x00\x00ASERROR\x00VERROR\x00C22\
                  012\x00Mdivision by zero\x00\
                  Fint.c\x00L824\x00Rint4div\x00\x00\
                  Z\x00\x00\x00\x05E",
            ),
            (ToServer, b"X\x00\x00\x00\x04"),
        ],
    },
    Sample {
        name: "a login with SASL, data copied in and out",
        turns: &[
            (
                ToServer,
                b"\x00\x00\x00 \x00\x03\x00\x00user\x00ada\x00datab\
                  ase\x00town\x00\x00",
            ),
            (
                ToClient,
                b"R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\
                  \x00\x00",
            ),
            (
                ToServer,
                b"p\x00\x00\x00\x1fSCRAM-SHA-256\x00\x00\x00\x00\
                  \x09n,,n=,r=a",
            ),
            (
                ToClient,
                b"R\x00\x00\x00\x17\x00\x00\x00\x0br=ab,s=W,i=40\
                  96",
            ),
            (ToServer, b"p\x00\x00\x00\x13c=biws,r=ab,p=x"),
            (
                ToClient,
                b"R\x00\x00\x00\x0b\x00\x00\x00\x0cv=yR\x00\x00\x00\x08\x00\x00\x00\x00K\
                  \x00\x00\x00\x0c\x00\x00\x00\x07\x00\x00\x00cZ\x00\x00\x00\x05I",
            ),
            (
                ToServer,
                b"Q\x00\x00\x00\x17COPY t FROM STDIN\
                  ;\x00",
            ),
            (ToClient, b"G\x00\x00\x00\x0b\x00\x00\x02\x00\x00\x00\x00"),
            (
                ToServer,
                b"d\x00\x00\x00\x081\x092\x0ad\x00\x00\x00\x081\x092\x0ac\x00\x00\x00\
                  \x04",
            ),
            (ToClient, b"C\x00\x00\x00\x0bCOPY 2\x00Z\x00\x00\x00\x05I"),
            (
                ToServer,
                b"Q\x00\x00\x00\x16COPY t TO STDOUT;\
                  \x00",
            ),
            (
                ToClient,
                b"H\x00\x00\x00\x0b\x00\x00\x02\x00\x00\x00\x00d\x00\x00\x00\x081\x092\x0ac\
                  \x00\x00\x00\x04C\x00\x00\x00\x0bCOPY 1\x00Z\x00\x00\x00\x05I",
            ),
        ],
    },
    Sample {
        name: "encryption is granted",
        turns: &[(ToServer, b"\x00\x00\x00\x08\x04\xd2\x16/"), (ToClient, b"S")],
    },
    Sample {
        name: "a query is stopped",
        turns: &[(ToServer, b"\x00\x00\x00\x10\x04\xd2\x16.\x00\x00\x00\x07\x00\x00\x00c")],
    },
    Sample {
        name: "no message",
        turns: &[
            (
                ToServer,
                b"\x00\x00\x00 \x00\x03\x00\x00user\x00ada\x00datab\
                  ase\x00town\x00\x00",
            ),
            (ToClient, b"R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I"),
            (ToServer, b"Q\x00\x00\x00\x0eselect 1;\x00\x7f\x00\x00\x00\x04"),
            (ToClient, b"C\x00\x00\x00\x0dSELECT 1\x00"),
        ],
    },
];
