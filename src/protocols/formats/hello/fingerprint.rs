//! JA3, JA3S (Salesforce) and JA4 (FoxIO, the part under BSD licence): what a hello looks like.

use md5::Md5;
use sha2::{Digest, Sha256};

use super::{Ja3, Transport};
use crate::protocols::formats::digits::{hex, push_decimal, push_hex};

/// The numbers of a hello, in its order.
#[derive(Default)]
pub struct Raw {
    /// Version of the message.
    pub version: u16,
    /// Cipher suites.
    pub ciphers: Vec<u16>,
    /// Extension types.
    pub extensions: Vec<u16>,
    /// Groups (curves).
    pub groups: Vec<u16>,
    /// Point formats.
    pub formats: Vec<u8>,
    /// Signature algorithms.
    pub signatures: Vec<u16>,
    /// Versions of the extension.
    pub versions: Vec<u16>,
}

/// `version,ciphers,extensions,groups,formats`, numbers in decimal with dashes between, GREASE
/// left out.
pub fn ja3(raw: &Raw) -> Ja3 {
    let formats = raw.formats.iter().map(|f| u16::from(*f));
    let mut string = raw.version.to_string();
    join(&mut string, raw.ciphers.iter().copied());
    join(&mut string, raw.extensions.iter().copied());
    join(&mut string, raw.groups.iter().copied());
    join(&mut string, formats);
    hashed(string)
}

/// `version,cipher,extensions` of a server.
pub fn ja3s(raw: &Raw) -> Ja3 {
    let mut string = raw.version.to_string();
    join(&mut string, raw.ciphers.iter().copied());
    join(&mut string, raw.extensions.iter().copied());
    hashed(string)
}

/// JA4 of a client.
pub fn ja4(raw: &Raw, transport: Transport, named: bool, alpn: Option<&Vec<u8>>) -> String {
    const SERVER_NAME: u16 = 0;
    const ALPN: u16 = 16;
    let kept = |all: &[u16]| -> Vec<u16> { all.iter().copied().filter(|n| !grease(*n)).collect() };
    let (mut ciphers, mut extensions) = (kept(&raw.ciphers), kept(&raw.extensions));
    let version = kept(&raw.versions).into_iter().max().unwrap_or(raw.version);
    let version = match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    };
    let mut text = format!(
        "{}{version}{}{:02}{:02}{}",
        if transport == Transport::Tcp { 't' } else { 'q' },
        if named { 'd' } else { 'i' },
        ciphers.len().min(99),
        extensions.len().min(99),
        alpn_mark(alpn.map_or(&[], Vec::as_slice)),
    );
    ciphers.sort_unstable();
    text.push('_');
    text.push_str(&short_sha(&hex_list(&ciphers)));
    extensions.retain(|kind| !matches!(*kind, SERVER_NAME | ALPN));
    extensions.sort_unstable();
    let mut hashed = hex_list(&extensions);
    let signatures = kept(&raw.signatures);
    if !signatures.is_empty() && !extensions.is_empty() {
        hashed.push('_');
        hashed.push_str(&hex_list(&signatures));
    }
    text.push('_');
    text.push_str(&short_sha(&hashed));
    text
}

/// Numbers that clients invent to keep servers tolerant (RFC 8701).
const fn grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

fn join(string: &mut String, numbers: impl Iterator<Item = u16>) {
    string.push(',');
    for (index, number) in numbers.filter(|n| !grease(*n)).enumerate() {
        if index > 0 {
            string.push('-');
        }
        push_decimal(string, number);
    }
}

fn hashed(string: String) -> Ja3 {
    let hash = hex(&Md5::digest(string.as_bytes()), "");
    Ja3 { string, hash }
}

/// First and last character of the first protocol; of its hex when they are not alphanumeric.
fn alpn_mark(protocol: &[u8]) -> String {
    let (Some(first), Some(last)) = (protocol.first(), protocol.last()) else {
        return "00".into();
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(*first), char::from(*last)].iter().collect();
    }
    format!("{:x}{:x}", first >> 4, last & 0xf)
}

fn hex_list(numbers: &[u16]) -> String {
    let mut text = String::with_capacity(numbers.len() * 5);
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_hex(&mut text, *number);
    }
    text
}

fn short_sha(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".into();
    }
    hex(Sha256::digest(text.as_bytes()).get(..6).unwrap_or_default(), "")
}
