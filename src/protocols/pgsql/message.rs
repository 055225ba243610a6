//! What is kept of a request and of what came back.

use super::frames::{Frame, MAX_KEPT_BYTES};
use crate::reader::Reader;

/// Codes of the first message of a client.
pub mod startup {
    /// A session, protocol version 3.0; the low half is the minor version.
    pub const SESSION: u32 = 3 << 16;
    /// Another session's query is to be stopped.
    pub const CANCEL: u32 = 1234 << 16 | 5678;
    /// TLS is asked for.
    pub const TLS: u32 = 1234 << 16 | 5679;
    /// GSSAPI encryption is asked for.
    pub const GSSAPI: u32 = 1234 << 16 | 5680;
}

/// Parameters kept of one message or one answer.
const MAX_PARAMETERS: usize = 64;

/// Whether the number can stand in the first message.
const fn is_startup(code: u32) -> bool {
    code >> 16 == startup::SESSION >> 16
        || matches!(code, startup::CANCEL | startup::TLS | startup::GSSAPI)
}

/// A request and what came back; either may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Number within the flow, from 0.
    pub id: u64,
    /// What was asked.
    pub request: Option<Request>,
    /// What came back.
    pub response: Option<Response>,
}

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Encryption.
    Encryption,
    /// A session.
    Startup {
        /// Version, major and minor.
        version: [u16; 2],
        /// Names and values, the user among them.
        parameters: Vec<(Vec<u8>, Vec<u8>)>,
    },
    /// That a query of another session be stopped.
    Cancel {
        /// Process of the session.
        process: u32,
        /// What proves that it may.
        key: u32,
    },
    /// A password, which is not kept.
    Password,
    /// The first message of SASL.
    SaslInitial {
        /// The mechanism.
        mechanism: Vec<u8>,
        /// Its data.
        data: Vec<u8>,
    },
    /// A further message of SASL.
    Sasl(Vec<u8>),
    /// A query.
    Query(Vec<u8>),
    /// Data is copied in.
    CopyIn {
        /// Messages.
        count: u64,
        /// Bytes.
        size: u64,
    },
    /// The session ends.
    Terminate,
}

/// What a server answers: what is not there was not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Whether encryption is granted.
    pub encryption: Option<bool>,
    /// How far the login came, in words.
    pub message: Option<&'static str>,
    /// Salt of a password that is sent as MD5.
    pub salt: Option<Vec<u8>>,
    /// Last message of SASL.
    pub sasl_final: Option<Vec<u8>>,
    /// Settings of the server.
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
    /// Process and key of the session.
    pub key: Option<(u32, u32)>,
    /// Columns of the rows.
    pub columns: Option<u16>,
    /// Rows and their bytes.
    pub rows: (u64, u64),
    /// Columns of data to be copied in.
    pub copy_in: Option<u16>,
    /// Columns of data that is copied out.
    pub copy_out: Option<u16>,
    /// Messages of data that is copied out, and their bytes.
    pub copied: (u64, u64),
    /// Fields of an error or notice: letter and text.
    pub error: Vec<(u8, Vec<u8>)>,
    /// What was done.
    pub completed: Option<Vec<u8>>,
}

/// What a message of the login asks of the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// A password, or nothing.
    #[default]
    Password,
    /// The first message of SASL.
    Sasl,
    /// A further message of SASL.
    SaslContinue,
}

impl Request {
    /// Reads a first message, which has no letter; `None` when it is none.
    pub fn startup(frame: &Frame) -> Option<Self> {
        let mut reader = Reader::new(&frame.content);
        match reader.u32()? {
            startup::TLS | startup::GSSAPI => Some(Self::Encryption),
            startup::CANCEL => Some(Self::Cancel { process: reader.u32()?, key: reader.u32()? }),
            code if is_startup(code) => {
                let mut parameters = Vec::new();
                while let Some(name) = text(&mut reader).filter(|name| !name.is_empty()) {
                    let Some(value) = text(&mut reader) else { break };
                    if parameters.len() < MAX_PARAMETERS {
                        parameters.push((name.to_vec(), value.to_vec()));
                    }
                }
                let [a, b, c, d] = code.to_be_bytes();
                let version = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
                Some(Self::Startup { version, parameters })
            }
            _ => None,
        }
    }

