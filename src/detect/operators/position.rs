//! Where a content may stand: `offset`, `depth`, `distance`, `within`, `startswith`, `endswith`.

use super::arguments::number;
use crate::detect::buffer::{Content, Number};
use crate::detect::operator::{Builder, Example, Operator, Problem};

/// Bytes that `distance` and `within` may span either way: as Suricata.
const MAX_REACH: i64 = 1 << 20;

/// Bytes that `offset` and `depth` may span: as Suricata.
const MAX_POSITION: i64 = u16::MAX as i64;

/// See [`Operator`].
pub static OFFSET: Operator = Operator {
    name: "offset",
    aliases: &[],
    help: "The content may stand no earlier than this byte of the buffer, counted from 0.",
    syntax: "offset:<bytes>|<variable>",
    examples: &[
        Example { rule: "content:\"b\"; offset:2;", payload: b"aab", alerts: true },
        Example { rule: "content:\"b\"; offset:2;", payload: b"aba", alerts: false },
    ],
    compile: |argument, builder| {
        let value = position("offset", argument, builder)?;
        let content = absolute("offset", builder)?;
        set("offset", &mut content.offset, value)
    },
};

/// See [`Operator`].
pub static DEPTH: Operator = Operator {
    name: "depth",
    aliases: &[],
    help: "The content must stand within this many bytes from the start of the buffer, or from \
           `offset`.",
    syntax: "depth:<bytes>|<variable>",
    examples: &[
        Example { rule: "content:\"b\"; depth:2;", payload: b"aba", alerts: true },
        Example { rule: "content:\"b\"; depth:2;", payload: b"aab", alerts: false },
        Example { rule: "content:\"b\"; offset:1; depth:2;", payload: b"aab", alerts: true },
        Example { rule: "content:!\"b\"; depth:2;", payload: b"aab", alerts: true },
    ],
    compile: |argument, builder| {
        let value = position("depth", argument, builder)?;
        let content = absolute("depth", builder)?;
        holds("depth", value, content)?;
        set("depth", &mut content.depth, value)
    },
};

/// See [`Operator`].
pub static DISTANCE: Operator = Operator {
    name: "distance",
    aliases: &[],
    help: "The content may stand no earlier than this many bytes behind the end of the last match.",
    syntax: "distance:<bytes>|<variable>",
    examples: &[
        Example {
            rule: "content:\"a\"; content:\"b\"; distance:1;",
            payload: b"a-b",
            alerts: true,
        },
        Example {
            rule: "content:\"a\"; content:\"b\"; distance:1;",
            payload: b"bab",
            alerts: false,
        },
        Example {
            rule: "content:\"ab\"; content:\"bc\"; distance:-1;",
            payload: b"abc",
            alerts: true,
        },
    ],
    compile: |argument, builder| {
        let value = reach("distance", argument, builder)?;
        let content = relative("distance", builder)?;
        set("distance", &mut content.distance, value)
    },
};

/// See [`Operator`].
pub static WITHIN: Operator = Operator {
    name: "within",
    aliases: &[],
    help: "The content must stand within this many bytes behind the last match, or behind \
           `distance`.",
    syntax: "within:<bytes>|<variable>",
    examples: &[
        Example { rule: "content:\"a\"; content:\"b\"; within:2;", payload: b"a-b", alerts: true },
        Example {
            rule: "content:\"a\"; content:\"b\"; within:2;",
            payload: b"a--b",
            alerts: false,
        },
        Example { rule: "content:\"a\"; content:\"b\"; within:1;", payload: b"acab", alerts: true },
        Example {
            rule: "content:\"a\"; content:\"b\"; distance:2; within:1;",
            payload: b"a--b",
            alerts: true,
        },
        Example {
            rule: "content:\"a\"; content:!\"b\"; within:1;",
            payload: b"abab",
            alerts: false,
        },
    ],
    compile: |argument, builder| {
        let value = reach("within", argument, builder)?;
        let content = relative("within", builder)?;
        holds("within", value, content)?;
        set("within", &mut content.within, value)
    },
};

