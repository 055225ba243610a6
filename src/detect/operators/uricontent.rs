//! `uricontent`: a content of the normalised URI, in the language's oldest way.

use super::content::CONTENT;
use crate::detect::operator::{Example, Operator};

/// `uricontent`.
pub static URICONTENT: Operator = Operator {
    name: "uricontent",
    aliases: &[],
    help: "The same as a `content` followed by `http_uri`.",
    syntax: "uricontent:[!]\"BYTES\";",
    examples: &[
        Example {
            rule: r#"uricontent:"/a b";"#,
            payload: b"GET /a%20b HTTP/1.1\r\nHost: x\r\n\r\n",
            alerts: true,
        },
        Example {
            rule: r#"uricontent:"/c"; nocase;"#,
            payload: b"GET /a%20b HTTP/1.1\r\nHost: x\r\n\r\n",
            alerts: false,
        },
    ],
    compile: |argument, builder| {
        (CONTENT.compile)(argument, builder)?;
        builder.move_last("http.uri", "uricontent")
    },
};
