//! `hub status`: what waits, what was given up, whether the log is whole.

use std::io::Write;

use super::place::Place;
use crate::control::cli::SiteOptions;
use crate::control::run::{DONE, REFUSED};
use crate::control::terminal::Terminal;
use crate::outputs::hub::audit::Audit;
use crate::outputs::hub::spool::DROPPED_REASONS;
use crate::time::Timestamp;

/// Says it.
pub(super) fn status(options: &SiteOptions, out: &mut Terminal) -> anyhow::Result<u8> {
    let place = Place::of(options)?;
    let _lock = place.lock()?;
    let now = Timestamp::wall_clock();
    let policy = &place.policy;
    let [year, month, day] = policy.valid_until;
    writeln!(out, "identity   {}", policy.identity)?;
    writeln!(out, "basis      {}; {}", policy.law, policy.agreement)?;
    writeln!(out, "until      {year:04}-{month:02}-{day:02}")?;
    for recipient in &policy.recipients {
        let spool = place.spool(recipient)?;
        let depth = spool.depth();
        writeln!(out, "recipient  {} ({})", recipient.name, recipient.api_root)?;
        let age = depth.oldest.map_or(0, |oldest| now.since(oldest).as_secs());
        writeln!(
            out,
            "  waiting  {} events, {} bytes on disk, oldest {age} s",
            depth.entries, depth.bytes
        )?;
        for (why, count) in DROPPED_REASONS.iter().zip(spool.dropped()).filter(|(_, n)| *n > 0) {
            writeln!(out, "  dropped  {count} events: {}", why.name())?;
        }
        for stone in spool.tombstones() {
            let of = [stone.from, stone.to].map(|seconds| Timestamp::new(seconds, 0).to_string());
            let [from, to] = of;
            writeln!(
                out,
                "  gone     {} events of level {}: {}, {from} to {to}",
                stone.entries,
                stone.level.name(),
                stone.why.name()
            )?;
        }
        if spool.torn_bytes() > 0 {
            writeln!(out, "  torn     {} bytes", spool.torn_bytes())?;
        }
    }
    let folder = place.audit();
    if !folder.exists() {
        writeln!(out, "log        empty")?;
        return Ok(DONE);
    }
    match Audit::verify(&folder) {
        Ok(count) => {
            writeln!(out, "log        {count} lines, the chain is whole")?;
            Ok(DONE)
        }
        Err(broken) => {
            writeln!(out, "log        BROKEN: {broken}")?;
            Ok(REFUSED)
        }
    }
}
