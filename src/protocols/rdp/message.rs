//! One message of the beginning of a session, and how EVE shows it.

use super::client::Client;
use crate::field::{Describe, Field, Fields, Tree};
use crate::reader::Reader;

/// Bytes of a user name in a cookie that are kept.
const MAX_COOKIE: usize = 1024;

/// A message; each is a transaction of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number within the flow, from 0.
    pub id: u64,
    /// What it is.
    pub kind: Kind,
}

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The client's first, with the user name of its cookie (section 2.2.1.1).
    Request(Option<Vec<u8>>),
    /// The server's first (section 2.2.1.2).
    Confirm,
    /// What the client says of itself (section 2.2.1.3).
    Connect(Box<Client>),
    /// The server's answer to it (section 2.2.1.4).
    Connected,
    /// Certificates of the server, after which all is encrypted.
    Certificates,
}

impl Fields for Message {
    const FIELDS: &'static [Field<Self>] = &[];
}

impl Message {
    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        match &self.kind {
            Kind::Request(cookie) => cookie.as_ref().map_or(0, Vec::capacity),
            Kind::Connect(client) => size_of::<Client>() + client.memory(),
            _ => 0,
        }
    }
}

impl Describe for Message {
    fn describe(&self, tree: &mut dyn Tree) {
        // The reference engine counts from 1 here.
        tree.int("tx_id", self.id.saturating_add(1));
        match &self.kind {
            Kind::Request(cookie) => {
                tree.text("event_type", b"initial_request");
                if let Some(cookie) = cookie {
                    tree.text("cookie", cookie);
                }
            }
            Kind::Confirm => tree.text("event_type", b"initial_response"),
            Kind::Connect(client) => {
                tree.text("event_type", b"connect_request");
                client.describe(tree);
            }
            Kind::Connected => tree.text("event_type", b"connect_response"),
            Kind::Certificates => tree.text("event_type", b"tls_handshake"),
        }
    }
}

/// What a packet within TPKT says; `None` when nothing of interest.
pub fn parse(to_server: bool, packet: &[u8]) -> Option<Kind> {
    let mut reader = Reader::new(packet);
    let (length, code) = (reader.u8()?, reader.u8()?);
    match (code, to_server) {
        (0xe0 | 0xe1, true) => {
            let rest = class_0(length, &mut reader)?;
            Some(Kind::Request(cookie(rest)))
        }
        (0xd0 | 0xd1, false) => class_0(length, &mut reader).map(|_| Kind::Confirm),
        // Data of X.224: its header is two bytes long and says that it ends here.
        (0xf0, _) if length == 2 && reader.u8()? == 0x80 => match (reader.u16()?, to_server) {
            (0x7f65, true) => Some(Kind::Connect(Box::new(Client::parse(reader.rest())?))),
            (0x7f66, false) => Some(Kind::Connected),
            _ => None,
        },
        _ => None,
    }
}

/// The rest of a request or confirm of class 0 without options (X.224, section 13.3).
fn class_0<'a>(length: u8, reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    reader.skip(4)?;
    let class = reader.u8()?;
    // The length leaves out itself.
    let rest = usize::from(length).checked_sub(6)?;
    reader.take(rest).filter(|_| class == 0)
}

/// The user name of `Cookie: mstshash=NAME`.
fn cookie(rest: &[u8]) -> Option<Vec<u8>> {
    let name = rest.strip_prefix(b"Cookie: mstshash=")?;
    let end = name.windows(2).position(|two| two == b"\r\n")?;
    name.get(..end.min(MAX_COOKIE)).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_request_has_its_cookie() {
        let packet = b"\x22\xe0\0\0\0\0\0Cookie: mstshash=anna\r\n\x01\0\x08\0\0\0\0\0\0\0";
        assert_eq!(parse(true, packet), Some(Kind::Request(Some(b"anna".to_vec()))));
        assert_eq!(parse(true, b"\x06\xe0\0\0\0\0\0"), Some(Kind::Request(None)));
        for broken in [&b""[..], b"\x05\xe0\0\0\0\0\0", b"\x06\xe0\0\0\0\0\x10", b"\x40\xe0\0"] {
            assert_eq!(parse(true, broken), None, "{broken:?}");
        }
        // Not what a server says.
        assert_eq!(parse(false, packet), None);
    }
}
