//! One message: its type, its number and its options (RFC 8415, sections 8, 9 and 21).

use crate::reader::Reader;

/// Relays that a message may have passed (RFC 8415, section 7.6: HOP_COUNT_LIMIT).
const RELAYS_MAX: usize = 8;
/// Options read of a message, those within others among them.
const OPTIONS_MAX: usize = 256;
/// Addresses, networks, name servers and domains kept of a message, each.
const LISTED_MAX: usize = 16;
/// Labels of a domain, and bytes (RFC 1035, section 2.3.4).
const LABELS_MAX: usize = 127;
const NAME_BYTES_MAX: usize = 255;

/// Types of messages with their names (section 7.3), as `dhcpv6.type` takes them.
pub const TYPES: &[(&str, u64)] = &[
    ("solicit", 1),
    ("advertise", 2),
    ("request", 3),
    ("confirm", 4),
    ("renew", 5),
    ("rebind", 6),
    ("reply", 7),
    ("release", 8),
    ("decline", 9),
    ("reconfigure", 10),
    ("information_request", 11),
];
/// The types of what relays wrap messages in.
const RELAY_FORWARD: u8 = 12;
const RELAY_REPLY: u8 = 13;
/// The type of a server's answer that counts.
pub const REPLY: u8 = 7;

/// Codes of options (section 21; RFC 3633, RFC 3646, RFC 4704).
mod code {
    pub const CLIENT_ID: u16 = 1;
    pub const SERVER_ID: u16 = 2;
    pub const IA_NA: u16 = 3;
    pub const IA_TA: u16 = 4;
    pub const IA_ADDRESS: u16 = 5;
    pub const RELAY_MESSAGE: u16 = 9;
    pub const NAME_SERVERS: u16 = 23;
    pub const DOMAINS: u16 = 24;
    pub const IA_PD: u16 = 25;
    pub const IA_PREFIX: u16 = 26;
    pub const CLIENT_NAME: u16 = 39;
}

/// A message, without the relays around it.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// What it is: one of [`TYPES`].
    pub kind: u8,
    /// Number that pairs what a client sends and what it is answered.
    pub id: u32,
    /// How the client and the server call themselves.
    pub client: Option<Vec<u8>>,
    /// See `client`.
    pub server: Option<Vec<u8>>,
    /// Addresses that are asked for or given.
    pub addresses: Vec<[u8; 16]>,
    /// Networks that are, with the bits of their mask.
    pub networks: Vec<([u8; 16], u8)>,
    /// Name servers.
    pub name_servers: Vec<[u8; 16]>,
    /// Domains in which names are looked for, with dots.
    pub domains: Vec<Vec<u8>>,
    /// Name of the client, with dots.
    pub client_name: Option<Vec<u8>>,
    /// The network of the client, as the relay nearest to it says.
    pub relay: Option<[u8; 16]>,
    /// Whether all options could be read.
    pub is_whole: bool,
    /// Options read.
    options: usize,
}

impl Message {
    /// Reads a message, and what relays have wrapped it in; `None` when it is of no known type.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (mut bytes, mut relay) = (bytes, None);
        for _ in 0..=RELAYS_MAX {
            let mut reader = Reader::new(bytes);
            let kind = reader.u8()?;
            if !matches!(kind, RELAY_FORWARD | RELAY_REPLY) {
                return Self::innermost(kind, &mut reader, relay);
            }
            reader.skip(1)?;
            relay = Some(reader.array()?);
            reader.skip(16)?;
            bytes = options(&mut reader).find(|(code, _)| *code == code::RELAY_MESSAGE)?.1;
        }
        None
    }

    fn innermost(kind: u8, reader: &mut Reader<'_>, relay: Option<[u8; 16]>) -> Option<Self> {
        TYPES.iter().find(|(_, known)| *known == u64::from(kind))?;
        let id = reader.u24()?;
        let mut message = Self { kind, id, relay, ..Self::default() };
        message.is_whole = message.take(reader);
        Some(message)
    }

    /// Takes options; whether all of them could be read.
    fn take(&mut self, reader: &mut Reader<'_>) -> bool {
        for (code, content) in options(reader) {
            self.options += 1;
            if self.options > OPTIONS_MAX || self.option(code, content).is_none() {
                return false;
            }
        }
        reader.is_empty()
    }

    /// Takes one option; `None` when it is too short.
    fn option(&mut self, code: u16, content: &[u8]) -> Option<()> {
        /// Bytes before the options of an association: identifier, and two times.
        const LASTING: usize = 12;
        /// The same of a temporary one: the identifier.
        const TEMPORARY: usize = 4;
        let mut reader = Reader::new(content);
        match code {
            code::CLIENT_ID => self.client = Some(content.to_vec()),
            code::SERVER_ID => self.server = Some(content.to_vec()),
            code::IA_NA | code::IA_PD | code::IA_TA => {
                reader.skip(if code == code::IA_TA { TEMPORARY } else { LASTING })?;
                // Associations stand at the top, and what they hold is the last: it goes no deeper.
                return self.within(&mut reader);
            }
            code::NAME_SERVERS => {
                let (all, rest) = content.as_chunks();
                let room = LISTED_MAX.saturating_sub(self.name_servers.len());
                self.name_servers.extend(all.iter().take(room));
                return rest.is_empty().then_some(());
            }
            code::DOMAINS => {
                while !reader.is_empty() {
                    let name = name(&mut reader)?;
                    push(&mut self.domains, name);
                }
            }
            code::CLIENT_NAME => {
                reader.skip(1)?;
                self.client_name = Some(name(&mut reader)?);
            }
            _ => {}
        }
        Some(())
    }

    /// What an association holds.
    fn within(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        for (code, content) in options(reader) {
            self.options += 1;
            let mut inner = Reader::new(content);
            match code {
                _ if self.options > OPTIONS_MAX => return None,
                code::IA_ADDRESS => push(&mut self.addresses, inner.array()?),
                code::IA_PREFIX => {
                    inner.skip(8)?;
                    let bits = inner.u8()?;
                    push(&mut self.networks, (inner.array()?, bits));
                }
                _ => {}
            }
        }
        reader.is_empty().then_some(())
    }
}

fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() < LISTED_MAX {
        list.push(item);
    }
}

/// Codes and contents, up to one that is not all there.
fn options<'a, 'r>(
    reader: &'r mut Reader<'a>,
) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a, 'r> {
    std::iter::from_fn(move || {
        let mut ahead = Reader::new(reader.rest());
        let (code, length) = (ahead.u16()?, ahead.u16()?);
        let content = ahead.take(length.into())?;
        reader.skip(ahead.position())?;
        Some((code, content))
    })
}

/// A domain, without compression (section 10), with dots.
fn name(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    for _ in 0..LABELS_MAX {
        // A name that is not complete has no empty label at its end (RFC 4704, section 4.2).
        let length = reader.u8().unwrap_or(0);
        if length == 0 {
            break;
        }
        let label = reader.take(length.into())?;
        if name.len() + label.len() > NAME_BYTES_MAX {
            return None;
        }
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend_from_slice(label);
    }
    Some(name)
}
