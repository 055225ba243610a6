//! The site as the commands of the exchange know it: its policy, its networks, its folder.

use std::io::{self, BufRead};
use std::net::ToSocketAddrs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

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
use crate::outputs::hub::policy::{Policy, Recipient};
use crate::outputs::hub::privacy::pseudonym::Keys;
use crate::outputs::hub::privacy::site::Site;
use crate::outputs::hub::spool::disk::Folder;
use crate::outputs::hub::spool::{Limits, Spool};
use crate::outputs::hub::stix::Stix;
use crate::time::Timestamp;

/// The port of HTTPS.
const HTTPS: u16 = 443;
/// A line of `eve.json` of more bytes is passed over.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

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
        let path = self.folder.join(format!("spool-{}", recipient.collection));
        let recipients = self.policy.recipients.len().max(1) as u64;
        let limits = Limits {
            bytes: (u64::from(self.policy.retention.spool_mib) << 20) / recipients,
            seconds: u64::from(self.policy.retention.spool_days) * 86_400,
            ..Limits::default()
        };
        let opened = Folder::open(&path).and_then(|disk| Spool::open(disk, limits));
        opened.with_context(|| format!("cannot open {}", path.display()))
    }

    /// The folder of the log of what left.
    pub(super) fn audit(&self) -> PathBuf {
        self.folder.join("audit")
    }

    /// Takes the folder for this process alone, and makes it if need be: two that send from one
    /// spool would lose count. It is free again when the process ends, however it ends.
    pub(super) fn lock(&self) -> anyhow::Result<UnixListener> {
        lock(&self.folder)
    }
}

/// Takes a folder for this process alone, and makes it if need be.
pub(super) fn lock(folder: &Path) -> anyhow::Result<UnixListener> {
    let shown = folder.display();
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make the folder {shown}"))?;
    let whole = std::fs::canonicalize(folder)?;
    let name = format!("rivellino-hub:{}", whole.display());
    let name = name.as_bytes();
    let name = name.get(name.len().saturating_sub(100)..).unwrap_or(name);
    let address = SocketAddr::from_abstract_name(name)?;
    UnixListener::bind_addr(&address).with_context(|| format!("another process works in {shown}"))
}

fn policy(path: &Path) -> anyhow::Result<Policy> {
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
