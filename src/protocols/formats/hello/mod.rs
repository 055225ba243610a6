//! Hellos of TLS, over whatever carries them: RFC 8446, 4.1.2 and 4.1.3, which hold for older
//! versions too.

mod fingerprint;

use crate::reader::Reader;
use fingerprint::Raw;

/// Protocols kept of an ALPN extension.
const MAX_ALPN: usize = 32;

/// Flaws told of one hello.
const MAX_FLAWS: usize = 8;

const SERVER_NAME: u16 = 0;
const GROUPS: u16 = 10;
const POINT_FORMATS: u16 = 11;
const SIGNATURES: u16 = 13;
const ALPN: u16 = 16;
const SESSION_TICKET: u16 = 35;
const SUPPORTED_VERSIONS: u16 = 43;

/// A server's random that says: hello again, otherwise (RFC 8446, 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What carries a hello: JA4 names it first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// Records of TLS over TCP.
    Tcp,
    /// CRYPTO frames of QUIC.
    Quic,
}

/// What is wrong with a client's hello that can be read all the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// A server name of a type that does not exist.
    NameType,
    /// A server name whose lengths contradict each other.
    NameLength,
    /// More than one server name extension.
    ManyNames,
}

/// A client's hello.
#[derive(Debug, Default)]
pub struct Client {
    /// Version of the message, not of the extension.
    pub version: u16,
    /// Random.
    pub random: [u8; 32],
    /// Session identifier, at most 32 bytes.
    pub session_id: Vec<u8>,
    /// Whether a session ticket came with it.
    pub ticket: bool,
    /// Server name.
    pub sni: Option<Vec<u8>>,
    /// Protocols offered.
    pub alpn: Vec<Vec<u8>>,
    /// JA3.
    pub ja3: Option<Ja3>,
    /// JA4.
    pub ja4: String,
    /// Types of the extensions, in their order.
    pub extensions: Vec<u16>,
}

/// A server's hello.
#[derive(Debug, Default)]
pub struct Server {
    /// Random.
    pub random: [u8; 32],
    /// Session identifier, at most 32 bytes.
    pub session_id: Vec<u8>,
    /// Protocol chosen.
    pub alpn: Vec<Vec<u8>>,
    /// JA3S.
    pub ja3s: Option<Ja3>,
    /// Types of the extensions, in their order.
    pub extensions: Vec<u16>,
}

/// A JA3 or JA3S fingerprint.
#[derive(Debug, Default, Clone)]
pub struct Ja3 {
    /// What is hashed.
    pub string: String,
    /// MD5 in lower-case hex.
    pub hash: String,
}

/// What a server's hello says.
pub struct ServerHello {
    /// What is kept.
    pub server: Server,
    /// The version chosen.
    pub version: u16,
    /// Whether it is only a request to say hello again.
    pub retry: bool,
}

/// Reads the body of a client's hello. `None` when it cannot be read; extensions that cannot
/// end the reading, and what came before them counts.
pub fn client(body: &[u8], transport: Transport, flaws: &mut Vec<Flaw>) -> Option<Client> {
    let mut reader = Reader::new(body);
    let version = reader.u16()?;
    let random = reader.array::<32>()?;
    let session_id = short_vector(&mut reader)?.to_vec();
    let length = reader.u16()?;
    let mut ciphers = reader.sub(length.into())?;
    let mut raw = Raw { version, ..Raw::default() };
    raw.ciphers.extend(std::iter::from_fn(|| ciphers.u16()));
    short_vector(&mut reader)?;
    let mut client = Client { version, random, session_id, ..Client::default() };
    let _ = client_extensions(&mut reader, &mut client, &mut raw, flaws);
    client.ja3 = Some(fingerprint::ja3(&raw));
    client.ja4 = fingerprint::ja4(&raw, transport, client.sni.is_some(), client.alpn.first());
    client.extensions = raw.extensions;
    Some(client)
}

