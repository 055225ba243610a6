//! `hub pull`: indicators of others, kept on disk, and what of them would be looked for.

use std::io::Write;
use std::path::Path;

use anyhow::Context;

use super::client::Client;
use super::inbound::{self, Inbound};
use super::place::Place;
use crate::anomaly::indicator::Watchlist;
use crate::control::cli::SiteOptions;
use crate::control::run::{DONE, REFUSED};
use crate::control::terminal::Terminal;
use crate::outputs::hub::inbound::store::Store;
use crate::outputs::hub::policy::Recipient;
use crate::outputs::hub::taxii::{Collection, Cursor, Trouble, pull as read};
use crate::time::Timestamp;

/// Reads from every recipient that has a collection of indicators.
pub(super) fn pull(options: &SiteOptions, out: &mut Terminal) -> anyhow::Result<u8> {
    let place = Place::of(options)?;
    let _lock = place.lock()?;
    let now = Timestamp::wall_clock();
    let mut inbound = Inbound::new(place.gate(true), Watchlist::default());
    let mut code = DONE;
    for recipient in &place.policy.recipients {
        let Some(id) = &recipient.indicators else { continue };
        let path = place.indicators(id);
        let number = inbound.add_store(&recipient.name, &path)?;
        let mut client = Client::new(&place.policy.tls)?;
        let Some(store) = inbound.store(number) else { continue };
        match once(&mut client, recipient, id, store, &place.folder, now)? {
            Ok(Taken { objects, .. }) => {
                writeln!(out, "{}: {objects} objects, in {}", recipient.name, path.display())?;
            }
            Err(trouble) => {
                tracing::error!("{}: {trouble}", recipient.name);
                code = REFUSED;
            }
        }
    }
    let counts = inbound.put_in_force(Some(now));
    writeln!(out, "indicators: {}", counts.text())?;
    inbound::tell(&counts);
    Ok(code)
}

/// What one reading brought.
pub(super) struct Taken {
    /// Objects that were new.
    pub(super) objects: usize,
    /// Whether what is held has changed.
    pub(super) is_changed: bool,
}

/// Reads what is new in one collection, and keeps it. The place in the collection moves on only
/// behind what is on the disk.
///
/// # Errors
/// When it cannot be kept. The inner one: why the hub gives nothing, or no more.
pub(super) fn once(
    client: &mut Client,
    recipient: &Recipient,
    id: &str,
    store: &mut Store,
    folder: &Path,
    now: Timestamp,
) -> anyhow::Result<Result<Taken, Trouble>> {
    let cursor_path = folder.join(format!("cursor-{id}.json"));
    // A cursor that cannot be read is one from the beginning.
    let mut cursor: Cursor = std::fs::read(&cursor_path)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    let before = cursor.clone();
    let taken = Collection::open(client, &recipient.api_root, id, false).and_then(|collection| {
        read(client, &collection, &mut cursor, &mut |object| store.take(&object))
    });
    store.prune(now);
    let is_changed = store.commit().context("cannot keep what came")?;
    if cursor != before {
        let fresh = cursor_path.with_extension("new");
        std::fs::write(&fresh, serde_json::to_vec(&cursor)?)?;
        std::fs::rename(&fresh, &cursor_path)?;
    }
    match taken {
        Ok(objects) => Ok(Ok(Taken { objects, is_changed })),
        // What came before the trouble is to be looked for too.
        Err(trouble) if is_changed => {
            tracing::warn!("{}: {trouble}", recipient.name);
            Ok(Ok(Taken { objects: 0, is_changed }))
        }
        Err(trouble) => Ok(Err(trouble)),
    }
}
