//! `hub status`: what waits, what was given up, whether the log is whole.

use std::io::Write;

use super::certificate;
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
    // Nothing is changed: whoever works in the folder is not disturbed.
    let is_busy = place.is_busy();
    let now = Timestamp::wall_clock();
    let policy = &place.policy;
    let [year, month, day] = policy.valid_until;
    writeln!(out, "identity   {}", policy.identity)?;
    writeln!(out, "basis      {}; {}", policy.law, policy.agreement)?;
    writeln!(out, "until      {year:04}-{month:02}-{day:02}")?;
    match certificate::own(&policy.tls) {
        Some(said) => {
            let [_, until] = said.valid;
            let is_over = if now > until { ": it is over" } else { "" };
            let renewal =
                if now > said.renewal() { "; renew it: rivellino hub enroll" } else { "" };
            writeln!(out, "certificate until {until}{is_over}{renewal}")?;
        }
        None => writeln!(out, "certificate none that can be read: rivellino hub enroll")?,
    }
    if is_busy {
        writeln!(out, "at work    another process works in {}", place.folder.display())?;
    }
    for (told, spool) in place.look()? {
        let depth = spool.depth();
        writeln!(out, "{told}")?;
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
        // What is being written looks torn.
        if spool.torn_bytes() > 0 && !is_busy {
            writeln!(out, "  torn     {} bytes", spool.torn_bytes())?;
        }
    }
    let folder = place.audit();
    if !folder.exists() {
        writeln!(out, "log        empty")?;
        return Ok(DONE);
    }
    let checked = Audit::verify(&folder);
    // Its last line may have been on its way to the disk.
    let checked = if is_busy { checked.or_else(|_| Audit::verify(&folder)) } else { checked };
    match checked {
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
