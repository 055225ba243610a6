//! `filemd5`, `filesha1`, `filesha256`: hashes of files in a list, one in hexadecimal a line. They
//! have no examples, as these have no lists beside them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::detect::files::{Hash, HashTest};
use crate::detect::operator::{Builder, Operator, Problem};
use crate::detect::syntax::required;

/// Hashes in one list.
const HASHES_MAX: usize = 4_000_000;

/// `filemd5`.
pub static FILEMD5: Operator = Operator {
    name: "filemd5",
    aliases: &[],
    help: "The MD5 of a whole file is in the list, or with `!` is not: a text file beside the \
           rules, one hash in hexadecimal a line.",
    syntax: "filemd5:[!]FILE",
    examples: &[],
    compile: |argument, builder| compile(Hash::Md5, argument, builder),
};

/// `filesha1`.
pub static FILESHA1: Operator = Operator {
    name: "filesha1",
    aliases: &[],
    help: "The same for SHA-1.",
    syntax: "filesha1:[!]FILE",
    examples: &[],
    compile: |argument, builder| compile(Hash::Sha1, argument, builder),
};

/// `filesha256`.
pub static FILESHA256: Operator = Operator {
    name: "filesha256",
    aliases: &[],
    help: "The same for SHA-256.",
    syntax: "filesha256:[!]FILE",
    examples: &[],
    compile: |argument, builder| compile(Hash::Sha256, argument, builder),
};

fn compile(hash: Hash, argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let text = required(argument, "filemd5:[!]FILE")?;
    let (name, negated) = list_name(text);
    let read = builder.companions.read.as_ref();
    let bytes = match read.map(|read| read(name, &builder.rule.origin.file)) {
        Some(Ok(bytes)) => bytes,
        unread => {
            let why = unread.and_then(Result::err).unwrap_or_else(|| "no files here".to_owned());
            return Err(Problem::whole("R234", format!("the list `{name}` cannot be read: {why}"))
                .hint("the name counts from the folder of the rule file"));
        }
    };
    let list = parse(hash, name, &String::from_utf8_lossy(&bytes))?;
    builder.rule.files.push(Box::new(HashTest { hash, negated, list }));
    Ok(())
}

/// The name of the list in an argument, and whether the argument is negated.
fn list_name(argument: &str) -> (&str, bool) {
    let argument = argument.trim();
    let (name, negated) = match argument.strip_prefix('!') {
        Some(rest) => (rest.trim_start(), true),
        None => (argument, false),
    };
    let bare = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    (bare.unwrap_or(name), negated)
}

/// Hashes stand at the starts of lines; what follows a blank, and lines that begin with `#`, is
/// passed over.
fn parse(hash: Hash, name: &str, text: &str) -> Result<Arc<BTreeSet<Vec<u8>>>, Problem> {
    let mut list = BTreeSet::new();
    for (line, number) in text.lines().zip(1..) {
        let Some(word) = line.split_whitespace().next().filter(|word| !word.starts_with('#'))
        else {
            continue;
        };
        let Some(bytes) = hexadecimal(word).filter(|bytes| bytes.len() == hash.length()) else {
            let message = format!("line {number} of `{name}` is no hash of this kind");
            let wanted = format!("{} hexadecimal digits a line", hash.length() * 2);
            return Err(Problem::whole("R235", message).hint(wanted));
        };
        if list.len() >= HASHES_MAX {
            return Err(Problem::whole("R236", format!("more than {HASHES_MAX} hashes in a list")));
        }
        list.insert(bytes);
    }
    Ok(Arc::new(list))
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(pair.first()? << 4 | pair.last()?)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn lists_are_read_line_by_line() {
        let text = "# bad ones\n900150983CD24FB0D6963F7D28E17F72  abc.txt\n\n";
        let list = parse(Hash::Md5, "a", text).unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(list.first().unwrap().first(), Some(&0x90));
        assert!(parse(Hash::Sha1, "a", text).is_err());
        assert!(parse(Hash::Md5, "a", "xyz").is_err());
        assert_eq!(list_name(" !\"a b.txt\""), ("a b.txt", true));
    }
}
