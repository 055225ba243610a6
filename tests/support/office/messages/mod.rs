//! Messages of protocols, as real programs write them.

pub mod dns;
pub mod small;
pub mod smb;
pub mod tls;

/// Bytes put together in network order.
#[derive(Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn u16(self, value: u16) -> Self {
        self.put(&value.to_be_bytes())
    }

    pub fn u32(self, value: u32) -> Self {
        self.put(&value.to_be_bytes())
    }

    pub fn put(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Bytes with their length in two bytes before them.
    pub fn long(self, bytes: &[u8]) -> Self {
        self.u16(bytes.len() as u16).put(bytes)
    }

    /// Bytes with their length in one byte before them.
    pub fn short(self, bytes: &[u8]) -> Self {
        self.u8(bytes.len() as u8).put(bytes)
    }
}
