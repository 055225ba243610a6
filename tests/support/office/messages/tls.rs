//! TLS 1.3 (RFC 8446): greetings in clear, the rest noise.

use super::super::chance::Chance;
use super::Bytes;

const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
/// Bytes in a record at most.
const RECORD: usize = 16_384;

/// The greeting of a program: those of one `program` look alike.
pub fn client_hello(name: &str, program: u16, chance: &mut Chance) -> Vec<u8> {
    let server_name = Bytes::default().u8(0).long(name.as_bytes()).0;
    let groups = Bytes::default().u16(0x001d).u16(0x0017).u16(0x0018).0;
    let schemes = Bytes::default().u16(0x0403).u16(0x0804).u16(0x0401).u16(0x0503).0;
    let http = [&[2][..], b"h2", &[8], b"http/1.1"].concat();
    let key = Bytes::default().u16(0x001d).long(chance.noise(32)).0;
    let extensions = Bytes::default()
        .u16(0)
        .long(&Bytes::default().long(&server_name).0)
        .u16(23)
        .u16(0)
        .u16(10)
        .long(&Bytes::default().long(&groups).0)
        .u16(11)
        .long(&[1, 0])
        .u16(16)
        .long(&Bytes::default().long(&http).0)
        .u16(13)
        .long(&Bytes::default().long(&schemes).0)
        .u16(43)
        .long(&[4, 3, 4, 3, 3])
        .u16(45)
        .long(&[1, 1])
        .u16(51)
        .long(&Bytes::default().long(&key).0);
    let ciphers = Bytes::default().u16(0x1301).u16(0x1302).u16(0x1303).u16(0xc02b).u16(0xc02f);
    // Programs differ in what they offer.
    let ciphers = (0..program).fold(ciphers, |ciphers, n| ciphers.u16(0xc02c + n)).0;
    let body = Bytes::default().u16(0x0303).put(chance.noise(32)).short(chance.noise(32));
    handshake(1, &body.long(&ciphers).short(&[0]).long(&extensions.0).0)
}

/// The server's greeting and, as noise, its certificate.
pub fn server_hello(chance: &mut Chance) -> Vec<u8> {
    let key = Bytes::default().u16(0x001d).long(chance.noise(32)).0;
    let extensions = Bytes::default().u16(43).long(&[3, 4]).u16(51).long(&key);
    let body = Bytes::default().u16(0x0303).put(chance.noise(32)).short(chance.noise(32));
    let mut out = handshake(2, &body.u16(0x1301).u8(0).long(&extensions.0).0);
    out.extend_from_slice(&[20, 3, 3, 0, 1, 1]);
    let certificate = chance.between(1800, 3600) as usize;
    out.extend(data(certificate, chance));
    out
}

/// What the client says to end the handshake.
pub fn finished(chance: &mut Chance) -> Vec<u8> {
    [&[20, 3, 3, 0, 1, 1][..], &data(53, chance)].concat()
}

/// So many bytes of ciphers.
pub fn data(length: usize, chance: &mut Chance) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + 5 * (1 + length / RECORD));
    let mut left = length;
    while left > 0 {
        let part = left.min(RECORD);
        out.extend_from_slice(&[DATA, 3, 3]);
        out.extend_from_slice(&(part as u16).to_be_bytes());
        out.extend_from_slice(chance.noise(part));
        left -= part;
    }
    out
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let message = Bytes::default().u8(kind).u8(0).long(body).0;
    Bytes::default().u8(HANDSHAKE).u16(0x0301).long(&message).0
}
