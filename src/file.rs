//! A file on its way over a flow: protocols fill it, rules read it, `fileinfo` shows it.

mod magic;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

pub use magic::magic;

use crate::field::{Field, Fields, Kind, Side, Stage, Value};

/// Bytes of a file that rules look at: Suricata's default limit of bodies.
pub const KEPT_BYTES: usize = 102_400;

/// Room for content grows fourfold, or by so many bytes if that is less; beyond them it doubles.
const STEP_BYTES: usize = 48 << 10;

/// Files of one transaction; of further ones nothing is kept.
pub const FILES_MAX: usize = 64;

/// Bytes of a name that are kept.
pub const NAME_BYTES: usize = 4096;

/// Bytes from which the kind of a file is told.
const MAGIC_BYTES: usize = 512;

/// Rules that a file names as those that wanted it stored; further ones are not named.
const SIDS_MAX: usize = 16;

/// What is to be learned of files: decided by the rules that are loaded and the options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Whether any hash is asked for: each byte of each file is hashed then.
    pub md5: bool,
    /// As `md5`.
    pub sha1: bool,
    /// As `md5`.
    pub sha256: bool,
    /// Whether records of files tell their kind.
    pub magic: bool,
    /// Bytes of content that are kept to be stored; 0 keeps what rules look at, no more.
    pub content: u32,
    /// Whether nobody looks into content: no more of it is kept than tells the kind.
    pub unread: bool,
    /// Whether units of protocols are to be told of as they stand on the wire.
    pub frames: bool,
}

impl Wants {
    /// Names, sizes, and the beginning of the content.
    pub const NOTHING: Self = Self {
        md5: false,
        sha1: false,
        sha256: false,
        magic: false,
        content: 0,
        unread: false,
        frames: false,
    };

    /// What either wants.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            md5: self.md5 || other.md5,
            sha1: self.sha1 || other.sha1,
            sha256: self.sha256 || other.sha256,
            magic: self.magic || other.magic,
            content: self.content.max(other.content),
            unread: self.unread && other.unread,
            frames: self.frames || other.frames,
        }
    }
}

/// How a file ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It goes on.
    #[default]
    Open,
    /// All of it was seen.
    Closed,
    /// Its end was not seen, or a part is missing.
    Truncated,
}

impl State {
    /// As EVE writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "UNKNOWN",
            Self::Closed => "CLOSED",
            Self::Truncated => "TRUNCATED",
        }
    }
}

/// A file: its name, the kept part of its content, and what was learned of all of it.
#[derive(Default)]
pub struct File {
    /// As the protocol gave it, may be empty.
    pub name: Vec<u8>,
    /// Who sends it; never `Either`.
    pub side: Option<Side>,
    /// Whether a rule or an option wants it stored.
    pub stored: bool,
    /// Numbers of the rules that want it stored.
    sids: Vec<u32>,
    tells_magic: bool,
    part_of: Option<Box<Part>>,
    kept: Vec<u8>,
    limit: usize,
    start: u64,
    size: u64,
    state: State,
    gap: bool,
    hashes: Option<Box<Hashes>>,
}

/// What a file that is fetched in parts is a part of.
pub struct Part {
    /// Names the whole file between two hosts.
    pub key: Box<[u8]>,
    /// Bytes of the whole file.
    pub total: u64,
}

#[derive(Default)]
struct Hashes {
    md5: Option<Md5>,
    sha1: Option<Sha1>,
    sha256: Option<Sha256>,
    done: [Vec<u8>; 3],
}

impl File {
    /// A file that begins. `name` is cut at [`NAME_BYTES`].
    pub fn open(name: &[u8], side: Side, wants: Wants) -> Self {
        let hashes = (wants.md5 || wants.sha1 || wants.sha256).then(|| {
            Box::new(Hashes {
                md5: wants.md5.then(Md5::default),
                sha1: wants.sha1.then(Sha1::default),
                sha256: wants.sha256.then(Sha256::default),
                ..Hashes::default()
            })
        });
        Self {
            name: name.get(..NAME_BYTES).unwrap_or(name).to_vec(),
            side: Some(side),
            limit: usize::try_from(wants.content).unwrap_or(KEPT_BYTES).max(match wants.unread {
                true => MAGIC_BYTES,
                false => KEPT_BYTES,
            }),
            hashes,
            tells_magic: wants.magic,
            ..Self::default()
        }
    }

