//! One message: the fixed header and what each type has behind it (MQTT 5.0, chapter 3).

use super::properties::Properties;
use crate::reader::Reader;

/// Topics of one message that are kept.
const TOPICS_MAX: usize = 1024;

/// A message that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Names of the types, as rules write them.
pub const TYPES: &[(&str, u64)] = &[
    ("UNASSIGNED", 0),
    ("CONNECT", 1),
    ("CONNACK", 2),
    ("PUBLISH", 3),
    ("PUBACK", 4),
    ("PUBREC", 5),
    ("PUBREL", 6),
    ("PUBCOMP", 7),
    ("SUBSCRIBE", 8),
    ("SUBACK", 9),
    ("UNSUBSCRIBE", 10),
    ("UNSUBACK", 11),
    ("PINGREQ", 12),
    ("PINGRESP", 13),
    ("DISCONNECT", 14),
    ("AUTH", 15),
];

/// A message.
#[derive(Debug)]
pub struct Message {
    /// Its first byte: type and flags.
    pub first: u8,
    /// What is behind the fixed header.
    pub body: Body,
}

/// What each type has.
#[derive(Debug)]
pub enum Body {
    /// A client introduces itself.
    Connect(Box<Connect>),
    /// The broker's answer.
    ConnectAck {
        /// Whether it remembers the client.
        session_present: bool,
        /// 0 when it was accepted.
        code: u8,
        /// Properties.
        properties: Properties,
    },
    /// Content for a topic.
    Publish {
        /// The topic.
        topic: Vec<u8>,
        /// Its number, when an answer is wanted.
        id: Option<u16>,
        /// The content.
        message: Vec<u8>,
        /// Properties.
        properties: Properties,
    },
    /// PUBACK, PUBREC, PUBREL, PUBCOMP.
    Ack {
        /// Which message.
        id: u16,
        /// Why; none before version 5.
        reason: Option<u8>,
    },
    /// SUBSCRIBE.
    Subscribe {
        /// Its number.
        id: u16,
        /// Topics and options.
        topics: Vec<(Vec<u8>, u8)>,
    },
    /// UNSUBSCRIBE.
    Unsubscribe {
        /// Its number.
        id: u16,
        /// Topics.
        topics: Vec<Vec<u8>>,
    },
    /// SUBACK, UNSUBACK: a code for each topic.
    Codes {
        /// Which message.
        id: u16,
        /// A code for each topic.
        codes: Vec<u8>,
    },
    /// DISCONNECT, AUTH.
    Reason {
        /// Why; none before version 5.
        reason: Option<u8>,
        /// Properties.
        properties: Properties,
    },
    /// Longer than is read: bytes passed over.
    Truncated(u64),
    /// Nothing: PINGREQ, PINGRESP, an unassigned type.
    None,
}

/// CONNECT.
#[derive(Debug, Default)]
pub struct Connect {
    /// `MQTT` or `MQIsdp`.
    pub name: Vec<u8>,
    /// 3, 4 or 5.
    pub version: u8,
    /// What follows.
    pub flags: u8,
    /// What the client calls itself.
    pub client_id: Vec<u8>,
    /// What is published when it is lost: topic, content, properties.
    pub will: Option<(Vec<u8>, Vec<u8>, Properties)>,
    /// User.
    pub username: Option<Vec<u8>>,
    /// Password.
    pub password: Option<Vec<u8>>,
    /// Properties.
    pub properties: Properties,
}

/// A number of one to four bytes (1.5.5); `None` while its end has not come.
///
/// # Errors
/// When it goes on for longer.
pub fn length(reader: &mut Reader<'_>) -> Result<Option<usize>, Malformed> {
    let mut value = 0;
    for place in 0..4 {
        let Some(byte) = reader.u8() else { return Ok(None) };
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Some(value));
        }
    }
    Err(Malformed)
}

/// Text or bytes with their length before them.
///
/// # Errors
/// When they do not fit.
pub fn text(reader: &mut Reader<'_>) -> Result<Vec<u8>, Malformed> {
    let length = reader.u16().ok_or(Malformed)?;
    reader.take(length.into()).map(<[u8]>::to_vec).ok_or(Malformed)
}

