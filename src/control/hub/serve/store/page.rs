//! Reading a view, page by page.

use redb::ReadableDatabase;

use super::{OBJECTS, ORDER, Record, SENDER_MASK, Store, VERSIONS};

/// Entries looked at for one page at most: a page of what is rare may be short, and says `more`.
const SCAN_MAX: usize = 20_000;
/// Bytes of a page at most, beyond its first object.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Which version of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Version {
    First,
    Last,
    All,
    /// Microseconds.
    At(u64),
}

/// What is asked for; an empty list asks for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Filter {
    pub(in super::super) ids: Vec<String>,
    pub(in super::super) kinds: Vec<String>,
    pub(in super::super) specs: Vec<String>,
    /// Empty for the last.
    pub(in super::super) versions: Vec<Version>,
}

/// One object of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Entry {
    pub(in super::super) added: u64,
    pub(in super::super) id: String,
    /// Empty when the object has none.
    pub(in super::super) version: String,
    /// The number of the sensor that sent it first; 0 when it was none.
    #[cfg_attr(not(feature = "nats"), allow(dead_code, reason = "of those who relay"))]
    pub(in super::super) sender: u64,
    pub(in super::super) body: Vec<u8>,
}

/// A page, and where the next begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Page {
    pub(in super::super) entries: Vec<Entry>,
    /// What was looked at last, when there is more.
    pub(in super::super) next: Option<u64>,
}

impl Store {
    /// What was added to a view, a part of `whole`, after `after`.
    pub(in super::super) fn page(
        &self,
        [whole, view]: [u64; 2],
        filter: &Filter,
        after: u64,
        limit: usize,
    ) -> anyhow::Result<Page> {
        let read = self.database.begin_read()?;
        let order = read.open_table(ORDER)?;
        let versions = read.open_table(VERSIONS)?;
        let objects = read.open_table(OBJECTS)?;
        let mut page = Page::default();
        let mut bytes = 0;
        let mut take = |added: u64, page: &mut Page| -> anyhow::Result<bool> {
            let Some(found) = objects.get(added)? else { return Ok(true) };
            let Ok(record) = postcard::from_bytes::<Record<'_>>(found.value()) else {
                return Ok(true);
            };
            if !is_wanted(&versions, whole, filter, added, &record)? {
                return Ok(true);
            }
            bytes += record.body.len();
            if page.entries.len() >= limit || bytes > PAGE_BYTES_MAX && !page.entries.is_empty() {
                return Ok(false);
            }
            page.entries.push(Entry {
                added,
                id: record.id.to_owned(),
                version: record.version.to_owned(),
                sender: record.own & SENDER_MASK,
                body: record.body.to_vec(),
            });
            Ok(true)
        };
        let mut looked = 0;
        let mut last = after;
        if filter.ids.is_empty() {
            for entry in order.range((view, after.saturating_add(1))..=(view, u64::MAX))? {
                let added = entry?.0.value().1;
                if looked >= SCAN_MAX || !take(added, &mut page)? {
                    page.next = Some(last);
                    break;
                }
                (looked, last) = (looked + 1, added);
            }
            return Ok(page);
        }
        for added in moments(&versions, whole, &filter.ids)?.into_iter().filter(|at| *at > after) {
            if order.get((view, added))?.is_none() {
                continue;
            }
            if looked >= SCAN_MAX || !take(added, &mut page)? {
                page.next = Some(last);
                break;
            }
            (looked, last) = (looked + 1, added);
        }
        Ok(page)
    }

    /// Whether a view has any version of an object.
    pub(in super::super) fn has(&self, [whole, view]: [u64; 2], id: &str) -> anyhow::Result<bool> {
        let read = self.database.begin_read()?;
        let (order, versions) = (read.open_table(ORDER)?, read.open_table(VERSIONS)?);
        for added in moments(&versions, whole, &[id.to_owned()])? {
            if order.get((view, added))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

type Versions = redb::ReadOnlyTable<(u64, &'static str, u64), u64>;

/// When the versions of some objects were added, in order.
fn moments(versions: &Versions, view: u64, ids: &[String]) -> anyhow::Result<Vec<u64>> {
    let mut moments = Vec::new();
    for id in ids {
        let id = id.as_str();
        for entry in versions.range((view, id, 0)..=(view, id, u64::MAX))? {
            moments.push(entry?.1.value());
            if moments.len() >= SCAN_MAX {
                break;
            }
        }
    }
    moments.sort_unstable();
    moments.dedup();
    Ok(moments)
}

fn is_wanted(
    versions: &Versions,
    view: u64,
    filter: &Filter,
    added: u64,
    record: &Record<'_>,
) -> anyhow::Result<bool> {
    let within = |list: &[String], text: &str| list.is_empty() || list.iter().any(|of| of == text);
    if !within(&filter.ids, record.id)
        || !within(&filter.kinds, record.kind)
        || !within(&filter.specs, record.spec)
    {
        return Ok(false);
    }
    let wanted: &[Version] =
        if filter.versions.is_empty() { &[Version::Last] } else { &filter.versions };
    let id = record.id;
    for version in wanted {
        let mut range = versions.range((view, id, 0)..=(view, id, u64::MAX))?;
        let is_it = match version {
            Version::All => true,
            Version::First => range.next().transpose()?.is_some_and(|(_, at)| at.value() == added),
            Version::Last => {
                range.next_back().transpose()?.is_some_and(|(_, at)| at.value() == added)
            }
            // What has no version has the moment at which it was added.
            Version::At(at) if record.version.is_empty() => *at == added,
            Version::At(at) => {
                versions.get((view, id, *at))?.is_some_and(|found| found.value() == added)
            }
        };
        if is_it {
            return Ok(true);
        }
    }
    Ok(false)
}