/// Reads the body of a server's hello.
pub fn server(body: &[u8]) -> Option<ServerHello> {
    let mut reader = Reader::new(body);
    let mut version = reader.u16()?;
    let mut raw = Raw { version, ..Raw::default() };
    let random = reader.array::<32>()?;
    let session_id = short_vector(&mut reader)?.to_vec();
    raw.ciphers.push(reader.u16()?);
    reader.u8()?;
    let mut server = Server { random, session_id, ..Server::default() };
    let mut extensions = extensions(&mut reader).unwrap_or(Reader::new(&[]));
    while let Some((kind, content)) = extension(&mut extensions) {
        raw.extensions.push(kind);
        match kind {
            SUPPORTED_VERSIONS => version = Reader::new(content).u16().unwrap_or(version),
            ALPN => server.alpn = alpn(content).unwrap_or_default(),
            _ => {}
        }
    }
    server.ja3s = Some(fingerprint::ja3s(&raw));
    server.extensions = raw.extensions;
    Some(ServerHello { version, retry: random == RETRY, server })
}

fn client_extensions(
    reader: &mut Reader<'_>,
    client: &mut Client,
    raw: &mut Raw,
    flaws: &mut Vec<Flaw>,
) -> Option<()> {
    let mut extensions = extensions(reader)?;
    while let Some((kind, content)) = extension(&mut extensions) {
        raw.extensions.push(kind);
        let mut inner = Reader::new(content);
        match kind {
            SERVER_NAME => {
                let problem = if raw.extensions.iter().filter(|k| **k == SERVER_NAME).count() > 1 {
                    Some(Flaw::ManyNames)
                } else {
                    server_name(content, &mut client.sni).err()
                };
                let room = flaws.len() < MAX_FLAWS;
                flaws.extend(problem.filter(|_| room));
            }
            GROUPS => numbers(&mut inner, &mut raw.groups),
            POINT_FORMATS => {
                raw.formats.extend(short_vector(&mut inner).unwrap_or_default());
            }
            SIGNATURES => numbers(&mut inner, &mut raw.signatures),
            SUPPORTED_VERSIONS => {
                let mut versions = Reader::new(short_vector(&mut inner).unwrap_or_default());
                raw.versions.extend(std::iter::from_fn(|| versions.u16()));
            }
            ALPN => client.alpn = alpn(content).unwrap_or_default(),
            SESSION_TICKET => client.ticket = !content.is_empty(),
            _ => {}
        }
    }
    Some(())
}

fn short_vector<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = reader.u8()?;
    reader.take(length.into())
}

fn extensions<'a>(reader: &mut Reader<'a>) -> Option<Reader<'a>> {
    let length = usize::from(reader.u16()?);
    reader.sub(length.min(reader.left()))
}

fn extension<'a>(reader: &mut Reader<'a>) -> Option<(u16, &'a [u8])> {
    let (kind, length) = (reader.u16()?, reader.u16()?);
    Some((kind, reader.take(length.into())?))
}

/// A vector of 16-bit numbers behind its 16-bit length.
fn numbers(reader: &mut Reader<'_>, into: &mut Vec<u16>) {
    let Some(length) = reader.u16() else { return };
    let Some(mut list) = reader.sub(usize::from(length).min(reader.left())) else { return };
    into.extend(std::iter::from_fn(|| list.u16()));
}

/// RFC 6066, section 3: a list, of which the first host name counts.
fn server_name(content: &[u8], sni: &mut Option<Vec<u8>>) -> Result<(), Flaw> {
    let mut reader = Reader::new(content);
    if reader.is_empty() {
        return Ok(());
    }
    let read = |reader: &mut Reader<'_>| {
        reader.u16()?;
        let kind = reader.u8()?;
        let length = reader.u16()?;
        Some((kind, reader.take(length.into())?.to_vec()))
    };
    match read(&mut reader) {
        None => Err(Flaw::NameLength),
        Some((0, name)) => {
            // A name that goes on after a zero byte would be shown otherwise than it is used.
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            *sni = Some(name.into_iter().take(end).collect());
            Ok(())
        }
        Some(_) => Err(Flaw::NameType),
    }
}

/// RFC 7301, 3.1.
fn alpn(content: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader::new(content);
    let length = usize::from(reader.u16()?);
    let mut list = reader.sub(length.min(reader.left()))?;
    Some(
        std::iter::from_fn(|| short_vector(&mut list).map(<[u8]>::to_vec)).take(MAX_ALPN).collect(),
    )
}
