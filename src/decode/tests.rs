//! Frames of each kind, built in code.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use etherparse::PacketBuilder;

use super::*;

fn frame() -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .tcp(1234, 80, 7, 1000)
        .write(&mut bytes, b"hello")
        .unwrap();
    bytes
}

fn all(link: u16, bytes: &[u8]) -> Vec<(Headers, Vec<u8>)> {
    let mut found = Vec::new();
    let options = Options { verify_checksums: true, ..Options::default() };
    decode(link, bytes, bytes.len() as u32, &options, &mut |headers, slice| {
        found.push((*headers, headers.payload(slice).to_vec()));
    });
    found
}

#[test]
fn padding_is_not_payload() {
    let mut bytes = frame();
    bytes.extend([0xaa; 20]);
    let found = all(1, &bytes);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, b"hello");
    assert!(!found[0].0.bad_checksum);
}
