//! The handshake of Google's QUIC: tagged values in STREAM frames (QUIC Crypto, Langley and Chang),
//! and CYU (Caleb Yu), the fingerprint of their order.

use md5::{Digest, Md5};

use crate::protocols::formats::digits::hex;
use crate::reader::Reader;

/// Tags of one message that are kept.
const MAX_TAGS: usize = 128;

/// The tags that a message of this handshake may have.
const TAGS: &[&[u8; 4]] = &[
    b"AEAD", b"CCRT", b"CCS\0", b"CETV", b"CFCW", b"CHLO", b"COPT", b"CSCT", b"CTIM", b"ICSL",
    b"IRTT", b"KEXS", b"MIDS", b"MSPC", b"NONC", b"NONP", b"PAD\0", b"PDMD", b"PUBS", b"SCID",
    b"SCLS", b"SFCW", b"SMHL", b"SNI\0", b"SNO\0", b"STK\0", b"TCID", b"UAID", b"VER\0", b"XLCT",
];

/// A message's tags with their values, in its order.
pub type Tags<'a> = Vec<(&'static [u8; 4], &'a [u8])>;

/// A fingerprint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cyu {
    /// Version and tags.
    pub string: String,
    /// MD5 of it in lower-case hex.
    pub hash: String,
}

/// Reads a message that fills all of `bytes`: its tag, how many tags follow, these with the ends
/// of their values, the values.
pub fn message(bytes: &[u8]) -> Option<Tags<'_>> {
    let mut reader = Reader::new(bytes);
    tag(&mut reader)?;
    let count = reader.u16_le()?;
    reader.skip(2)?;
    if usize::from(count) > MAX_TAGS {
        return None;
    }
    let mut ends = Vec::with_capacity(count.into());
    for _ in 0..count {
        ends.push((tag(&mut reader)?, reader.u32_le()?));
    }
    let mut before = 0;
    let mut tags = Vec::with_capacity(ends.len());
    for (tag, end) in ends {
        let length = usize::try_from(end.checked_sub(before)?).ok()?;
        tags.push((tag, reader.take(length)?));
        before = end;
    }
    reader.is_empty().then_some(tags)
}

fn tag(reader: &mut Reader<'_>) -> Option<&'static [u8; 4]> {
    let bytes = reader.array::<4>()?;
    TAGS.iter().find(|tag| ***tag == bytes).copied()
}

/// The fingerprint of a message; `None` in a version that has none.
pub fn cyu(version: u32, tags: &Tags<'_>) -> Option<Cyu> {
    let mut string = match &version.to_be_bytes() {
        b"Q043" => "43,",
        b"Q044" | b"Q045" => "44,",
        b"Q046" => "46,",
        _ => return None,
    }
    .to_owned();
    for (index, (tag, _)) in tags.iter().enumerate() {
        string.push_str(if index == 0 { "" } else { "-" });
        let letters = tag.iter().filter(|byte| **byte != 0);
        string.extend(letters.map(|byte| char::from(*byte)));
    }
    let hash = hex(&Md5::digest(string.as_bytes()), "");
    Some(Cyu { string, hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_that_of_its_inventor() {
        // From the article that introduces it.
        let tags = [b"PAD\0", b"SNI\0", b"VER\0", b"CCS\0", b"PDMD", b"ICSL", b"MIDS", b"CFCW"];
        let mut tags: Tags<'_> = tags.iter().map(|tag| (*tag, &[][..])).collect();
        tags.push((b"SFCW", &[]));
        let cyu = cyu(u32::from_be_bytes(*b"Q043"), &tags);
        let cyu = cyu.map(|cyu| (cyu.string, cyu.hash));
        let string = "43,PAD-SNI-VER-CCS-PDMD-ICSL-MIDS-CFCW-SFCW".to_owned();
        assert_eq!(cyu, Some((string, "e030dea1f2eea44ac7db5fe4de792acd".to_owned())));
    }
}