/// See [`Operator`].
pub static STARTSWITH: Operator = Operator {
    name: "startswith",
    aliases: &[],
    help: "The buffer must begin with the content.",
    syntax: "startswith",
    examples: &[
        Example { rule: "content:\"GET\"; startswith;", payload: b"GET /", alerts: true },
        Example { rule: "content:\"GET\"; startswith;", payload: b" GET /", alerts: false },
    ],
    compile: |argument, builder| {
        super::arguments::none("startswith", argument)?;
        let content = absolute("startswith", builder)?;
        if content.offset.is_some() || content.depth.is_some() {
            return Err(Problem::whole("R123", "`startswith` beside `offset` or `depth`"));
        }
        let length = i64::try_from(content.literal.bytes.len()).unwrap_or(i64::MAX);
        content.literal.at_start = true;
        content.offset = Some(Number::Fixed(0));
        content.depth = Some(Number::Fixed(length));
        Ok(())
    },
};

/// See [`Operator`].
pub static ENDSWITH: Operator = Operator {
    name: "endswith",
    aliases: &[],
    help: "The buffer must end with the content.",
    syntax: "endswith",
    examples: &[
        Example { rule: "content:\".php\"; endswith;", payload: b"a.php.php", alerts: true },
        Example { rule: "content:\".php\"; endswith;", payload: b"a.php?", alerts: false },
        Example { rule: "content:!\".php\"; endswith;", payload: b".phpx", alerts: true },
    ],
    compile: |argument, builder| {
        super::arguments::none("endswith", argument)?;
        builder.content("endswith")?.literal.at_end = true;
        Ok(())
    },
};

/// The last content, not yet relative.
fn absolute<'a>(keyword: &str, builder: &'a mut Builder) -> Result<&'a mut Content, Problem> {
    let content = builder.content(keyword)?;
    if content.relative() {
        let message = format!("`{keyword}` beside `distance` or `within`");
        return Err(
            Problem::whole("R120", message).hint("a content is placed either way, not both")
        );
    }
    Ok(content)
}

/// The last content, not yet placed absolutely. Joins the chain that it is relative to.
fn relative<'a>(keyword: &str, builder: &'a mut Builder) -> Result<&'a mut Content, Problem> {
    builder.join_chain();
    let content = builder.content(keyword)?;
    if content.offset.is_some() || content.depth.is_some() {
        let message = format!("`{keyword}` beside `offset`, `depth` or `startswith`");
        return Err(
            Problem::whole("R120", message).hint("a content is placed either way, not both")
        );
    }
    Ok(content)
}

fn position(keyword: &str, argument: Option<&str>, builder: &Builder) -> Result<Number, Problem> {
    number(keyword, argument, builder, 0..=MAX_POSITION)
}

fn reach(keyword: &str, argument: Option<&str>, builder: &Builder) -> Result<Number, Problem> {
    number(keyword, argument, builder, -MAX_REACH..=MAX_REACH)
}

/// A part of the buffer must have room for the content.
fn holds(keyword: &str, value: Number, content: &Content) -> Result<(), Problem> {
    let length = content.literal.bytes.len();
    match value {
        Number::Fixed(size) if usize::try_from(size).is_ok_and(|size| size >= length) => Ok(()),
        Number::Fixed(size) => {
            let message = format!("`{keyword}:{size}` has no room for a content of {length} bytes");
            Err(Problem::whole("R122", message).hint(format!("`{keyword}:{length}` or more")))
        }
        Number::Variable(_) => Ok(()),
    }
}

fn set(keyword: &str, slot: &mut Option<Number>, value: Number) -> Result<(), Problem> {
    if slot.is_some() {
        return Err(Problem::whole("R121", format!("two `{keyword}` for one content")));
    }
    *slot = Some(value);
    Ok(())
}
