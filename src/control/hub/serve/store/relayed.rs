//! How far a collection was published to other hubs, and who sent what.

use std::collections::{BTreeMap, BTreeSet};

use redb::ReadableDatabase;

use super::{NUMBERS, RELAYED, Store};

impl Store {
    /// The moment up to which all was published under `key`.
    pub(in super::super) fn relayed(&self, key: &str) -> anyhow::Result<u64> {
        let read = self.database.begin_read()?;
        let found = read.open_table(RELAYED)?.get(key)?;
        Ok(found.map_or(0, |at| at.value()))
    }

    /// All up to `moment` was published; on the disk when it comes back.
    pub(in super::super) fn set_relayed(&self, key: &str, moment: u64) -> anyhow::Result<()> {
        let write = self.database.begin_write()?;
        write.open_table(RELAYED)?.insert(key, moment)?;
        Ok(write.commit()?)
    }

    /// The names of senders.
    pub(in super::super) fn names(
        &self,
        of: &BTreeSet<u64>,
    ) -> anyhow::Result<BTreeMap<u64, String>> {
        let mut names = BTreeMap::new();
        if of.is_empty() {
            return Ok(names);
        }
        let read = self.database.begin_read()?;
        let numbers = read.open_table(NUMBERS)?;
        // "sender!" is what comes after all of "sender ...".
        for entry in numbers.range("sender ".."sender!")? {
            let (name, number) = entry?;
            if let Some(name) = name.value().strip_prefix("sender ")
                && of.contains(&number.value())
            {
                names.insert(number.value(), name.to_owned());
                if names.len() == of.len() {
                    break;
                }
            }
        }
        Ok(names)
    }
}
