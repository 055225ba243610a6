//! What is old goes, a little at a time.

use redb::{ReadableTable, WriteTransaction};

use super::{OBJECTS, ORDER, RELEASED, REPORTS, Record, SPOKE, STATUS, Store, USAGE, VERSIONS};

/// Entries that go in one transaction at most, of each table.
const SLICE: usize = 5_000;
const DAY_MICROS: u64 = 86_400_000_000;
/// Days for which the status of a request is kept (TAXII 2.1, 4.3: at least one).
const STATUS_DAYS: u64 = 1;
/// Days for which an address counts as a town's, and for which what was released is remembered.
const REMEMBERED_DAYS: u64 = 90;

impl Store {
    /// Lets go what was added before `days`; `whole` goes through small tables too. True when there
    /// is more to do.
    pub(in super::super) fn tidy(&self, now: u64, days: u32, whole: bool) -> anyhow::Result<bool> {
        let transaction = self.database.begin_write()?;
        let before = |days: u64| now.saturating_sub(days * DAY_MICROS);
        let mut gone = 0;
        {
            let mut order = transaction.open_table(ORDER)?;
            let mut versions = transaction.open_table(VERSIONS)?;
            let mut objects = transaction.open_table(OBJECTS)?;
            let mut old = Vec::new();
            for entry in objects.range(..before(days.into()))?.take(SLICE) {
                let (added, bytes) = entry?;
                let about = postcard::from_bytes::<Record<'_>>(bytes.value());
                let about = about.map(|of| (of.whole, of.own, of.id.to_owned(), of.at));
                old.push((added.value(), about.ok()));
            }
            gone += old.len();
            for (added, about) in old {
                objects.remove(added)?;
                if let Some((whole, own, id, at)) = about {
                    order.remove((whole, added))?;
                    order.remove((own, added))?;
                    versions.remove((whole, id.as_str(), at))?;
                }
            }
            let mut status = transaction.open_table(STATUS)?;
            let mut old = Vec::new();
            for entry in status.range(..before(STATUS_DAYS))?.take(SLICE) {
                old.push(entry?.0.value());
            }
            gone += old.len();
            for request in old {
                status.remove(request)?;
            }
            if whole {
                small(&transaction, now)?;
            }
        }
        transaction.commit()?;
        Ok(gone >= SLICE)
    }
}

/// Tables with one entry for each town, value and day.
fn small(transaction: &WriteTransaction, now: u64) -> anyhow::Result<()> {
    let today = now / DAY_MICROS;
    let before = now.saturating_sub(REMEMBERED_DAYS * DAY_MICROS);
    transaction.open_table(USAGE)?.retain(|(_, day), _| day + 1 >= today)?;
    transaction.open_table(RELEASED)?.retain(|_, day| day + REMEMBERED_DAYS >= today)?;
    transaction.open_table(REPORTS)?.retain(|_, at| at >= before)?;
    transaction.open_table(SPOKE)?.retain(|_, at| at >= before)?;
    Ok(())
}
