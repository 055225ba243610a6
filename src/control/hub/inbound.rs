//! Indicators on their way from files and collections into force.

use std::io::Read;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, bail};

use crate::anomaly::indicator::{SAME_MAX, Set, Watchlist};
use crate::net::AddressSet;
use crate::outputs::hub::inbound::gate::{Allowed, Gate};
use crate::outputs::hub::inbound::store::Store;
use crate::outputs::hub::inbound::{Counts, admit, objects};
use crate::outputs::hub::privacy::site::Site;
use crate::time::Timestamp;

/// Bytes of a file of indicators at most.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Bytes read of the system's list of resolvers.
const RESOLV_BYTES_MAX: u64 = 64 * 1024;
/// The system's list of resolvers (resolv.conf(5)).
const RESOLV: &str = "/etc/resolv.conf";

/// Everything that indicators come from, and the set that they make.
pub struct Inbound {
    gate: Gate,
    sources: Vec<(String, Store)>,
    watchlist: Watchlist,
}

impl Inbound {
    /// Nothing yet; what comes will be put into `watchlist`.
    pub(super) fn new(gate: Gate, watchlist: Watchlist) -> Self {
        Self { gate, sources: Vec::new(), watchlist }
    }

    /// Without a policy: of a site that only has its networks.
    pub(super) fn of_home(home: AddressSet, watchlist: Watchlist) -> Self {
        let site = Site { home, names: Vec::new() };
        let none = Allowed::default();
        Self::new(Gate::new(&site, &none, &none, &resolvers()), watchlist)
    }

    /// Another gate, for the next set.
    pub(super) fn set_gate(&mut self, gate: Gate) {
        self.gate = gate;
    }

    /// Adds the indicators of a file of STIX: a bundle, a list, or one object a line. Gives its
    /// number.
    pub(super) fn add_file(&mut self, path: &Path) -> anyhow::Result<usize> {
        self.sources.push(of_file(path)?);
        Ok(self.sources.len() - 1)
    }

    /// Reads that file anew; when it cannot be read, what came of it before stays.
    pub(super) fn reread(&mut self, number: usize, path: &Path) -> anyhow::Result<()> {
        let fresh = of_file(path)?;
        if let Some(source) = self.sources.get_mut(number) {
            *source = fresh;
        }
        Ok(())
    }

    /// Adds what was kept of a collection under the name of its hub; gives its number.
    pub(super) fn add_store(&mut self, name: &str, path: &Path) -> anyhow::Result<usize> {
        let store = Store::open(path);
        let store = store.with_context(|| format!("cannot read {}", path.display()))?;
        self.sources.push((name.to_owned(), store));
        Ok(self.sources.len() - 1)
    }

    /// What is kept of a collection.
    pub(super) fn store(&mut self, number: usize) -> Option<&mut Store> {
        self.sources.get_mut(number).map(|(_, store)| store)
    }

    /// Makes a set of all that passes the gate and puts it into force. Without `now` the end of an
    /// indicator is not looked at.
    pub(super) fn put_in_force(&self, now: Option<Timestamp>) -> Counts {
        let (mut all, mut counts) = (Vec::new(), Counts::default());
        for (name, store) in &self.sources {
            let (found, of) = admit(store.held(), name, &self.gate, now);
            all.extend(found);
            counts.add(&of);
            let refused = Counts { refused: store.refused(), ..Counts::default() };
            counts.add(&refused);
        }
        let set = Set::new(all, now.is_none());
        counts.in_force = set.len() as u64;
        if set.repeated() > 0 {
            let (repeated, most) = (set.repeated(), SAME_MAX);
            tracing::warn!(
                "indicators that repeat what {most} surer ones name: {repeated} values are not \
                 looked for for their sake"
            );
        }
        self.watchlist.replace(set);
        counts
    }
}

/// What a file of STIX holds, under its name.
fn of_file(path: &Path) -> anyhow::Result<(String, Store)> {
    let shown = path.display();
    let wrong = || format!("cannot read indicators from {shown}");
    let file = std::fs::File::open(path).with_context(wrong)?;
    let mut content = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut content).with_context(wrong)?;
    if content.len() as u64 > FILE_BYTES_MAX {
        bail!(
            "{shown}: larger than {} MiB, which a file of indicators may have at most: split it",
            FILE_BYTES_MAX >> 20
        );
    }
    let mut store = Store::default();
    let unreadable = objects(&content, &mut |object| store.take(object));
    drop(content);
    if unreadable > 0 {
        tracing::warn!("{shown}: {unreadable} lines are no JSON, or it ends too soon");
    }
    if store.is_empty() {
        bail!("{shown}: no indicator of STIX 2.1 in it");
    }
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok((name, store))
}

/// Puts the indicators of a file into force: of a site that has these networks. Without `now` for
/// captures, which are older than what is known of them.
///
/// # Errors
/// When the file cannot be read, or holds no indicator.
pub fn from_file(
    path: &Path,
    home: &AddressSet,
    watchlist: &Watchlist,
    now: Option<Timestamp>,
) -> anyhow::Result<Counts> {
    let mut inbound = Inbound::of_home(home.clone(), watchlist.clone());
    inbound.add_file(path)?;
    Ok(inbound.put_in_force(now))
}

/// Says what became of indicators.
pub fn tell(counts: &Counts) {
    tracing::info!("indicators: {}", counts.text());
    for (id, why) in &counts.unsupported {
        tracing::info!("{id} is not understood: {why}");
    }
}

/// The resolvers of this machine.
pub(super) fn resolvers() -> Vec<IpAddr> {
    let mut text = String::new();
    if let Ok(file) = std::fs::File::open(RESOLV) {
        // What cannot be read names nobody.
        let _ = file.take(RESOLV_BYTES_MAX).read_to_string(&mut text);
    }
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver")?.trim().parse().ok())
        .collect()
}
