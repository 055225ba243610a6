//! Countries of addresses: what `geoip` asks of a database in MaxMind's format (GeoIP2, GeoLite2).

use std::cell::Cell;
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

    /// The code of the address's country (ISO 3166-1), where one is known.
    pub fn country(&self, address: IpAddr) -> Option<Country> {
        const WAY: [PathElement<'_>; 2] =
            [PathElement::Key("country"), PathElement::Key("iso_code")];
        let code = self.0.lookup(address).ok()?.decode_path::<&str>(&WAY).ok()??;
        code.as_bytes().try_into().ok()
    }
}

/// The two letters of a country.
pub type Country = [u8; 2];

/// Addresses whose countries are remembered: both ends of a packet, of its tunnel too.
const REMEMBERED: usize = 4;

/// An address and its country.
type Known = (IpAddr, Option<Country>);

/// Countries of the addresses that were asked for last: however many rules ask, each end of a packet
/// is looked up once.
#[derive(Default)]
pub struct LastPlaces {
    known: [Cell<Option<Known>>; REMEMBERED],
    /// Which is replaced next.
    next: Cell<usize>,
}

impl LastPlaces {
    /// The country of an address.
    pub fn country(&self, places: &Places, address: IpAddr) -> Option<Country> {
        let mut known = self.known.iter().filter_map(Cell::get);
        if let Some((_, country)) = known.find(|(known, _)| *known == address) {
            return country;
        }
        let country = places.country(address);
        let at = self.next.get();
        self.next.set((at + 1) % REMEMBERED);
        self.known.get(at).into_iter().for_each(|slot| slot.set(Some((address, country))));
        country
    }
}
