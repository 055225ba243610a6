//! What a hub is told: where it listens, whom it knows, what it keeps, and how much it takes.

#[cfg(feature = "nats")]
pub(super) mod relay;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::admit::ENVELOPE_OBJECTS_MAX;
use crate::net::AddressSet;

/// A file of more bytes is not read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Collections at most.
const COLLECTIONS_MAX: usize = 64;
/// Parties at most.
const PARTIES_MAX: usize = 1024;

/// The whole of `hub.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Config {
    /// Where sensors connect.
    pub(super) listen: SocketAddr,
    /// Where metrics are shown; of this machine alone.
    pub(super) metrics: Option<SocketAddr>,
    /// Where all is kept.
    pub(super) folder: PathBuf,
    /// The name of the service's root, a part of its addresses.
    #[serde(default = "root")]
    pub(super) root: String,
    /// For people.
    #[serde(default = "title")]
    pub(super) title: String,
    pub(super) tls: Tls,
    pub(super) collection: Vec<Collection>,
    #[serde(default)]
    pub(super) party: Vec<Party>,
    #[serde(default)]
    pub(super) quota: Quota,
    #[serde(default)]
    pub(super) quorum: Quorum,
    #[serde(default)]
    pub(super) gate: GateLists,
    #[serde(default)]
    pub(super) retention: Retention,
    /// Other hubs.
    #[cfg(feature = "nats")]
    pub(super) relay: Option<relay::Relay>,
    #[cfg(not(feature = "nats"))]
    relay: Option<toml::Value>,
}

fn root() -> String {
    "hub".to_owned()
}

fn title() -> String {
    "Rivellino hub".to_owned()
}

/// Files of the mutual TLS, PEM, relative to the configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Tls {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    /// The roots that certificates of sensors have to come from.
    pub(super) clients: PathBuf,
    /// Certificates that hold no more.
    pub(super) revoked: Option<PathBuf>,
}

/// What a collection is for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// Sensors write to it and read there what they wrote; parties that may read see all.
    Inbox,
    /// The hub writes to it what enough towns saw, parties what they publish; everybody reads.
    Indicators,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Collection {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) kind: Kind,
}

/// Somebody who is no sensor: a centre, an analyst, a hub above.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Party {
    /// The URI in its certificate.
    pub(super) uri: String,
    /// Whether it reads what sensors sent.
    #[serde(default)]
    pub(super) read: bool,
    /// Whether it publishes indicators.
    #[serde(default)]
    pub(super) publish: bool,
}

/// How much one sensor, or one party, may do.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Quota {
    pub(super) requests_per_minute: u32,
    pub(super) objects_per_minute: u32,
    pub(super) mib_per_minute: u32,
    pub(super) objects_per_day: u64,
    /// Indicators that count towards a quorum.
    pub(super) indicators_per_day: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            requests_per_minute: 600,
            objects_per_minute: 6_000,
            mib_per_minute: 16,
            objects_per_day: 100_000,
            indicators_per_day: 1_000,
        }
    }
}

/// When what sensors saw goes to all.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Quorum {
    /// Towns that have to see the same.
    pub(super) communes: usize,
    /// Days within which they do.
    pub(super) days: u32,
    /// Days for which the indicator then holds.
    pub(super) valid_days: u32,
}

impl Default for Quorum {
    fn default() -> Self {
        Self { communes: 3, days: 7, valid_days: 30 }
    }
}

/// What is never an indicator, beside what never is anywhere.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct GateLists {
    /// Networks of towns and of services that the public depends on.
    pub(super) networks: Vec<String>,
    /// Their domains.
    pub(super) names: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Retention {
    /// Days for which objects are kept.
    pub(super) days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 30 }
    }
}

impl Config {
    /// Reads the file; other files that it names are relative to it.
    pub(super) fn load(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let size = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.len();
        if size > FILE_BYTES_MAX {
            bail!("{shown}: {size} bytes; at most {FILE_BYTES_MAX} are read");
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        let mut config: Self = toml::from_str(&text).with_context(|| format!("{shown}"))?;
        config.sound().with_context(|| format!("{shown}"))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let tls = &mut config.tls;
        let files = [&mut tls.certificate, &mut tls.key, &mut tls.clients, &mut config.folder];
        for file in files.into_iter().chain(tls.revoked.as_mut()) {
            *file = folder.join(&*file);
        }
        #[cfg(feature = "nats")]
        for file in config.relay.iter_mut().flat_map(relay::Relay::files) {
            *file = folder.join(&*file);
        }
        Ok(config)
    }

    fn sound(&self) -> anyhow::Result<()> {
        let plain = |text: &str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !plain(&self.root) || self.root == "taxii2" {
            bail!("root {:?}: letters, digits and -, and not taxii2", self.root);
        }
        if self.collection.is_empty() || self.collection.len() > COLLECTIONS_MAX {
            bail!("write 1 to {COLLECTIONS_MAX} sections [[collection]]");
        }
        if let Some(wrong) = self.collection.iter().find(|of| !plain(&of.id)) {
            bail!("collection {:?}: an identifier has letters, digits and - (a UUID)", wrong.id);
        }
        let mut ids: Vec<_> = self.collection.iter().map(|of| &of.id).collect();
        ids.sort();
        if ids.windows(2).any(|pair| pair.first() == pair.last()) {
            bail!("two collections have one identifier");
        }
        if self.collection.iter().filter(|of| of.kind == Kind::Indicators).count() > 1 {
            bail!("one collection of the kind indicators is enough");
        }
        if self.party.len() > PARTIES_MAX {
            bail!("at most {PARTIES_MAX} sections [[party]]");
        }
        if let Some(metrics) = self.metrics.filter(|address| !address.ip().is_loopback()) {
            bail!("metrics = {metrics}: has to be an address of this machine alone, 127.0.0.1");
        }
        let quota = self.quota;
        if (quota.objects_per_minute as usize) < ENVELOPE_OBJECTS_MAX
            || quota.requests_per_minute == 0
            || quota.mib_per_minute == 0
        {
            bail!(
                "quota: at least {ENVELOPE_OBJECTS_MAX} objects, one request and one MiB a minute"
            );
        }
        let Quorum { communes, days, valid_days } = self.quorum;
        if communes == 0 || !(1..=90).contains(&days) || !(1..=90).contains(&valid_days) {
            bail!("quorum: communes from 1, days and valid-days from 1 to 90");
        }
        if !(1..=3650).contains(&self.retention.days) {
            bail!("retention: days from 1 to 3650");
        }
        #[cfg(feature = "nats")]
        if let Some(relay) = &self.relay {
            let collections: Vec<&str> = self.collection.iter().map(|of| of.id.as_str()).collect();
            relay.sound(&collections)?;
        }
        #[cfg(not(feature = "nats"))]
        if self.relay.is_some() {
            bail!("relay: this program was built without the feature nats");
        }
        self.networks().map(drop)
    }

    /// The networks of the gate.
    pub(super) fn networks(&self) -> anyhow::Result<AddressSet> {
        let mut set = AddressSet::default();
        for text in &self.gate.networks {
            let (address, prefix) = network(text)
                .with_context(|| format!("gate.networks: {text:?} is no network: 192.0.2.0/24"))?;
            set.add(&AddressSet::network(address, prefix));
        }
        Ok(set)
    }
}

/// An address, or a network as `192.0.2.0/24`.
pub(super) fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => most,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        Some(_) => return None,
    };
    (prefix <= most).then_some((address, prefix))
}
