//! Content codings of HTTP undone as a stream, with limits: gzip, deflate, brotli.

use std::io::Write;

use brotli_decompressor::DecompressorWriter;
use flate2::{Decompress, FlushDecompress, Status};

/// Codings of one body that are undone, as Suricata's libhtp has it.
const MAX_LAYERS: usize = 2;
/// Bytes that one layer may bring forth.
const MAX_OUTPUT: u64 = 1_048_576;
/// How many times its input a layer may bring forth before the limit counts as a bomb.
const BOMB_RATIO: u64 = 2_048;
/// Longest gzip header, in bytes: names and comments may be in it.
const MAX_GZIP_HEADER: usize = 4_096;
/// Longest beginning, in bytes, from which nothing came out and that may still turn out not to be
/// coded.
const MAX_UNDECIDED: usize = 4_096;
/// Output is made in steps of this many bytes.
const STEP: usize = 16_384;
/// Buffer of the brotli decoder, bytes.
const BROTLI_BUFFER: usize = 4_096;

/// What is wrong with a coded body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// The header names an unknown coding, or a known one oddly.
    Name,
    /// More codings than are undone.
    Layers,
    /// It is not coded as the header says.
    Failed,
    /// It grows out of proportion.
    Bomb,
    /// It was undone up to the limit.
    Limit,
}

/// A chain of decoders, the outermost coding first.
pub struct Decoder {
    layers: Vec<Layer>,
}

struct Layer {
    coding: Coding,
    taken: u64,
    given: u64,
}

enum Coding {
    /// Until the gzip header is complete, or the first two bytes tell zlib from raw deflate.
    Header {
        gzip: bool,
        bytes: Vec<u8>,
    },
    /// With all bytes so far, until the first ones come out.
    Inflate(Decompress, Vec<u8>),
    Brotli(Box<DecompressorWriter<Limited>>),
    /// It was not what the header said: bytes go through as they are.
    Through,
    /// At its end, or given up.
    Over,
}

/// Where the brotli decoder writes: a few bytes may stand for gigabytes, so it stops the decoder
/// from within.
#[derive(Default)]
struct Limited {
    out: Vec<u8>,
    given: u64,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.given = self.given.saturating_add(bytes.len() as u64);
        if self.given > MAX_OUTPUT {
            return Err(std::io::ErrorKind::OutOfMemory.into());
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Decoder {
    /// For the value of Content-Encoding; `None` when nothing is to be undone.
    pub fn new(value: &[u8], note: &mut dyn FnMut(Flaw)) -> Option<Self> {
        let mut layers = Vec::new();
        // Some readers pass over zero bytes.
        let value: Vec<u8> = value.iter().copied().filter(|byte| *byte != 0).collect();
        // The last named coding was applied last, so it is undone first.
        for name in value.split(|byte| matches!(byte, b',' | b' ')).rev() {
            let name = name.trim_ascii();
            let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
            // Browsers find the name of a coding in what stands around it.
            let holds =
                |word: &[u8]| name.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
            let header = |gzip| Coding::Header { gzip, bytes: Vec::new() };
            let coding = if holds(b"gzip") {
                header(true)
            } else if holds(b"deflate") {
                header(false)
            } else if is(b"br") {
                Coding::Brotli(Box::new(DecompressorWriter::new(Limited::default(), BROTLI_BUFFER)))
            } else {
                if !(is(b"") || is(b"identity") || is(b"none") || holds(b"inflate")) {
                    note(Flaw::Name);
                }
                continue;
            };
            let known: [&[u8]; 5] = [b"gzip", b"x-gzip", b"deflate", b"x-deflate", b"br"];
            if !known.iter().any(|known| is(known)) {
                note(Flaw::Name);
            }
            if layers.len() == MAX_LAYERS {
                note(Flaw::Layers);
                break;
            }
            layers.push(Layer { coding, taken: 0, given: 0 });
        }
        (!layers.is_empty()).then_some(Self { layers })
    }

    /// Undoes the codings of the next bytes of the body; what comes out goes to `sink`.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[u8]), note: &mut dyn FnMut(Flaw)) {
        match &mut self.layers[..] {
            [one] => one.feed(bytes, sink, note),
            [outer, inner] => {
                // Two closures want `note`, so the flaws of the inner layer wait.
                let mut noted = Vec::new();
                outer.feed(
                    bytes,
                    &mut |out| inner.feed(out, sink, &mut |flaw| noted.push(flaw)),
                    note,
                );
                noted.into_iter().for_each(note);
            }
            _ => sink(bytes),
        }
    }

    /// Bytes held, about: the windows of the decoders.
    pub fn memory(&self) -> usize {
        self.layers.len() * 65_536
    }
}

impl Layer {
    fn feed(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[u8]), note: &mut dyn FnMut(Flaw)) {
        self.taken = self.taken.saturating_add(bytes.len() as u64);
        match &mut self.coding {
            Coding::Header { gzip, bytes: held } => {
                held.extend_from_slice(bytes);
                let begun = if *gzip { gzip_header(held) } else { zlib_header(held) };
                match begun {
                    Begun::At(at, zlib) => {
                        let held = std::mem::take(held);
                        self.coding = Coding::Inflate(Decompress::new(zlib), held.clone());
                        self.inflate(held.get(at..).unwrap_or_default(), sink, note);
                    }
                    Begun::NeedMore if held.len() <= MAX_GZIP_HEADER => {}
                    Begun::NeedMore | Begun::Never => {
                        let held = std::mem::take(held);
                        self.coding = Coding::Through;
                        note(Flaw::Failed);
                        sink(&held);
                    }
                }
            }
            Coding::Inflate(_, held) => {
                if self.given == 0 {
                    held.extend_from_slice(bytes);
                }
                self.inflate(bytes, sink, note);
            }
            Coding::Brotli(_) => self.brotli(bytes, sink, note),
            Coding::Through => sink(bytes),
            Coding::Over => {}
        }
    }

