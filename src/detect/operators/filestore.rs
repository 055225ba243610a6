//! `filestore`: keep the files that a rule is about.

use crate::detect::files::{AnyFile, Scope, Store};
use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::syntax::items;

const SYNTAX: &str = "filestore[:request|response|both[,file|tx|flow]];";

/// `filestore`.
pub static FILESTORE: Operator = Operator {
    name: "filestore",
    aliases: &[],
    help: "Has the file that the rule matched stored, or all files of its transaction or, from now \
           on, of its flow, when a folder for files is given.",
    syntax: SYNTAX,
    examples: &[Example {
        rule: r#"fileext:"exe"; filestore;"#,
        payload: b"POST /a.exe HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
        alerts: true,
    }],
    compile: |argument, builder| {
        let mut store = Store { sides: [true, true], scope: Scope::File };
        for ((span, item), at) in items(argument.unwrap_or_default()).zip(0..) {
            match (at, item) {
                (0, "") if argument.is_none() => {}
                (0, "request" | "to_server") => store.sides = [true, false],
                (0, "response" | "to_client") => store.sides = [false, true],
                (0, "both") => store.sides = [true, true],
                (1, "file") => store.scope = Scope::File,
                (1, "tx") => store.scope = Scope::Transaction,
                (1, "flow" | "ssn") => store.scope = Scope::Flow,
                _ => {
                    let message = format!("`{item}` means nothing here");
                    return Err(
                        Problem::spanned("R237", span, message).hint(format!("write `{SYNTAX}`"))
                    );
                }
            }
        }
        builder.rule.store = Some(store);
        builder.rule.files.push(Box::new(AnyFile));
        Ok(())
    },
};