impl Message {
    /// Reads what is behind the fixed header of a message whose first byte is `first`, on a
    /// connection of `version`.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn read(first: u8, body: &[u8], version: u8) -> Result<Self, Malformed> {
        let reader = &mut Reader::new(body);
        let id = |reader: &mut Reader<'_>| reader.u16().ok_or(Malformed);
        let body = match first >> 4 {
            1 => Body::Connect(Box::new(Connect::read(reader)?)),
            2 => {
                let session_present = reader.u8().ok_or(Malformed)? & 1 != 0;
                let code = reader.u8().ok_or(Malformed)?;
                let properties = Properties::read(reader, version)?;
                Body::ConnectAck { session_present, code, properties }
            }
            3 => {
                let topic = text(reader)?;
                let id = if first & 0x06 == 0 { None } else { Some(id(reader)?) };
                let properties = Properties::read(reader, version)?;
                Body::Publish { topic, id, message: reader.rest().to_vec(), properties }
            }
            4..=7 => {
                let id = id(reader)?;
                let reason = (version >= 5).then(|| reader.u8().unwrap_or(0));
                if !reader.is_empty() {
                    Properties::read(reader, version)?;
                }
                Body::Ack { id, reason }
            }
            8 => {
                let id = id(reader)?;
                Properties::read(reader, version)?;
                let mut topics = Vec::new();
                while !reader.is_empty() && topics.len() < TOPICS_MAX {
                    topics.push((text(reader)?, reader.u8().ok_or(Malformed)?));
                }
                Body::Subscribe { id, topics }
            }
            10 => {
                let id = id(reader)?;
                Properties::read(reader, version)?;
                let mut topics = Vec::new();
                while !reader.is_empty() && topics.len() < TOPICS_MAX {
                    topics.push(text(reader)?);
                }
                Body::Unsubscribe { id, topics }
            }
            9 | 11 => {
                let id = id(reader)?;
                Properties::read(reader, version)?;
                let codes = reader.rest();
                Body::Codes { id, codes: codes.get(..TOPICS_MAX).unwrap_or(codes).to_vec() }
            }
            14 | 15 => {
                let reason = (version >= 5).then(|| reader.u8().unwrap_or(0));
                let more = !reader.is_empty();
                let properties =
                    if more { Properties::read(reader, version)? } else { Properties::default() };
                Body::Reason { reason, properties }
            }
            _ => Body::None,
        };
        Ok(Self { first, body })
    }

    /// Its type.
    pub const fn kind(&self) -> u8 {
        self.first >> 4
    }

    /// Quality of service that the sender wants.
    pub const fn qos(&self) -> u8 {
        self.first >> 1 & 3
    }

    /// Bytes it points to, about.
    pub fn memory(&self) -> usize {
        let texts = |all: &[Vec<u8>]| -> usize { all.iter().map(|t| t.capacity() + 24).sum() };
        match &self.body {
            Body::Connect(connect) => connect.memory(),
            Body::ConnectAck { properties, .. } | Body::Reason { properties, .. } => {
                properties.memory()
            }
            Body::Publish { topic, message, properties, .. } => {
                topic.capacity() + message.capacity() + properties.memory()
            }
            Body::Subscribe { topics, .. } => {
                topics.iter().map(|(topic, _)| topic.capacity() + 32).sum()
            }
            Body::Unsubscribe { topics, .. } => texts(topics),
            Body::Codes { codes, .. } => codes.capacity(),
            Body::Ack { .. } | Body::Truncated(_) | Body::None => 0,
        }
    }
}

impl Connect {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let name = text(reader)?;
        let version = reader.u8().ok_or(Malformed)?;
        let flags = reader.u8().ok_or(Malformed)?;
        reader.skip(2).ok_or(Malformed)?;
        let properties = Properties::read(reader, version)?;
        let client_id = text(reader)?;
        let will = if flags & 0x04 == 0 {
            None
        } else {
            let properties = Properties::read(reader, version)?;
            Some((text(reader)?, text(reader)?, properties))
        };
        let username = if flags & 0x80 == 0 { None } else { Some(text(reader)?) };
        let password = if flags & 0x40 == 0 { None } else { Some(text(reader)?) };
        Ok(Self { name, version, flags, client_id, will, username, password, properties })
    }

    fn memory(&self) -> usize {
        let will = self.will.as_ref().map_or(0, |(topic, message, properties)| {
            topic.capacity() + message.capacity() + properties.memory()
        });
        let given = self.username.iter().chain(&self.password).map(Vec::capacity);
        let own = self.name.capacity() + self.client_id.capacity() + size_of::<Self>();
        own + will + given.sum::<usize>() + self.properties.memory()
    }
}
