//! What is known of a connection, and how EVE shows it.

use md5::{Digest, Md5};

use crate::field::{Describe, Tree};
use crate::net::Direction;
use crate::protocols::formats::digits::hex;
use crate::reader::Reader;

/// Bytes of random at the front of an offer of algorithms.
const COOKIE: usize = 16;

/// A connection: what each side said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// Who opened it.
    pub client: Speaker,
    /// Who was spoken to.
    pub server: Speaker,
}

/// One side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Speaker {
    /// Version of the protocol: `2.0`. Empty before its identification string came.
    pub proto: Vec<u8>,
    /// Name and version of its software, without comments.
    pub software: Vec<u8>,
    /// Algorithms that it offers, as HASSH joins them; empty before its offer came.
    pub hassh_string: Vec<u8>,
    /// MD5 of these in lower-case hex.
    pub hassh: String,
}

impl Connection {
    /// Who speaks that way.
    pub const fn speaker(&mut self, way: Direction) -> &mut Speaker {
        match way {
            Direction::ToServer => &mut self.client,
            Direction::ToClient => &mut self.server,
        }
    }
}

impl Speaker {
    /// Takes an identification string: `SSH-2.0-Software comments`. Whether it was one.
    pub fn identify(&mut self, line: &[u8]) -> bool {
        let Some(rest) = line.strip_prefix(b"SSH-") else { return false };
        let Some(dash) = rest.iter().position(|byte| *byte == b'-') else { return false };
        let Some((proto, software)) = rest.split_at_checked(dash) else { return false };
        if proto.is_empty() {
            return false;
        }
        let software = software.strip_prefix(b"-").unwrap_or(software);
        let ends = |byte: &u8| matches!(byte, b' ' | b'\r' | b'\n');
        self.proto = proto.to_vec();
        self.software = software.split(ends).next().unwrap_or_default().to_vec();
        true
    }

    /// Takes an offer of algorithms, SSH_MSG_KEXINIT without its first byte (RFC 4253, section
    /// 7.1). Nothing when it cannot be read.
    pub fn offer(&mut self, way: Direction, payload: &[u8]) {
        let Some(lists) = lists(payload) else { return };
        let [kex, _, cipher_up, cipher_down, mac_up, mac_down, compress_up, compress_down] = lists;
        let parts = match way {
            Direction::ToServer => [kex, cipher_up, mac_up, compress_up],
            Direction::ToClient => [kex, cipher_down, mac_down, compress_down],
        };
        self.hassh_string = parts.join(&b';');
        self.hassh = hex(&Md5::digest(&self.hassh_string), "");
    }

    /// Bytes it points to.
    pub const fn memory(&self) -> usize {
        self.proto.capacity()
            + self.software.capacity()
            + self.hassh_string.capacity()
            + self.hassh.capacity()
    }

    fn describe(&self, key: &str, tree: &mut dyn Tree) {
        if self.proto.is_empty() {
            return;
        }
        tree.object(key, &mut |tree| {
            tree.text("proto_version", &self.proto);
            if !self.software.is_empty() {
                tree.text("software_version", &self.software);
            }
            if !self.hassh.is_empty() {
                tree.object("hassh", &mut |tree| {
                    tree.text("hash", self.hassh.as_bytes());
                    tree.text("string", &self.hassh_string);
                });
            }
        });
    }
}

/// The first eight lists of names, as they stand.
fn lists(payload: &[u8]) -> Option<[&[u8]; 8]> {
    let mut reader = Reader::new(payload);
    reader.skip(COOKIE)?;
    let mut lists = [&[][..]; 8];
    for list in &mut lists {
        let length = usize::try_from(reader.u32()?).ok()?;
        *list = reader.take(length)?;
    }
    Some(lists)
}

impl Describe for Connection {
    fn describe(&self, tree: &mut dyn Tree) {
        self.client.describe("client", tree);
        self.server.describe("server", tree);
    }

    fn is_logged(&self) -> bool {
        !self.client.proto.is_empty() || !self.server.proto.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identification_string_has_its_parts() {
        let parts = |line: &[u8]| {
            let mut speaker = Speaker::default();
            let known = speaker.identify(line);
            (known, speaker.proto, speaker.software)
        };
        let (proto, software) = (b"2.0".to_vec(), b"OpenSSH_9.7".to_vec());
        assert_eq!(parts(b"SSH-2.0-OpenSSH_9.7 Debian-1"), (true, proto.clone(), software));
        assert_eq!(parts(b"SSH-2.0-"), (true, proto, vec![]));
        for broken in [&b"SSH-2.0"[..], b"SSH--x", b"ssh-2.0-x", b""] {
            assert_eq!(parts(broken), (false, vec![], vec![]), "{broken:?}");
        }
    }

    #[test]
    fn a_fingerprint_takes_the_lists_of_its_own_way() {
        let mut payload = vec![7; COOKIE];
        for list in [&b"kex"[..], b"key", b"c>", b"c<", b"m>", b"m<", b"z>", b"z<"] {
            payload.extend_from_slice(&[0, 0, 0, list.len() as u8]);
            payload.extend_from_slice(list);
        }
        let mut speaker = Speaker::default();
        speaker.offer(Direction::ToServer, &payload);
        assert_eq!(speaker.hassh_string, b"kex;c>;m>;z>");
        speaker.offer(Direction::ToClient, &payload);
        assert_eq!(speaker.hassh_string, b"kex;c<;m<;z<");
        assert_eq!(speaker.hassh.len(), 32);
        payload.truncate(payload.len() - 1);
        let mut cut = Speaker::default();
        cut.offer(Direction::ToServer, &payload);
        assert_eq!(cut, Speaker::default());
    }
}
