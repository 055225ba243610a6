//! The commands that are told apart (RFC 959, chapter 4, and its extensions), as EVE names them.

use crate::protocols::Probe;

/// Commands, in upper case.
const COMMANDS: &[&str] = &[
    "ABOR", "ACCT", "ALLO", "APPE", "AUTH TLS", "CDUP", "CHMOD", "CWD", "DELE", "EPRT", "EPSV",
    "HELP", "IDLE", "LIST", "MAIL", "MDTM", "MKD", "MLFL", "MODE", "MRCP", "MRSQ", "MSAM", "MSND",
    "MSOM", "NLST", "NOOP", "PASS", "PASV", "PORT", "PWD", "QUIT", "REIN", "REST", "RETR", "RMD",
    "RNFR", "RNTO", "SITE", "SIZE", "SMNT", "STAT", "STOR", "STOU", "STRU", "SYST", "TYPE",
    "UMASK", "USER",
];

/// What a client may begin with.
const FIRST: &[&[u8]] = &[b"USER ", b"PASS ", b"PORT ", b"FEAT", b"AUTH TLS", b"AUTH SSL"];

/// The command of a line, and where what follows it begins. It is looked for at the front, then
/// anywhere: the reference engine does not mind what stands before it (blanks, bytes of Telnet).
pub fn find(line: &[u8]) -> Option<(&'static str, usize)> {
    (0..line.len()).find_map(|at| {
        let tail = line.get(at..).unwrap_or_default();
        let name = COMMANDS.iter().find(|name| begins(tail, name.as_bytes()))?;
        Some((*name, at.saturating_add(name.len()).saturating_add(1)))
    })
}

fn begins(bytes: &[u8], name: &[u8]) -> bool {
    // Most bytes differ at once.
    let same = |(a, b): (&u8, &u8)| a.to_ascii_uppercase() == *b;
    bytes.len() >= name.len() && bytes.iter().zip(name).all(same)
}

/// Whether a client's first bytes are a command.
pub fn probe(bytes: &[u8]) -> Probe {
    let mut best = Probe::No;
    for first in FIRST {
        if begins(bytes, first) {
            return Probe::Yes;
        }
        if bytes.len() < first.len() && begins(first, &bytes.to_ascii_uppercase()) {
            best = Probe::NeedMore;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found() {
        assert_eq!(find(b"user anna"), Some(("USER", 5)));
        assert_eq!(find(b"\xff\xf4\xffABOR"), Some(("ABOR", 8)));
        assert_eq!(find(b"auth tls"), Some(("AUTH TLS", 9)));
        assert_eq!(find(b"AUTH SSL"), None);
        assert_eq!(find(b""), None);
    }
}
