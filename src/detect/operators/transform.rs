//! Transforms: what is done to a buffer before the tests behind them look at it.

use std::sync::Arc;

use super::arguments::none;
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::rule::Transform;

/// Transforms of one buffer.
const MAX_TRANSFORMS: usize = 16;

/// Adds a transform of the current buffer.
pub(super) fn add(
    keyword: &str,
    argument: Option<&str>,
    builder: &mut Builder,
    apply: impl Fn(&[u8], &mut Vec<u8>) -> bool + Send + Sync + 'static,
) -> Result<(), Problem> {
    if builder.open.is_some() && !builder.moved {
        if builder.sticky.is_none() {
            return Err(Problem::whole("R180", format!("`{keyword}` behind tests of the payload"))
                .hint("a transform stands between a buffer's name and the tests on it"));
        }
        // What follows looks at the buffer as it is transformed now.
        builder.open = None;
    }
    if builder.transforms.len() >= MAX_TRANSFORMS {
        return Err(Problem::whole("R181", format!("more than {MAX_TRANSFORMS} transforms")));
    }
    let key = match argument {
        Some(argument) => format!("{keyword}:{}", argument.trim()),
        None => keyword.to_owned(),
    };
    builder.transforms.push(Transform { key: key.into(), apply: Arc::new(apply) });
    Ok(())
}

/// White space as C's `isspace` sees it.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// See [`Operator`].
pub static DOTPREFIX: Operator = Operator {
    name: "dotprefix",
    aliases: &[],
    help: "Transforms the buffer: puts a dot before it, so that a name and its subdomains end alike.",
    syntax: "dotprefix",
    examples: &[
        Example {
            rule: "dotprefix; content:\".a.com\"; endswith;",
            payload: b"a.com",
            alerts: true,
        },
        Example {
            rule: "dotprefix; content:\".a.com\"; endswith;",
            payload: b"xa.com",
            alerts: false,
        },
    ],
    compile: |argument, builder| {
        none("dotprefix", argument)?;
        add("dotprefix", None, builder, |input, output| {
            output.push(b'.');
            output.extend_from_slice(input);
            true
        })
    },
};

/// See [`Operator`].
pub static TO_LOWERCASE: Operator = Operator {
    name: "to_lowercase",
    aliases: &[],
    help: "Transforms the buffer: ASCII letters to lower case.",
    syntax: "to_lowercase",
    examples: &[Example { rule: "to_lowercase; content:\"abc\";", payload: b"ABC", alerts: true }],
    compile: |argument, builder| {
        none("to_lowercase", argument)?;
        add("to_lowercase", None, builder, |input, output| {
            output.extend(input.iter().map(u8::to_ascii_lowercase));
            true
        })
    },
};

/// See [`Operator`].
pub static TO_UPPERCASE: Operator = Operator {
    name: "to_uppercase",
    aliases: &[],
    help: "Transforms the buffer: ASCII letters to upper case.",
    syntax: "to_uppercase",
    examples: &[Example { rule: "to_uppercase; content:\"ABC\";", payload: b"abc", alerts: true }],
    compile: |argument, builder| {
        none("to_uppercase", argument)?;
        add("to_uppercase", None, builder, |input, output| {
            output.extend(input.iter().map(u8::to_ascii_uppercase));
            true
        })
    },
};

/// See [`Operator`].
pub static STRIP_WHITESPACE: Operator = Operator {
    name: "strip_whitespace",
    aliases: &[],
    help: "Transforms the buffer: takes all white space away.",
    syntax: "strip_whitespace",
    examples: &[Example {
        rule: "strip_whitespace; content:\"abc\";",
        payload: b"a\tb \nc",
        alerts: true,
    }],
    compile: |argument, builder| {
        none("strip_whitespace", argument)?;
        add("strip_whitespace", None, builder, |input, output| {
            output.extend(input.iter().copied().filter(|byte| !is_space(*byte)));
            true
        })
    },
};

