//! Where a hub keeps all: one redb file. Every change is one transaction that is on the disk before
//! it is answered, so that a process that is killed at any moment has what it said it had.
//!
//! A **view** is a collection as somebody sees it: the whole, or what one sensor sent first. Each
//! object has a moment at which it was added (microseconds, each only once): pages go by it, so a
//! cursor never loses its place, whatever is added meanwhile.

mod page;
mod put;
#[cfg(feature = "nats")]
mod relayed;
mod tidy;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, bail};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};

pub(super) use page::{Entry, Filter, Page, Version};
pub(super) use put::{Envelope, Put, Report, Writer, request_moment};

/// The file in the folder.
const FILE: &str = "hub.redb";
/// The shape of the tables.
const SHAPE: u64 = 1;
/// Bytes of the database that are kept in memory.
const CACHE_BYTES: usize = 96 * 1024 * 1024;

/// Moment added to record.
const OBJECTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("objects");
/// Views and the moments added to them.
const ORDER: TableDefinition<'_, (u64, u64), ()> = TableDefinition::new("order");
/// View of the whole, identifier and version (microseconds) to moment added.
const VERSIONS: TableDefinition<'_, (u64, &str, u64), u64> = TableDefinition::new("versions");
/// Collections and senders to their numbers.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
/// Sender and day to objects, and indicators that counted.
const USAGE: TableDefinition<'_, (u64, u64), (u64, u64)> = TableDefinition::new("usage");
/// Moment of a request to its sender and status.
const STATUS: TableDefinition<'_, u64, (u64, &[u8])> = TableDefinition::new("status");
/// Value of an indicator and town to when it was last seen there.
const REPORTS: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("reports");
/// Value to the day on which it last went to all.
const RELEASED: TableDefinition<'_, &str, u64> = TableDefinition::new("released");
/// Addresses from which sensors spoke, to when last.
const SPOKE: TableDefinition<'_, &str, u64> = TableDefinition::new("spoke");
/// Collection and stream to the moment up to which all was published.
const RELAYED: TableDefinition<'_, &str, u64> = TableDefinition::new("relayed");
/// The part of a view's number that says whose it is.
const SENDER_MASK: u64 = (1 << 40) - 1;
/// Numbers about the file.
const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");

/// An object as it is kept.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    id: &'a str,
    /// As it is written; empty when it has none.
    version: &'a str,
    /// The same in microseconds; 0 when it has none.
    at: u64,
    /// The view of the whole.
    whole: u64,
    /// The view of the one who sent it.
    own: u64,
    kind: &'a str,
    spec: &'a str,
    body: &'a [u8],
}

/// The file.
pub(super) struct Store {
    database: Database,
    collections: BTreeMap<String, u64>,
    /// Numbers of senders.
    senders: Mutex<BTreeMap<String, u64>>,
}

impl Store {
    /// Opens the store in `folder` for these collections; makes what is not there.
    pub(super) fn open(folder: &Path, collections: &[&str]) -> anyhow::Result<Self> {
        let shown = folder.display();
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {shown}"))?;
        let path = folder.join(FILE);
        let database = redb::Builder::new().set_cache_size(CACHE_BYTES).create(&path);
        let database = database.with_context(|| format!("cannot open {}", path.display()))?;
        let write = database.begin_write()?;
        let mut numbered = BTreeMap::new();
        {
            write.open_table(OBJECTS)?;
            write.open_table(ORDER)?;
            write.open_table(VERSIONS)?;
            write.open_table(USAGE)?;
            write.open_table(STATUS)?;
            write.open_table(REPORTS)?;
            write.open_table(RELEASED)?;
            write.open_table(SPOKE)?;
            write.open_table(RELAYED)?;
            let mut about = write.open_table(ABOUT)?;
            let shape = about.get("shape")?.map(|shape| shape.value());
            match shape {
                None => drop(about.insert("shape", SHAPE)?),
                Some(SHAPE) => {}
                Some(other) => bail!(
                    "{}: its shape is {other}, this program reads {SHAPE}: use the program that \
                     wrote it",
                    path.display()
                ),
            }
            let mut numbers = write.open_table(NUMBERS)?;
            for id in collections {
                let number = put::number(&mut numbers, &format!("collection {id}"))?;
                numbered.insert((*id).to_owned(), number);
            }
        }
        write.commit()?;
        Ok(Self { database, collections: numbered, senders: Mutex::default() })
    }

    /// The view of a collection: the whole, or what `sender` sent.
    pub(super) fn view(&self, collection: &str, sender: Option<u64>) -> u64 {
        let collection = self.collections.get(collection).copied().unwrap_or_default();
        collection << 40 | sender.unwrap_or_default()
    }

    /// The number of a sender; `None` when it never sent anything.
    pub(super) fn sender(&self, name: &str) -> anyhow::Result<Option<u64>> {
        let known = |map: &BTreeMap<String, u64>| map.get(name).copied();
        if let Some(number) =
            known(&self.senders.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
        {
            return Ok(Some(number));
        }
        let read = self.database.begin_read()?;
        let numbers = read.open_table(NUMBERS)?;
        let number = numbers.get(sender_key(name).as_str())?.map(|number| number.value());
        if let Some(number) = number {
            let mut senders =
                self.senders.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            senders.insert(name.to_owned(), number);
        }
        Ok(number)
    }

    /// The status of a request, if `sender` made it.
    pub(super) fn status(&self, request: u64, sender: u64) -> anyhow::Result<Option<Vec<u8>>> {
        let read = self.database.begin_read()?;
        let table = read.open_table(STATUS)?;
        let found = table.get(request)?;
        Ok(found.and_then(|found| {
            let (by, status) = found.value();
            (by == sender).then(|| status.to_vec())
        }))
    }

    /// Addresses from which sensors spoke, and when last.
    pub(super) fn spoke(&self) -> anyhow::Result<Vec<(IpAddr, u64)>> {
        let read = self.database.begin_read()?;
        let table = read.open_table(SPOKE)?;
        let mut all = Vec::new();
        for entry in table.iter()? {
            let (address, at) = entry?;
            all.extend(address.value().parse().ok().map(|address| (address, at.value())));
        }
        Ok(all)
    }
}

fn sender_key(name: &str) -> String {
    format!("sender {name}")
}

#[cfg(test)]
mod tests;
