//! Keys of Initial packets, which anybody can derive (RFC 9001, section 5; RFC 9369, section 3.3),
//! and what they open.

use aes::Aes128;
use aes::cipher::{BlockEncrypt, KeyInit};
use aes_gcm::aead::AeadInPlace;
use aes_gcm::{Aes128Gcm, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;

use super::header::V2;
use crate::net::Direction;

/// Longest number of a packet, bytes.
const NUMBER_BYTES: usize = 4;
/// Bytes from which the protection of a header is made.
const SAMPLE_BYTES: usize = 16;
/// Bytes that authenticate a packet, at its end.
const TAG_BYTES: usize = 16;

/// Salts by version: RFC 9001, section 5.2; drafts 23 and 29 of it; RFC 9369, section 3.3.1; Q050.
const fn salt(version: u32) -> Option<[u8; 20]> {
    Some(match version {
        0x5130_3530 => [
            0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3,
            0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45,
        ],
        0xff00_001d..=0xff00_0020 => [
            0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61,
            0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99,
        ],
        0xface_b002 | 0xff00_0017..=0xff00_001c => [
            0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4,
            0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02,
        ],
        1 | 0xff00_0021..=0xff00_0022 => [
            0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
            0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
        ],
        V2 => [
            0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
            0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
        ],
        _ => return None,
    })
}

/// The keys of both directions of a connection.
pub struct Keys {
    server: Half,
    client: Half,
}

struct Half {
    header: Aes128,
    packet: Aes128Gcm,
    iv: [u8; 12],
}

impl Keys {
    /// From the identifier that the client's first Initial is sent to. `None` for a version whose
    /// salt is not known.
    pub fn initial(version: u32, destination: &[u8]) -> Option<Self> {
        let salt = salt(version)?;
        let common = Hkdf::<Sha256>::new(Some(&salt), destination);
        let half = |label: &str| {
            let secret = expand::<32>(&common, label)?;
            Half::new(&Hkdf::<Sha256>::from_prk(&secret).ok()?, version)
        };
        Some(Self { server: half("server in")?, client: half("client in")? })
    }

    /// Takes the protection off a packet: `packet` from its first byte to its last, of which
    /// `header` bytes stand before the number of the packet.
    pub fn open(&self, way: Direction, packet: &[u8], header: usize) -> Option<Vec<u8>> {
        let half = match way {
            Direction::ToServer => &self.client,
            Direction::ToClient => &self.server,
        };
        let mut head = packet.get(..header + NUMBER_BYTES)?.to_vec();
        let sample = packet.get(header + NUMBER_BYTES..)?.get(..SAMPLE_BYTES)?;
        let mut mask = aes::Block::clone_from_slice(sample);
        half.header.encrypt_block(&mut mask);
        let (first_mask, number_mask) = mask.split_first()?;
        let first = head.first_mut()?;
        *first ^= first_mask & if *first & 0x80 == 0 { 0x1f } else { 0x0f };
        let length = usize::from(*first & 3) + 1;
        head.truncate(header + length);
        let mut number = 0_u64;
        for (byte, mask) in head.iter_mut().skip(header).zip(number_mask) {
            *byte ^= mask;
            number = number << 8 | u64::from(*byte);
        }
        let sealed = packet.get(header + length..)?;
        let (content, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG_BYTES)?)?;
        let mut content = content.to_vec();
        let mut nonce = half.iv;
        for (byte, number) in nonce.iter_mut().skip(4).zip(number.to_be_bytes()) {
            *byte ^= number;
        }
        let (nonce, tag) = (Nonce::from_slice(&nonce), Tag::from_slice(tag));
        half.packet.decrypt_in_place_detached(nonce, &head, &mut content, tag).ok()?;
        Some(content)
    }
}

impl Half {
    fn new(secret: &Hkdf<Sha256>, version: u32) -> Option<Self> {
        let [header, packet, iv] = if version == V2 {
            ["quicv2 hp", "quicv2 key", "quicv2 iv"]
        } else {
            ["quic hp", "quic key", "quic iv"]
        };
        Some(Self {
            header: Aes128::new(&expand::<16>(secret, header)?.into()),
            packet: Aes128Gcm::new(&expand::<16>(secret, packet)?.into()),
            iv: expand::<12>(secret, iv)?,
        })
    }
}

/// HKDF-Expand-Label of TLS 1.3 without context (RFC 8446, section 7.1).
fn expand<const N: usize>(secret: &Hkdf<Sha256>, label: &str) -> Option<[u8; N]> {
    const PREFIX: &[u8] = b"tls13 ";
    let length = u16::try_from(N).ok()?.to_be_bytes();
    let named = [u8::try_from(PREFIX.len() + label.len()).ok()?];
    let mut key = [0; N];
    let info = [&length[..], &named, PREFIX, label.as_bytes(), &[0]];
    secret.expand_multi_info(&info, &mut key).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn keys_are_those_of_the_standard() {
        // RFC 9001, appendix A.1.
        let destination = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        let keys = Keys::initial(1, &destination).unwrap();
        let client = [0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3, 0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c];
        let server = [0x0a, 0xc1, 0x49, 0x3c, 0xa1, 0x90, 0x58, 0x53, 0xb0, 0xbb, 0xa0, 0x3e];
        assert_eq!((keys.client.iv, keys.server.iv), (client, server));
        // RFC 9369, appendix A.1.
        let keys = Keys::initial(V2, &destination).unwrap();
        let client = [0x91, 0xf7, 0x3e, 0x23, 0x51, 0xd8, 0xfa, 0x91, 0x66, 0x0e, 0x90, 0x9f];
        assert_eq!(keys.client.iv, client);
        assert!(Keys::initial(0x5130_3433, &destination).is_none());
    }
}