    /// Reads what `p` means, which the server's last message of the login decides.
    pub fn login(content: &[u8], login: Login) -> Self {
        let mut reader = Reader::new(content);
        match login {
            Login::Password => Self::Password,
            Login::SaslContinue => Self::Sasl(content.to_vec()),
            Login::Sasl => {
                let mechanism = text(&mut reader).unwrap_or_default().to_vec();
                // The length of what follows, -1 for nothing.
                reader.u32();
                Self::SaslInitial { mechanism, data: reader.rest().to_vec() }
            }
        }
    }

    fn memory(&self) -> usize {
        match self {
            Self::Startup { parameters, .. } => pairs(parameters),
            Self::SaslInitial { mechanism, data } => mechanism.capacity() + data.capacity(),
            Self::Sasl(data) | Self::Query(data) => data.capacity(),
            _ => 0,
        }
    }
}

impl Response {
    /// Adds what a message says; gives what the login asks now, if it does.
    pub fn add(&mut self, frame: &Frame) -> Option<Login> {
        let mut reader = Reader::new(&frame.content);
        let size = u64::from(frame.length);
        match frame.kind {
            b'R' => return self.authentication(&mut reader),
            b'S' if self.parameters.len() < MAX_PARAMETERS => {
                if let (Some(name), Some(value)) = (text(&mut reader), text(&mut reader)) {
                    self.parameters.push((name.to_vec(), value.to_vec()));
                }
            }
            b'K' => self.key = reader.u32().zip(reader.u32()),
            b'T' => self.columns = reader.u16(),
            b'D' => add(&mut self.rows, size),
            b'G' => self.copy_in = copy_columns(&mut reader),
            b'H' => self.copy_out = copy_columns(&mut reader),
            b'd' => add(&mut self.copied, size),
            b'C' => self.completed = text(&mut reader).map(<[u8]>::to_vec),
            // An error takes the place of a notice.
            b'E' => self.error = fields(&mut reader),
            b'N' if self.error.is_empty() => self.error = fields(&mut reader),
            _ => {}
        }
        None
    }

    fn authentication(&mut self, reader: &mut Reader<'_>) -> Option<Login> {
        let (message, login) = match reader.u32()? {
            0 => ("authentication_ok", None),
            3 => ("authentication_cleartext_password", Some(Login::Password)),
            5 => {
                self.salt = Some(reader.rest().to_vec());
                return Some(Login::Password);
            }
            10 => ("authentication_sasl", Some(Login::Sasl)),
            11 => ("authentication_sasl_continue", Some(Login::SaslContinue)),
            12 => {
                self.sasl_final = Some(reader.rest().to_vec());
                return None;
            }
            _ => return None,
        };
        self.message = Some(message);
        login
    }

    fn memory(&self) -> usize {
        let texts = [&self.salt, &self.sasl_final, &self.completed];
        texts.iter().filter_map(|text| text.as_ref()).map(Vec::capacity).sum::<usize>()
            + pairs(&self.parameters)
            + self.error.iter().map(|(_, text)| text.capacity() + 32).sum::<usize>()
    }
}

impl Transaction {
    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        self.request.as_ref().map_or(0, Request::memory)
            + self.response.as_ref().map_or(0, Response::memory)
    }
}

fn pairs(pairs: &[(Vec<u8>, Vec<u8>)]) -> usize {
    pairs.iter().map(|(a, b)| a.capacity() + b.capacity() + 48).sum()
}

fn add((count, sum): &mut (u64, u64), size: u64) {
    *count = count.saturating_add(1);
    *sum = sum.saturating_add(size);
}

/// Text up to a zero byte.
fn text<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = reader.rest().iter().position(|byte| *byte == 0)?;
    let text = reader.take(length)?;
    reader.skip(1)?;
    Some(text)
}

/// A format, then how many columns.
fn copy_columns(reader: &mut Reader<'_>) -> Option<u16> {
    reader.u8()?;
    reader.u16()
}

/// Fields of an error: a letter and text each, until a zero letter.
fn fields(reader: &mut Reader<'_>) -> Vec<(u8, Vec<u8>)> {
    let mut fields = Vec::new();
    while fields.len() < MAX_PARAMETERS
        && let Some(letter) = reader.u8().filter(|letter| *letter != 0)
        && let Some(value) = text(reader)
    {
        fields.push((letter, value.to_vec()));
    }
    fields
}

/// A query without the zero byte at its end.
pub fn query(content: &[u8]) -> Vec<u8> {
    let end = content.strip_suffix(&[0]).unwrap_or(content);
    end.iter().take(MAX_KEPT_BYTES).copied().collect()
}
