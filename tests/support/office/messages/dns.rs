//! DNS (RFC 1035).

use super::Bytes;

pub const A: u16 = 1;
pub const PTR: u16 = 12;
pub const TXT: u16 = 16;
pub const AAAA: u16 = 28;
pub const SRV: u16 = 33;

const RECURSION: u16 = 0x0100;
const ANSWER: u16 = 0x8180;
const NO_SUCH_NAME: u16 = 0x8183;

pub fn question(id: u16, name: &str, kind: u16) -> Vec<u8> {
    message(id, RECURSION, name, kind, &[])
}

/// An answer with so many records of data, kept for `seconds`.
pub fn answer(id: u16, name: &str, kind: u16, seconds: u32, data: &[&[u8]]) -> Vec<u8> {
    let record =
        |data: &&[u8]| Bytes::default().u16(0xc00c).u16(kind).u16(1).u32(seconds).long(data).0;
    message(id, ANSWER, name, kind, &data.iter().map(record).collect::<Vec<_>>())
}

pub fn no_such_name(id: u16, name: &str, kind: u16) -> Vec<u8> {
    message(id, NO_SUCH_NAME, name, kind, &[])
}

fn message(id: u16, flags: u16, name: &str, kind: u16, answers: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Bytes::default().u16(id).u16(flags).u16(1).u16(answers.len() as u16);
    out = out.u16(0).u16(0);
    for label in name.split('.') {
        out = out.short(label.as_bytes());
    }
    out.u8(0).u16(kind).u16(1).put(&answers.concat()).0
}