/// See [`Operator`].
pub static COMPRESS_WHITESPACE: Operator = Operator {
    name: "compress_whitespace",
    aliases: &[],
    help: "Transforms the buffer: each run of white space becomes one space.",
    syntax: "compress_whitespace",
    examples: &[Example {
        rule: "compress_whitespace; content:\"a b c\";",
        payload: b"a\tb \n c",
        alerts: true,
    }],
    compile: |argument, builder| {
        none("compress_whitespace", argument)?;
        add("compress_whitespace", None, builder, |input, output| {
            for byte in input.iter().copied() {
                if !is_space(byte) {
                    output.push(byte);
                } else if output.last() != Some(&b' ') {
                    output.push(b' ');
                }
            }
            true
        })
    },
};

/// See [`Operator`].
pub static HEADER_LOWERCASE: Operator = Operator {
    name: "header_lowercase",
    aliases: &[],
    help: "Transforms the buffer: names of headers to lower case, as HTTP/2 has them.",
    syntax: "header_lowercase",
    examples: &[Example {
        rule: "header_lowercase; content:\"host: A\";",
        payload: b"X: Y\r\nHost: A\r\n",
        alerts: true,
    }],
    compile: |argument, builder| {
        none("header_lowercase", argument)?;
        add("header_lowercase", None, builder, |input, output| {
            let mut in_name = true;
            for byte in input.iter().copied() {
                in_name = match byte {
                    b':' => false,
                    b'\n' => true,
                    _ => in_name,
                };
                output.push(if in_name { byte.to_ascii_lowercase() } else { byte });
            }
            true
        })
    },
};

/// See [`Operator`].
pub static STRIP_PSEUDO_HEADERS: Operator = Operator {
    name: "strip_pseudo_headers",
    aliases: &[],
    help: "Transforms the buffer: takes away lines that begin with a colon, which HTTP/2 has.",
    syntax: "strip_pseudo_headers",
    examples: &[Example {
        rule: "strip_pseudo_headers; content:\"Host\"; startswith;",
        payload: b":method: GET\r\nHost: A\r\n",
        alerts: true,
    }],
    compile: |argument, builder| {
        none("strip_pseudo_headers", argument)?;
        add("strip_pseudo_headers", None, builder, |input, output| {
            for line in input.split_inclusive(|byte| *byte == b'\n') {
                if line.first() != Some(&b':') {
                    output.extend_from_slice(line);
                }
            }
            true
        })
    },
};

/// See [`Operator`].
pub static URL_DECODE: Operator = Operator {
    name: "url_decode",
    aliases: &[],
    help: "Transforms the buffer: `%41` becomes `A`, and `+` a space.",
    syntax: "url_decode",
    examples: &[
        Example { rule: "url_decode; content:\"a b/\";", payload: b"a+b%2f", alerts: true },
        Example { rule: "url_decode; content:\"%zz\";", payload: b"%zz", alerts: true },
    ],
    compile: |argument, builder| {
        none("url_decode", argument)?;
        add("url_decode", None, builder, url_decode)
    },
};

/// See [`Operator`].
pub static XOR: Operator = Operator {
    name: "xor",
    aliases: &[],
    help: "Transforms the buffer: exclusive or with a key, over and over.",
    syntax: "xor:\"<hexadecimal>\"",
    examples: &[Example { rule: "xor:\"0102\"; content:\"aaa\";", payload: b"`c`", alerts: true }],
    compile: |argument, builder| {
        let text = argument.unwrap_or_default().trim().trim_matches('"');
        let key = key(text).ok_or_else(|| {
            Problem::whole("R182", "the key is not pairs of hexadecimal digits")
                .hint("write xor:\"0d0ac8ff\"")
        })?;
        add("xor", argument, builder, move |input, output| {
            output.extend(input.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
            true
        })
    },
};

fn url_decode(input: &[u8], output: &mut Vec<u8>) -> bool {
    let mut rest = input;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let digits = behind.first_chunk::<2>().map(|pair| pair.map(|d| char::from(d).to_digit(16)));
        match (first, digits) {
            (b'%', Some([Some(high), Some(low)])) => {
                output.push(u8::try_from(high << 4 | low).unwrap_or(0));
                rest = behind.get(2..).unwrap_or_default();
            }
            (b'+', _) => output.push(b' '),
            _ => output.push(*first),
        }
    }
    true
}

fn key(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len().is_multiple_of(2))?;
    let byte = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high << 4 | low).ok(),
        _ => None,
    };
    digits.chunks(2).map(byte).collect()
}
