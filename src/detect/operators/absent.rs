//! `absent`: a buffer that is not there.

use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::rule::Absent;

/// See [`Operator`].
pub static ABSENT: Operator = Operator {
    name: "absent",
    aliases: &[],
    help: "The sticky buffer before it is not there; with `or_else` it is not there or what \
           follows holds.",
    syntax: "absent; or absent:or_else;",
    examples: &[
        Example {
            rule: "http.user_agent; absent;",
            payload: b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            alerts: true,
        },
        Example {
            rule: "http.host; absent;",
            payload: b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            alerts: false,
        },
        Example {
            rule: r#"http.host; absent:or_else; content:!"b";"#,
            payload: b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            alerts: true,
        },
    ],
    compile: |argument, builder| match argument.map(str::trim) {
        None | Some("") => builder.absent(Absent::Only),
        Some("or_else") => builder.absent(Absent::OrElse),
        Some(other) => Err(Problem::whole("R183", format!("`{other}` means nothing here"))
            .hint("write `absent;` or `absent:or_else;`")),
    },
};
