//! A file that one flow announces for another: what the announcing parser tells the other's.

use crate::net::Direction;

/// A file that will come over a flow of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Whether it is stored on the server, not fetched from it.
    pub store: bool,
    /// Which way its bytes go in the flow that carries it.
    pub way: Direction,
    /// Its name, as asked for.
    pub name: Vec<u8>,
}

impl Announced {
    /// As the context of an expectation.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = [u8::from(self.store), u8::from(self.way == Direction::ToClient)];
        [&head[..], &self.name].concat()
    }

    /// From such a context.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[store, way], name) = bytes.split_first_chunk::<2>()?;
        let way = if way == 0 { Direction::ToServer } else { Direction::ToClient };
        Some(Self { store: store != 0, way, name: name.to_vec() })
    }
}
