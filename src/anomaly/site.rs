//! The place that is watched, and the fields that detectors may read there.

use std::net::IpAddr;

use super::indicator::Watchlist;
use crate::field::{Row, Value};
use crate::net::AddressSet;
use crate::record::TransactionRecord;

/// What every detector may know of the place it watches.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The networks that are ours.
    pub home: AddressSet,
    /// The fields of transactions: by the protocol's EVE name, its rows.
    pub fields: Vec<(&'static str, Vec<Row>)>,
    /// What others say is to be looked for.
    pub watchlist: Watchlist,
}

impl Site {
    /// Whether an address is ours.
    #[inline]
    pub fn is_home(&self, address: IpAddr) -> bool {
        self.home.contains(address)
    }

    /// The field of a name (`dns.query`) in transactions of a protocol, by its EVE name. A name
    /// that no row has gives a reference that reads nothing; a test asserts that there is none.
    pub fn field(&self, protocol: &'static str, name: &str) -> FieldRef {
        let of = self.fields.iter().find(|(known, _)| *known == protocol);
        // The very text that records have, if it is known: then comparing needs no look at it.
        let protocol = of.map_or(protocol, |(known, _)| known);
        let index = of.and_then(|(_, rows)| rows.iter().position(|row| row.name == name));
        debug_assert!(index.is_some() || self.fields.is_empty(), "no field {protocol} {name}");
        FieldRef { protocol, index: index.unwrap_or(usize::MAX) }
    }
}

/// A field of transactions, resolved once.
#[derive(Clone, Copy, Debug, Default)]
pub struct FieldRef {
    protocol: &'static str,
    index: usize,
}

impl FieldRef {
    /// Calls `sink` for each value of the field; never for transactions of other protocols.
    pub fn read(&self, record: &TransactionRecord, sink: &mut dyn FnMut(Value<'_>)) {
        let (given, wanted) = (record.protocol, self.protocol);
        if std::ptr::eq(given, wanted) || given == wanted {
            record.transaction.read(self.index, sink);
        }
    }

    /// Whether it has a value.
    pub fn is_there(&self, record: &TransactionRecord) -> bool {
        let mut there = false;
        self.read(record, &mut |_| there = true);
        there
    }

    /// Calls `sink` with the first value, if that is bytes.
    pub fn bytes<T>(&self, record: &TransactionRecord, sink: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let (mut sink, mut out) = (Some(sink), None);
        self.read(record, &mut |value| {
            if let (Value::Bytes(bytes), Some(sink)) = (value, sink.take()) {
                out = Some(sink(bytes));
            }
        });
        out
    }

    /// The first value, if it is a number.
    pub fn int(&self, record: &TransactionRecord) -> Option<u64> {
        let mut out = None;
        self.read(record, &mut |value| {
            if let (Value::Int(number), None) = (value, out) {
                out = Some(number);
            }
        });
        out
    }
}