    /// A file of which only a part from `start` on is sent.
    #[must_use]
    pub fn from_offset(mut self, start: u64) -> Self {
        self.start = start;
        self
    }

    /// A part of a file of `total` bytes that has this `key` between the two hosts.
    #[must_use]
    pub fn in_parts(mut self, key: &[u8], total: u64) -> Self {
        self.part_of = Some(Box::new(Part { key: Box::from(key), total }));
        self
    }

    /// What it is a part of.
    pub fn part_of(&self) -> Option<&Part> {
        self.part_of.as_deref()
    }

    /// Adds content; nothing once it has ended.
    pub fn add(&mut self, bytes: &[u8]) {
        if self.state != State::Open {
            return;
        }
        self.size = self.size.saturating_add(bytes.len() as u64);
        let room = self.limit.saturating_sub(self.kept.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        // What has come in pieces so far goes on: fewer, larger steps copy less.
        let held = self.kept.len();
        if self.kept.capacity() - held < kept.len() && held > 0 {
            let more = held.saturating_mul(3).min(STEP_BYTES).max(held).max(kept.len());
            self.kept.reserve_exact(more.min(room));
        }
        self.kept.extend_from_slice(kept);
        if let Some(hashes) = self.hashes.as_deref_mut() {
            hashes.md5.iter_mut().for_each(|hash| hash.update(bytes));
            hashes.sha1.iter_mut().for_each(|hash| hash.update(bytes));
            hashes.sha256.iter_mut().for_each(|hash| hash.update(bytes));
        }
    }

    /// Counts lost bytes: the content is not whole, what is kept goes on behind the hole as if there
    /// was none, and there are no hashes.
    pub fn lose(&mut self, bytes: u64) {
        if self.state == State::Open && bytes > 0 {
            self.size = self.size.saturating_add(bytes);
            self.gap = true;
            self.hashes = None;
        }
    }

    /// It ends here: whole, unless bytes were lost.
    pub fn close(&mut self) {
        if self.state != State::Open {
            return;
        }
        self.state = if self.gap { State::Truncated } else { State::Closed };
        if let Some(hashes) = self.hashes.as_deref_mut().filter(|_| !self.gap) {
            let finish = [
                hashes.md5.take().map(|hash| hash.finalize().to_vec()),
                hashes.sha1.take().map(|hash| hash.finalize().to_vec()),
                hashes.sha256.take().map(|hash| hash.finalize().to_vec()),
            ];
            hashes.done = finish.map(Option::unwrap_or_default);
        }
    }

    /// No more of it will be seen though there was more.
    pub fn truncate(&mut self) {
        if self.state == State::Open {
            self.state = State::Truncated;
            self.hashes = None;
        }
    }

    /// It is to be stored, because the rule `sid` says so.
    pub fn store(&mut self, sid: Option<u32>) {
        self.stored = true;
        let new = sid.filter(|sid| self.sids.len() < SIDS_MAX && !self.sids.contains(sid));
        self.sids.extend(new);
    }

    /// Numbers of the rules that want it stored.
    pub fn sids(&self) -> &[u32] {
        &self.sids
    }

    /// What kind of file it seems to be, in the words of libmagic; `None` without content.
    pub fn magic(&self) -> Option<&'static str> {
        magic(self.head())
    }

    /// The same, when records are to tell it.
    pub fn told_magic(&self) -> Option<&'static str> {
        self.magic().filter(|_| self.tells_magic)
    }

    /// How it ended, or that it goes on.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Bytes seen and lost so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Position of its first byte in the whole file.
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// Whether a part is missing.
    pub const fn has_gap(&self) -> bool {
        self.gap
    }

    /// The kept content that rules look at: at most [`KEPT_BYTES`].
    pub fn data(&self) -> &[u8] {
        self.kept.get(..KEPT_BYTES).unwrap_or(&self.kept)
    }

    /// All content that is kept.
    pub fn content(&self) -> &[u8] {
        &self.kept
    }

    /// The first bytes, from which its kind is told.
    pub fn head(&self) -> &[u8] {
        self.kept.get(..MAGIC_BYTES).unwrap_or(&self.kept)
    }

    /// MD5 of a whole file that ended, when it was asked for.
    pub fn md5(&self) -> Option<&[u8]> {
        self.hash(0)
    }

    /// SHA-1, as [`File::md5`].
    pub fn sha1(&self) -> Option<&[u8]> {
        self.hash(1)
    }

    /// SHA-256, as [`File::md5`].
    pub fn sha256(&self) -> Option<&[u8]> {
        self.hash(2)
    }

    fn hash(&self, index: usize) -> Option<&[u8]> {
        let found = self.hashes.as_ref()?.done.get(index)?;
        (!found.is_empty()).then_some(found.as_slice())
    }

    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        let hashes = self.hashes.as_ref().map_or(0, |_| size_of::<Hashes>());
        let key = self.part_of.as_ref().map_or(0, |part| part.key.len());
        self.kept.capacity() + self.name.capacity() + hashes + key
    }
}

