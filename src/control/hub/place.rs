//! The site as the commands of the exchange know it: its policy, its networks, its folder.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead};
use std::net::ToSocketAddrs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use super::inbound::resolvers;
use crate::control::cli::SiteOptions;
use crate::control::config::Config;
use crate::control::{replay, run};
use crate::detect::Variables;
use crate::net::AddressSet;
use crate::outputs::hub::Format;
use crate::outputs::hub::exchange::Exchange;
use crate::outputs::hub::inbound::gate::{Allowed, Gate};
use crate::outputs::hub::policy::{Collector, Policy, Recipient};
use crate::outputs::hub::privacy::pseudonym::Keys;
use crate::outputs::hub::privacy::site::Site;
use crate::outputs::hub::spool::disk::{Disk, Folder, Looked};
use crate::outputs::hub::spool::{Limits, Spool};
use crate::outputs::hub::stix::Stix;
use crate::time::Timestamp;

/// The port of HTTPS.
const HTTPS: u16 = 443;
/// A line of `eve.json` of more bytes is passed over.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// What says that somebody works in the folder: who has it locked.
const LOCK: &str = "lock";
const LOCK_ATTEMPTS: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The site.
pub(super) struct Place {
    pub(super) policy: Policy,
    pub(super) site: Site,
    pub(super) folder: PathBuf,
}

impl Place {
    /// Reads the policy and the home networks. Without a policy nothing is shared.
    pub(super) fn of(options: &SiteOptions) -> anyhow::Result<Self> {
        let policy = policy(&options.policy)?;
        let line = Config {
            home_net: (!options.home_net.is_empty()).then(|| options.home_net.clone()),
            ..Config::default()
        };
        let config = run::configuration(line, options.config.as_deref())?;
        let mut variables = Variables::default();
        for (name, value) in run::variables(&config) {
            variables.set(&name, &value);
        }
        let home = replay::home(&mut variables)?;
        Ok(Self::new(policy, home, &options.folder))
    }

    /// With a policy that is named, for these home networks.
    pub(super) fn with(named: &Path, home: AddressSet, folder: &Path) -> anyhow::Result<Self> {
        Ok(Self::new(policy(named)?, home, folder))
    }

    fn new(policy: Policy, home: AddressSet, folder: &Path) -> Self {
        let names = policy.own_names.iter().filter(|name| *name != "none").cloned().collect();
        Self { policy, site: Site { home, names }, folder: folder.to_owned() }
    }

    /// Whether the policy still holds.
    pub(super) fn may_send(&self, now: Timestamp) -> bool {
        let [year, month, day, ..] = now.civil();
        self.policy.holds_on([year, month, day])
    }

    /// What makes objects of events for a hub, with these keys.
    pub(super) fn exchange(&self, keys: Keys) -> Exchange {
        self.exchange_as(Box::new(Stix::new(&self.policy.identity)), keys)
    }

    /// What makes objects of events in a format, with these keys.
    pub(super) fn exchange_as(&self, format: Box<dyn Format>, keys: Keys) -> Exchange {
        Exchange::new(self.policy.clone(), self.site.clone(), format, keys)
    }

    /// What decides which indicators are looked for here. `resolve` asks where the hubs are, which
    /// may take seconds; without, only their names are known.
    pub(super) fn gate(&self, resolve: bool) -> Gate {
        let mut hub = Allowed::default();
        for recipient in &self.policy.recipients {
            let host = recipient.api_root.strip_prefix("https://").unwrap_or_default();
            let host = host.split('/').next().unwrap_or_default();
            let name = match host.rsplit_once(':') {
                Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
                _ => host,
            };
            let name = name.trim_matches(['[', ']']);
            hub.add(name);
            // A hub that cannot be found now has no address to be protected.
            let addresses = resolve.then(|| (name, HTTPS).to_socket_addrs().ok()).flatten();
            for address in addresses.into_iter().flatten() {
                hub.add(&address.ip().to_string());
            }
        }
        Gate::new(&self.site, &self.policy.allowed, &hub, &resolvers())
    }

    /// Where the indicators of a collection are kept.
    pub(super) fn indicators(&self, collection: &str) -> PathBuf {
        self.folder.join(format!("indicators-{collection}.jsonl"))
    }

