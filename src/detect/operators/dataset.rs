//! `dataset`, `datarep`: the whole buffer in a set of values.

use std::sync::Arc;

use crate::detect::buffer::{Check, Scope, Step};
use crate::detect::datasets::{Keep, Request, Set, ValueKind, is_kept_name};
use crate::detect::integer::IntegerTest;
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::syntax::{integer, items, required};
use crate::record::{BitCommand, SetQuery};

const SYNTAX: &str = "dataset:set|unset|isset|isnotset,NAME[,type string|md5|sha256|ipv4|ip]\
                      [,load FILE|state FILE][,save FILE][,memcap SIZE][,hashsize N]\
                      [,format csv|json|ndjson,value_key KEY[,array_key WAY]];";
const REPUTATION_SYNTAX: &str =
    "datarep:NAME,<|>|==|<=|>=|!=,LEVEL[,load FILE][,type string|md5|sha256|ipv4|ip];";

/// See [`Operator`].
pub static DATASET: Operator = Operator {
    name: "dataset",
    aliases: &[],
    help: "The buffer is, or is not, in a set of values; `set` puts it there and matches when it \
           is new, `unset` takes it out. With `--data-dir DIR` a set with `state FILE` is read from \
           DIR/FILE, if that is there, and written there when the run ends and at a reload, one \
           with `save FILE` only written; a file is named without `..`, as it is below DIR. \
           Without that option, and with `--each`, these sets begin empty and are not kept. \
           `load` is relative to the rule file. `memcap` bounds what rules put in, `hashsize` has \
           no effect.",
    syntax: SYNTAX,
    examples: &[
        Example {
            rule: r#"content:"x"; dataset:isset,seen,type string;"#,
            payload: b"x",
            alerts: false,
        },
        Example {
            rule: r#"content:"x"; dataset:isnotset,seen,type string;"#,
            payload: b"x",
            alerts: true,
        },
    ],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        let mut parts = items(text);
        let (span, word) = parts.next().unwrap_or((0..1, ""));
        let command = match word {
            "set" => BitCommand::Set,
            "unset" => BitCommand::Unset,
            "isset" => BitCommand::IsSet,
            "isnotset" => BitCommand::IsNotSet,
            _ => {
                let message = format!("`{word}` is nothing to do with a set");
                return Err(
                    Problem::spanned("R230", span, message).hint(format!("write `{SYNTAX}`"))
                );
            }
        };
        let name = parts.next().map_or("", |(_, name)| name);
        let set = open(request(name, parts, SYNTAX)?, builder)?;
        if matches!(command, BitCommand::Set | BitCommand::Unset) {
            set.will_change();
        }
        builder.push(Step::Check(Box::new(InSet { set, command })))
    },
};

/// See [`Operator`].
pub static DATAREP: Operator = Operator {
    name: "datarep",
    aliases: &[],
    help: "The buffer is in a set of values, and its reputation there compares as asked.",
    syntax: REPUTATION_SYNTAX,
    examples: &[Example {
        rule: r#"content:"x"; datarep:known,>,10,type string;"#,
        payload: b"x",
        alerts: false,
    }],
    compile: |argument, builder| {
        let text = required(argument, REPUTATION_SYNTAX)?;
        let mut parts = items(text);
        let name = parts.next().map_or("", |(_, name)| name);
        let (Some((_, sign)), Some((_, level))) = (parts.next(), parts.next()) else {
            return Err(Problem::whole("R230", "a sign and a level are missing")
                .hint(format!("write `{REPUTATION_SYNTAX}`")));
        };
        let sign = if sign == "==" { "=" } else { sign };
        let test = IntegerTest::parse(&format!("{sign}{level}"), 16, &[])
            .map_err(|problem| Problem { span: 0..0, ..problem })?;
        let request = Request { reputation: true, ..request(name, parts, REPUTATION_SYNTAX)? };
        let set = open(request, builder)?;
        builder.push(Step::Check(Box::new(Reputation { set, test })))
    },
};

struct InSet {
    set: Arc<Set>,
    command: BitCommand,
}

