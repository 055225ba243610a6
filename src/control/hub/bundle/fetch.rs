//! Rules of the centre, fetched by the sensor itself: from where the policy says, as often as it says,
//! with the same checks as by hand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::format::BYTES_MAX;
use super::shelf::Shelf;
use super::{FOLDER, Installed, Refusal, install};
use crate::control::config::Config;
use crate::control::hub::client::{Client, Fetched};
use crate::control::hub::place::{Place, lock};
use crate::outputs::hub::policy::rules::Rules;
use crate::outputs::hub::snapshot::Looked;

/// Looks for newer rules.
pub(in super::super) struct Fetcher {
    asked: Rules,
    source: String,
    /// What the sensor loads rules with.
    config: Config,
    folder: PathBuf,
    client: Client,
    /// By what the server knows the last bundle again.
    tag: Option<String>,
    /// The last bundle, whatever became of it: a trial takes its time, and would end the same.
    last: Option<[u8; 32]>,
}

/// Where the rules in force are, once there are any.
pub(in super::super) fn current(folder: &Path) -> PathBuf {
    folder.join(FOLDER).join(super::shelf::CURRENT)
}

impl Fetcher {
    /// If the policy says that the sensor fetches rules itself.
    pub(in super::super) fn of(place: &Place, config: &Config) -> anyhow::Result<Option<Self>> {
        let asked = place.policy.rules.clone().filter(|rules| rules.fetch_seconds.is_some());
        let Some((asked, source)) = asked.and_then(|asked| Some((asked.clone(), asked.source?)))
        else {
            return Ok(None);
        };
        let client = Client::new(&place.policy.tls)?;
        let (config, folder) = (config.clone(), place.folder.join(FOLDER));
        Ok(Some(Self { asked, source, config, folder, client, tag: None, last: None }))
    }

    /// Between two looks.
    pub(in super::super) fn every(&self) -> Duration {
        Duration::from_secs(self.asked.fetch_seconds.unwrap_or(1).into())
    }

    /// The version in force.
    pub(in super::super) fn version(&self) -> Option<u64> {
        Shelf::open(&self.folder).ok()?.version()
    }

    /// Looks once: what came of it, and why it is not in force if it should be.
    pub(in super::super) fn once(&mut self) -> (Looked, Option<anyhow::Error>) {
        let fetched = self.client.fetch(&self.source, BYTES_MAX as u64, self.tag.as_deref());
        let Fetched { bytes, tag } = match fetched {
            Ok(Some(fetched)) => fetched,
            Ok(None) => return (Looked::Unchanged, None),
            Err(error) => return (Looked::Failed, Some(error)),
        };
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        if self.last == Some(hash) {
            self.tag = tag;
            return (Looked::Unchanged, None);
        }
        let (looked, error) = match self.install(&bytes) {
            Ok(Installed::Now(_)) => (Looked::Installed, None),
            Ok(Installed::Before(_)) => (Looked::Unchanged, None),
            Err(error) if is_refused(&error) => (Looked::Refused, Some(error)),
            // The disk, or somebody who does it by hand: it is tried again.
            Err(error) => return (Looked::Failed, Some(error)),
        };
        (self.tag, self.last) = (tag, Some(hash));
        (looked, error)
    }

    fn install(&self, bytes: &[u8]) -> anyhow::Result<Installed> {
        let _lock = lock(&self.folder)?;
        let shelf = Shelf::open(&self.folder).context("cannot keep rules")?;
        let mut said = Vec::new();
        let done = install(bytes, &self.asked, &self.config, &self.folder, &shelf, &mut said)?;
        if let Installed::Now(version) = done {
            let said = String::from_utf8_lossy(&said);
            tracing::info!("rules of the centre, version {version}, are in force: {}", said.trim());
        }
        Ok(done)
    }
}

/// Whether the bundle itself is what is wrong.
fn is_refused(error: &anyhow::Error) -> bool {
    error.is::<Refusal>() || error.is::<super::format::Unsound>()
}