/// A row of a file: kind, stage, name, aliases, help, example, and how it is read.
macro_rules! row {
    ($kind:expr, $name:literal [$($alias:literal)*] $help:literal $example:literal, $read:expr) => {
        Field {
            name: $name,
            aliases: &[$($alias),*],
            kind: $kind,
            eve: "",
            side: Side::Either,
            stage: Stage::File,
            help: $help,
            example: $example,
            read: $read,
        }
    };
}

impl Fields for File {
    const FIELDS: &'static [Field<Self>] = &[
        row!(Kind::Bytes, "file.data" ["file_data"]
            "Content of a file, decoded; its first 100 KiB." r#"file.data; content:"MZ"; startswith;"#,
            |file, sink| if !file.data().is_empty() { sink(Value::Bytes(file.data())) }),
        row!(Kind::Bytes, "file.name" ["file_name"]
            "Name of a file as the protocol gives it." r#"file.name; content:".exe"; endswith;"#,
            |file, sink| if !file.name.is_empty() { sink(Value::Bytes(&file.name)) }),
        row!(Kind::Bytes, "file.magic" []
            "Kind of a file, told from its first bytes in the words of libmagic."
            r#"file.magic; content:"PDF document"; startswith;"#,
            |file, sink| if let Some(magic) = file.magic() { sink(Value::Bytes(magic.as_bytes())) }),
        row!(Kind::Int { bits: 64, names: &[] }, "filesize" []
            "Size of a file that was seen whole, bytes." "filesize:>100;",
            |file, sink| if file.state == State::Closed { sink(Value::Int(file.size)) }),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Wants = Wants { md5: true, sha1: true, sha256: true, magic: true, ..Wants::NOTHING };

    #[test]
    fn what_is_learned_does_not_depend_on_how_it_comes() {
        let mut whole = File::open(b"a.txt", Side::Request, ALL);
        whole.add(b"abc");
        whole.close();
        let mut parts = File::open(b"a.txt", Side::Request, ALL);
        b"abc".chunks(1).for_each(|part| parts.add(part));
        parts.close();
        let md5 = b"\x90\x01\x50\x98\x3c\xd2\x4f\xb0\xd6\x96\x3f\x7d\x28\xe1\x7f\x72";
        for file in [whole, parts] {
            assert_eq!((file.data(), file.size(), file.state()), (&b"abc"[..], 3, State::Closed));
            assert_eq!(file.md5(), Some(&md5[..]));
            assert!(file.sha1().is_some_and(|hash| hash.len() == 20));
            assert!(file.sha256().is_some_and(|hash| hash.len() == 32));
        }
    }

    #[test]
    fn a_hole_leaves_no_hash_and_a_long_file_no_memory() {
        let mut file = File::open(b"", Side::Response, ALL);
        file.add(b"ab");
        file.lose(7);
        file.add(b"cd");
        file.close();
        assert_eq!((file.data(), file.size(), file.md5()), (&b"abcd"[..], 11, None));
        assert_eq!(file.state(), State::Truncated);
        let mut long = File::open(&[b'n'; 10_000], Side::Response, Wants::default());
        (0..1000).for_each(|_| long.add(&[0; 1000]));
        assert_eq!(
            (long.data().len(), long.size(), long.name.len()),
            (KEPT_BYTES, 1_000_000, NAME_BYTES)
        );
        assert!(long.memory() < 3 * KEPT_BYTES);
    }
}
