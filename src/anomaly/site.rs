//! The place that is watched, and the fields that detectors may read there.

use std::any::TypeId;
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
        let mut tables = self.fields.iter().filter(|(known, _)| *known == protocol);
        let place = |(_, rows): &(_, Vec<Row>)| {
            let index = rows.iter().position(|row| row.name == name);
            debug_assert!(index.is_some(), "no field {protocol} {name}");
            index.unwrap_or(usize::MAX)
        };
        let first = tables.next();
        debug_assert!(first.is_some() || self.fields.is_empty(), "no protocol {protocol}");
        let other = tables.next();
        debug_assert!(tables.next().is_none(), "{protocol} is the name of more than two");
        FieldRef {
            // The very text that records have, if it is known: then comparing needs no look at it.
            protocol: first.map_or(protocol, |(known, _)| known),
            index: first.map_or(usize::MAX, place),
            other: other.and_then(|of| Some((of.1.first()?.table, place(of)))),
        }
    }
}

/// A field of transactions, resolved once.
#[derive(Clone, Copy, Debug, Default)]
pub struct FieldRef {
    protocol: &'static str,
    index: usize,
    /// Where it stands in the table of the second protocol that has this name outside.
    other: Option<(TypeId, usize)>,
}

impl FieldRef {
    /// Calls `sink` for each value of the field; never for transactions of other protocols.
    pub fn read(&self, record: &TransactionRecord, sink: &mut dyn FnMut(Value<'_>)) {
        let (given, wanted) = (record.protocol, self.protocol);
        if std::ptr::eq(given, wanted) || given == wanted {
            let of = &record.transaction;
            let index = self.other.filter(|(table, _)| of.table() == *table);
            of.read(index.map_or(self.index, |(_, index)| index), sink);
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
