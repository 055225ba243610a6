//! Remote procedure calls of ONC: messages, credentials, record marks (RFC 5531), and the external
//! data representation in which they are written (RFC 4506).

use crate::field::Tree;
use crate::reader::Reader;

/// Bytes before each fragment of a stream.
pub const MARK_BYTES: usize = 4;
/// The largest body of a credential or verifier, bytes (RFC 5531, 8.2).
const AUTHENTICATION_BYTES: usize = 400;

/// The only version of the protocol.
const VERSION: u32 = 2;
/// Flavours of authentication (RFC 5531, 8.2; RFC 2203).
mod flavor {
    pub const UNIX: u32 = 1;
    pub const GSS: u32 = 6;
}

/// What stands before a fragment in a stream (RFC 5531, 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Whether the message ends with it.
    pub last: bool,
    /// Its bytes, without the mark.
    pub length: usize,
}

impl Mark {
    /// Reads a mark.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mark = reader.u32()?;
        let length = usize::try_from(mark & 0x7fff_ffff).unwrap_or(usize::MAX);
        Some(Self { last: mark >> 31 == 1, length })
    }
}

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Flavour of the credential.
    pub flavor: u32,
    /// The name of the machine, the user and the group, as the machine says itself.
    pub unix: Option<(Vec<u8>, u32, u32)>,
    /// Procedure and service, when a security context is used (RFC 2203, 5).
    pub context: Option<(u32, u32)>,
}

impl Caller {
    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        self.unix.as_ref().map_or(0, |(machine, ..)| machine.capacity())
    }

    /// Whether arguments and results are wrapped, to show that nobody changed them.
    pub fn is_wrapped(&self) -> bool {
        self.context == Some((0, 2))
    }
}

/// A call.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// What pairs it with its reply.
    pub id: u32,
    /// The program that is called.
    pub program: u32,
    /// Its version.
    pub version: u32,
    /// The procedure.
    pub procedure: u32,
    /// Who calls.
    pub caller: Caller,
    /// Flavour of the verifier.
    pub verifier: u32,
    /// Arguments.
    pub body: &'a [u8],
}

impl<'a> Call<'a> {
    /// Reads a call; `None` when it is none, or not whole up to its arguments.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (id, kind, version) = (reader.u32()?, reader.u32()?, reader.u32()?);
        if kind != 0 || version != VERSION {
            return None;
        }
        let (program, version, procedure) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let flavor = reader.u32()?;
        let credential = authentication(&mut reader)?;
        let mut caller = Caller { flavor, ..Caller::default() };
        match flavor {
            flavor::UNIX => caller.unix = unix(Reader::new(credential)),
            flavor::GSS => caller.context = context(Reader::new(credential)),
            _ => {}
        }
        let verifier = reader.u32()?;
        authentication(&mut reader)?;
        Some(Self { id, program, version, procedure, caller, verifier, body: reader.rest() })
    }
}

/// A reply.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// What pairs it with its call.
    pub id: u32,
    /// 0 when the call was accepted, 1 when it was denied.
    pub state: u32,
    /// How an accepted call went, 0 when well.
    pub outcome: u32,
    /// Results.
    pub body: &'a [u8],
}

impl<'a> Reply<'a> {
    /// Reads a reply; `None` when it is none, or not whole up to its results.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (id, kind, state) = (reader.u32()?, reader.u32()?, reader.u32()?);
        if kind != 1 {
            return None;
        }
        let mut outcome = 0;
        if state == 0 {
            reader.skip(4)?;
            authentication(&mut reader)?;
            outcome = reader.u32()?;
        }
        Some(Self { id, state, outcome, body: reader.rest() })
    }
}

fn authentication<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let mut ahead = *reader;
    let body = opaque(&mut ahead).filter(|body| body.len() <= AUTHENTICATION_BYTES)?;
    *reader = ahead;
    Some(body)
}

fn unix(mut reader: Reader<'_>) -> Option<(Vec<u8>, u32, u32)> {
    reader.skip(4)?;
    let machine = opaque(&mut reader)?;
    Some((machine.to_vec(), reader.u32()?, reader.u32()?))
}

fn context(mut reader: Reader<'_>) -> Option<(u32, u32)> {
    reader.skip(4)?;
    let procedure = reader.u32()?;
    reader.skip(4)?;
    Some((procedure, reader.u32()?))
}

/// Bytes with their length before them, filled up to a multiple of four (RFC 4506, 4.10).
pub fn opaque<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = usize::try_from(reader.u32()?).ok()?;
    let bytes = reader.take(length)?;
    reader.skip(padding(length))?;
    Some(bytes)
}

/// Bytes that fill so many up to a multiple of four.
pub const fn padding(length: usize) -> usize {
    length.wrapping_neg() % 4
}

/// Bytes with their length before them of which only the first may have come: all of the length,
/// and what is there.
pub fn content<'a>(reader: &mut Reader<'a>) -> Option<(u64, &'a [u8])> {
    let length = reader.u32()?;
    let count = usize::try_from(length).ok()?.min(reader.left());
    Some((length.into(), reader.take(count)?))
}

/// Writes a call and its reply as EVE shows them: the content of Suricata's `rpc` object.
pub fn describe(id: u32, state: u32, caller: &Caller, tree: &mut dyn Tree) {
    let numbered = |names: &[&str], number: u32| {
        let name = usize::try_from(number).ok().and_then(|at| names.get(at).copied());
        name.map_or_else(|| number.to_string(), str::to_owned)
    };
    tree.int("xid", id.into());
    tree.text("status", numbered(&["ACCEPTED", "DENIED"], state).as_bytes());
    let flavors = ["NULL", "UNIX", "SHORT", "DH", "KERB", "RSA", "GSS"];
    tree.text("auth_type", numbered(&flavors, caller.flavor).as_bytes());
    if let Some((machine, user, group)) = &caller.unix {
        tree.object("creds", &mut |tree| {
            tree.text("machine_name", machine);
            tree.int("uid", (*user).into());
            tree.int("gid", (*group).into());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_with_the_credential_of_a_machine() {
        let bytes = b"\0\0\0\x07\0\0\0\0\0\0\0\x02\0\x01\x86\xa3\0\0\0\x03\0\0\0\x01\
            \0\0\0\x01\0\0\0\x18\0\0\0\0\0\0\0\x03srv\0\0\0\x03\xe8\0\0\0\x64\0\0\0\0\
            \0\0\0\0\0\0\0\0args";
        let call = Call::read(bytes).map(|call| (call.program, call.caller.unix, call.body));
        assert_eq!(call, Some((100_003, Some((b"srv".to_vec(), 1000, 100)), &b"args"[..])));
        for cut in 0..bytes.len() - 4 {
            assert!(Call::read(bytes.get(..cut).unwrap_or_default()).is_none(), "{cut} bytes");
        }
    }
}
