//! `hub preview`: what would leave, byte for byte, and what would stay and why. No connection is
//! made and nothing is written.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::Value;

use super::place::{Place, lines};
use super::send::{doubt, tell};
use super::sender::BATCH_ENTRIES;
use crate::control::cli::SiteOptions;
use crate::control::run::DONE;
use crate::control::terminal::Terminal;
use crate::outputs::hub::FORMATS;
use crate::outputs::hub::privacy::pseudonym::Keys;
use crate::time::Timestamp;

/// Shows it.
pub(super) fn preview(
    options: &SiteOptions,
    format: &str,
    pretty: bool,
    eve: &[PathBuf],
    out: &mut Terminal,
) -> anyhow::Result<u8> {
    let place = Place::of(options)?;
    let now = Timestamp::wall_clock();
    let keys = match Keys::look(&place.folder, now)? {
        Some(keys) => keys,
        None => {
            tracing::info!("no key of this week yet: pseudonyms are of a key for this preview");
            Keys::passing(now)?
        }
    };
    let kind = FORMATS.iter().find(|kind| kind.name == format);
    let kind = kind.with_context(|| format!("there is no format {format:?}"))?;
    let mut exchange = place.exchange_as((kind.make)(&place.policy.identity), keys);
    let mut units = Vec::new();
    let mut code = DONE;
    for path in eve {
        lines(path, &mut |line| units.extend(exchange.line(line, now)))?;
        code = code.max(doubt(path, &exchange));
    }
    // The gravest first, as they are sent.
    units.sort_by_key(|unit| std::cmp::Reverse(unit.level));
    let mut first = Some(exchange.preamble());
    for batch in units.chunks(BATCH_ENTRIES) {
        let objects = batch.iter().flat_map(|unit| unit.objects.iter().cloned());
        let objects = first.take().into_iter().flatten().chain(objects).collect();
        for document in exchange.batch(objects, now) {
            show(&document, pretty, out)?;
        }
    }
    tell(exchange.counts());
    Ok(code)
}

fn show(document: &Value, pretty: bool, out: &mut Terminal) -> anyhow::Result<()> {
    match document {
        Value::String(line) => write!(out, "{line}")?,
        document if pretty => serde_json::to_writer_pretty(&mut *out, document)?,
        document => serde_json::to_writer(&mut *out, document)?,
    }
    writeln!(out)?;
    Ok(())
}
