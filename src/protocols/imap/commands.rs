//! The commands, and how a client's first line is told.

use crate::protocols::Probe;

/// Bytes of a tag by which a first line is told.
const TAG_BYTES: usize = 20;

/// RFC 9051, chapter 6; RFC 3501 (CHECK, LSUB); and the extensions of RFC 2087, 2177, 2342, 2971,
/// 4314, 4467, 4978, 5161, 5256, 5464, 6237, 6851 and 9586.
const COMMANDS: &[&str] = &[
    "APPEND",
    "AUTHENTICATE",
    "CAPABILITY",
    "CHECK",
    "CLOSE",
    "COMPRESS",
    "COPY",
    "CREATE",
    "DELETE",
    "DELETEACL",
    "ENABLE",
    "ESEARCH",
    "EXAMINE",
    "EXPUNGE",
    "FETCH",
    "GENURLAUTH",
    "GETACL",
    "GETMETADATA",
    "GETQUOTA",
    "GETQUOTAROOT",
    "ID",
    "IDLE",
    "LIST",
    "LISTRIGHTS",
    "LOGIN",
    "LOGOUT",
    "LSUB",
    "MOVE",
    "MYRIGHTS",
    "NAMESPACE",
    "NOOP",
    "NOTIFY",
    "RENAME",
    "RESETKEY",
    "SEARCH",
    "SELECT",
    "SETACL",
    "SETMETADATA",
    "SETQUOTA",
    "SORT",
    "STARTTLS",
    "STATUS",
    "STORE",
    "SUBSCRIBE",
    "THREAD",
    "UNAUTHENTICATE",
    "UNSELECT",
    "UNSUBSCRIBE",
    "URLFETCH",
    "XLIST",
    "UID",
];

/// Commands that may stand behind UID (RFC 9051, 6.4.9).
const OF_UID: &[(&str, &str)] = &[
    ("COPY", "UID COPY"),
    ("EXPUNGE", "UID EXPUNGE"),
    ("FETCH", "UID FETCH"),
    ("MOVE", "UID MOVE"),
    ("SEARCH", "UID SEARCH"),
    ("SORT", "UID SORT"),
    ("STORE", "UID STORE"),
    ("THREAD", "UID THREAD"),
];

/// A command by its name in any case, and by the word behind it.
pub fn find(name: &[u8], next: &[u8]) -> Option<&'static str> {
    let known = COMMANDS.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(name))?;
    if *known != "UID" {
        return Some(known);
    }
    let of_uid = OF_UID.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(next));
    of_uid.map(|(_, name)| *name)
}

/// Whether a client's first bytes are a tag, as programs and people write it, and a command.
pub fn probe(bytes: &[u8]) -> Probe {
    let end = bytes.iter().position(|byte| *byte == b' ');
    let tag = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    let may = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    if tag.len() > TAG_BYTES || !tag.iter().all(may) {
        return Probe::No;
    }
    let Some(end) = end else { return Probe::NeedMore };
    // Programs count; people write one letter.
    if !(tag.len() == 1 || tag.last().is_some_and(u8::is_ascii_digit)) {
        return Probe::No;
    }
    let rest = bytes.get(end.saturating_add(1)..).unwrap_or_default();
    let stop = rest.iter().position(|byte| b" \r\n".contains(byte));
    let word = rest.get(..stop.unwrap_or(rest.len())).unwrap_or_default();
    let begins = |known: &&&str| {
        let begin = known.as_bytes().get(..word.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(word))
    };
    let whole = |known: &&str| known.len() == word.len();
    match COMMANDS.iter().filter(begins).any(|known| stop.is_none() || whole(known)) {
        false => Probe::No,
        true if stop.is_some() => Probe::Yes,
        true => Probe::NeedMore,
    }
}
