//! Countries of addresses: what `geoip` asks of a database in MaxMind's format (GeoIP2, GeoLite2).

use std::net::IpAddr;

use maxminddb::{PathElement, Reader};

/// A database of places.
pub struct Places(Reader<Vec<u8>>);

impl Places {
    /// Of the content of a file.
    ///
    /// # Errors
    /// When it is no database of that format, in words.
    pub fn new(bytes: Vec<u8>) -> Result<Self, String> {
        Reader::from_source(bytes).map(Self).map_err(|error| error.to_string())
    }

    /// Whether the code of the address's country (ISO 3166-1, two letters) passes; false where none is
    /// known.
    pub fn is(&self, address: IpAddr, test: impl FnOnce(&str) -> bool) -> bool {
        const WAY: [PathElement<'_>; 2] =
            [PathElement::Key("country"), PathElement::Key("iso_code")];
        let Ok(found) = self.0.lookup(address) else { return false };
        matches!(found.decode_path::<&str>(&WAY), Ok(Some(code)) if test(code))
    }
}