    /// What waits for a recipient.
    pub(super) fn spool(&self, recipient: &Recipient) -> anyhow::Result<Spool<Folder>> {
        self.open(&recipient.collection, Folder::open)
    }

    /// What waits for a collector of syslog.
    pub(super) fn lines(&self, collector: &Collector) -> anyhow::Result<Spool<Folder>> {
        self.open(&of_lines(collector), Folder::open)
    }

    /// What waits for each recipient and collector, only looked at: another process may work there.
    pub(super) fn look(&self) -> anyhow::Result<Vec<(String, Spool<Looked>)>> {
        let recipients =
            self.policy.recipients.iter().map(|of| {
                (format!("recipient  {} ({})", of.name, of.api_root), of.collection.clone())
            });
        let collectors = self.policy.collectors.iter().map(|of| {
            let Collector { name, host, port, format, .. } = of;
            (format!("collector  {name} ({format} to {host}:{port})"), of_lines(of))
        });
        let looked = recipients
            .chain(collectors)
            .map(|(told, name)| Ok((told, self.open(&name, |path| Ok(Looked::at(path)))?)));
        looked.collect()
    }

    fn open<D: Disk>(
        &self,
        name: &str,
        disk: impl FnOnce(&Path) -> io::Result<D>,
    ) -> anyhow::Result<Spool<D>> {
        let path = self.folder.join(format!("spool-{name}"));
        let policy = &self.policy;
        let recipients = (policy.recipients.len() + policy.collectors.len()).max(1) as u64;
        let limits = Limits {
            bytes: (u64::from(self.policy.retention.spool_mib) << 20) / recipients,
            seconds: u64::from(self.policy.retention.spool_days) * 86_400,
            ..Limits::default()
        };
        let opened = disk(&path).and_then(|disk| Spool::open(disk, limits));
        opened.with_context(|| format!("cannot open {}", path.display()))
    }

    /// The folder of the log of what left.
    pub(super) fn audit(&self) -> PathBuf {
        self.folder.join("audit")
    }

    /// Takes the folder for this process alone, and makes it if need be: two that send from one
    /// spool would lose count. It is free again when the process ends, however it ends.
    pub(super) fn lock(&self) -> anyhow::Result<File> {
        lock(&self.folder)
    }

    /// Whether another process works in the folder now. Nothing is made, nothing is taken.
    pub(super) fn is_busy(&self) -> bool {
        let file = File::open(self.folder.join(LOCK));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

/// The name of the spool of a collector.
fn of_lines(collector: &Collector) -> String {
    format!("syslog-{}-{}", collector.host, collector.port)
}

/// Takes a folder for this process alone, and makes it if need be.
pub(super) fn lock(folder: &Path) -> anyhow::Result<File> {
    let shown = folder.display();
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the folder {shown}"))?;
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(false).mode(0o600);
    let file = file.open(folder.join(LOCK));
    let file = file.with_context(|| format!("cannot work in {shown}"))?;
    // Somebody who only looks has it for a moment.
    for attempt in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot work in {shown}"));
            }
            Err(TryLockError::WouldBlock) if attempt + 1 < LOCK_ATTEMPTS => {
                std::thread::sleep(LOCK_PAUSE);
            }
            Err(TryLockError::WouldBlock) => {}
        }
    }
    bail!("another process works in {shown}")
}

pub(super) fn policy(path: &Path) -> anyhow::Result<Policy> {
    match Policy::load(path) {
        Ok(policy) => Ok(policy),
        Err(problems) => bail!("sharing is off: {}", problems.join("\n")),
    }
}

/// Calls `take` with each line of a file; lines that are too long are passed over.
pub(super) fn lines(path: &Path, take: &mut dyn FnMut(&[u8])) -> anyhow::Result<()> {
    let shown = path.display();
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let mut reader = io::BufReader::with_capacity(256 * 1024, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = io::Read::take(&mut reader, LINE_BYTES_MAX);
        let read = bounded.read_until(b'\n', &mut line);
        if read.with_context(|| format!("cannot read {shown}"))? == 0 {
            return Ok(());
        }
        if line.last() == Some(&b'\n') || (line.len() as u64) < LINE_BYTES_MAX {
            take(&line);
        } else {
            reader.skip_until(b'\n').with_context(|| format!("cannot read {shown}"))?;
        }
    }
}
