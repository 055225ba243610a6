//! Who logs on: the user out of LOGIN and of the exchanges of SASL. Nothing secret leaves this file.

use crate::protocols::formats::mime::Base64;

/// Bytes of a user's name that are kept.
pub const USER_BYTES: usize = 255;

/// What an exchange told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The user.
    pub user: Option<Vec<u8>>,
    /// A password or a token was readable.
    pub secret: bool,
    /// What was readable, to be masked where the server repeats it; it is never shown.
    pub hidden: Vec<Vec<u8>>,
}

/// An exchange that goes on (RFC 9051, 6.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The command's transaction.
    pub transaction: u64,
    mechanism: Mechanism,
    /// What the client has said so far.
    said: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    /// RFC 4616.
    Plain,
    /// draft-murchison-sasl-login.
    Login,
    /// RFC 2195.
    CramMd5,
    /// RFC 7628, and what came before it.
    Token,
    Other,
}

impl Exchange {
    /// An exchange by this mechanism.
    pub fn new(transaction: u64, name: &[u8]) -> Self {
        let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        let mechanism = if is(b"PLAIN") {
            Mechanism::Plain
        } else if is(b"LOGIN") {
            Mechanism::Login
        } else if is(b"CRAM-MD5") {
            Mechanism::CramMd5
        } else if is(b"XOAUTH2") || is(b"OAUTHBEARER") {
            Mechanism::Token
        } else {
            Mechanism::Other
        };
        Self { transaction, mechanism, said: 0 }
    }

    /// What the client says next, in base64.
    pub fn hear(&mut self, line: &[u8]) -> Told {
        let mut told = self.read(line);
        if told.secret {
            told.hidden.push(line.to_vec());
        }
        told
    }

    fn read(&mut self, line: &[u8]) -> Told {
        self.said = self.said.saturating_add(1);
        let (true, Some(clear)) = (line != b"*", decode(line)) else { return Told::default() };
        let user = |user: &[u8]| Some(cut(user));
        match (self.mechanism, self.said) {
            (Mechanism::Plain, 1) => {
                let mut parts = clear.splitn(3, |byte| *byte == 0).skip(1);
                let name = parts.next().and_then(user);
                let hidden = parts.next().filter(|secret| !secret.is_empty()).map(<[u8]>::to_vec);
                Told { user: name, secret: hidden.is_some(), hidden: hidden.into_iter().collect() }
            }
            (Mechanism::Login, 1) => Told { user: user(&clear), ..Told::default() },
            (Mechanism::Login, 2) => {
                Told { user: None, secret: !clear.is_empty(), hidden: vec![clear] }
            }
            (Mechanism::CramMd5, 1) => {
                let end = clear.iter().rposition(|byte| *byte == b' ');
                let user = end.and_then(|end| clear.get(..end)).and_then(user);
                Told { user, ..Told::default() }
            }
            (Mechanism::Token, 1) => {
                let named = |part: &[u8]| {
                    // OAUTHBEARER begins with a header of GS2: `n,a=anna@example.org,`.
                    let at = part.strip_prefix(b"user=").or_else(|| {
                        let name = part.split(|byte| *byte == b',').nth(1)?;
                        name.strip_prefix(b"a=")
                    });
                    at.map(cut)
                };
                let parts = || clear.split(|byte| *byte == 1);
                let secret = parts().any(|part| part.starts_with(b"auth="));
                let user = parts().find_map(named);
                Told { user, secret, hidden: Vec::new() }
            }
            _ => Told::default(),
        }
    }
}

/// What the arguments of LOGIN tell (RFC 9051, 6.2.3).
pub fn login(arguments: &[Vec<u8>]) -> Told {
    let mut arguments = arguments.iter();
    let user = arguments.next().map(|user| cut(user));
    let hidden: Vec<_> = arguments.filter(|secret| !secret.is_empty()).cloned().collect();
    Told { user, secret: !hidden.is_empty(), hidden }
}

fn cut(user: &[u8]) -> Vec<u8> {
    user.get(..USER_BYTES).unwrap_or(user).to_vec()
}

fn decode(line: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = Base64::default();
    let mut clear = Vec::new();
    if !decoder.decode(line, &mut clear) {
        return None;
    }
    clear.extend(decoder.finish());
    Some(clear)
}