    fn inflate(
        &mut self,
        mut bytes: &[u8],
        sink: &mut dyn FnMut(&[u8]),
        note: &mut dyn FnMut(Flaw),
    ) {
        let Coding::Inflate(state, held) = &mut self.coding else { return };
        let mut out = Vec::with_capacity(STEP);
        loop {
            out.clear();
            let (before_in, before_out) = (state.total_in(), state.total_out());
            let status = state.decompress_vec(bytes, &mut out, FlushDecompress::None);
            let eaten = usize::try_from(state.total_in() - before_in).unwrap_or(usize::MAX);
            let made = state.total_out() - before_out;
            self.given = self.given.saturating_add(made);
            sink(&out);
            if self.given > 0 || held.len() > MAX_UNDECIDED {
                *held = Vec::new();
            }
            bytes = bytes.get(eaten..).unwrap_or_default();
            let over = match status {
                Ok(Status::Ok) if self.given > MAX_OUTPUT => {
                    note(limit(self.given, self.taken));
                    true
                }
                Ok(Status::Ok) => eaten == 0 && made == 0,
                Ok(Status::BufError) => break,
                Ok(Status::StreamEnd) => true,
                Err(_) => {
                    note(Flaw::Failed);
                    if !held.is_empty() {
                        // It was never coded so: browsers show it as it is.
                        sink(held);
                        self.coding = Coding::Through;
                        return;
                    }
                    true
                }
            };
            if over {
                self.coding = Coding::Over;
                return;
            }
            if bytes.is_empty() && out.len() < out.capacity() {
                break;
            }
        }
    }

    fn brotli(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[u8]), note: &mut dyn FnMut(Flaw)) {
        let Coding::Brotli(writer) = &mut self.coding else { return };
        let result = writer.write_all(bytes);
        let limited = writer.get_mut();
        self.given = limited.given;
        sink(&limited.out);
        limited.out.clear();
        if result.is_err() {
            if self.given > MAX_OUTPUT {
                note(limit(self.given, self.taken));
            } else if self.given == 0 {
                note(Flaw::Failed);
            }
            self.coding = Coding::Over;
        }
    }
}

const fn limit(given: u64, taken: u64) -> Flaw {
    if given > taken.saturating_mul(BOMB_RATIO) { Flaw::Bomb } else { Flaw::Limit }
}

enum Begun {
    /// The deflate stream begins here; whether it has a zlib header.
    At(usize, bool),
    NeedMore,
    Never,
}

/// RFC 1950, section 2.2: two bytes divisible by 31, method 8. Else raw deflate, as some servers
/// send it under the same name.
fn zlib_header(bytes: &[u8]) -> Begun {
    match bytes {
        [first, second, ..] => {
            let check = u16::from_be_bytes([*first, *second]);
            Begun::At(0, first & 0x0f == 8 && check.is_multiple_of(31))
        }
        _ => Begun::NeedMore,
    }
}

/// RFC 1952, section 2.3.
fn gzip_header(bytes: &[u8]) -> Begun {
    const MAGIC: &[u8] = &[0x1f, 0x8b];
    if bytes.iter().zip(MAGIC).any(|(have, want)| have != want) {
        return Begun::Never;
    }
    let Some(flags) = bytes.get(3).filter(|_| bytes.len() >= 10) else { return Begun::NeedMore };
    let mut at = 10;
    if flags & 4 != 0 {
        let Some([low, high]) = bytes.get(at..at + 2) else { return Begun::NeedMore };
        at += 2 + usize::from(u16::from_le_bytes([*low, *high]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(end) = memchr::memchr(0, rest) else { return Begun::NeedMore };
            at += end + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    if bytes.len() < at { Begun::NeedMore } else { Begun::At(at, false) }
}
