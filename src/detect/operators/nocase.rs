//! `nocase`: ASCII case does not count.

use crate::detect::operator::{Example, Operator};

/// See [`Operator`].
pub static NOCASE: Operator = Operator {
    name: "nocase",
    aliases: &[],
    help: "The content before it ignores ASCII case.",
    syntax: "nocase",
    examples: &[
        Example { rule: "content:\"aBc\"; nocase;", payload: b"xAbCx", alerts: true },
        Example { rule: "content:\"abc\";", payload: b"xAbCx", alerts: false },
    ],
    compile: |argument, builder| {
        super::arguments::none("nocase", argument)?;
        builder.content("nocase")?.ignore_case();
        Ok(())
    },
};
