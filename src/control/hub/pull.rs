//! `hub pull`: indicators of others, as they come, into a file.

use std::io::Write;

use anyhow::Context;

use super::client::Client;
use super::place::Place;
use crate::control::cli::SiteOptions;
use crate::control::run::{DONE, REFUSED};
use crate::control::terminal::Terminal;
use crate::outputs::hub::taxii::{Collection, Cursor, pull as read};

/// Reads from every recipient that has a collection of indicators.
pub(super) fn pull(options: &SiteOptions, out: &mut Terminal) -> anyhow::Result<u8> {
    let place = Place::of(options)?;
    let _lock = place.lock()?;
    let mut code = DONE;
    for recipient in &place.policy.recipients {
        let Some(id) = &recipient.indicators else { continue };
        let mut client = Client::new(&place.policy.tls)?;
        let cursor_path = place.folder.join(format!("cursor-{id}.json"));
        let path = place.folder.join(format!("inbound-{id}.jsonl"));
        // A cursor that cannot be read is one from the beginning.
        let mut cursor: Cursor = std::fs::read(&cursor_path)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut written = Ok(());
        let taken =
            Collection::open(&mut client, &recipient.api_root, id, false).and_then(|collection| {
                read(&mut client, &collection, &mut cursor, &mut |object| {
                    if written.is_ok() {
                        written = writeln!(file, "{object}");
                    }
                })
            });
        written.and_then(|()| file.sync_data()).context("cannot keep what came")?;
        // Only behind what is on the disk.
        let fresh = cursor_path.with_extension("new");
        std::fs::write(&fresh, serde_json::to_vec(&cursor)?)?;
        std::fs::rename(&fresh, &cursor_path)?;
        match taken {
            Ok(count) => {
                writeln!(out, "{}: {count} objects, in {}", recipient.name, path.display())?;
            }
            Err(trouble) => {
                tracing::error!("{}: {trouble}", recipient.name);
                code = REFUSED;
            }
        }
    }
    Ok(code)
}
