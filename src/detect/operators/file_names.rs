//! `filename`, `fileext` and `filemagic`: contents of a file's name or kind, written shortly.

use super::content::{bytes, quoted};
use crate::detect::buffer::{Content, Step};
use crate::detect::operator::{Builder, Example, Operator, Problem};

/// `filename`.
pub static FILENAME: Operator = Operator {
    name: "filename",
    aliases: &[],
    help: "A part of a file's name, whatever its case: a `content` of `file.name`.",
    syntax: "filename:[!]\"TEXT\"",
    examples: &[Example {
        rule: r#"filename:"a.ex";"#,
        payload: b"POST /A.exe HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
        alerts: true,
    }],
    compile: |argument, builder| on("filename", "file.name", argument, builder),
};

/// `fileext`.
pub static FILEEXT: Operator = Operator {
    name: "fileext",
    aliases: &[],
    help: "The extension of a file's name, without its dot and whatever its case.",
    syntax: "fileext:[!]\"TEXT\"",
    examples: &[
        Example {
            rule: r#"fileext:"exe";"#,
            payload: b"POST /A.EXE HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
            alerts: true,
        },
        Example {
            rule: r#"fileext:"xe";"#,
            payload: b"POST /A.EXE HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
            alerts: false,
        },
    ],
    compile: |argument, builder| on("fileext", "file.name", argument, builder),
};

/// `filemagic`.
pub static FILEMAGIC: Operator = Operator {
    name: "filemagic",
    aliases: &[],
    help: "A part of what libmagic would call the kind of a file, whatever its case: a `content` \
           of `file.magic`.",
    syntax: "filemagic:[!]\"TEXT\"",
    examples: &[Example {
        rule: r#"filemagic:"pdf document";"#,
        payload: b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n%PDF-1.4",
        alerts: true,
    }],
    compile: |argument, builder| on("filemagic", "file.magic", argument, builder),
};

fn on(
    keyword: &str,
    field: &'static str,
    argument: Option<&str>,
    builder: &mut Builder,
) -> Result<(), Problem> {
    let (text, negated) = quoted(keyword, argument)?;
    let mut text = bytes(text).map_err(|(message, part)| {
        Problem::whole("R111", message).at(argument.unwrap_or_default(), part)
    })?;
    if text.is_empty() {
        return Err(Problem::whole("R112", format!("a `{keyword}` without text")));
    }
    let extension = keyword == "fileext";
    if extension && !text.starts_with(b".") {
        text.insert(0, b'.');
    }
    let mut content = Content::new(text, negated);
    content.literal.at_end = extension;
    content.ignore_case();
    // What follows goes on with the buffer that was current.
    let (sticky, open, moved) = (builder.sticky, builder.open, builder.moved);
    let transforms = std::mem::take(&mut builder.transforms);
    builder.select(Some(field));
    let pushed = builder.push(Step::Content(Box::new(content)));
    (builder.sticky, builder.open, builder.moved) = (sticky, open, moved);
    builder.transforms = transforms;
    pushed
}
