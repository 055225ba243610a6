//! Messages (BEP 5, BEP 32): queries, responses and errors.

use std::net::IpAddr;

use super::bencode::{bytes, dictionary, list, number, peek, skip};
use crate::field::{Describe, Field, Fields, Tree};
use crate::protocols::formats::digits::hex;
use crate::reader::Reader;

/// Nodes and peers kept of each list of a message.
const MAX_LISTED: usize = 256;
/// Bytes of the identifier of a node.
const ID_BYTES: usize = 20;

/// A message.
#[derive(Debug, Default)]
pub struct Message {
    /// Pairs a query with its response.
    pub transaction: Vec<u8>,
    /// Program and version of the sender.
    pub version: Option<Vec<u8>>,
    /// What is asked.
    pub query: Option<Vec<u8>>,
    /// Arguments of a query.
    pub request: Option<Request>,
    /// A response.
    pub response: Option<Response>,
    /// Number and words of an error.
    pub error: Option<(u64, Vec<u8>)>,
}

/// Arguments of a query.
#[derive(Debug, Default)]
pub struct Request {
    id: Vec<u8>,
    target: Option<Vec<u8>>,
    info_hash: Option<Vec<u8>>,
    token: Option<Vec<u8>>,
    implied_port: Option<u64>,
    port: Option<u64>,
}

/// A response.
#[derive(Debug, Default)]
pub struct Response {
    id: Vec<u8>,
    nodes: Vec<Node>,
    nodes6: Vec<Node>,
    values: Vec<(IpAddr, u16)>,
    token: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Node {
    id: [u8; ID_BYTES],
    address: IpAddr,
    port: u16,
}

impl Message {
    /// Reads a message. `None` when it cannot be read, or lacks what its kind needs.
    pub fn read(content: &[u8]) -> Option<Self> {
        let mut message = Self::default();
        let (mut kind, mut transaction) = (None, None);
        dictionary(&mut Reader::new(content), &mut |key, reader| {
            match key {
                b"y" => kind = Some(bytes(reader)?),
                b"q" => message.query = Some(bytes(reader)?.to_vec()),
                b"a" => message.request = Some(Request::read(reader)?),
                b"r" => message.response = Some(Response::read(reader)?),
                b"e" => message.error = Some(error(reader)?),
                b"t" => transaction = Some(bytes(reader)?),
                b"v" => message.version = Some(bytes(reader)?.to_vec()),
                _ => skip(reader, 1)?,
            }
            Some(())
        })?;
        message.transaction = transaction?.to_vec();
        match kind? {
            b"q" if message.query.is_some() && message.request.is_some() => {
                (message.response, message.error) = (None, None);
            }
            b"r" if message.response.is_some() => {
                (message.query, message.request, message.error) = (None, None, None);
            }
            b"e" if message.error.is_some() => {
                (message.query, message.request, message.response) = (None, None, None);
            }
            _ => return None,
        }
        Some(message)
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        let nodes = self.response.as_ref().map_or(0, |response| {
            response.nodes.len() + response.nodes6.len() + response.values.len()
        });
        size_of::<Self>() + nodes * size_of::<Node>() + 256
    }
}

impl Request {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut request = Self::default();
        let mut id = None;
        dictionary(reader, &mut |key, reader| {
            match key {
                b"id" => id = Some(bytes(reader)?),
                b"target" => request.target = Some(bytes(reader)?.to_vec()),
                b"info_hash" => request.info_hash = Some(bytes(reader)?.to_vec()),
                b"token" => request.token = Some(bytes(reader)?.to_vec()),
                b"implied_port" => {
                    request.implied_port = Some(number(reader).filter(|n| *n <= 0xff)?);
                }
                b"port" => request.port = Some(number(reader).filter(|n| *n <= 0xffff)?),
                _ => skip(reader, 2)?,
            }
            Some(())
        })?;
        request.id = id?.to_vec();
        Some(request)
    }
}

