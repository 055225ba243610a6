//! Frames of an opened packet (RFC 9000, section 19, and those of Google's versions), and the
//! handshake that CRYPTO frames carry, put together over packets.

use super::google::{self, Tags};
use super::header::number;
use crate::reader::Reader;

/// Bytes of the handshake that are put together in one direction.
const MAX_CRYPTO_BYTES: usize = 65_535;
/// Separate parts of it that may wait for what is between them.
const MAX_PARTS: usize = 64;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// What the frames of a packet brought.
#[derive(Debug, Default)]
pub struct Frames<'a> {
    /// Messages of Google's handshake.
    pub google: Vec<Tags<'a>>,
    /// A hello: whether it is a client's, and its body.
    pub hello: Option<(bool, Vec<u8>)>,
    /// The handshake is longer than is put together.
    pub too_long: bool,
}

/// The frames cannot be read.
#[derive(Debug)]
pub struct Malformed;

/// The handshake of one direction as far as it has come.
#[derive(Debug, Default)]
pub struct Crypto {
    data: Vec<u8>,
    /// Which bytes of it are there: from, to; in order, apart from each other.
    parts: Vec<(usize, usize)>,
}

impl Crypto {
    /// Bytes held.
    pub const fn memory(&self) -> usize {
        self.data.capacity() + self.parts.capacity() * size_of::<(usize, usize)>()
    }

    /// `false` when it does not fit.
    fn add(&mut self, from: u64, bytes: &[u8]) -> bool {
        let Some(from) = usize::try_from(from).ok().filter(|from| *from < MAX_CRYPTO_BYTES) else {
            return false;
        };
        let to = from + bytes.len();
        if to >= MAX_CRYPTO_BYTES || self.parts.len() >= MAX_PARTS {
            return false;
        }
        if self.data.len() < to {
            self.data.resize(to, 0);
        }
        if let Some(place) = self.data.get_mut(from..to) {
            place.copy_from_slice(bytes);
        }
        self.parts.push((from, to));
        self.parts.sort_unstable();
        self.parts.dedup_by(|next, kept| {
            let touches = next.0 <= kept.1;
            if touches {
                kept.1 = kept.1.max(next.1);
            }
            touches
        });
        true
    }

    /// Takes the first message out once it is whole: its type and body.
    fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let whole = self.parts.first().filter(|(from, _)| *from == 0)?.1;
        let message = handshake(self.data.get(..whole)?)?;
        let message = (message.0, message.1.to_vec());
        *self = Self::default();
        Some(message)
    }
}

/// A handshake message (RFC 8446, section 4) that is whole.
fn handshake(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut reader = Reader::new(bytes);
    let (kind, length) = (reader.u8()?, reader.u24()?);
    Some((kind, reader.take(usize::try_from(length).ok()?)?))
}

impl<'a> Frames<'a> {
    /// Reads the frames of a packet; `crypto` is what came of the handshake before.
    pub fn read(bytes: &'a [u8], crypto: &mut Crypto) -> Result<Self, Malformed> {
        let mut frames = Self::default();
        let mut reader = Reader::new(bytes);
        while let Some(kind) = reader.u8() {
            let read = match kind {
                0x00 | 0x01 => Some(()),
                0x02 | 0x03 => acknowledgement(&mut reader, kind == 0x03),
                0x06 => frames.crypto(&mut reader, crypto),
                0x08 => frames.google_crypto(&mut reader),
                0x80.. => frames.google_stream(kind, &mut reader),
                // How long it is is not known: it takes the rest.
                _ => break,
            };
            read.ok_or(Malformed)?;
        }
        if frames.hello.is_none()
            && let Some((kind, body)) = crypto.message()
            && matches!(kind, CLIENT_HELLO | SERVER_HELLO)
        {
            frames.hello = Some((kind == CLIENT_HELLO, body));
        }
        Ok(frames)
    }

    fn crypto(&mut self, reader: &mut Reader<'a>, crypto: &mut Crypto) -> Option<()> {
        let (offset, length) = (number(reader)?, number(reader)?);
        let data = reader.take(usize::try_from(length).ok()?)?;
        match handshake(data).filter(|_| offset == 0) {
            Some((kind @ (CLIENT_HELLO | SERVER_HELLO), body)) => {
                self.hello = Some((kind == CLIENT_HELLO, body.to_vec()));
            }
            // The first message of an Initial is a hello.
            Some(_) => return None,
            None if !crypto.add(offset, data) => {
                *crypto = Crypto::default();
                self.too_long = true;
            }
            None => {}
        }
        Some(())
    }

    /// CRYPTO as Google numbered it.
    fn google_crypto(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        let (_, length) = (number(reader)?, number(reader)?);
        let data = reader.take(usize::try_from(length).ok()?)?;
        self.google.extend(google::message(data));
        Some(())
    }

    /// STREAM of Google's versions: `1fdooossB`.
    fn google_stream(&mut self, kind: u8, reader: &mut Reader<'a>) -> Option<()> {
        let offset = match kind >> 2 & 7 {
            0 => 0,
            bits => usize::from(bits) + 1,
        };
        reader.skip(usize::from(kind & 3) + 1 + offset)?;
        let length = if kind & 0x20 == 0 { reader.left() } else { reader.u16()?.into() };
        self.google.extend(google::message(reader.take(length)?));
        Some(())
    }
}

/// ACK, with or without counts of congestion.
fn acknowledgement(reader: &mut Reader<'_>, counts: bool) -> Option<()> {
    let (_, _, ranges, _) = (number(reader)?, number(reader)?, number(reader)?, number(reader)?);
    for _ in 0..ranges {
        number(reader)?;
        number(reader)?;
    }
    for _ in 0..if counts { 3 } else { 0 } {
        number(reader)?;
    }
    Some(())
}