impl Check for InSet {
    fn check(&self, scope: &mut Scope<'_>, cursor: usize) -> Option<usize> {
        let Some(key) = self.set.key(scope.buffer) else {
            return (self.command == BitCommand::IsNotSet).then_some(cursor);
        };
        let loaded = self.set.loaded(&key).is_some();
        if self.set.changes() {
            let (set, command, value) = (self.set.number, self.command, key.into_owned());
            let room = self.set.room();
            scope.scratch.ask(SetQuery { set, command, value, loaded, room });
            return Some(cursor);
        }
        (loaded == (self.command == BitCommand::IsSet)).then_some(cursor)
    }

    fn relative(&self) -> bool {
        false
    }

    fn follows_cursor(&self) -> bool {
        false
    }
}

struct Reputation {
    set: Arc<Set>,
    test: IntegerTest,
}

impl Check for Reputation {
    fn check(&self, scope: &mut Scope<'_>, cursor: usize) -> Option<usize> {
        let key = self.set.key(scope.buffer)?;
        let level = self.set.loaded(&key)?;
        self.test.matches(level.into()).then_some(cursor)
    }

    fn relative(&self) -> bool {
        false
    }

    fn follows_cursor(&self) -> bool {
        false
    }
}

fn open(request: Request, builder: &Builder) -> Result<Arc<Set>, Problem> {
    builder.companions.set(&request, &builder.rule.origin.file)
}

/// What stands behind the name.
fn request<'a>(
    name: &str,
    parts: impl Iterator<Item = (std::ops::Range<usize>, &'a str)>,
    syntax: &str,
) -> Result<Request, Problem> {
    let wrong = |span, message: String| {
        Problem::spanned("R230", span, message).hint(format!("write `{syntax}`"))
    };
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(wrong(0..0, "a set needs a name without blanks".to_owned()));
    }
    let mut request = Request { name: name.to_owned(), ..Request::default() };
    let (mut json, mut key, mut way) = (false, None, String::new());
    for (span, item) in parts {
        let (word, value) = item.split_once(char::is_whitespace).unwrap_or((item, ""));
        let value = value.trim();
        match (word, value) {
            ("type", kind) => match ValueKind::of(kind) {
                Some(kind) => request.kind = Some(kind),
                None => return Err(wrong(span, format!("`{kind}` is no type of values"))),
            },
            ("load" | "state" | "save", "") => {
                return Err(wrong(span, "a file is missing".to_owned()));
            }
            ("load", file) => request.load = Some(file.to_owned()),
            ("state" | "save", file) => {
                let keep = keep(file, word == "state", &request);
                request.keep = Some(keep.map_err(|problem| Problem { span, ..problem })?);
            }
            ("memcap", number) => {
                let bytes = integer(number, 64).map_err(|problem| Problem { span, ..problem })?;
                request.memory = Some(bytes);
            }
            ("hashsize", number) => {
                integer(number, 64).map_err(|problem| Problem { span, ..problem })?;
            }
            ("format", "csv") | ("enrichment_key" | "context_key" | "remove_key", _) => {}
            ("format", "json" | "ndjson" | "jsonline") => json = true,
            ("value_key", value) => key = Some(value.to_owned()),
            ("array_key", value) => value.clone_into(&mut way),
            _ => return Err(wrong(span, format!("`{item}` means nothing here"))),
        }
    }
    let keeps = request.keep.as_ref();
    if keeps.is_some_and(|keep| keep.reads) && request.load.is_some() {
        return Err(wrong(0..0, "`load` and `state` both say with what a set begins".to_owned())
            .hint("`load` with `save` begins with one file and writes another"));
    }
    if json && keeps.is_some() {
        return Err(wrong(0..0, "a set that is read from JSON is not written".to_owned()));
    }
    if json {
        let missing = || wrong(0..0, "a file of JSON needs a `value_key`".to_owned());
        request.json = Some((key.ok_or_else(missing)?, way));
    }
    Ok(request)
}

/// Where a set is kept, unless it is said already.
fn keep(file: &str, reads: bool, request: &Request) -> Result<Keep, Problem> {
    if request.keep.is_some() {
        return Err(Problem::whole("R230", "a set is kept in one file")
            .hint("`state` reads and writes it, `save` only writes"));
    }
    if !is_kept_name(file) {
        return Err(Problem::whole("R233", format!("`{file}` is no file for a set that is kept"))
            .hint("name one below the folder of --data-dir, such as `seen.lst`: no absolute path, no `..`, nothing hidden"));
    }
    Ok(Keep { file: file.to_owned(), reads })
}