impl Response {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut response = Self::default();
        let mut id = None;
        dictionary(reader, &mut |key, reader| {
            match key {
                b"id" => id = Some(bytes(reader)?),
                b"nodes" => response.nodes = nodes::<4>(bytes(reader)?),
                b"nodes6" => response.nodes6 = nodes::<16>(bytes(reader)?),
                b"values" if peek(reader) == Some(b'l') => list(reader, &mut |reader| {
                    let peer = peer(bytes(reader)?)?;
                    if response.values.len() < MAX_LISTED {
                        response.values.push(peer);
                    }
                    Some(())
                })?,
                b"token" => response.token = Some(bytes(reader)?.to_vec()),
                _ => skip(reader, 2)?,
            }
            Some(())
        })?;
        response.id = id?.to_vec();
        Some(response)
    }
}

fn error(reader: &mut Reader<'_>) -> Option<(u64, Vec<u8>)> {
    let (mut code, mut words) = (None, None);
    list(reader, &mut |reader| {
        match peek(reader)? {
            b'i' => code = Some(number(reader)?),
            b'0'..=b'9' => words = Some(bytes(reader)?.to_vec()),
            _ => skip(reader, 2)?,
        }
        Some(())
    })?;
    Some((code?, words?))
}

fn address<const N: usize>(reader: &mut Reader<'_>) -> Option<IpAddr> {
    let bytes = reader.array::<N>()?;
    let v4 = <[u8; 4]>::try_from(bytes.as_slice()).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes.as_slice()).map(IpAddr::from)).ok()
}

/// Compact information of nodes, each with an address of `N` bytes.
fn nodes<const N: usize>(content: &[u8]) -> Vec<Node> {
    let mut reader = Reader::new(content);
    let node = |reader: &mut Reader<'_>| {
        Some(Node { id: reader.array()?, address: address::<N>(reader)?, port: reader.u16()? })
    };
    std::iter::from_fn(|| node(&mut reader)).take(MAX_LISTED).collect()
}

fn peer(content: &[u8]) -> Option<(IpAddr, u16)> {
    let mut reader = Reader::new(content);
    let address =
        if content.len() < 18 { address::<4>(&mut reader) } else { address::<16>(&mut reader) };
    Some((address?, reader.u16()?))
}

/// An address as EVE shows it: all digits of IPv6.
fn shown(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let groups = address.segments().map(|group| format!("{group:04x}"));
            groups.join(":")
        }
    }
}

impl Describe for Message {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.text("transaction_id", hex(&self.transaction, "").as_bytes());
        if let Some(version) = &self.version {
            tree.text("client_version", hex(version, "").as_bytes());
        }
        if let Some(query) = &self.query {
            tree.text("request_type", query);
        }
        if let Some((code, words)) = &self.error {
            tree.object("error", &mut |tree| {
                tree.int("num", *code);
                tree.text("msg", words);
            });
        }
        if let Some(request) = &self.request {
            tree.object("request", &mut |tree| request.describe(tree));
        }
        if let Some(response) = &self.response {
            tree.object("response", &mut |tree| response.describe(tree));
        }
    }
}

impl Request {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.text("id", hex(&self.id, "").as_bytes());
        let texts =
            [("target", &self.target), ("info_hash", &self.info_hash), ("token", &self.token)];
        for (key, value) in texts {
            if let Some(value) = value {
                tree.text(key, hex(value, "").as_bytes());
            }
        }
        for (key, value) in [("implied_port", self.implied_port), ("port", self.port)] {
            if let Some(value) = value {
                tree.int(key, value);
            }
        }
    }
}

impl Response {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.text("id", hex(&self.id, "").as_bytes());
        for (key, nodes) in [("nodes", &self.nodes), ("nodes6", &self.nodes6)] {
            if !nodes.is_empty() {
                tree.list(key, &mut |tree| {
                    for node in nodes {
                        tree.object("", &mut |tree| {
                            tree.text("id", hex(&node.id, "").as_bytes());
                            tree.text("ip", shown(node.address).as_bytes());
                            tree.int("port", node.port.into());
                        });
                    }
                });
            }
        }
        if !self.values.is_empty() {
            tree.list("values", &mut |tree| {
                for (address, port) in &self.values {
                    tree.object("", &mut |tree| {
                        tree.text("ip", shown(*address).as_bytes());
                        tree.int("port", (*port).into());
                    });
                }
            });
        }
        if let Some(token) = &self.token {
            tree.text("token", hex(token, "").as_bytes());
        }
    }
}

impl Fields for Message {
    /// The language has no keywords for it.
    const FIELDS: &'static [Field<Self>] = &[];
}
